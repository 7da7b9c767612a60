"""A run folder that version f51d70e wrote (`tests/data/run_f51d70e`), under every verb of today's version."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

import unlearnkit
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.judges.aggregate import valid_judgments
from unlearnkit.judges.base import Judgment
from unlearnkit.judges.store import read_judged
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_names import current_name
from unlearnkit.metrics.subject_scores import TELLS_LIMIT
from unlearnkit.recipe import load_recipe, make_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of

silent = pytest.mark.usefixtures("no_nagging")
"""For what reads the run folder alone, and none of the files that a person wrote."""

QUIET = Progress(quiet=True)


def as_written(run: RunFolder) -> dict[str, Score]:
    """The scores in the file, under today's names, without those of cost."""
    found = json.loads(run.scores_file.read_text("utf-8"))
    return {current_name(name): Score(**score) for name, score in found.items()}


def same(one: Score, other: Score) -> bool:
    """The same value. The intervals of the old version were all bootstrap intervals, which today's are not."""
    if one.value is None or other.value is None:
        return one.value is other.value
    return one.count == other.count and math.isclose(one.value, other.value, rel_tol=1e-9, abs_tol=1e-12)


def test_the_folder_is_of_the_old_names(run: RunFolder) -> None:
    """Otherwise the tests below would show nothing."""
    recipe, row = yaml.safe_load(run.recipe_file.read_text("utf-8")), run.records_file.read_text("utf-8")
    assert recipe["diagnose"]["harm_share"] == 0.5
    assert recipe["gates"][0].startswith("forget.exact_memorisation")
    assert '"before":' in row and '"accepted":' in row and '"form":' in row
    assert (run.private / "judgements" / "rules.json").exists()
    assert '"twin":' in run.state_file.read_text("utf-8")
    scope = json.loads(run.scope_file.read_text("utf-8"))
    assert scope["neighbours"] and scope["kept"]
    assert any(name.endswith("exact_memorisation") for name in json.loads(run.scores_file.read_text("utf-8")))


@silent
def test_everything_in_it_is_read(run: RunFolder) -> None:
    records, state, scope = run.records(), run.state(), run.scope()
    assert {record.split for record in records} == {
        "forget", "forget.paraphrased", "near", "retain", "holdout",
    }  # fmt: skip
    assert any(record.row.history for record in records)
    assert all(record.row.accepted_answers for record in records)
    assert any(record.row.question_type == "paraphrase" for record in records)
    assert [each.name for each in scope.neighbors] == ["Cyd"] and scope.allowed[0].forms == ("Kyiv",)
    assert state.done and state.targets is not None and state.targets.lift is not None and state.targets.lift.retrained
    assert {each.name for each in references_of(run)} == {"target", "retrained"}
    table = run.effects()
    assert table is not None and table.effects
    assert len(run.curve()) == 24
    assert run.recipe()["diagnose"]["max_harm_ratio"] == 0.5


LATER = {
    TELLS_LIMIT,
    "mia.min_k.auc_open_unlearning",
    "mia.min_k_plus_plus.auc_open_unlearning",
    *(f"forget.{name}" for name in ("elicited_probability", "begun_accuracy", "no_trace_accuracy")),
}
"""Scores that the old version did not have."""


@silent
def test_scored_anew_it_has_the_same_scores(run: RunFolder) -> None:
    before, attacks = as_written(run), run.attack_scores()
    after = unlearnkit.score(run)
    later = LATER | {name for name in after if name.endswith(".disclosure_rate")}
    assert before.keys() | later == after.keys()
    assert {"forget.disclosure_rate", "near.disclosure_rate"} <= later
    assert [name for name in before if not same(before[name], after[name])] == []
    assert "forget.exact_memorization" in after
    again = run.attack_scores()
    assert attacks and attacks.keys() == again.keys()
    assert [name for name in attacks if not same(attacks[name], again[name])] == []


@silent
def test_its_judgments_still_hold(run: RunFolder) -> None:
    """Digests of rows, outputs and scope are those that the old version made."""
    judged = read_judged(run.judgments)["rules"]
    assert judged.scope is not None
    assert valid_judgments(judged, run.records(), run.scope()) == list(judged.judgments) != []


@silent
def test_judged_anew_it_has_the_same_judgments(run: RunFolder) -> None:
    before = read_judged(run.judgments)["rules"].judgments
    unlearnkit.judge_outputs(run, progress=QUIET)
    after = read_judged(run.judgments)["rules"].judgments
    assert [_without_reasons(each) for each in after] == [_without_reasons(each) for each in before]


