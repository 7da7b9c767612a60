"""TOFU from its files to its scores, against an implementation that shares nothing with ours."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.pocket_tofu import pocket_model, write_pocket_tofu
from tests.suites import slow_tofu as slow
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.metrics.score import Score
from unlearnkit.models import load
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import EvalSettings, make_recipe, make_suite
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of

QUIET, TOKENS, CLOSE = Progress(quiet=True), 24, 1e-6
KEPT = {"retain": "retain_perturbed", "real_authors": "real_authors_perturbed", "world_facts": "world_facts_perturbed"}
FACTS = ("real_authors_perturbed", "world_facts_perturbed")


@pytest.fixture(scope="module")
def pocket(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Data, two models, and the run of the subject measured against the retrained one."""
    root = tmp_path_factory.mktemp("tofu")
    data = write_pocket_tofu(root / "data")
    subject = pocket_model(data, root / "full", learns=("retain99", "forget01_perturbed", *FACTS), seed=1)
    retrained = pocket_model(data, root / "kept", learns=("retain99", *FACTS), seed=2)
    suite = {"name": "tofu", "split": "forget01", "retrained": retrained, "data": {"path": str(data)}}
    settings = EvalSettings(max_new_tokens=TOKENS)
    with pytest.MonkeyPatch.context() as patch:
        # As the slow implementation: float32's rounding of a log-probability of 14 nats is near the bound.
        patch.setitem(load.DTYPES, "float32", torch.float64)
        run = evaluate(subject, suite, out=root / "run", settings=settings, progress=QUIET)
    return {"data": data, "run": run, "suite": suite, "subject": subject, "retrained": retrained}


@pytest.fixture(scope="module")
def models(pocket: dict[str, Any]) -> Iterator[tuple[slow.Slow, slow.Slow]]:
    yield slow.Slow(pocket["subject"]), slow.Slow(pocket["retrained"])


@pytest.fixture(scope="module")
def scores(pocket: dict[str, Any]) -> dict[str, Score]:
    found: dict[str, Score] = pocket["run"].scores()
    return found


def rows(pocket: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (pocket["data"] / f"{name}.json").read_text("utf-8").splitlines()]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def about(expected: Any) -> Any:
    return pytest.approx(expected, abs=CLOSE)


def agrees(score: Score, expected: float) -> None:
    assert score.value == pytest.approx(expected, abs=CLOSE, rel=CLOSE)


def test_token_by_token(pocket: dict[str, Any], models: tuple[slow.Slow, slow.Slow]) -> None:
    for record in pocket["run"].records():
        row, tokens = record.row, record.tokens
        said, table = models[0].table(row.question, row.answer)
        assert len(tokens.logps) == len(said)
        mu = (table.exp() * table).sum(-1)
        for i, token in enumerate(said):
            assert tokens.logps[i] == about(float(table[i, token]))
            assert tokens.mean_logps[i] == about(float(mu[i]))
            assert tokens.var_logps[i] == about(float((table[i].exp() * (table[i] - mu[i]) ** 2).sum()))
            assert tokens.ranks[i] == int((table[i] > table[i, token]).sum())
        for answer, logps in zip(row.perturbed_answer, record.perturbed, strict=True):
            assert logps == about(models[0].logps(row.question, answer))
        if row.paraphrased_answer:
            assert record.paraphrased == about(models[0].logps(row.question, row.paraphrased_answer))


def test_what_is_said(pocket: dict[str, Any], models: tuple[slow.Slow, slow.Slow]) -> None:
    spoken = [record for record in pocket["run"].records() if record.generation is not None]
    assert {record.split for record in spoken} == {
        "forget", "forget.paraphrased", "retain", "utility.real_authors", "utility.world_facts",
    }  # fmt: skip
    for record in spoken[::3]:
        assert record.generation.response == models[0].greedy(record.row.question, TOKENS)


