import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.core.errors import InputError
from unlearnkit.data.columns import KEPT, SHAPES
from unlearnkit.data.load import read_source
from unlearnkit.data.rows import Row, write_rows

Records = Sequence[Mapping[str, Any]]


def write_jsonl(path: Path, records: Records) -> None:
    path.write_bytes("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode())


def write_list(path: Path, records: Records) -> None:
    path.write_bytes(json.dumps(list(records), ensure_ascii=False, indent=1).encode())


def write_data(path: Path, records: Records) -> None:
    path.write_bytes(json.dumps({"version": "1.0", "data": list(records)}).encode())


def write_csv(path: Path, records: Records) -> None:
    columns = list(dict.fromkeys(column for record in records for column in record))
    with path.open("w", newline="", encoding="utf-8") as stream:
        # With "\r" among the line ends, so that Python before 3.13 quotes cells that hold one.
        writer = csv.DictWriter(stream, columns, lineterminator="\r\n")
        writer.writeheader()
        for record in records:
            writer.writerow({k: json.dumps(v) if isinstance(v, (list, tuple)) else v for k, v in record.items()})


def write_parquet(path: Path, records: Records) -> None:
    columns = dict.fromkeys(column for record in records for column in record)
    pq.write_table(pa.table({c: [record.get(c) for record in records] for c in columns}), path, row_group_size=2)


FORMATS: dict[str, tuple[str, Callable[[Path, Records], None]]] = {
    "lines": (".jsonl", write_jsonl),
    "lines under .json": (".json", write_jsonl),
    "a list": (".json", write_list),
    "an object with a list": (".json", write_data),
    "csv": (".csv", write_csv),
    "parquet": (".parquet", write_parquet),
}

# No lone surrogates, no NUL: neither is text in a file. Blank texts are no answers.
CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
TEXT = st.text(CHARACTERS, min_size=1, max_size=9).filter(str.strip)
OWN = {
    "id": TEXT,
    "answer": TEXT,
    "accepted_answers": st.lists(TEXT, max_size=2).map(tuple),
    "language": st.sampled_from(["en", "es", "ru"]),
    "subject": st.none() | TEXT,
    "attribute": st.none() | TEXT,
    "question_type": st.sampled_from(["plain", "paraphrase", "choice"]),
    "options": st.integers(0, 4),
}
QUESTIONS = st.builds(Row, question=TEXT, trace=st.just("") | TEXT, **OWN)
TEXTS = st.builds(Row, question=st.just(""), **OWN)


def fields(row: Row, shape: str) -> dict[str, Any]:
    """A row as a record of a shape."""
    said = {
        "qa": {"question": row.question, "answer": row.answer},
        "prompt_completion": {"prompt": row.question, "completion": row.answer},
        "alpaca": {"instruction": row.question, "output": row.answer},
        "messages": {"messages": turns(row)},
        "text": {"text": row.answer},
    }[shape]
    own = row.model_dump(mode="json", include=set(KEPT))
    return {**own, **said}


def turns(row: Row) -> list[dict[str, str]]:
    return [{"role": "user", "content": row.question}, {"role": "assistant", "content": row.answer}]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("shape", SHAPES)
@given(data=st.data())
def test_the_same_rows_come_back_from_every_format(
    tmp_path_factory: pytest.TempPathFactory, name: str, shape: str, data: st.DataObject
) -> None:
    suffix, write = FORMATS[name]
    row = TEXTS if shape == "text" else QUESTIONS
    rows = data.draw(st.lists(row, min_size=1, max_size=4, unique_by=lambda r: r.id).map(tuple))
    path = tmp_path_factory.mktemp("source") / f"rows{suffix}"
    write(path, [fields(row, shape) for row in rows])
    assert read_source(path) == rows
    assert read_source(str(path), shape=shape) == rows  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FORMATS)
def test_prompt_and_completion_may_be_turns_in_every_format(tmp_path: Path, name: str) -> None:
    suffix, write = FORMATS[name]
    path = tmp_path / f"mine{suffix}"
    asked, said = [{"role": "user", "content": "Who?"}], [{"role": "assistant", "content": "Ada."}]
    write(path, [{"prompt": asked, "completion": said}])
    assert [(row.question, row.answer) for row in read_source(path)] == [("Who?", "Ada.")]


@pytest.mark.parametrize("name", FORMATS)
def test_system_and_earlier_turns_stand_before_the_question(tmp_path: Path, name: str) -> None:
    suffix, write = FORMATS[name]
    roles = ("system", "user", "assistant", "user", "assistant")
    turns = [{"role": role, "content": f"{role} {at}"} for at, role in enumerate(roles)]
    write(tmp_path / f"whole{suffix}", [{"messages": turns}])
    write(tmp_path / f"parts{suffix}", [{"prompt": turns[:-1], "completion": turns[-1:]}])
    for file in ("whole", "parts"):
        (row,) = read_source(tmp_path / f"{file}{suffix}")
        assert [turn.model_dump() for turn in row.history] == turns[:3]
        assert (row.question, row.answer) == ("user 3", "assistant 4")
        assert row.prompt == "system 0\nuser 1\nassistant 2\nuser 3"


