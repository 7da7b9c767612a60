"""Rows in every format, broken in every way that a format can be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.bad_input.place import RUN, Case, Place, assert_told

Rows = list[dict[str, Any]]

GOOD: Rows = [{"question": f"Who wrote book {n}?", "answer": f"Ada wrote book {n}."} for n in range(3)]


def jsonl(rows: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_json(rows: Rows) -> bytes:
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()


def csv(rows: Rows) -> bytes:
    columns = list(rows[0])
    cells = [columns, *([str(row.get(c) if row.get(c) is not None else "") for c in columns] for row in rows)]
    return "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in cells).encode()


def parquet(rows: Rows) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue())


def text(rows: Rows) -> bytes:
    return "\n".join(f"{row['question']} {row['answer']}" for row in rows).encode()


WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "jsonl": jsonl, "json": as_json, "csv": csv, "parquet": parquet, "txt": text, "md": text,
}  # fmt: skip
TABLES = ("jsonl", "json", "csv", "parquet")
# Where the second row begins, as an error names it.
SECOND = {
    "jsonl": "rows.jsonl:2",
    "json": "rows.json, record 2",
    "csv": "rows.csv:3",
    "parquet": "rows.parquet, record 2",
}


def with_second(**changed: Any) -> Rows:
    """Good rows, the second one changed; `...` takes a field out."""
    row = {key: value for key, value in {**GOOD[1], **changed}.items() if value is not ...}
    return [GOOD[0], row, GOOD[2]]


def nothing(_: Place) -> None:
    """Only what is typed is wrong."""


INIT = ("init", "--model", "./model", "--out", "new", "--forget")


def file(kind: str, content: bytes) -> Callable[[Place], None]:
    """The rows to forget are in a file of this kind, with this content."""

    def breaks(place: Place) -> None:
        place.write(f"rows.{kind}", content)
        place.recipe(data={"forget": f"rows.{kind}"})

    return breaks


def cut(kind: str) -> bytes:
    whole = WRITERS[kind](GOOD)
    # Documents have no end of their own: that one was cut shows only where a character was.
    return (whole + "é".encode())[:-1] if kind in ("txt", "md") else whole[: len(whole) * 3 // 5]


def nul(kind: str) -> bytes:
    return parquet(with_second(answer="Ada\0.")) if kind == "parquet" else WRITERS[kind](GOOD) + b"\0"


def latin(kind: str) -> bytes:
    if kind == "parquet":
        offsets, data = pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"text": pa.StringArray.from_buffers(1, offsets, data)}), sink)
        return bytes(sink.getvalue())
    return WRITERS[kind]([{"question": "¿Quién?", "answer": "Ana."}]).decode().encode("latin-1")


def folder(kind: str) -> Callable[[Place], None]:
    def breaks(place: Place) -> None:
        place.folder(f"rows.{kind}")
        place.recipe(data={"forget": f"rows.{kind}"})

    return breaks


def no_permission(kind: str) -> Callable[[Place], None]:
    """The tests may run as root, who can read everything: what the system would say is said for it."""

    def breaks(place: Place) -> None:
        file(kind, WRITERS[kind](GOOD))(place)
        real = Path.read_bytes

        def read(self: Path) -> bytes:
            if self.suffix == f".{kind}" and self.stem == "rows":
                raise PermissionError(13, "Permission denied", str(self))
            return real(self)

        place.patch.setattr(Path, "read_bytes", read)

    return breaks


def tofu(place: Place) -> None:
    """The recipe is for TOFU's files."""
    place.recipe(suite={"name": "tofu", "split": "forget01"}, data=None)
    place.change("recipe.yaml", "data: null", "data: {path: tofu}")


def missing(kind: str) -> Callable[[Place], None]:
    return lambda place: place.recipe(data={"forget": f"rows/typo.{kind}"})


UNTOLD = {"jsonl": "not JSON", "json": "not JSON", "csv": "not CSV", "parquet": "the Parquet file cannot be read"}
ENCODING = dict.fromkeys(WRITERS, "not UTF-8") | {"parquet": "Parquet with UTF-8 strings"}


def of_every_kind(kind: str) -> list[Case]:
    name = f"rows.{kind}"
    return [
        Case(f"{kind}-empty", file(kind, b""), ["the file is empty", name]),
        Case(f"{kind}-truncated", file(kind, cut(kind)), [UNTOLD.get(kind, "not UTF-8"), name], RUN),
        Case(f"{kind}-wrong-encoding", file(kind, latin(kind)), [ENCODING[kind], name]),
        Case(f"{kind}-nul", file(kind, nul(kind)), ["NUL", name]),
        Case(f"{kind}-is-a-folder", folder(kind), ["the folder contains no files", name], RUN),
        Case(f"{kind}-no-permission", no_permission(kind), ["cannot be read: Permission denied", name]),
        Case(f"{kind}-is-not-there", missing(kind), ["no such file", "data.forget", f"rows/typo.{kind}"]),
    ]