def test_probability_recall_and_memorization(
    pocket: dict[str, Any], models: tuple[slow.Slow, slow.Slow], scores: dict[str, Score]
) -> None:
    subject = models[0]
    for name, file in {"forget": "forget01_perturbed", "retain": "retain_perturbed"}.items():
        members = rows(pocket, file)
        agrees(
            scores[f"tofu.{name}.probability"],
            mean([math.exp(subject.mean(r["question"], r["answer"])) for r in members]),
        )
        recalls = [slow.recall(r["answer"], subject.greedy(r["question"], TOKENS)) for r in members]
        agrees(scores[f"tofu.{name}.rouge1_recall"], mean([one for one, _ in recalls]))
        agrees(scores[f"tofu.{name}.rougeL_recall"], mean([long for _, long in recalls]))
        found = [slow.extraction(subject, r) for r in members]
        agrees(scores[f"tofu.{name}.extraction_strength"], mean([strength for strength, _ in found]))
        agrees(scores[f"tofu.{name}.exact_memorization"], mean([share for _, share in found]))
        found = [slow.extraction_without_end(subject, r) for r in members]
        agrees(scores[f"tofu.{name}.extraction_strength_open_unlearning"], mean([strength for strength, _ in found]))
        agrees(scores[f"tofu.{name}.exact_memorization_open_unlearning"], mean([share for _, share in found]))
    for name, file in {"forget": "forget01_perturbed", **KEPT}.items():
        shares = [slow.share(subject, r) for r in rows(pocket, file)]
        agrees(scores[f"tofu.{name}.truth_share_open_unlearning"], mean(shares))
    for name in ("real_authors", "world_facts"):
        members = rows(pocket, KEPT[name])
        agrees(scores[f"tofu.{name}.probability"], mean([slow.option(subject, r) for r in members]))
        agrees(
            scores[f"tofu.{name}.probability_open_unlearning"], mean([slow.option(subject, r, 1e-10) for r in members])
        )


RATIOS = {
    "": slow.truth_ratio,
    "_tofu_code": lambda model, row: slow.geometric_ratio(model, row, 0.0),
    "_open_unlearning": lambda model, row: slow.geometric_ratio(model, row, 1e-10),
}


@pytest.mark.parametrize("variant", RATIOS)
def test_truth_ratios_utility_and_forget_quality(
    variant: str, pocket: dict[str, Any], models: tuple[slow.Slow, slow.Slow], scores: dict[str, Score]
) -> None:
    subject, retrained = models
    ratio, parts = RATIOS[variant], {}
    for name, file in KEPT.items():
        members = rows(pocket, file)
        epsilon = 1e-10 if variant == "_open_unlearning" else 0.0
        truth = mean([max(0.0, 1 - ratio(subject, r)) for r in members])
        recall = mean([slow.recall(r["answer"], subject.greedy(r["question"], TOKENS))[1] for r in members])
        plain = [math.exp(subject.mean(r["question"], r["answer"])) for r in members]
        probability = mean(plain if name == "retain" else [slow.option(subject, r, epsilon) for r in members])
        agrees(scores[f"tofu.{name}.truth_ratio{variant}"], truth)
        parts[name] = [probability, recall, truth]
    every = [value for part in parts.values() for value in part]
    agrees(scores[f"tofu.model_utility{variant}"], len(every) / sum(1 / v for v in every) if all(every) else 0.0)
    agrees(scores[f"tofu.retain_utility{variant}"], 3 / sum(1 / v for v in parts["retain"]))
    forget = rows(pocket, "forget01_perturbed")
    ours, theirs = ([ratio(model, r) for r in forget] for model in (subject, retrained))
    agrees(scores[f"tofu.forget.truth_ratio{variant}"], mean([min(r, 1 / r) for r in ours]))
    expected = slow.p_value(ours, theirs)
    agrees(scores[f"tofu.forget_quality{variant}"], expected)
    agrees(scores[f"tofu.log_forget_quality{variant}"], math.log(expected))


def test_membership_and_privleak(
    pocket: dict[str, Any], models: tuple[slow.Slow, slow.Slow], scores: dict[str, Score]
) -> None:
    subject, retrained = models
    forget, holdout = rows(pocket, "forget01_perturbed"), rows(pocket, "holdout01")
    sides = [[slow.attacks(subject, retrained, row) for row in side] for side in (forget, holdout)]
    for name in sides[0][0]:
        expected = slow.area(*([found[name] for found in side] for side in sides))
        agrees(scores[f"tofu.mia.{name}.auc"], expected)
    theirs = [[slow.lowest(retrained.logps(r["question"], r["answer"])) for r in side] for side in (forget, holdout)]
    # MUSE counts the area the other way round.
    here, there = 1 - (scores["tofu.mia.min_k.auc"].value or 0), 1 - slow.area(*theirs)
    agrees(scores["tofu.privleak"], 100 * (here - there) / there)


def test_membership_and_privleak_without_the_end_token(
    pocket: dict[str, Any], models: tuple[slow.Slow, slow.Slow], scores: dict[str, Score]
) -> None:
    forget, holdout = rows(pocket, "forget01_perturbed"), rows(pocket, "holdout01")
    areas = []
    for model in models:
        sides = [[slow.attacks_without_end(model, row) for row in side] for side in (forget, holdout)]
        areas.append({name: slow.area(*([found[name] for found in side] for side in sides)) for name in sides[0][0]})
    for name, expected in areas[0].items():
        agrees(scores[f"tofu.mia.{name}.auc_open_unlearning"], expected)
    here, there = (1 - area["min_k"] for area in areas)
    agrees(scores["tofu.privleak_open_unlearning"], 100 * (here - there) / (there + 1e-10))
    assert here != 1 - (scores["tofu.mia.min_k.auc"].value or 0)  # the end token makes a difference here


