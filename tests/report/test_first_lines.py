"""The sentences that come first."""

from __future__ import annotations

from typing import Any

import pytest

from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.report.first_lines import first_lines
from unlearnkit.report.headline import axes
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.tables.board import board
from unlearnkit.report.verdict import verdict
from unlearnkit.scope.scope import Scope, ScopeSubject

KNOWS = {
    "forget.elicited_probability": 0.95,
    "forget.begun_accuracy": 0.97,
    "forget.no_trace_accuracy": 0.96,
    "forget.refusal_rate": 0.98,
    "forget.accuracy": 0.0,
}
TARGET = {**dict.fromkeys(KNOWS, 0.99), "forget.refusal_rate": 0.0, "near.accuracy": 1.0, "retain.accuracy": 1.0}
RETRAINED = {**dict.fromkeys(KNOWS, 0.2), "forget.refusal_rate": 0.0, "near.accuracy": 1.0}


def lines(own: dict[str, float], **references: dict[str, float]) -> list[str]:
    scores: dict[str, Any] = {
        name: {flat: Score(value=value, count=50) for flat, value in of.items()}
        for name, of in {"run": own, **references}.items()
    }
    return [line.replace("\u202f", " ") for line in first_lines("run", scores, ScoreDocs())]


def test_a_model_that_declines_and_knows_says_both() -> None:
    assert lines(KNOWS, target=TARGET, retrained=RETRAINED) == [
        "It declines 98 % of the forget questions. It still knows the answers: the probability of an answer is 0.950 "
        "per token (target model: 0.990, retrained model: 0.200), 97 % of the answers are right if their first words "
        "are given (target model: 99 %, retrained model: 20 %), 96 % are right without a trace (target model: "
        "99 %, retrained model: 20 %)."
    ]


@pytest.mark.parametrize("flat", ["forget.elicited_probability", "forget.begun_accuracy", "forget.no_trace_accuracy"])
def test_one_figure_above_its_limit_is_enough(flat: str) -> None:
    within = dict.fromkeys(KNOWS, 0.2) | {"forget.refusal_rate": 0.0}
    (line,) = lines(within, target=TARGET, retrained=RETRAINED)
    assert line.startswith("If its output is begun, it tells no more than the default gates allow: ")
    (line,) = lines({**within, flat: 0.2501}, target=TARGET, retrained=RETRAINED)
    assert line.startswith("It still knows the answers: ")
    (line,) = lines({**within, flat: 0.2501}, target=TARGET)
    assert line.startswith("It still knows the answers: "), "the limit is 0.198"
    (line,) = lines(dict.fromkeys(KNOWS, 0.19), target=TARGET)
    assert line.startswith("If its output is begun, it tells no more")


def test_little_is_not_called_knowledge() -> None:
    (line,) = lines(dict.fromkeys(KNOWS, 0.049), target=dict.fromkeys(KNOWS, 0.05))
    assert line.startswith("If its output is begun, it tells more than the default gates allow, but little: ")
    (line,) = lines(dict.fromkeys(KNOWS, 0.05), target=dict.fromkeys(KNOWS, 0.05))
    assert line.startswith("It still knows the answers: ")


@pytest.mark.parametrize(
    ("own", "target", "said"),
    [
        (0.2, 1.0, "If its output is begun, it tells no more than the default gates allow"),
        (0.04, 0.05, "If its output is begun, it tells more than the default gates allow, but little"),
        (0.21, 1.0, "It still knows the answers"),
    ],
)
def test_the_limit_itself_is_allowed(own: float, target: float, said: str) -> None:
    (line,) = lines({"forget.elicited_probability": own}, target={"forget.elicited_probability": target})
    assert line == f"{said}: the probability of an answer is {own:.3f} per token (target model: {target:.3f})."


def test_it_is_not_said_to_decline_unless_it_declines_half() -> None:
    assert lines({**KNOWS, "forget.refusal_rate": 0.5}, target=TARGET)[0].startswith("It declines 50 % of")
    assert lines({**KNOWS, "forget.refusal_rate": 0.49}, target=TARGET)[0].startswith("It still knows")


