"""Every sentence of the verdict, word for word, in the cases that decide whether it is stated."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from unlearnkit.metrics.gates import GateResult, Outcome
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_doc import ScoreDoc, ScoreTable
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.report.adapter_note import without_adapter
from unlearnkit.report.headline import headline
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.verdict import Verdict, verdict
from unlearnkit.scope.scope import Scope, ScopeSubject

TABLE = ScoreTable("tests", "Tests")
DOCS = ScoreDocs(
    {
        "own.stated": ScoreDoc("The score", table=TABLE, verdict=True),
        "own.missing": ScoreDoc("Nothing", table=TABLE, verdict=True),
        "own.quiet": ScoreDoc("Quiet", table=TABLE),
        "own.test": ScoreDoc("The test", format="p-value", table=TABLE, verdict=True),
    }
)
SCOPE = Scope(description="x", task="profile", subjects=(ScopeSubject(name="Ada"),))
OWN = {
    "forget.accuracy": 0.12,
    "forget.refusal_rate": 0.4,
    "forget.multihop.accuracy": 0.25,
    "forget.multihop.refusal_rate": 0.35,
    "forget.paraphrased.accuracy": 0.2,
    "forget.paraphrased.refusal_rate": 0.3,
    "near.accuracy": 0.9,
    "near.refusal_rate": 0.01,
    "retain.held_out.accuracy": 0.85,
    "retain.held_out.refusal_rate": 0.02,
    "retain.accuracy": 0.95,
    "retain.refusal_rate": 0.03,
    "holdout.accuracy": 0.5,
    "forget.leak_rate": 0.11,
    "forget.paraphrased.leak_rate": 0.2,
    "near.leak_rate": 0.77,
    "forget.trace_leak_rate": 0.3,
}
TARGET = {
    "forget.accuracy": 1.0,
    "forget.paraphrased.accuracy": 0.99,
    "near.accuracy": 1.0,
    "retain.held_out.accuracy": 0.98,
    "retain.accuracy": 0.97,
}
RETRAINED = {"forget.accuracy": 0.3, "near.accuracy": 0.88}
FORGET = (
    "It answers 12 % of the forget questions correctly (target model: 100 %, retrained model: 30 %) and declines 40 %."
)
LEAKS = "On forget questions, it reveals a secret in 11–20 % of its responses and 30 % of its traces."


def scored(values: Mapping[str, float | None]) -> dict[str, Score]:
    return {
        flat: NOT_MEASURED if value is None else Score(value=value, count=80, subject=2)
        for flat, value in values.items()
    }


def judged(
    own: Mapping[str, float | None],
    *outcomes: Outcome,
    collapsed: bool = False,
    attacks: Mapping[str, float] | None = None,
    **references: Mapping[str, float],
) -> Verdict:
    """The verdict on a model with these scores. The gates of another model must not count."""
    run = SubjectReport(name="run", title="run", scores=scored(own), collapsed=collapsed, attacks=scored(attacks or {}))
    others = [SubjectReport(name=name, title=name, scores=scored(of)) for name, of in references.items()]
    gates = [GateResult(name=f"gate {n}", subject="run", outcome=each, why="") for n, each in enumerate(outcomes)]
    gates += [
        GateResult(name="other", subject="other", outcome=each, why="") for each in ("met", "missed", "not measured")
    ]
    report = Report(title="t", scope=SCOPE, subjects=(*others, run), docs=DOCS, gates=tuple(gates), created="today")
    return verdict(report, run)


def plain(sentences: tuple[str, ...]) -> list[str]:
    return [sentence.replace("\u202f", " ") for sentence in sentences]


def test_the_whole_verdict() -> None:
    found = judged(OWN, "met", "missed", target=TARGET, retrained=RETRAINED)
    assert plain(found.sentences) == [
        "It meets 1 of 2 gates.",
        FORGET,
        "On the other forms of the forget set (paraphrased, two hops), it answers 20–25 % of the questions correctly "
        "and declines 30–35 %.",
        "On the sets to keep (retain (not trained on), near), it answers 85–90 % of the questions correctly (target "
        "model: 98–100 %) and wrongly declines 1–2 %.",
        "On the retain rows that are trained on, it answers 95 % of the questions correctly (target model: 97 %) and "
        "wrongly declines 3 %.",
        LEAKS,
    ]
    assert (found.subject.name, found.missed, found.unknown) == ("run", ("gate 1",), ())


def test_what_was_not_measured_is_left_out() -> None:
    few = {flat: value for flat, value in OWN.items() if "held_out" not in flat and "paraphrased" not in flat}
    few |= {"forget.refusal_rate": None, "forget.trace_leak_rate": None, "near.refusal_rate": None}
    found = judged(few, "met")
    assert plain(found.sentences) == [
        "It meets every gate.",
        "It answers 12 % of the forget questions correctly.",
        "On the other forms of the forget set (two hops), it answers 25 % of the questions correctly and declines "
        "35 %.",
        "On the sets to keep (retain (trained on), near), it answers 90–95 % of the questions correctly and wrongly "
        "declines 3 %.",
        "On forget questions, it reveals a secret in 11 % of its responses.",
    ]
    traces = judged({"forget.trace_leak_rate": 0.3}, "met").sentences
    assert plain(traces)[1:] == ["On forget questions, it reveals a secret in 30 % of its traces."]


def test_a_model_that_only_declined_is_said_to_decline() -> None:
    found = judged({"forget.refusal_rate": 0.4, "near.accuracy": 0.9}, "met", target={"near.accuracy": 1.0})
    assert plain(found.sentences)[1:] == [
        "It declines 40 % of the forget questions.",
        "On the sets to keep (near), it answers 90 % of the questions correctly (target model: 100 %).",
    ]


@pytest.mark.parametrize(
    ("outcomes", "tone", "badge", "sentence"),
    [
        ((), "none", "no gates", "No gates were set, so there is no pass or fail."),
        (("met",), "good", "gate met", "It meets every gate."),
        (("met", "met"), "good", "all gates met", "It meets every gate."),
        (("met", "missed"), "mixed", "1 of 2 gates missed", "It meets 1 of 2 gates."),
        (("met", "missed", "missed"), "bad", "2 of 3 gates missed", "It meets 1 of 3 gates."),
        (("met", "missed", "not measured"), "mixed", "1 of 3 gates missed", "It meets 1 of 3 gates."),
        (("met", "not measured"), "none", "1 of 2 gates not measured", "It meets 1 of 2 gates."),
        (("not measured",), "none", "1 of 1 gates not measured", "It meets 0 of 1 gates."),
    ],
)
def test_the_badge_follows_from_the_gates(outcomes: tuple[Outcome, ...], tone: str, badge: str, sentence: str) -> None:
    found = judged({}, *outcomes)
    assert (found.tone, found.badge, found.sentences) == (tone, badge, (sentence,))
    named = {outcome: tuple(f"gate {n}" for n, each in enumerate(outcomes) if each == outcome) for outcome in outcomes}
    assert found.missed == named.get("missed", ()) and found.unknown == named.get("not measured", ())


def test_a_collapsed_model_passes_nothing() -> None:
    found = judged({}, "met", collapsed=True)
    assert (found.tone, found.badge) == ("bad", "collapsed")
    assert found.sentences == (
        "Training collapsed: it stopped at a non-finite loss. The scores are from the last finite checkpoint.",
        "It meets every gate.",
    )


def test_scores_of_the_suite_are_stated_beside_those_of_the_target_model() -> None:
    own = {"own.stated": 0.5, "own.missing": None, "own.quiet": 0.4, "own.test": 0.05}
    tested = "The test is 0.050: at the 5 % level, the test does not distinguish the model from the retrained model."
    assert judged(own, target={"own.stated": 0.9, "own.test": 0.8}).sentences[1:] == (
        "The score is 0.500 (target model: 0.900).",
        tested,
    )
    assert judged(own, target={"near.accuracy": 1.0}).sentences[1:] == ("The score is 0.500.", tested)
    assert judged(own).sentences[1:] == ("The score is 0.500.", tested)
    assert judged({"own.test": 0.04}).sentences[1:] == (
        "The test is 0.040: at the 5 % level, the test distinguishes the model from the retrained model.",
    )


def test_the_worst_attack_is_stated() -> None:
    def attacked(**accuracy: float) -> str:
        attacks = {f"{name}.forget.accuracy": value for name, value in accuracy.items()}
        (sentence,) = plain(judged({}, attacks=attacks).sentences[1:])
        return sentence

    rest = (
        "The retrained model was not attacked in the same way, so it is unknown how many questions a model without the "
        "knowledge would answer."
    )
    worst = f"Worst result: Under jailbreak (forget), it answers 40 % of the questions. {rest}"
    assert attacked(jailbreak=0.4) == f"It was attacked in 1 way. {worst}"
    assert attacked(begun=0.3, jailbreak=0.4) == f"It was attacked in 2 ways. {worst}"


def test_what_a_model_answers_without_its_adapter() -> None:
    def said(own: dict[str, float | None], target: dict[str, float | None] | None) -> str:
        sentence = without_adapter(scored(own), None if target is None else scored(target), ScoreDocs())
        return sentence.replace("\u202f", " ")

    start = "Only an adapter was saved. Without this adapter, the model answers as before"
    assert said({"forget.accuracy": 0.1}, {"forget.accuracy": 0.9, "near.accuracy": 0.5}) == (
        f"{start} (measured: accuracy on the set forget 90 %; with the adapter 10 %)."
    )
    assert said({"forget.accuracy": 0.1}, None) == f"{start}. How it answers then was not measured."
    assert said({}, {"forget.rougeL_recall": 0.9}) == (
        f"{start} (measured: ROUGE-L recall on the set forget 90 %; with the adapter not measured)."
    )


def test_the_headline_metric_was_measured_on_both_sides_if_possible() -> None:
    def metric(*flats: str) -> str:
        return headline([scored(dict.fromkeys(flats, 0.5))], ScoreDocs()).metric

    assert metric("forget.rougeL_recall", "near.rougeL_recall", "forget.accuracy") == "rougeL_recall"
    assert metric("forget.rougeL_recall", "forget.accuracy", "near.accuracy") == "accuracy"
    assert metric("forget.exact_memorization", "near.accuracy") == "exact_memorization"
    assert metric("near.rougeL_recall") == metric() == "accuracy"
