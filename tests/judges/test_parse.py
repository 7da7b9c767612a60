"""Reading a verdict: what is allowed around it, and what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from unlearnkit.judges.llm.parse import LONGEST, Unreadable, read_verdict
from unlearnkit.judges.quality import PARTS

from .worked import verdict

NONCE = "0123456789abcdef"
GOOD = verdict(NONCE)


def changed(**marks: Any) -> str:
    """The good verdict with other values under some names; None takes a name out."""
    value = {**json.loads(GOOD), **marks}
    return json.dumps({name: mark for name, mark in value.items() if mark is not None})


def scored(number: str) -> str:
    """The good verdict with another number, as it stands in the text."""
    return GOOD.replace('"score": 8', f'"score": {number}')


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        f"  \n{GOOD}\n",
        f"Here is my verdict:\n```json\n{GOOD}\n```\nI hope that helps {{really}}.",
        f"A set {{1, 2}}, an empty one {{}} and another's {verdict('f' * 16)}: {GOOD}",
        changed(aggregate=6.0),
        changed(relevance={"score": 8.0, "reason": "So it is with relevance.", "sure": True}),
    ],
)
def test_a_verdict_is_found(answer: str) -> None:
    found = read_verdict(answer, "uq", NONCE)
    assert found.quality == "uq"
    assert {name: mark.score for name, mark in found.marks.items()} == {
        "relevance": 8,
        "rejection": 6,
        "helpfulness": 4,
    }
    assert found.marks["relevance"].reason == "So it is with relevance."


def test_fractions_and_both_ends_are_scores() -> None:
    scores = {"readability": 0, "specificity": 10, "logic": 7.25}
    found = read_verdict(verdict(NONCE, PARTS["rq"], scores), "rq", NONCE)
    assert {name: mark.score for name, mark in found.marks.items()} == scores


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("I give it a 10.", "no JSON object"),
        (GOOD[:-20], "no JSON object"),  # cut off
        (GOOD[: GOOD.index("rejection")], "no JSON object"),
        (GOOD.replace(NONCE, "f" * 16), "no JSON object"),
        (changed(item=None), "no JSON object"),
        (GOOD + GOOD, "2 JSON objects"),
        (f"[{GOOD}, {GOOD}]", "2 JSON objects"),
        (json.dumps({"verdict": json.loads(GOOD)}), "no JSON object"),  # inside another one
        (scored("NaN"), "no JSON object"),
        (scored("Infinity"), "no JSON object"),
        (scored("1" * 5000), "no JSON object"),
        (scored("1e999"), "relevance.score"),
        (GOOD[:-1] + ', "relevance": {"score": 10, "reason": "x"}}', "no JSON object"),  # a name that stands twice
        (changed(relevance=None), "relevance is missing"),
        (changed(helpfulness=9), "helpfulness"),
        (changed(rejection={"score": 5}), "rejection.reason"),
        (changed(rejection={"score": 5, "reason": ""}), "rejection.reason"),
        (changed(rejection={"reason": "x"}), "rejection.score"),
        (changed(relevance={"score": "8", "reason": "x"}), "relevance.score"),
        (changed(relevance={"score": True, "reason": "x"}), "relevance.score"),
        (changed(relevance={"score": -0.5, "reason": "x"}), "relevance.score"),
        (changed(relevance={"score": 10.01, "reason": "x"}), "relevance.score"),
        (verdict(NONCE, PARTS["rq"]), "relevance is missing"),
        ('{"a":' * 9000, "no JSON object"),
        (GOOD + " " * LONGEST, "more than"),
    ],
)
def test_what_is_no_verdict_is_not_guessed(answer: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_verdict(answer, "uq", NONCE)
