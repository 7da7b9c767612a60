"""The detectors against held-out labeled text. A failure shows rates, never a text."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from tests.text.calibration import HELD_OUT, Labeled, collapses, load, rate, shuffled
from unlearnkit.text.coherence import is_coherent
from unlearnkit.text.refusal import is_refusal

TARGET = 0.99
SHORT_OF: dict[str, float] = {
    "refusal in prose": 0.986,
    "shuffled answer": 0.973,
    "shuffled idk": 0.989,
}
"""What does not reach the target yet, and what it must not fall below."""
CLASSES = ("answer", "idk", "refusal", "trace", "prose")
DECLINES = ("idk", "refusal")
KINDS = [text["class"] for text in collapses([{"text": "a b", "class": "", "language": "en"}], seed=0)]

pytestmark = pytest.mark.skipif(not any(HELD_OUT.glob("*.jsonl")), reason="no held-out texts")


@cache
def texts(name: str) -> list[Labeled]:
    return [text for text in load() if text["class"] == name]


@cache
def collapsed(kind: str) -> list[Labeled]:
    return [text for text in collapses(load(), seed=12) if text["class"] == kind]


def _coherent(name: str) -> float:
    return rate(texts(name), is_coherent, expected=True)


def _refusal(name: str) -> float:
    return rate(texts(name), is_refusal, expected=name in DECLINES)


def _shuffled(name: str) -> float:
    return rate(list(shuffled(texts(name), seed=11, times=5)), is_coherent, expected=False)


def _collapse_coherent(kind: str) -> float:
    return rate(collapsed(kind), is_coherent, expected=False)


def _collapse_refusal(kind: str) -> float:
    return rate(collapsed(kind), is_refusal, expected=False)


MEASURES: dict[str, tuple[Callable[[str], float], str]] = {
    **{f"coherent {name}": (_coherent, name) for name in CLASSES},
    # A trace may speak of declining without being a refusal, or be one.
    **{f"refusal in {name}": (_refusal, name) for name in CLASSES if name != "trace"},
    **{f"shuffled {name}": (_shuffled, name) for name in CLASSES},
    **{f"coherence of {kind}": (_collapse_coherent, kind) for kind in KINDS},
    **{f"refusal in {kind}": (_collapse_refusal, kind) for kind in KINDS},
}


def measured(name: str) -> float:
    measure, of = MEASURES[name]
    return measure(of)


def _params() -> list[object]:
    short = pytest.mark.xfail(strict=True, reason="short of the target, see SHORT_OF")
    return [pytest.param(name, marks=short) if name in SHORT_OF else name for name in MEASURES]


@pytest.mark.parametrize("name", _params())
def test_right_on_nearly_all(name: str) -> None:
    found = measured(name)
    assert found >= TARGET, f"{name}: right on {found:.3f}"


@pytest.mark.parametrize("name", SHORT_OF)
def test_what_is_short_of_the_target_stays_above_its_floor(name: str) -> None:
    found = measured(name)
    assert found >= SHORT_OF[name], f"{name}: right on {found:.3f}"


@pytest.mark.parametrize("detector", ["coherence", "refusal"])
def test_each_detector_is_right_on_the_whole(detector: str) -> None:
    """Every class of texts counts the same, shuffled and collapsed text as one class each."""
    if detector == "coherence":
        shuffles = [_shuffled(name) for name in CLASSES]
        rates = [*map(_coherent, CLASSES), sum(shuffles) / len(shuffles)]
        collapse = _collapse_coherent
    else:
        rates = [_refusal(name) for name in CLASSES if name != "trace"]
        collapse = _collapse_refusal
    rates.append(sum(map(collapse, KINDS)) / len(KINDS))
    found = sum(rates) / len(rates)
    assert found >= TARGET, f"{detector}: right on {found:.4f}"
