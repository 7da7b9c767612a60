"""The leak scan on texts that nobody wrote for it: TOFU's paraphrased answers, where it lies beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.scan import Scanner
from unlearnkit.scope.scope import Scope, ScopeSubject

TOFU = Path(__file__).parents[3] / "shared" / "data" / "tofu"
HELD_OUT = Path(__file__).parents[1] / "text" / "heldout"

pytestmark = [
    pytest.mark.extended,
    pytest.mark.skipif(not TOFU.is_dir(), reason="the shared data are not beside this checkout"),
]


def rate(rows: list[Row], texts: list[str]) -> float:
    """Share of the rows whose text gives the row's answer away; the scope holds no secret at all."""
    scanner = Scanner(Scope(description="One.", task="profile", subjects=(ScopeSubject(name="Quenby Zorbello"),)))
    targets = (Target(id=row.id, trace=texts[at % len(texts)], response="") for at, row in enumerate(rows))
    return sum(bool(scanner.scan(target, row)) for target, row in zip(targets, rows, strict=True)) / len(rows)


def test_answers_in_other_words_and_clean_texts() -> None:
    made = [json.loads(line) for line in (TOFU / "retain_perturbed.json").read_text("utf-8").split("\n") if line]
    rows = [Row(id=f"{at}", question=one["question"], answer=one["answer"]) for at, one in enumerate(made)]
    assert rate(rows, [row.answer for row in rows]) == 1.0
    assert rate(rows, [one["paraphrased_answer"] for one in made]) >= 0.6
    for name in ("traces", "refusals", "prose", "idk"):
        lines = (HELD_OUT / f"{name}.jsonl").read_text("utf-8").split("\n")
        assert rate(rows, [json.loads(line)["text"] for line in lines if line]) <= 0.005, name