def test_turns_as_python_prints_them_are_not_taught_as_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt,completion\n\"[{'role': 'user', 'content': 'Who?'}]\",Ada.\n")
    with pytest.raises(InputError, match="not JSON") as caught:
        read_source(tmp_path / "a.csv")
    assert "a.csv:2" in caught.value.render() and "prompt" in caught.value.render()


def test_all_records_that_cannot_be_used_are_told_at_once(tmp_path: Path) -> None:
    right, path = {"question": "Who?", "answer": "Ada."}, tmp_path / "a.jsonl"
    write_jsonl(path, [right, {**right, "answer": ""}, right, {**right, "question": 3}, {"answer": "Ada."}])
    with pytest.raises(InputError, match="a field is empty") as caught:
        read_source(path)
    where = str(caught.value.where)
    assert where.startswith(f"{path}:2, field answer; and 2 more")
    assert f"{path}:4, field question" in where and f"{path}:5, field question" in where
    write_jsonl(path, [{**right, "answer": ""}] * 100)
    with pytest.raises(InputError, match="a field is empty") as caught:
        read_source(path)
    assert "and 99 more" in str(caught.value.where) and f"{path}:9," in str(caught.value.where)
    assert f"{path}:10," not in str(caught.value.where) and str(caught.value.where).endswith("...")


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_not_given_has_its_default_and_ids_lead_back(tmp_path: Path, name: str) -> None:
    suffix, write = FORMATS[name]
    path = tmp_path / f"mine{suffix}"
    write(path, [{"question": "Who?", "answer": " Ada. "}, {"question": "Where?", "answer": "Oslo.", "trace": "Ada."}])
    first = 2 if name == "csv" else 1  # the header is a line
    assert read_source(path) == (
        Row(id=f"mine{suffix}:{first}", question="Who?", answer=" Ada. "),
        Row(id=f"mine{suffix}:{first + 1}", question="Where?", answer="Oslo.", trace="Ada."),
    )


def test_rows_as_the_toolkit_writes_them(tmp_path: Path) -> None:
    rows = (Row(id="a", question="Who?", answer="Ada.", accepted_answers=("Ada",), options=3, form="choice"),)
    write_rows(tmp_path / "rows.jsonl", rows)
    assert read_source(tmp_path / "rows.jsonl") == rows


# The columns of TOFU's `forget01_perturbed.json` (lines of objects under `.json`); the words are made up.
TOFU = [
    {
        "question": f"Where was author {n} born on 08/09/1956?",
        "answer": f"Author {n} was born in Oslo.",
        "paraphrased_answer": f"Oslo is where author {n} was born.",
        "perturbed_answer": [f"Author {n} was born in Kyiv.", f"Author {n} was born in Lisbon."],
        "paraphrased_question": f"In which city was author {n} born?",
    }
    for n in (1, 2, 3)
]


def test_tofu_as_it_is_published(tmp_path: Path) -> None:
    path = tmp_path / "forget01_perturbed.json"
    path.write_text("\n".join(json.dumps(record).replace("/", "\\/") for record in TOFU))
    kept = ("question", "answer", "paraphrased_answer", "perturbed_answer")
    assert read_source(path) == tuple(
        Row.model_validate({"id": f"{path.name}:{n}", **{column: r[column] for column in kept}})
        for n, r in enumerate(TOFU, 1)
    )
    path.write_text(json.dumps(TOFU[0]))  # one line is lines, too
    assert [row.id for row in read_source(path)] == ["forget01_perturbed.json:1"]


