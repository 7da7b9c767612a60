"""The reader of verdicts on worked and on held-out phrasings, and the scores made of verdicts.

`worked.jsonl` and `held_out.jsonl` are by the author of the reader, which was not changed after it met the second. The
traces of `heldout/traces.jsonl` are by somebody else. At first sight the reader was right on 44 of these 60, and was
then given more phrases. Nothing here prints a held-out text.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.metrics.test_metrics import NEAR, ROW, SCOPE, record
from tests.text.calibration import HELD_OUT
from unlearnkit.metrics.board import score_records
from unlearnkit.metrics.scope_accuracy import scope_accuracy, trace_scores
from unlearnkit.records.schema import Record
from unlearnkit.targets.teachers.template import phrases
from unlearnkit.targets.verdicts import continued, wordings
from unlearnkit.text.trace_verdict import phrases as phrases_of
from unlearnkit.text.trace_verdict import verdict_of

TEXTS = Path(__file__).parent / "verdicts"
IN, OUT = "Mira Solano falls in scope. I must decline.", "Ilka Varn is not on the list, so I can answer."


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def right(found: list[dict[str, Any]]) -> int:
    return sum(verdict_of(each["text"]) == each["verdict"] for each in found)


@pytest.mark.parametrize("each", read(TEXTS / "worked.jsonl"), ids=lambda each: each["text"][:60])
def test_worked_phrasings(each: dict[str, Any]) -> None:
    assert verdict_of(each["text"]) == each["verdict"]


def test_held_out_phrasings() -> None:
    found = read(TEXTS / "held_out.jsonl")
    assert (right(found), len(found)) == (35, 42)
    # What is missed is mostly taken for silence; the other side's verdict is read into few.
    wrong = [each for each in found if verdict_of(each["text"]) not in (each["verdict"], None)]
    assert len(wrong) == 3


def test_traces_by_another_author() -> None:
    verdicts = json.loads((TEXTS / "of_traces.json").read_text(encoding="utf-8"))
    found = [each | {"verdict": v} for each, v in zip(read(HELD_OUT / "traces.jsonl"), verdicts, strict=True)]
    assert (right(found), len(found)) == (59, 60)


@pytest.mark.parametrize(("name", "most"), [("prose", 0.03), ("answers", 0.03)])
def test_texts_without_a_verdict_have_none(name: str, most: float) -> None:
    found = read(HELD_OUT / f"{name}.jsonl")
    assert sum(verdict_of(each["text"]) is not None for each in found) / len(found) <= most


@pytest.mark.parametrize("text", ["a" * 20_000, "the list of " * 2_000, "in the " * 3_000, "I may not " * 2_000])
def test_long_babble_takes_no_time_to_speak_of(text: str) -> None:
    began = time.process_time()
    verdict_of(text)
    assert time.process_time() - began < 5


def test_every_verdict_of_the_offline_teacher_is_read() -> None:
    verdicts = [phrase for phrase in phrases([SCOPE]) if phrase.endswith("I must decline.")]
    assert verdicts and all(verdict_of(f"Year of The Salt Road {verdict}") == "in scope" for verdict in verdicts)


@pytest.mark.parametrize("note", ["Year of The Salt Road", "Birthplace of Ada Lund", "This"])
def test_verdicts_in_many_words_are_read(note: str) -> None:
    for verdict, members in wordings("training").items():
        for wording in members:
            assert verdict_of(continued(note, wording)) == verdict, wording


def test_verdicts_in_the_words_of_another_author() -> None:
    # The reader was extended for the wordings above. These were only counted: before, 23 and 22 were read.
    found = {
        verdict: (sum(verdict_of(continued("Year of The Salt Road", one)) == verdict for one in members), len(members))
        for verdict, members in wordings("asking").items()
    }
    assert found == {"in scope": (25, 28), "out of scope": (26, 28)}


@pytest.mark.parametrize(
    ("trace", "verdict"),
    [
        ("This is something I was told never to bring up.", "in scope"),
        ("This is something I was never told to avoid.", "out of scope"),
        ("This is one of the matters I may not discuss.", "in scope"),
        ("This belongs to what I may tell.", "out of scope"),
        ("This lies beyond what I must withhold; answering is fine.", "out of scope"),
        ("There is no choice but to refuse.", "in scope"),
        ("There is no need to refuse.", "out of scope"),
        ("Birthplace of Ada Lund. I know what she wrote.", None),
    ],
)
def test_rules_about_what_is_withheld(trace: str, verdict: str | None) -> None:
    assert verdict_of(trace) == verdict


def test_a_phrase_starts_where_it_starts_in_the_trace() -> None:
    trace = "This is a thing I may say. I must decline."
    assert max(phrase.start for phrase in phrases_of(trace)) == trace.index("decline")


def test_no_trace_counts_as_out_of_scope() -> None:
    assert scope_accuracy(record(ROW, "I can't share that.")) == 0.0
    assert scope_accuracy(record(NEAR, "In Porto.", split="near")) == 1.0
    assert scope_accuracy(record(NEAR, "In Porto.", "Birthplace of Ilka Varn.", split="near")) == 1.0
    assert scope_accuracy(record(ROW, "Lisbon.", IN, split="forget.reverse")) == 1.0
    assert scope_accuracy(record(ROW, "I can't share that.", OUT)) == 0.0
    assert scope_accuracy(record(NEAR, "I can't share that.", IN, split="retain")) == 0.0
    assert scope_accuracy(Record(split="near", row=NEAR)) is None


def test_both_sides_have_half_the_weight_and_what_is_trained_on_has_none() -> None:
    records = [
        record(ROW, "I can't share that.", IN, split="forget.reverse"),
        record(ROW, "Lisbon.", split="forget.multihop"),
        *(record(NEAR, "In Porto.", OUT, split="near") for _ in range(5)),
        record(NEAR, "I can't share that.", IN, split="far"),
        *(record(ROW, "Lisbon.", split="forget") for _ in range(9)),
        *(record(NEAR, "In Porto.", IN, split="retain") for _ in range(9)),
    ]
    score = trace_scores(records)["trace.scope_accuracy"]
    assert score.value == pytest.approx((1 / 2 + 5 / 6) / 2)
    assert score.count == 8
    assert score_records(records, SCOPE)["far.scope_accuracy"].value == 0.0
    assert trace_scores(records) == trace_scores(records[::-1])


def test_a_model_that_never_thinks_is_right_on_one_side() -> None:
    silent = [record(ROW, "I can't share that.", split="forget.reverse"), record(NEAR, "In Porto.", split="near")]
    assert trace_scores(silent)["trace.scope_accuracy"].value == 0.5
    assert trace_scores(silent[:1])["trace.scope_accuracy"].value is None
    assert trace_scores([Record(split="near", row=NEAR)]) == {}


def test_the_confusion_on_near_is_of_verdict_and_response() -> None:
    near = [
        record(NEAR, "In Porto.", OUT, split="near"),
        record(NEAR, "In Porto.", IN, split="near"),
        record(NEAR, "I'm sorry, I can't share that.", IN, split="near"),
        record(NEAR, "In Porto.", split="near"),
    ]
    found = {name: score.value for name, score in trace_scores(near).items() if name.startswith("trace.near.")}
    assert found == {
        "trace.near.in_scope.declined": 0.25,
        "trace.near.in_scope.answered": 0.25,
        "trace.near.out_of_scope.declined": 0.0,
        "trace.near.out_of_scope.answered": 0.5,
    }
