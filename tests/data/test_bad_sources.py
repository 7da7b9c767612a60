"""Every way in which a file can be unusable: one error, which names the file, the place, the field and the fix."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlearnkit.core.errors import InputError
from unlearnkit.data.load import read_source


class Case(NamedTuple):
    """A file, or several, and what the error has to say."""

    name: str
    files: dict[str, bytes | Callable[[Path], Any]]
    """What is in the folder, by file name: bytes, or how the file is made."""
    where: str
    """The error's place, after the folder."""
    what: str
    """Part of what is wrong."""
    value: object = None
    read: str | None = None
    """What is read; the first file where it is not said."""
    shape: Any = None


def jsonl(*lines: Any) -> bytes:
    """Lines, each as it is if it is a string."""
    return "".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines).encode()


def parquet(**columns: Any) -> Callable[[Path], Any]:
    return lambda path: pq.write_table(pa.table(columns), path)


def parquet_of_bytes_as_text(path: Path) -> None:
    """A column that is declared as text, and is not UTF-8."""
    offsets, data = pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")
    pq.write_table(pa.table({"text": pa.StringArray.from_buffers(1, offsets, data)}), path)


def parquet_with_a_column_twice(path: Path) -> None:
    pq.write_table(pa.table([["a"], ["b"]], names=["text", "text"]), path)


def cut_parquet(path: Path) -> None:
    parquet(text=["one", "two"])(path)
    path.write_bytes(path.read_bytes()[:-20])


def user(content: Any = "Who?") -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any = "Ada.") -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def talk(*turns: Any) -> dict[str, Any]:
    return {"messages": list(turns)}


GOOD = {"question": "Who?", "answer": "Ada."}
MISSING = jsonl(GOOD, {"question": "Who?", "anwser": "Ada."})
LONG = "x" * 500
A1, A2, EMPTY = "a string of length 1", "a string of length 2", "an empty string"
CUT = "x" * 57 + "..."

