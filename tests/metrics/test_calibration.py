"""The detectors against held-out labelled text. A failure shows rates, never a text."""

from __future__ import annotations

import pytest

from tests.metrics.calibration import HELD_OUT, collapses, load, rate, shuffled
from unlearnkit.metrics.coherence import is_coherent
from unlearnkit.metrics.refusal import is_refusal

TARGET = 0.99
SHORT_OF = {
    "coherent idk": 0.975,
    "refusal in answer": 0.975,
    "refusal in idk": 0.96,
    "refusal in refusal": 0.95,
    "refusal in prose": 0.94,
    "shuffled answer": 0.97,
    "shuffled idk": 0.97,
    "shuffled refusal": 0.97,
}
"""What does not reach the target yet, and what it must not fall below."""
CLASSES = ("answer", "idk", "refusal", "trace", "prose")
DECLINES = ("idk", "refusal")

pytestmark = pytest.mark.skipif(not any(HELD_OUT.glob("*.jsonl")), reason="no held-out texts")


@pytest.fixture(scope="module")
def texts() -> list[dict[str, str]]:
    return load()


def of(texts: list[dict[str, str]], name: str) -> list[dict[str, str]]:
    return [text for text in texts if text["class"] == name]


def check(name: str, measured: float) -> None:
    floor = SHORT_OF.get(name, TARGET)
    if measured < floor:
        pytest.fail(f"{name}: right on {measured:.3f}, wanted {floor}", pytrace=False)
    if measured < TARGET:
        pytest.xfail(f"{name}: right on {measured:.3f}, short of {TARGET}")


@pytest.mark.parametrize("name", CLASSES)
def test_language_is_coherent(texts: list[dict[str, str]], name: str) -> None:
    check(f"coherent {name}", rate(of(texts, name), is_coherent, expected=True))


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "trace"])
def test_refusals_are_told_from_answers(texts: list[dict[str, str]], name: str) -> None:
    check(f"refusal in {name}", rate(of(texts, name), is_refusal, expected=name in DECLINES))


@pytest.mark.parametrize("name", CLASSES)
def test_shuffled_text_is_not_coherent(texts: list[dict[str, str]], name: str) -> None:
    check(f"shuffled {name}", rate(list(shuffled(of(texts, name), seed=11, times=5)), is_coherent, expected=False))


def test_collapsed_text_is_neither_coherent_nor_a_refusal(texts: list[dict[str, str]]) -> None:
    made = list(collapses(texts, seed=12))
    for kind in sorted({text["class"] for text in made}):
        check(f"coherence of {kind}", rate(of(made, kind), is_coherent, expected=False))
        check(f"refusal in {kind}", rate(of(made, kind), is_refusal, expected=False))