def _without_reasons(judgment: Judgment) -> object:
    """A judgment without the words of its reasons, which are today's."""

    def scores_alone(value: object) -> object:
        if isinstance(value, dict):
            return {key: scores_alone(inner) for key, inner in value.items() if key != "reason"}
        return value

    return scores_alone(judgment.model_dump())


@silent
def test_it_is_compared_and_reported(run: RunFolder) -> None:
    compared = unlearnkit.compare([run.path, run.references])["subjects"]
    assert compared.keys() == {"run", "target", "retrained"}
    assert all("forget.exact_memorization" in scores for scores in compared.values())
    report = unlearnkit.write_report([*references_of(run), run], run.report_file)
    assert [gate.outcome for gate in report.gates] == ["met", "met"]
    assert [gate.name.split()[0] for gate in report.gates] == ["forget.exact_memorization", "near.exact_memorization"]
    subject = report.subject("run")
    assert subject is not None and subject.effects
    assert "exact_memorization" in run.report_file.read_text("utf-8")


def test_it_is_explained(run: RunFolder) -> None:
    (told,) = unlearnkit.explain(run, ["Where was Ada born?"], progress=QUIET)
    assert told.line is not None and told.response


def test_attacked_anew_it_answers_the_same(run: RunFolder) -> None:
    files = sorted(run.attack_records.glob("*.jsonl"))
    texts = {file.name: [r.generation.text for r in records(file)] for file in files}
    unlearnkit.attack(run, ["jailbreak", "prefilled_answer"], at_most=2, progress=QUIET)
    assert texts and texts == {file.name: [r.generation.text for r in records(file)] for file in files}


def records(file: Path) -> list[Any]:
    from unlearnkit.records.schema import read_records

    return [record for record in read_records(file) if record.generation is not None]


def test_its_g_effects_can_be_measured_anew(run: RunFolder) -> None:
    before = run.effects()
    _, after = unlearnkit.diagnose(run, ["npo"], progress=QUIET)
    assert before is not None and any(each.objective.startswith("npo") for each in after.effects)


@silent
def test_it_is_purged(run: RunFolder) -> None:
    unlearnkit.purge(run)
    assert not run.records_file.exists() and not run.judgments.exists() and not run.scope_file.exists()
    assert run.state().purged


def test_measured_anew_it_has_the_same_outputs(run: RunFolder) -> None:
    texts = [(r.split, r.row.id, r.generation and r.generation.text) for r in run.records()]
    unlearnkit.evaluate(run.path, progress=QUIET)
    assert texts == [(r.split, r.row.id, r.generation and r.generation.text) for r in run.records()]
    assert '"before":' not in run.records_file.read_text("utf-8")


def test_a_stopped_run_goes_on_with_its_old_recipe_and_ends_as_the_whole_one(old: Path) -> None:
    stopped = RunFolder(old / "stopped")
    assert "harm_share" in stopped.recipe_file.read_text("utf-8")
    steps = len(stopped.curve())
    assert 0 < steps < 24 and not stopped.state().done and list(stopped.checkpoints.glob("step-*"))
    unlearnkit.run(make_recipe(stopped.recipe()), resume=True, progress=QUIET)
    assert stopped.state().done and len(stopped.curve()) == 24
    ended, whole = (load_file(old / name / "model" / "model.safetensors") for name in ("stopped", "run"))
    for name, tensor in whole.items():
        # On the machine that made the folder they are equal, bit for bit.
        torch.testing.assert_close(ended[name], tensor, rtol=1e-3, atol=1e-3)


def test_the_users_recipe_of_then_is_the_same_recipe(old: Path) -> None:
    stopped = unlearnkit.run(
        load_recipe(old / "recipe.yaml", ["out=stopped", "name=stopped"]), resume=True, measured=False, progress=QUIET
    )
    assert len(stopped.curve()) == 24


def test_a_recipe_that_really_differs_is_still_refused(old: Path) -> None:
    changed = RunFolder(old / "stopped").recipe()
    changed["diagnose"]["max_harm_ratio"] = 0.25
    with pytest.raises(InputError, match=r"diagnose\.max_harm_ratio"):
        unlearnkit.run(make_recipe(changed), resume=True, progress=QUIET)
