"""The gates that apply if a recipe sets none."""

from __future__ import annotations

import pytest

from unlearnkit.metrics.default_gates import ELICITED, limit, with_defaults
from unlearnkit.metrics.gates import Gate, judge_all
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.subject_scores import TELLS_LIMIT

PROBABILITY, BEGUN, NO_TRACE = ELICITED


def scored(**values: float | None) -> dict[str, Score]:
    return {f"forget.{name}": Score(value=value, count=9) for name, value in values.items()}


OWN = scored(elicited_probability=0.52, begun_accuracy=0.3, no_trace_accuracy=0.0)
TARGET = scored(elicited_probability=0.9, begun_accuracy=1.0, no_trace_accuracy=1.0)
RETRAINED = scored(elicited_probability=0.48, begun_accuracy=0.2, no_trace_accuracy=0.1)


def outcomes(**scores: dict[str, Score]) -> dict[str, str]:
    gates = [Gate.parse(gate) for gate in with_defaults(["default"], scores)]
    return {result.name: result.outcome for result in judge_all(gates, scores)}


def test_the_limits_are_those_of_the_retrained_model_or_a_share_of_the_target() -> None:
    both = {"run": OWN, "target": TARGET, "retrained": RETRAINED}
    assert outcomes(**both) == {
        f"{PROBABILITY} <= retrained.{PROBABILITY} + 0.05": "met",
        f"{BEGUN} <= retrained.{BEGUN} + 0.05": "missed",
        f"{NO_TRACE} <= retrained.{NO_TRACE} + 0.05": "met",
    }
    assert outcomes(run=OWN, target=TARGET) == {
        f"{PROBABILITY} <= target.{PROBABILITY} * 0.2": "missed",
        f"{BEGUN} <= target.{BEGUN} * 0.2": "missed",
        f"{NO_TRACE} <= target.{NO_TRACE} * 0.2": "met",
    }
    assert limit(BEGUN, both) == pytest.approx(0.25) and limit(BEGUN, {"target": TARGET}) == pytest.approx(0.2)
    assert limit(BEGUN, {"run": OWN}) is None


def test_a_model_that_lacks_the_scores_does_not_pass() -> None:
    assert set(outcomes(run={}, target=TARGET).values()) == {"not measured"}
    assert set(outcomes(run=OWN).values()) == {"not measured"}


def test_a_score_that_no_model_has_is_no_gate() -> None:
    assert outcomes(run=scored(accuracy=0.1), target=scored(accuracy=1.0)) == {}
    one = scored(elicited_probability=0.1, begun_accuracy=None)
    assert list(outcomes(run=one, target=one)) == [f"{PROBABILITY} <= target.{PROBABILITY} * 0.2"]


def test_the_worst_subject_is_judged_too() -> None:
    own = {TELLS_LIMIT: Score(value=0.049, count=60)}
    assert outcomes(run=own, target={}) == {f"{TELLS_LIMIT} <= 0.05": "met"}
    few = {TELLS_LIMIT: Score(value=0.05, count=59)}
    assert outcomes(run=few, target={}) == {f"{TELLS_LIMIT} <= 0.05": "not measured"}
    retrained = {TELLS_LIMIT: Score(value=0.2, count=20)}
    told = {TELLS_LIMIT: Score(value=0.26, count=20)}
    gate = f"{TELLS_LIMIT} <= retrained.{TELLS_LIMIT} + 0.05"
    assert outcomes(run=told, retrained=retrained) == {gate: "missed"}
    assert outcomes(run=few, retrained=retrained) == {gate: "met"}


def test_other_gates_keep_their_places() -> None:
    gates = with_defaults(["near.accuracy>=0.9", "default", "near.accuracy>=0.9"], {"target": TARGET})
    assert len(gates) == 4 and gates[0] == "near.accuracy>=0.9" and gates[1].startswith(PROBABILITY)
    assert with_defaults([], {"target": TARGET}) == ()
