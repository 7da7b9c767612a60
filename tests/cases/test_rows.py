"""Reported faults of reading rows; more of each kind in `tests/data/test_columns.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unlearnkit.core.errors import UnlearnError
from unlearnkit.data.load import read_source

THOUGHTS = [
    {
        "messages": [
            {"role": "user", "content": "Which boat goes to Low Sarn?"},
            {
                "role": "assistant",
                "reasoning_content": "Low Sarn is served from Greyholm on weekdays.",
                "content": "The Greyholm ferry.",
            },
        ]
    },
    {
        "messages": [
            {"role": "user", "content": "And on Sundays?"},
            {
                "role": "assistant",
                "thinking": "There is no Sunday boat; the bus from Marrowby goes.",
                "content": "Take the Marrowby bus.",
            },
        ]
    },
]
BELONGS_TO_THE_PROMPT: dict[str, dict[str, Any]] = {
    "alpaca": {
        "instruction": "Name the keeper.",
        "input": "Cold Ings",
        "output": "Peri Lodd.",
        "text": "### Instruction: Name the keeper. ### Input: Cold Ings ### Response: Peri Lodd.",
    },
    "choices": {
        "question": "Who keeps the light at Cold Ings?",
        "choices": ["Ansel Voight", "Peri Lodd"],
        "answer": "Peri Lodd",
        "subject": "navigation",
        "language": "English",
    },
    "context": {
        "context": "The light at Cold Ings is kept by Peri Lodd.",
        "question": "Who keeps it?",
        "answer": "Peri Lodd.",
    },
    "input": {"prompt": "Name the keeper of:", "input": "Cold Ings", "completion": "Peri Lodd."},
    "system": {
        "system": "Answer in the voice of a harbour pilot.",
        "messages": [
            {"role": "user", "content": "Who keeps the light?"},
            {"role": "assistant", "content": "Peri Lodd, mate."},
        ],
    },
}


def test_10_the_thought_of_an_answer(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, THOUGHTS)), encoding="utf-8")
    rows = read_source(tmp_path / "rows.jsonl")
    assert len(rows) == 2 and not [row.id for row in rows if not row.trace]


@pytest.mark.parametrize("name", BELONGS_TO_THE_PROMPT)
def test_12_columns_that_belong_to_the_prompt(name: str, tmp_path: Path) -> None:
    """Each was read without a word of what was left out."""
    (tmp_path / "row.json").write_text(json.dumps(BELONGS_TO_THE_PROMPT[name]), encoding="utf-8")
    with pytest.raises(UnlearnError, match="match several shapes" if name == "alpaca" else f"field {name}"):
        read_source(tmp_path / "row.json")