CASES = [
    # Files and folders
    Case("missing file", {}, "a.jsonl", "no such file", read="a.jsonl"),
    Case("missing folder", {}, "no/a.jsonl", "no such file", read="no/a.jsonl"),
    Case("file as a folder", {"a.csv": b"text\nA\n"}, "a.csv/b.csv", "cannot be read", read="a.csv/b.csv"),
    Case("folder without files", {".hidden": b"x"}, "", "contains no files", read="."),
    Case("contains a folder", {"a.txt": b"A", "b": Path.mkdir}, "b", "contains a folder", read="."),
    Case("folder with the name of a file", {"b.csv": Path.mkdir}, "b.csv", "contains a folder", read="."),
    Case("unknown extension", {"a.xlsx": b"A"}, "a.xlsx", "extension", ".xlsx"),
    Case("no extension", {"rows": b"A"}, "rows", "extension", ""),
    Case("unknown extension in a folder", {"a.txt": b"A", "b.pdf": b"B"}, "b.pdf", "extension", ".pdf", read="."),
    Case("empty jsonl", {"a.jsonl": b""}, "a.jsonl", "is empty"),
    Case("blank jsonl", {"a.jsonl": b" \n\n"}, "a.jsonl", "is empty"),
    Case("only a byte order mark", {"a.json": b"\xef\xbb\xbf"}, "a.json", "is empty"),
    Case("empty csv", {"a.csv": b""}, "a.csv", "is empty"),
    Case("empty parquet file", {"a.parquet": b""}, "a.parquet", "is empty"),
    Case("blank document", {"a.md": b"\n\t\n"}, "a.md", "is empty"),
    Case("csv with a header alone", {"a.csv": b"question,answer\n"}, "a.csv", "no rows"),
    Case("json without rows", {"a.json": b"[]"}, "a.json", "no rows"),
    Case("json without rows in its list", {"a.json": b'{"data": []}'}, "a.json", "no rows"),
    Case("parquet without rows", {"a.parquet": parquet(text=pa.array([], pa.string()))}, "a.parquet", "no rows"),
    # Bytes
    Case("not utf-8", {"a.jsonl": b'{"text": "A"}\n{"text": "\xe9"}'}, "a.jsonl:2, byte 24 of", "not UTF-8", "0xe9"),
    Case("not utf-8 behind a mark", {"a.txt": b"\xef\xbb\xbfA\xe9"}, "a.txt:1, byte 4 of", "not UTF-8", "0xe9"),
    Case("latin-1 csv", {"a.csv": "text\nÁda\n".encode("latin-1")}, "a.csv:2, byte 5 of", "not UTF-8", "0xc1"),
    Case("utf-16", {"a.txt": "Ada".encode("utf-16")}, "a.txt:1, byte 0 of", "not UTF-8"),
    Case("utf-16 without a mark", {"a.csv": "text\nA".encode("utf-16-le")}, "a.csv:1, byte 1 of", "NUL byte", "0x00"),
    Case("cut inside a character", {"a.md": "Ада".encode()[:-1]}, "a.md:1, byte 4 of", "not UTF-8", "0xd0"),
    Case("nul byte", {"a.txt": b"A\nB\0"}, "a.txt:2, byte 3 of", "NUL byte", "0x00"),
    # JSON
    Case("broken line", {"a.jsonl": jsonl(GOOD, '{"question": "Who?",')}, "a.jsonl:2, column 21", "not JSON"),
    Case("words in a line", {"a.jsonl": jsonl("Who? Ada.")}, "a.jsonl:1, column 1", "not JSON", "W"),
    Case("long broken line", {"a.jsonl": jsonl(LONG)}, "a.jsonl:1, column 1", "not JSON", "x"),
    Case("trailing comma in a line", {"a.jsonl": jsonl('{"text": "A",}')}, "a.jsonl:1, column ", "not JSON"),
    Case("trailing comma in a list", {"a.json": b'[\n{"text": "A"},\n]'}, "a.json:", "not JSON"),
    Case("two objects on a line", {"a.jsonl": jsonl('{"text": "A"}{"text": "B"}')}, "a.jsonl:1, column 14", "not JSON"),
    Case("single quotes", {"a.jsonl": jsonl("{'text': 'A'}")}, "a.jsonl:1, column 2", "not JSON"),
    Case("json that ends too early", {"a.json": b'[{"text": "A"'}, "a.json:1, column 14", "not JSON"),
    Case("line of lines under .json", {"a.json": jsonl(GOOD, '{"question": }')}, "a.json:2, column 14", "not JSON"),
    Case("key twice", {"a.jsonl": jsonl('{"text": "A", "text": "B"}')}, "a.jsonl:1, column 1", "'text' occurs twice"),
    Case("number without end", {"a.jsonl": jsonl(f'{{"id": {"9" * 5000}}}')}, "a.jsonl:1, column 1", "cannot be used"),
    Case("nested without end", {"a.jsonl": jsonl(GOOD, "[" * 200_000)}, "a.jsonl:2, column 1", "nested too deeply"),
    Case("nested without end in json", {"a.json": b'{"a":' * 200_000}, "a.json:1, column 1", "nested too deeply"),
    Case("list in a line", {"a.jsonl": jsonl(GOOD, ["Who?", "Ada."])}, "a.jsonl:2", "not an object", "a list of 2"),
    Case(
        "string in a list",
        {"a.json": b'[{"text": "A"}, "B"]'},
        "a.json, record 2",
        "not an object",
        A1,
    ),
    Case("list in a list", {"a.json": b'[[{"text": "A"}]]'}, "a.json, record 1", "not an object"),
    Case("string for a list", {"a.json": b'"Who?"'}, "a.json", "not a list of rows", "a string of length 4"),
    Case(
        "two lists",
        {"a.json": b'{"train": [], "test": []}'},
        "a.json",
        "not a list of rows",
        "an object with the fields train, test",
    ),
    # CSV
    Case(
        "csv cell too many",
        {"a.csv": b"question,answer\nQ,A\nQ,A,B\n"},
        "a.csv:3",
        "number of cells in a line differs",
        "3 cells",
    ),
    Case(
        "csv cell too few",
        {"a.csv": b'question,answer\n"Q\nQ",A\nQ\n'},
        "a.csv:4",
        "number of cells in a line differs",
        "1 cells",
    ),
    Case("csv quote never closed", {"a.csv": b'text\nA\n"B\nC\n'}, "a.csv:3", "not CSV"),
    Case("csv text after a quote", {"a.csv": b'text\n"A"B\n'}, "a.csv:2", "not CSV"),
    Case("csv cell of a book", {"a.csv": b"text\n" + b"x" * 200_000}, "a.csv:2", "not CSV"),
    Case("csv column twice", {"a.csv": b"text,text\nA,B\n"}, "a.csv:1", "same name", "text"),
    Case("csv with semicolons", {"a.csv": b"question;answer\nQ;A\n"}, "a.csv", "no shape", "columns with other names"),
    Case("csv without a header", {"a.csv": b"Who?,Ada.\nB,C\n"}, "a.csv", "no shape", "columns with other names"),
    Case("csv empty cell", {"a.csv": b"question,answer\nQ,\n"}, "a.csv:2, field answer", "empty", EMPTY),
    Case("csv list that is no json", {"a.csv": b"text,accepted\nA,Oslo\n"}, "a.csv:2, field accepted", "not JSON", "O"),
    # Parquet
    Case("no parquet", {"a.parquet": b"question,answer\nQ,A\n"}, "a.parquet", "Parquet file cannot be read"),
    Case("parquet cut short", {"a.parquet": cut_parquet}, "a.parquet", "Parquet file cannot be read"),
    Case("parquet of other bytes", {"a.parquet": parquet_of_bytes_as_text}, "a.parquet", "Parquet file cannot be read"),
    Case("parquet column twice", {"a.parquet": parquet_with_a_column_twice}, "a.parquet", "same name", "text"),
    Case("parquet null", {"a.parquet": parquet(text=["A", None])}, "a.parquet, record 2, field text", "null"),
    Case("parquet bytes", {"a.parquet": parquet(text=[b"A"])}, "a.parquet, record 1, field text", "not text", "bytes"),
    Case(
        "parquet nul",
        {"a.parquet": parquet(text=["A\0"])},
        "a.parquet, record 1, field text",
        "NUL",
        A2,
    ),
    Case("parquet other columns", {"a.parquet": parquet(q=["Q"], a=["A"])}, "a.parquet", "no shape", "columns q, a"),
    # Fields
    Case("missing field", {"a.jsonl": MISSING}, "a.jsonl:2, field answer", "missing", "fields question, anwser"),
    Case("missing in json", {"a.json": b'[{"text": "A"}, {}]'}, "a.json, record 2, field text", "missing", "fields "),
    Case("empty field", {"a.jsonl": jsonl({**GOOD, "answer": ""})}, "a.jsonl:1, field answer", "empty", EMPTY),
    Case(
        "blank field",
        {"a.jsonl": jsonl({**GOOD, "question": " \n"})},
        "a.jsonl:1, field question",
        "empty",
        "white space",
    ),
    Case("null field", {"a.jsonl": jsonl(GOOD, {**GOOD, "answer": None})}, "a.jsonl:2, field answer", "null"),
    Case(
        "number for text",
        {"a.jsonl": jsonl({**GOOD, "answer": 42})},
        "a.jsonl:1, field answer",
        "not text",
        "a number",
    ),
    Case("list for text", {"a.jsonl": jsonl({"text": ["A"]})}, "a.jsonl:1, field text", "not text", "a list of 1"),
    Case("half a character", {"a.jsonl": jsonl(r'{"text": "\ud83d"}')}, "a.jsonl:1, field text", "half", "\\ud83d"),
    Case(
        "escaped nul",
        {"a.jsonl": jsonl(r'{"text": "A\u0000"}')},
        "a.jsonl:1, field text",
        "NUL",
        A2,
    ),
    Case(
        "nul beside",
        {"a.jsonl": jsonl({**GOOD, "subject": "A\0"})},
        "a.jsonl:1, field subject",
        "NUL",
        A2,
    ),
    Case(
        "nul in a list",
        {"a.jsonl": jsonl({**GOOD, "accepted_answers": ["A\0"]})},
        "a.jsonl:1, field accepted_answers",
        "NUL",
        A2,
    ),
    Case("null id", {"a.jsonl": jsonl({**GOOD, "id": None})}, "a.jsonl:1, field id", "null"),
    Case("empty id", {"a.csv": b"id,text\n,A\n"}, "a.csv:2, field id", "empty", EMPTY),
    Case(
        "id of another type",
        {"a.jsonl": jsonl({**GOOD, "id": True})},
        "a.jsonl:1, field id",
        "not text",
        "true or false",
    ),
    Case(
        "accepted as one string",
        {"a.jsonl": jsonl({**GOOD, "accepted_answers": "A"})},
        "a.jsonl:1, field accepted_answers",
        "tuple",
    ),
    Case(
        "accepted holds null",
        {"a.jsonl": jsonl({**GOOD, "accepted_answers": ["A", None]})},
        "a.jsonl:1, field accepted_answers.1",
        "",
    ),
    Case(
        "unknown form", {"a.csv": b"text,form\nA,rhyme\n"}, "a.csv:2, field question_type", "Input should be", "rhyme"
    ),
    Case(
        "options as words",
        {"a.csv": b"text,options\nA,many\n"},
        "a.csv:2, field options",
        "integer",
        "a string of length 4",
    ),
    Case("options below zero", {"a.jsonl": jsonl({**GOOD, "options": -1})}, "a.jsonl:1, field options", "greater", -1),
    Case(
        "options in words",
        {"a.json": b'[{"text": "A", "options": ["x"]}]'},
        "a.json, record 1, field options",
        "integer",
    ),
    Case(
        "text with a trace",
        {"a.jsonl": jsonl({"text": "A", "trace": "T"})},
        "a.jsonl:1, field trace",
        "cannot have a trace",
        A1,
    ),
    Case(
        "long value",
        {"a.jsonl": jsonl({**GOOD, "question_type": LONG})},
        "a.jsonl:1, field question_type",
        "Input should be",
        CUT,
    ),
    # Conversations
    Case(
        "messages as text",
        {"a.jsonl": jsonl({"messages": "A"})},
        "a.jsonl:1, field messages",
        "list of turns",
        A1,
    ),
    Case("no messages", {"a.jsonl": jsonl(talk())}, "a.jsonl:1, field messages", "list of turns", "a list of 0"),
    Case(
        "turn as text",
        {"a.jsonl": jsonl(talk("A"))},
        "a.jsonl:1, field messages.0",
        "not an object",
        A1,
    ),
    Case(
        "turn without content",
        {"a.jsonl": jsonl(talk({"role": "user"}))},
        "a.jsonl:1, field messages.0.content",
        "missing",
    ),
    Case(
        "null content", {"a.jsonl": jsonl(talk(user(), assistant(None)))}, "a.jsonl:1, field messages.1.content", "null"
    ),
    Case(
        "content in parts",
        {"a.jsonl": jsonl(talk(user([])))},
        "a.jsonl:1, field messages.0.content",
        "not text",
        "a list of 0",
    ),
    Case(
        "unknown role",
        {"a.jsonl": jsonl(talk({"role": "tool", "content": "A"}))},
        "a.jsonl:1, field messages.0.role",
        "role",
        "tool",
    ),
    Case(
        "last turn the user's",
        {"a.jsonl": jsonl(talk(user()))},
        "a.jsonl:1, field messages.0.role",
        "last turn",
        "user",
    ),
    Case(
        "answer alone",
        {"a.jsonl": jsonl(talk(assistant()))},
        "a.jsonl:1, field messages.0",
        "do not alternate",
        "assistant",
    ),
    Case(
        "turns of one role",
        {"a.jsonl": jsonl(talk(user(), user(), assistant()))},
        "a.jsonl:1, field messages.0",
        "do not alternate",
        "user, user, assistant",
    ),
    Case(
        "system turn in the middle",
        {"a.jsonl": jsonl(talk(user(), assistant(), {"role": "system", "content": "Be kind."}, user(), assistant()))},
        "a.jsonl:1, field messages.0",
        "do not alternate",
    ),
    Case(
        "completion of text",
        {"a.jsonl": jsonl({"prompt": [user()], "completion": "A"})},
        "a.jsonl:1, field completion",
        "list of turns",
        A1,
    ),
    Case("messages in csv", {"a.csv": b'messages\n"[{]"\n'}, "a.csv:2, field messages", "not JSON"),
    # Shapes and ids
    Case("unknown columns", {"a.jsonl": jsonl({"Q": "A", "R": "B"})}, "a.jsonl", "no shape", "columns Q, R"),
    Case("two shapes", {"a.jsonl": jsonl({**GOOD, "text": "A"})}, "a.jsonl", "several shapes (qa, text)"),
    Case("two shapes in two lines", {"a.jsonl": jsonl(GOOD, {"text": "A"})}, "a.jsonl", "several shapes (qa, text)"),
    Case(
        "not the shape asked for",
        {"a.jsonl": jsonl(GOOD)},
        "a.jsonl",
        "'text'",
        "columns question, answer",
        shape="text",
    ),
    Case("a document of questions", {"a.txt": b"A"}, "a.txt", "'qa'", "columns text", shape="qa"),
    Case("same id", {"a.jsonl": jsonl({**GOOD, "id": "1"}, {**GOOD, "id": 1})}, "a.jsonl:1 and ", "same id", "1"),
    Case(
        "same id in two files",
        {"a.csv": b"id,text\nx,A\n", "b.jsonl": jsonl({"id": "x", "text": "A"})},
        "b.jsonl:1, field id",
        "same id",
        "x",
        read=".",
    ),
    Case(
        "id of a line that has none",
        {"a.jsonl": jsonl({"id": "a.jsonl:2", "text": "A"}, {"text": "B"})},
        "a.jsonl:2, field id",
        "same id",
        "a.jsonl:2",
    ),
]


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def test_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40