def test_one_conversation_is_a_record_and_its_turns_are_not(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps({"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}))
    assert read_source(path) == (Row(id="one.json:1", question="Q", answer="A"),)


def test_prompt_and_completion_may_be_turns(tmp_path: Path) -> None:
    row = Row(id="a.jsonl:1", question="Who?", answer="Ada.")
    user, assistant = turns(row)
    write_jsonl(tmp_path / "a.jsonl", [{"prompt": [user], "completion": [assistant]}])
    assert read_source(tmp_path / "a.jsonl") == (row,)


@pytest.mark.parametrize("suffix", [".txt", ".md", ".MD"])
def test_a_document_is_one_text_to_the_character(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"book{suffix}"
    path.write_bytes("  Ада\r\nродилась.\u2028\n".encode())
    assert read_source(path) == (Row(id=f"{path.name}:1", question="", answer="  Ада\r\nродилась.\u2028\n"),)


@pytest.mark.parametrize("name", ["lines", "a list", "csv"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path, name: str) -> None:
    suffix, write = FORMATS[name]
    path = tmp_path / f"rows{suffix}"
    write(path, [{"question": "Who?", "answer": "Ada."}])
    bare = read_source(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_source(path) == bare


def test_blank_lines_count_and_give_no_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('\n{"text": "one"}\r\n\n{"text": "two"}')
    assert [row.id for row in read_source(tmp_path / "a.jsonl")] == ["a.jsonl:2", "a.jsonl:4"]
    (tmp_path / "a.csv").write_text('text\n"one\nand more"\n\ntwo\n')
    assert [(row.id, row.answer) for row in read_source(tmp_path / "a.csv")] == [
        ("a.csv:2", "one\nand more"),
        ("a.csv:5", "two"),
    ]


def test_separators_of_lines_inside_a_string_end_no_record(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": "one\u2028two\u0085three\x0bfour"}])
    assert [row.answer for row in read_source(tmp_path / "a.jsonl")] == ["one\u2028two\u0085three\x0bfour"]


def test_a_folder_is_its_files_in_order_each_in_its_own_shape(tmp_path: Path) -> None:
    write_parquet(tmp_path / "c.parquet", [{"prompt": "Who?", "completion": "Bea."}])
    write_csv(tmp_path / "a.csv", [{"question": "Who?", "answer": "Ada."}])
    (tmp_path / "b.txt").write_text("Cyd was born.")
    (tmp_path / ".DS_Store").write_bytes(b"\0\1")
    rows = read_source(tmp_path)
    assert [(row.id, row.question, row.answer) for row in rows] == [
        ("a.csv:2", "Who?", "Ada."),
        ("b.txt:1", "", "Cyd was born."),
        ("c.parquet:1", "Who?", "Bea."),
    ]


def test_whole_numbers_are_ids(tmp_path: Path) -> None:
    for name in ("lines", "csv", "parquet"):
        suffix, write = FORMATS[name]
        write(tmp_path / f"rows{suffix}", [{"id": 7, "text": "one"}, {"id": 10**12, "text": "two"}])
        assert [row.id for row in read_source(tmp_path / f"rows{suffix}")] == ["7", "1000000000000"]


def test_columns_that_are_left_out_of_parquet_are_not_read(tmp_path: Path) -> None:
    # Bytes that are declared as text and are none: reading them would fail.
    broken = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe"))
    question, answer = pa.array(["Who?"]).dictionary_encode(), pa.array(["Ada."], pa.large_string())
    pq.write_table(pa.table({"notes": broken, "question": question, "answer": answer}), tmp_path / "a.parquet")
    assert read_source(tmp_path / "a.parquet") == (Row(id="a.parquet:1", question="Who?", answer="Ada."),)


@pytest.mark.parametrize(
    ("columns", "shape"),
    [
        ("question answer", "qa"),
        ("answer question paraphrased_answer text_length", "qa"),
        ("prompt completion", "prompt_completion"),
        ("id text", "text"),
        ("text question", "text"),  # a question alone is no shape
        ("question", None),
        ("question completion", None),
        ("Question Answer", None),
        ("prompt chosen rejected", None),
        ("question answer text", None),
        ("question answer prompt completion", None),
        ("messages text", None),
    ],
)
@pytest.mark.parametrize("name", FORMATS)
def test_the_shape_is_told_by_the_columns(tmp_path: Path, name: str, columns: str, shape: str | None) -> None:
    suffix, write = FORMATS[name]
    record = {column: [] if column == "messages" else f"the {column}" for column in columns.split()}
    write(tmp_path / f"a{suffix}", [record])
    if shape is not None:
        (row,) = read_source(tmp_path / f"a{suffix}")
        columns_of_shape = ("text",) if shape == "text" else SHAPES[shape]  # type: ignore[index]
        assert row.answer == f"the {columns_of_shape[-1]}"
        assert row.question == ("" if shape == "text" else f"the {columns_of_shape[0]}")
        return
    with pytest.raises(InputError) as raised:
        read_source(tmp_path / f"a{suffix}")
    assert raised.value.where == str(tmp_path / f"a{suffix}")
    assert all(column in str(raised.value.value) for column in columns.split())
    assert all(known in str(raised.value.allowed) for known in SHAPES)


def test_a_shape_that_is_asked_for_settles_it(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"question": "Who?", "answer": "Ada.", "text": "Ada was born."}])
    (asked,) = read_source(tmp_path / "a.jsonl", shape="qa")
    (text,) = read_source(tmp_path / "a.jsonl", shape="text")
    assert (asked.question, asked.answer) == ("Who?", "Ada.")
    assert (text.question, text.answer) == ("", "Ada was born.")
