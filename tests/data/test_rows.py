from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row, Splits, read_rows, write_rows

# No lone surrogates: they are no text and cannot be written as UTF-8.
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
ROWS = st.lists(
    st.builds(
        Row,
        id=TEXT,
        question=TEXT,
        answer=TEXT,
        trace=st.just("") | TEXT,
        accepted_answers=st.lists(TEXT, max_size=3).map(tuple),
        language=st.sampled_from(["en", "es", "ru"]),
        subject=st.none() | TEXT,
        attribute=st.none() | TEXT,
        form=st.sampled_from(["plain", "paraphrase", "reverse", "multihop", "choice", "passage"]),
    ),
    max_size=4,
).map(tuple)


@given(rows=ROWS)
def test_rows_come_back_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, rows: tuple[Row, ...]) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_rows(path, rows)
    assert read_rows(path) == rows


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('{"id": "b", "question": "Q"}', "answer"),
        ('{"id": "b", "question": "Q", "answer": ""}', "answer"),
        ('{"id": "b", "question": "Q", "answer": "A", "question_type": "rhyme"}', "question_type"),
        ('{"id": "b", "question": "Q", "answer": "A", "anwser": "A"}', "anwser"),
        ('{"id": "b", "question": "Q", "answer": "A", "accepted_answers": ["x", 3]}', "accepted_answers.1"),
        ("not json", "the line"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_field(tmp_path: Path, line: str, field: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "a", "question": "Q", "answer": "A"}\n\n' + line + "\n")
    with pytest.raises(InputError) as raised:
        read_rows(path)
    assert raised.value.where == f"{path}:3, field {field}"


def test_accepted_forms_stand_in_for_the_answer() -> None:
    assert Row(id="a", question="Q", answer="It is Oslo.").answers == ("It is Oslo.",)
    assert Row(id="a", question="Q", answer="It is Oslo.", accepted_answers=("Oslo",)).answers == ("Oslo",)


def test_a_row_belongs_to_one_split() -> None:
    one, two = Row(id="a", question="Q", answer="A"), Row(id="b", question="Q", answer="A")
    splits = Splits({"forget": (one,), "retain": (two,)})
    assert list(splits) == ["forget", "retain"] and splits["retain"] == (two,) and len(splits) == 2
    with pytest.raises(InputError, match="two rows have the same id") as raised:
        Splits({"forget": (one,), "near": (two, one)})
    assert raised.value.value == "a" and "'forget' and 'near'" in (raised.value.where or "")


def test_an_unknown_split_says_which_there_are() -> None:
    with pytest.raises(InputError) as raised:
        Splits({"forget": (), "retain": ()})["retian"]
    assert raised.value.allowed == "forget, retain"


def test_a_text_has_no_question_and_no_trace(tmp_path: Path) -> None:
    text = Row(id="a", question="", answer="Ada was born in Oslo.")
    write_rows(tmp_path / "rows.jsonl", (text,))
    assert read_rows(tmp_path / "rows.jsonl") == (text,)
    with pytest.raises(ValidationError, match="cannot have a trace"):
        Row(id="a", question="", answer="Ada was born in Oslo.", trace="Ada.")