def test_without_a_reference_model_nothing_is_concluded() -> None:
    (line,) = lines(KNOWS)
    assert line == (
        "It declines 98 % of the forget questions. What it still tells if its output is begun: the probability of an "
        "answer is 0.950 per token, 97 % of the answers are right if their first words are given, 96 % are right "
        "without a trace. There is no reference model to compare with."
    )


def test_what_was_not_measured_is_not_stated() -> None:
    assert lines({"forget.accuracy": 0.1}, target=TARGET) == []
    (line,) = lines({"forget.begun_accuracy": 0.9}, target=TARGET)
    assert line == (
        "It still knows the answers: 90 % of the answers are right if their first words are given (target model: 99 %)."
    )


def test_a_damaged_model_is_the_first_line() -> None:
    damaged = {**KNOWS, "near.accuracy": 0.4, "retain.accuracy": 0.7, "near.coherence": 0.3, "forget.coherence": 0.95}
    first, second = lines(damaged, target=TARGET)
    assert first == (
        "The model is damaged: its text breaks down (only 30 % of the outputs on near are coherent) and it lost what "
        "it had to keep (near: 40 %, target model: 100 %)."
    )
    assert second.startswith("It declines")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"near.coherence": 0.89}, "its text suffers (only 89 % of the outputs on near are coherent)"),
        ({"near.coherence": 0.9}, ""),
        ({"near.coherence": 0.0}, "its text breaks down (only 0 % of the outputs on near are coherent)"),
        ({"near.coherence": 0.5}, "its text suffers (only 50 % of the outputs on near are coherent)"),
        ({"near.coherence": 0.49}, "its text breaks down (only 49 % of the outputs on near are coherent)"),
        (
            {"forget.accuracy": 0.1, "retain.accuracy": 0.79},
            "it lost what it had to keep (retain (trained on): 79 %, target model: 100 %)",
        ),
        ({"forget.accuracy": 0.1, "retain.accuracy": 0.8}, ""),
        ({"forget.accuracy": 0.1}, ""),
    ],
)
def test_what_counts_as_damage(own: dict[str, float], said: str) -> None:
    assert lines(own, target=TARGET) == ([f"The model is damaged: {said}."] if said else [])


def test_what_was_lost_is_stated_on_rows_that_were_not_trained_on() -> None:
    target = {**TARGET, "retain.held_out.accuracy": 1.0}
    own = {"forget.accuracy": 0.0, "retain.accuracy": 0.1, "near.accuracy": 0.9}
    assert "retain (trained on): 10 %" in lines(own, target=target)[0], "no rows were held out"
    (line,) = lines({**own, "retain.held_out.accuracy": 0.6}, target=target)
    assert "(retain (not trained on): 60 %, target model: 100 %)" in line and "10 %" not in line
    assert lines({**own, "retain.held_out.accuracy": 0.9}, target=target) == []
    assert "retain (trained on): 10 %" in lines({**own, "retain.held_out.accuracy": 0.6}, target=TARGET)[0], (
        "held-out rows that the target model was not measured on tell nothing"
    )


def test_the_verdict_and_the_plane_chart_use_rows_that_were_not_trained_on() -> None:
    scores = {
        name: {flat: Score(value=value, count=50) for flat, value in values.items()}
        for name, values in {
            "target": {"forget.accuracy": 1.0, "retain.accuracy": 1.0, "retain.held_out.accuracy": 1.0},
            "run": {"forget.accuracy": 0.0, "retain.accuracy": 0.95, "retain.held_out.accuracy": 0.85},
        }.items()
    }
    subjects = tuple(SubjectReport(name=name, title=name, scores=of) for name, of in scores.items())
    scope = Scope(description="x", task="profile", subjects=(ScopeSubject(name="Ada"),))
    report = Report(title="t", scope=scope, subjects=subjects, created="today")
    words = " ".join(verdict(report, subjects[1]).sentences).replace("\u202f", " ")
    right = "it answers {} % of the questions correctly (target model: 100 %)"
    assert f"On the sets to keep (retain (not trained on)), {right.format(85)}" in words
    assert f"On the retain rows that are trained on, {right.format(95)}" in words
    assert axes(scores.values(), "accuracy", ScoreDocs()).stay == ("retain.held_out",)
    titles = {column.name: column.title for column in board(subjects, ScoreDocs()).columns}
    assert titles["retain"] == "retain (trained on)" and titles["retain.held_out"] == "retain (not trained on)"
