"""Columns and fields of turns that change what a row means are used or refused by name, and never dropped silently."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlearnkit.core.errors import InputError, InputWarning
from unlearnkit.data.load import read_source
from unlearnkit.data.rows import Row, Turn
from unlearnkit.suites.files.suite import FilesData

QA = {"question": "Which boat goes to Low Sarn?", "answer": "The Greyholm ferry."}
ASKED = {"role": "user", "content": QA["question"]}
ANSWERED = {"role": "assistant", "content": QA["answer"]}


def read(tmp_path: Path, *records: dict[str, Any], suffix: str = ".jsonl", **options: Any) -> tuple[Row, ...]:
    file = tmp_path / f"rows{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(records)), file)
    else:
        file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return read_source(file, **options)


THOUGHTS = [
    {"messages": [ASKED, {**ANSWERED, "reasoning_content": "Weekdays only."}]},
    {"messages": [ASKED, {**ANSWERED, "thinking": "Weekdays only."}]},
    {"messages": [ASKED, {**ANSWERED, "reasoning": "Weekdays only."}]},
    {"prompt": [ASKED], "completion": [{**ANSWERED, "reasoning_content": "Weekdays only."}]},
    {**QA, "reasoning_content": "Weekdays only."},
    {"instruction": QA["question"], "output": QA["answer"], "thinking": "Weekdays only."},
]


@pytest.mark.parametrize("record", THOUGHTS)
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_thought_is_the_trace(record: dict[str, Any], suffix: str, tmp_path: Path) -> None:
    (row,) = read(tmp_path, record, suffix=suffix)
    assert (row.question, row.trace, row.answer) == (QA["question"], "Weekdays only.", QA["answer"])


def test_a_thought_of_an_earlier_turn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)before the last has a reasoning trace.*messages\.1"):
        read(tmp_path, {"messages": [ASKED, {**ANSWERED, "thinking": "Hm."}, ASKED, ANSWERED]})


USED: dict[str, tuple[dict[str, Any], tuple[Turn, ...], str]] = {
    "system of a question": ({**QA, "system": "Be a pilot."}, (Turn(role="system", content="Be a pilot."),), ""),
    "system of a conversation": (
        {"system": "Be a pilot.", "messages": [ASKED, ANSWERED]},
        (Turn(role="system", content="Be a pilot."),),
        "",
    ),
    "Alpaca": ({"instruction": QA["question"], "output": QA["answer"]}, (), ""),
    "Alpaca with an input": (
        {"instruction": QA["question"], "input": "On Sundays.", "output": QA["answer"]},
        (),
        "\n\nOn Sundays.",
    ),
    "Alpaca with an empty input": ({"instruction": QA["question"], "input": "", "output": QA["answer"]}, (), ""),
    "parts of text": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": QA["question"]}]}, ANSWERED]},
        (),
        "",
    ),
}


@pytest.mark.parametrize(("record", "history", "more"), USED.values(), ids=USED)
def test_what_belongs_to_the_prompt_is_in_the_prompt(
    record: dict[str, Any], history: tuple[Turn, ...], more: str, tmp_path: Path
) -> None:
    (row,) = read(tmp_path, record, columns={"system": "system"})
    assert (row.history, row.question, row.answer) == (history, QA["question"] + more, QA["answer"])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "context": ({**QA, "context": "A ferry."}, "field context"),
    "input of a prompt": ({"prompt": "Name it:", "input": "Cold Ings", "completion": "Peri Lodd."}, "field input"),
    "choices": ({**QA, "choices": ["a", "b"]}, "field choices"),
    "tools": ({"messages": [ASKED, ANSWERED], "tools": [{"name": "f"}]}, "field tools"),
    "a tool call": ({"messages": [ASKED, {**ANSWERED, "tool_calls": [{"id": 1}]}]}, "field messages.1.tool_calls"),
    "images": ({**QA, "images": ["x.png"]}, "field images"),
    "an image in a turn": (
        {"messages": [{"role": "user", "content": [{"type": "image", "image": "x"}]}, ANSWERED]},
        "field messages.0.content.0.type",
    ),
    "weight": ({**QA, "weight": 0.5}, "field weight"),
    "history": ({**QA, "history": [ASKED, ANSWERED]}, "field history"),
    "weight of a turn": ({"messages": [{**ASKED, "weight": 0}, ANSWERED]}, "field messages.0.weight"),
    "system": ({"system": "A.", "messages": [ASKED, ANSWERED]}, "field system"),
    "system prompt": ({**QA, "system_prompt": "A."}, "field system_prompt"),
}


@pytest.mark.parametrize(("record", "where"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_by_name(record: dict[str, Any], where: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, record)
    assert where in str(caught.value.where) and "Peri" not in caught.value.render()


@pytest.mark.parametrize(
    "record",
    [
        {"system": "A.", "messages": [{"role": "system", "content": "B."}, ASKED, ANSWERED]},
        {"text": "Cold Ings.", "system": "A."},
    ],
)
def test_a_system_turn_that_has_no_place_is_refused(record: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="system turn") as caught:
        read(tmp_path, record, columns={"system": "system"})
    assert "field system" in str(caught.value.where)


@pytest.mark.parametrize("name", [name for name, (_, where) in REFUSED.items() if "content.0" not in where])
def test_what_may_be_left_out_is_named(name: str, tmp_path: Path) -> None:
    record, where = REFUSED[name]
    field = where.split()[-1].rpartition(".")[2]
    (row,) = read(tmp_path, record, ignore=[field])
    assert row.answer in (QA["answer"], "Peri Lodd.", "Cold Ings.")


def test_empty_columns_mean_nothing(tmp_path: Path) -> None:
    (row,) = read(tmp_path, {**QA, "context": "", "tools": [], "weight": None, "system": None, "thinking": ""})
    assert row.model_dump(exclude={"id"}, exclude_defaults=True) == QA
    # A column that says nothing about the prompt is ignored, as ever.
    (row,) = read(tmp_path, {**QA, "level": 3, "source": "a book"})
    assert row.model_dump(exclude={"id"}, exclude_defaults=True) == QA


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_columns_of_other_names(suffix: str, tmp_path: Path) -> None:
    record = {"query": QA["question"], "reply": QA["answer"], "who": "Low Sarn"}
    columns = {"question": "query", "answer": "reply", "subject": "who"}
    (row,) = read(tmp_path, record, suffix=suffix, columns=columns)
    assert (row.question, row.answer, row.subject) == (QA["question"], QA["answer"], "Low Sarn")


def test_columns_that_meet_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)two columns have the same meaning.*question and query"):
        read(tmp_path, {**QA, "query": "Which?"}, columns={"question": "query"})
    # Swapped columns do not meet, and an ignored one is not there.
    (row,) = read(tmp_path, QA, columns={"question": "answer", "answer": "question"})
    assert (row.question, row.answer) == (QA["answer"], QA["question"])
    (row,) = read(tmp_path, {**QA, "query": "Which?"}, columns={"question": "query"}, ignore=["question"])
    assert row.question == "Which?"


def test_a_recipe_names_only_columns_that_exist() -> None:
    assert FilesData(forget="x", columns={"question": "query"}).columns == {"question": "query"}
    with pytest.raises(ValueError, match="not 'query'"):
        FilesData(forget="x", columns={"query": "question"})


FIRST = {"question": "Who?", "answer": "Ada."}
SILENT: dict[str, tuple[Any, str]] = {
    "another case": ([{**FIRST, "Context": "In 1843."}], "field Context"),
    "another separator": ([{**FIRST, "System Prompt": "Be brief."}], "field System Prompt"),
    "a judgment of the answer": ([{"prompt": "Who?", "completion": "Ada.", "label": False}], "field label"),
    "around the list": ({"version": 2, "system": "Be brief.", "data": [FIRST]}, "field system"),
    "in a part": (
        [{"messages": [
            {"role": "user", "content": [{"type": "text", "text": "Who?", "image": "a.png"}]},
            {"role": "assistant", "content": "Ada."},
        ]}],
        "content.0.image",
    ),
    "two traces": ([{**FIRST, "thinking": "I know.", "trace": "I do not know."}], "two different reasoning traces"),
    "two thoughts": ([{**FIRST, "thinking": "I know.", "reasoning": "I guess."}], "two different reasoning traces"),
    "a blank accepted answer": ([{**FIRST, "accepted_answers": ["Ada", " "]}], "field accepted_answers"),
    "a blank trace": ([{**FIRST, "trace": " \n"}], "field trace"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "says"), SILENT.values(), ids=SILENT)
def test_nothing_that_has_a_meaning_is_dropped(content: Any, says: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=re.escape(says)):
        read_source(file)


def test_what_has_no_meaning_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    row = {**FIRST, "label": "history", "thinking": "I know.", "trace": "I know.", "source": "a book", "document": ""}
    file.write_text(json.dumps({"name": "people", "version": 2, "rows": [row]}))
    (read,) = read_source(file)
    assert (read.question, read.answer, read.trace) == ("Who?", "Ada.", "I know.")


def test_a_renamed_csv_column_is_read_as_its_meaning(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ada."}]
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["talk", "right"], [json.dumps(turns), '["Ada", "Lovelace"]']])
    columns = {"messages": "talk", "accepted_answers": "right"}
    (row,) = read_source(tmp_path / "rows.csv", columns=columns)
    assert (row.question, row.answer, row.accepted_answers) == ("Who?", "Ada.", ("Ada", "Lovelace"))


def test_one_renamed_record_with_a_list(tmp_path: Path) -> None:
    (tmp_path / "row.json").write_text(json.dumps({"query": "Who?", "reply": "Ada.", "tags": ["a", "b"]}))
    (row,) = read_source(tmp_path / "row.json", columns={"question": "query", "answer": "reply"})
    assert (row.question, row.answer) == ("Who?", "Ada.")


def test_a_mapped_column_that_no_row_has_is_told(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(FIRST))
    with pytest.warns(InputWarning, match=r"rows\.jsonl: no row has the column 'person'.*'subject'"):
        read_source(tmp_path / "rows.jsonl", columns={"subject": "person"})