def test_the_test_would_notice(scores: dict[str, Score]) -> None:
    """The models know enough, and differ enough, for the numbers above to be of some use."""
    assert 0.05 < (scores["tofu.forget.probability"].value or 0) < 0.999
    assert (scores["tofu.retain.rougeL_recall"].value or 0) > 0
    assert 0 < (scores["tofu.forget_quality"].value or 0) < 1
    assert scores["tofu.mia.min_k.auc"].value not in (None, 0.5)


def test_without_a_retrained_model_what_needs_one_is_not_measured(pocket: dict[str, Any], tmp_path: Path) -> None:
    """And gradients may be left out."""
    suite, settings = {**pocket["suite"], "retrained": None}, EvalSettings(max_new_tokens=2, gradients=False)
    run = evaluate(pocket["subject"], suite, out=tmp_path / "run", settings=settings, progress=QUIET)
    unmeasured = {n for n, score in run.scores().items() if score.value is None and n.startswith("tofu.")}
    assert unmeasured == {
        "tofu.privleak", "tofu.mia.reference.auc", "tofu.mia.grad_norm.auc",
        *(f"tofu.{log}forget_quality{v}" for log in ("", "log_") for v in RATIOS),
    }  # fmt: skip
    assert not run.references.exists()


def test_the_retrained_model_scores_as_itself(pocket: dict[str, Any]) -> None:
    reference = RunFolder(pocket["run"].references / "retrained")
    assert reference.scores()["tofu.forget_quality"].value == pytest.approx(1.0)
    assert reference.scores()["tofu.privleak"].value == pytest.approx(0.0)


def test_what_a_run_is_held_against_is_measured_after_training_where_it_was_not_before(
    pocket: dict[str, Any], tmp_path: Path
) -> None:
    suite = {key: value for key, value in pocket["suite"].items() if key != "data"}
    made = make_recipe(
        {
            "name": "later", "suite": suite, "data": pocket["suite"]["data"], "model": {"path": pocket["subject"]},
            "method": {"name": "ga"}, "train": {"epochs": None, "steps": 1}, "out": str(tmp_path / "later"),
            "eval": {"max_new_tokens": TOKENS, "gradients": False},
        }
    )  # fmt: skip
    folder = run(made, measured=False, progress=QUIET)
    assert folder.state().train is not None and not folder.references.exists()
    scores = run(made, resume=True, progress=QUIET).scores()
    assert {each.name for each in references_of(folder)} == {"target", "retrained"}
    assert scores["tofu.forget_quality"].value is not None  # it needs the retrained model's records


def test_a_broken_folder_is_told(tmp_path: Path) -> None:
    data = write_pocket_tofu(tmp_path / "data")
    suite = make_suite({"name": "tofu", "split": "forget01", "data": {"path": str(data)}})
    (data / "retain99.json").write_text('{"question": "Who?"}')
    with pytest.raises(InputError, match="no question or no answer"):
        suite.task()
    (write_pocket_tofu(data) / "holdout01.json").unlink()
    with pytest.raises(InputError, match="one of TOFU's files is missing"):
        make_suite({"name": "tofu", "split": "forget01", "data": {"path": str(data)}}).task()


def test_a_row_without_its_paraphrase_is_told(tmp_path: Path) -> None:
    data = write_pocket_tofu(tmp_path / "data")
    file = data / "forget01_perturbed.json"
    file.write_text(file.read_text("utf-8").replace('"paraphrased_question": "Which', '"other": "Which'), "utf-8")
    with pytest.raises(InputError, match="no paraphrased question") as caught:
        make_suite({"name": "tofu", "split": "forget01", "data": {"path": str(data)}}).task()
    assert "forget01_perturbed.json" in caught.value.render()


def test_no_retain_row_is_held_out_unless_asked_and_the_measured_ones_never_are(pocket: dict[str, Any]) -> None:
    plain = make_suite(pocket["suite"]).task()
    assert "retain.held_out" not in plain.measured
    asked = make_suite({**pocket["suite"], "data": {**pocket["suite"]["data"], "retain_held_out": 0.2}}).task()
    held, trained = asked.measured["retain.held_out"], asked.splits["retain"]
    assert held and len(held) + len(trained) == len(plain.splits["retain"])
    assert asked.measured["retain"] == plain.measured["retain"]
    questions = {row.question for row in held}
    assert questions.isdisjoint(row.question for row in (*trained, *asked.measured["retain"]))
