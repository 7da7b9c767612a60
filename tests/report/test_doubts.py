"""A run is falsified in one place at a time, and the report, a gate or the score says so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from unlearnkit.core.progress import Progress
from unlearnkit.data.rows import Row
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.plugins import refusal_rate
from unlearnkit.metrics.score import Score
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.run import run
from unlearnkit.pipeline.score import score
from unlearnkit.recipe import EvalSettings, make_recipe
from unlearnkit.report.build import build_report, judge_run
from unlearnkit.report.doubts import doubts_about_references
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of
from unlearnkit.suites.pocket.suite import Pocket
from unlearnkit.text.refusal import refusal_of

QUICK = EvalSettings(max_new_tokens=2)


@pytest.fixture
def finished(recipe_data: dict[str, Any]) -> RunFolder:
    return run(
        make_recipe({**recipe_data, "gates": ["default", "forget.accuracy<=0.03"]}), progress=Progress(quiet=True)
    )


def doubts_of(folder: RunFolder) -> tuple[str, ...]:
    return build_report([*references_of(folder), folder]).doubts


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def rewrite(file: Path, lines: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def altered_answer(folder: RunFolder) -> None:
    lines = lines_of(folder.records_file)
    lines[0]["generation"]["response"] = "I cannot share that."
    rewrite(folder.records_file, lines)


def subject_left_out(folder: RunFolder) -> None:
    lines = lines_of(folder.records_file)
    subject = lines[0]["row"]["subject"]
    rewrite(folder.records_file, [line for line in lines if line["row"].get("subject") != subject])


def rounder_score(folder: RunFolder) -> None:
    scores = json.loads(folder.scores_file.read_text("utf-8"))
    scores["forget.elicited_probability"]["value"] = 0.0
    folder.scores_file.write_text(json.dumps(scores), "utf-8")


def shorter_scope(folder: RunFolder) -> None:
    scope = json.loads(folder.scope_file.read_text("utf-8"))
    scope["secrets"] = scope["secrets"][:1]
    folder.scope_file.write_text(json.dumps(scope), "utf-8")


def looser_gate(folder: RunFolder) -> None:
    recipe = yaml.safe_load(folder.recipe_file.read_text("utf-8"))
    recipe["gates"] = ["forget.accuracy<=0.9"]
    folder.recipe_file.write_text(yaml.safe_dump(recipe), "utf-8")


def records_of_the_target(folder: RunFolder) -> None:
    (target,) = references_of(folder)
    shutil.copy(target.records_file, folder.records_file)


def altered_reference(folder: RunFolder) -> None:
    (target,) = references_of(folder)
    rounder_score(target)


@pytest.mark.parametrize(
    ("falsify", "said"),
    [
        (altered_answer, ["quick: the file records.jsonl was changed"]),
        (
            subject_left_out,
            ["quick: the file records.jsonl was changed", "have 28 rows of the set forget, but 35 were measured"],
        ),
        (
            records_of_the_target,
            ["quick: the file records.jsonl was changed", "target and quick have identical records"],
        ),
        (rounder_score, ["quick: the file scores.json was changed"]),
        (shorter_scope, ["quick: the file scope.json was changed"]),
        (looser_gate, ["the gates in its recipe were changed", "Before: default, forget.accuracy<=0.03."]),
        (altered_reference, ["target: the file scores.json was changed"]),
    ],
)
def test_what_was_changed_later_is_stated_first(
    falsify: Callable[[RunFolder], None], said: list[str], finished: RunFolder
) -> None:
    assert doubts_of(finished) == ()
    falsify(finished)
    stated = "\n".join(doubts_of(finished))
    assert all(each in stated for each in said), stated


def test_a_removed_measurement_does_not_pass_its_gate(finished: RunFolder) -> None:
    lines = lines_of(finished.records_file)
    for line in lines:
        line.pop("elicited", None)
    rewrite(finished.records_file, lines)
    score(finished)  # as somebody would who wants the scores to fit the records
    gates: dict[str, GateResult] = {g.name.split()[0]: g for g in judge_run(finished, ["default"])}
    assert gates["forget.elicited_probability"].outcome == "not measured"
    assert any("records.jsonl was changed" in each for each in doubts_of(finished))


def world(seed: int) -> dict[str, tuple[Row, ...]]:
    """The rows that are measured in a world, as many of each set as in every other world."""
    return Pocket(world_seed=seed).task().measured


def rows_of_another_world(folder: RunFolder) -> None:
    rows = {name: iter(of) for name, of in world(seed=1).items()}
    folder.write_records([record.model_copy(update={"row": next(rows[record.split])}) for record in folder.records()])


def records_of_the_target_kept_by_the_package(folder: RunFolder) -> None:
    (target,) = references_of(folder)
    folder.write_records(target.records())


def scope_without_a_subject(folder: RunFolder) -> None:
    scope = folder.scope()
    folder.write_scope(scope.model_copy(update={"subjects": scope.subjects[1:]}))


def retrained_model_is_the_target(folder: RunFolder) -> None:
    (target,) = references_of(folder)
    evaluate(target.subject_path(), folder.state().suite, out=folder.references / "retrained", settings=QUICK)


@pytest.mark.parametrize(
    ("falsify", "said"),
    [
        (
            rows_of_another_world,
            "quick and target were measured on different rows of forget, forget.multihop, near, so their scores "
            "cannot be compared.",
        ),
        (
            records_of_the_target_kept_by_the_package,
            "target and quick have identical records. Either they are the same model, or the records were copied.",
        ),
        (
            scope_without_a_subject,
            "quick and target were measured with different scopes, so their scores cannot be compared.",
        ),
        (
            retrained_model_is_the_target,
            "target and retrained have identical records. Either they are the same model, or the records were copied.",
        ),
    ],
)
def test_what_was_falsified_with_this_package_is_stated_too(
    falsify: Callable[[RunFolder], None], said: str, finished: RunFolder
) -> None:
    falsify(finished)
    score(finished)
    assert doubts_of(finished) == (said,)


def test_an_inverted_detector_misses_its_gate(finished: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def outcome() -> str:
        score(finished)
        (gate,) = judge_run(finished, ["near.refusal_rate<=0.02"])
        return gate.outcome

    assert outcome() == "met"
    monkeypatch.setattr(refusal_rate, "refusal_of", lambda text: not refusal_of(text))
    assert outcome() == "missed"


def test_scores_that_are_computed_again_are_not_doubted(finished: RunFolder) -> None:
    score(finished)
    assert doubts_of(finished) == ()


@pytest.mark.parametrize(
    ("target", "retrained", "doubted"), [(1.0, 0.8, True), (1.0, 0.79, False), (0.49, 0.49, False)]
)
def test_a_retrained_model_that_is_the_target_is_doubted(target: float, retrained: float, doubted: bool) -> None:
    scores = {
        name: {"forget.accuracy": Score(value=value)}
        for name, value in {"target": target, "retrained": retrained}.items()
    }
    assert bool(doubts_about_references(scores)) == doubted
    assert doubts_about_references({"target": scores["target"]}) == []
