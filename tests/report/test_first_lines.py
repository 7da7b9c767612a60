"""The sentences that come first."""

from __future__ import annotations

from typing import Any

import pytest

from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.report.first_lines import first_lines

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


def test_it_is_not_said_to_decline_unless_it_declines_half() -> None:
    assert lines({**KNOWS, "forget.refusal_rate": 0.5}, target=TARGET)[0].startswith("It declines 50 % of")
    assert lines({**KNOWS, "forget.refusal_rate": 0.49}, target=TARGET)[0].startswith("It still knows")


def test_without_a_reference_model_nothing_is_concluded() -> None:
    (line,) = lines(KNOWS)
    assert "It still knows" not in line and line.endswith("There is no reference model to compare with.")


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
        ({"near.coherence": 0.5}, "its text suffers (only 50 % of the outputs on near are coherent)"),
        ({"near.coherence": 0.49}, "its text breaks down (only 49 % of the outputs on near are coherent)"),
        (
            {"forget.accuracy": 0.1, "retain.accuracy": 0.79},
            "it lost what it had to keep (retain: 79 %, target model: 100 %)",
        ),
        ({"forget.accuracy": 0.1, "retain.accuracy": 0.8}, ""),
        ({"forget.accuracy": 0.1}, ""),
    ],
)
def test_what_counts_as_damage(own: dict[str, float], said: str) -> None:
    assert lines(own, target=TARGET) == ([f"The model is damaged: {said}."] if said else [])
