from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row, Splits, write_rows

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
    # Not splitlines(), which also splits at characters that a JSON string may contain.
    assert tuple(map(Row.model_validate_json, path.read_text(encoding="utf-8").split("\n")[:-1])) == rows


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
    assert Row.model_validate_json((tmp_path / "rows.jsonl").read_text(encoding="utf-8")) == text
    with pytest.raises(ValidationError, match="cannot have a trace"):
        Row(id="a", question="", answer="Ada was born in Oslo.", trace="Ada.")
