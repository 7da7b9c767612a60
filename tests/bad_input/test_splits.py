"""Rows that are well written, and stand where they must not or cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.bad_input.place import CHECK, RUN, Case, Place, assert_told


def rows(name: str, *rows: dict[str, Any]) -> Callable[[Place], object]:
    """A file holds these rows and no others."""
    return lambda place: place.write(name, "".join(json.dumps(row) + "\n" for row in rows))


def having(**sections: Any) -> Callable[[Place], None]:
    return lambda place: place.recipe(**sections)


def both(*breaks: Callable[[Place], object]) -> Callable[[Place], None]:
    def all_of_them(place: Place) -> None:
        for each in breaks:
            each(place)

    return all_of_them


def moved(source: str, target: str) -> Callable[[Place], None]:
    """A file's first row stands in another file too."""

    def breaks(place: Place) -> None:
        first = (place.root / source).read_text("utf-8").splitlines()[0]
        place.write(target, (place.root / target).read_text("utf-8") + first + "\n")

    return breaks


def texts(place: Place) -> None:
    """What is to be forgotten is a text, without questions."""
    place.write("book.txt", "Ondra Kestrelby was born in Lima. " * 20)
    place.recipe(data={"forget": "book.txt"}, method={"name": "tru"})


def unmarked(place: Place) -> None:
    """The tokenizer knows no markers of a trace."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        text = (place.root / "model" / name).read_text("utf-8")
        place.write(f"model/{name}", text.replace("<think>", "<quote>").replace("</think>", "</quote>"))


LONG = {"question": "Who wrote the long book?", "answer": "Ada " * 300}
TRU = {"name": "tru"}
THINK = {"trace_style": "think"}

CASES = [
    Case("forget-empty", rows("forget.jsonl"), ["the file is empty", "forget.jsonl"], RUN),
    Case(
        "forget-of-blank-lines",
        lambda place: place.write("forget.jsonl", "\n\n \n"),
        ["the file is empty", "forget.jsonl"],
    ),
    Case(
        "forget-row-in-retain",
        moved("forget.jsonl", "retain.jsonl"),
        [
            "error: split 'forget' contains rows that are also in the retain split",
            "forget.jsonl:1 and ",
            "remove the row from the retain split",
        ],
        findings=True,
    ),
    Case(
        "forget-is-retain",
        having(data={"retain": "forget.jsonl"}),
        ["rows that are also in the retain split", "10 ("],
        findings=True,
    ),
    Case(
        "holdout-is-trained-on",
        both(moved("retain.jsonl", "holdout.jsonl"), having(data={"holdout": "holdout.jsonl"})),
        ["error: split 'holdout' is not for training but contains rows of the retain split", "holdout.jsonl:"],
        findings=True,
    ),
    Case(
        "forget-row-too-long",
        both(rows("forget.jsonl", LONG), having(data={"scope": "scope.yaml"})),
        ["more than 256 tokens", "forget.jsonl:1", "raise train.max_length"],
        findings=True,
    ),
    Case(
        "forget-row-too-long-to-train",
        rows("forget.jsonl", LONG),
        ["does not fit", "forget, row forget.jsonl:1", "256 tokens (train.max_length)"],
        RUN,
    ),
    Case(
        "retain-row-too-long-to-train",
        rows("retain.jsonl", LONG, LONG),
        ["does not fit", "retain, row retain.jsonl:1", "raise train.max_length"],
        RUN,
    ),
    Case(
        "holdout-row-too-long-to-measure",
        both(rows("holdout.jsonl", LONG), having(data={"holdout": "holdout.jsonl"}, train={"max_length": 4096})),
        ["does not fit", "row holdout.jsonl:1", "256 tokens"],
        RUN,
    ),
    Case(
        "targets-too-long",
        having(method=TRU, train={"max_length": 32}),
        ["does not fit", "forget:target, row forget.jsonl:1", "32 tokens"],
        RUN,
    ),
    Case("nothing-fits", having(train={"max_length": 2}), ["does not fit", "2 tokens (train.max_length)"], RUN),
    Case(
        "no-retain-for-graddiff",
        having(data={"retain": None}),
        ["no retain rows", "data.retain", "data.retain=auto", "method.name=ga"],
        RUN,
    ),
    Case(
        "no-retain-for-graddiff-in-a-check",
        having(data={"retain": None}),
        ["error: the method trains on the retain split", "(0)"],
        findings=True,
    ),
    Case(
        "no-retain-to-retrain-on",
        having(data={"retain": None}, method={"name": "retrain"}),
        ["no retain rows", "data.retain"],
        RUN,
    ),
    Case(
        "no-retain-in-a-dry-run", having(data={"retain": None}), ["no retain rows", "data.retain"], (*RUN, "--dry-run")
    ),
    Case(
        "retain-of-one-row",
        rows("retain.jsonl", {"question": "Who?", "answer": "Ada."}),
        ["fewer than 2 rows (1)", "add retain rows"],
        findings=True,
    ),
    Case(
        "retain-from-without-auto",
        having(data={"retain_from": "retain.jsonl"}),
        ["field data", "set retain to auto"],
        RUN,
    ),
    Case(
        "retain-from-is-not-there",
        having(data={"retain": "auto", "retain_from": "none.txt"}),
        ["no such file", "data.retain_from", "none.txt"],
        RUN,
    ),
    Case(
        "texts-for-tru",
        texts,
        ["a row is a text without a question", "forget:target, row book.txt@0-", "questions about the text"],
        RUN,
    ),
    Case(
        "texts-for-idk-answers",
        both(texts, having(data={"forget": "book.txt"}, method={"name": "po"})),
        ["a row is a text without a question", "forget:idk"],
        RUN,
    ),
    Case(
        "no-markers-for-tru",
        both(unmarked, having(method=TRU, train=THINK)),
        ["marker of the reasoning trace", "'<think>'", "trace_style=plain"],
        RUN,
    ),
    Case(
        "no-markers-for-tru-in-a-check",
        both(unmarked, having(method=TRU, train=THINK)),
        ["marker of the reasoning trace", "trace_style=plain"],
        CHECK,
        findings=True,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_splits_that_cannot_be_used_are_told(case: Case, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, place, capsys)