def of_tables(kind: str) -> list[Case]:
    write, second = WRITERS[kind], SECOND[kind]
    # In CSV a row lacks no column, and what is not there is an empty cell.
    lacking = [{"question": row["question"]} for row in GOOD] if kind in ("csv", "parquet") else with_second(answer=...)
    lacks = ["columns match no shape", f"rows.{kind}", "qa: question, answer"]
    if kind in ("jsonl", "json"):
        lacks = ["a field is missing", f"{second}, field answer"]
    null = "a field is empty" if kind == "csv" else "a field is null"
    wrong = [{**row, "options": "many"} for row in GOOD] if kind == "csv" else with_second(answer=7)
    typed = ["a valid integer", "rows.csv:2, field options", "a string of length 4"]
    if kind == "parquet":
        wrong = [{**row, "answer": n} for n, row in enumerate(GOOD)]
    if kind != "csv":
        typed = ["a field is not text", "field answer", "a string"]
    twice = [{"id": "same", **row} for row in GOOD[:2]]
    return [
        Case(f"{kind}-missing-column", file(kind, write(lacking)), lacks),
        Case(f"{kind}-null-field", file(kind, write(with_second(answer=None))), [null, f"{second}, field answer"]),
        Case(
            f"{kind}-blank-field",
            file(kind, write(with_second(question=" "))),
            ["a field is empty", f"{second}, field question"],
            RUN,
        ),
        Case(f"{kind}-wrong-type", file(kind, write(wrong)), typed),
        Case(f"{kind}-one-id-twice", file(kind, write(twice)), ["the same id", second, "'same'"]),
    ]


CASES = [
    *(case for kind in WRITERS for case in of_every_kind(kind)),
    *(case for kind in TABLES for case in of_tables(kind)),
    Case(
        "unknown-extension",
        file("xlsx", b"PK"),
        ["files with this extension cannot be read", ".xlsx", ".jsonl, .json, .csv, .parquet"],
    ),
    Case("unknown-extension-in-init", file("pdf", b"%PDF"), [".pdf", "convert the file"], (*INIT, "rows.pdf")),
    Case(
        "init-columns-no-pair",
        nothing,
        ["--columns", "'query'", "NAME=COLUMN"],
        (*INIT, "forget.jsonl", "--columns", "query"),
    ),
    Case(
        "init-columns-unknown",
        nothing,
        ["--columns", "'query'", "before the equals sign"],
        (*INIT, "forget.jsonl", "--columns", "query=question"),
    ),
    Case("init-rows-truncated", file("jsonl", cut("jsonl")), ["not JSON", "rows.jsonl:2"], (*INIT, "rows.jsonl")),
    Case(
        "init-files-are-there",
        lambda _: None,
        ["exists already", "recipe.yaml"],
        ("init", "--model", "./model", "--forget", "forget.jsonl"),
    ),
    Case(
        "jsonl-conversation-of-three-turns",
        file("jsonl", jsonl([{"messages": [{"role": "user", "content": "a"}] * 3}])),
        ["the last turn is not the assistant's", "rows.jsonl:1, field messages"],
    ),
    Case("jsonl-two-shapes", file("jsonl", jsonl([{"text": "a", **GOOD[0]}])), ["several shapes", "data.shape"]),
    Case(
        "csv-cell-too-many",
        file("csv", csv(GOOD) + b"a,b,c\n"),
        ["number of cells in a line differs", "rows.csv:5", "3 cells", "2 cells"],
    ),
    Case("retain-truncated", lambda place: place.cut("retain.jsonl", 0.45), ["not JSON", "retain.jsonl:6"]),
    Case(
        "holdout-truncated",
        lambda place: (place.cut("holdout.jsonl"), place.recipe(data={"holdout": "holdout.jsonl"})),
        ["not JSON", "holdout.jsonl:6"],
        RUN,
    ),
    Case(
        "probe-is-not-there",
        lambda place: place.recipe(data={"probes": {"near": "near.jsonl"}}),
        ["no such file", "data.probes.near", "near.jsonl"],
    ),
    Case(
        "tofu-folder-lacks-a-file",
        lambda place: (place.remove("tofu/retain99.json"), tofu(place)),
        ["one of TOFU's files is missing", "data.path", "retain99.json"],
        RUN,
    ),
    Case(
        "tofu-row-without-answer",
        lambda place: (place.write("tofu/retain99.json", '{"question": "Who?"}'), tofu(place)),
        ["no question or no answer", "retain99.json, record 1"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rows_that_cannot_be_read_are_told(case: Case, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, place, capsys)