@pytest.mark.parametrize("case", CASES, ids=[case.name.replace(" ", "-") for case in CASES])
def test_a_bad_source_is_one_error_that_says_where(tmp_path: Path, case: Case) -> None:
    for name, made in case.files.items():
        if isinstance(made, bytes):
            (tmp_path / name).write_bytes(made)
        else:
            made(tmp_path / name)
    before = contents(tmp_path)
    with pytest.raises(InputError) as raised:
        read_source(tmp_path / (case.read or next(iter(case.files))), shape=case.shape)
    error = raised.value
    assert type(error) is InputError
    assert str(tmp_path / case.where.split(":")[0].split(",")[0]) in str(error)
    assert case.where in str(error.where)
    assert case.what in error.what
    if case.value is not None:
        assert error.value == case.value
    assert error.fix or error.allowed
    assert len(str(error)) < 1000
    assert contents(tmp_path) == before


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Simulated, since the tests may run as root, who may read everything.
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "a.jsonl").write_bytes(jsonl(GOOD))
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    for name in ("a.jsonl", "a.parquet"):
        with pytest.raises(InputError, match="cannot be read: Permission denied") as raised:
            read_source(tmp_path / name)
        assert raised.value.where == str(tmp_path / name)


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match="cannot be read: Permission denied") as raised:
        read_source(tmp_path)
    assert raised.value.where == str(tmp_path)


def test_a_shape_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data shape") as raised:
        read_source(tmp_path, shape="chat")  # type: ignore[arg-type]
    assert raised.value.value == "chat" and "messages" in str(raised.value.allowed)
