import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import normalizers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from tests.tiny import byte_tokenizer, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.documents import chunk_spans, read_documents

WORDS = tiny_tokenizer()
BYTES = PreTrainedTokenizerFast(
    tokenizer_object=byte_tokenizer(merges=[("Ġ", "Ð"), ("Ð", "°"), ("a", "b"), ("ab", "c"), ("Ġ", "a")]),
    eos_token="<end>",
)
TOKENIZERS = {"words": WORDS, "bytes": BYTES}
# Cyrillic, an accent by itself, joined emoji with a skin tone, a flag, what words are parted by, and anything else.
PIECES = st.sampled_from(
    ["Ада ", "аб", "abc", " a", "e\u0301", "👩🏽\u200d🚀", "🇳🇴", "\n\n", "\r\n", "\u2028", "Oslo . ", "  "]
)
TEXT = st.lists(PIECES | st.text(st.characters(exclude_categories=("Cs",)), max_size=4), min_size=1, max_size=40).map(
    "".join
)


def length(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


@given(text=TEXT.filter(str.strip), name=st.sampled_from(sorted(TOKENIZERS)), size=st.integers(8, 30), data=st.data())
def test_chunks_cover_the_text_and_fit(text: str, name: str, size: int, data: st.DataObject) -> None:
    tokenizer, overlap = TOKENIZERS[name], data.draw(st.integers(0, size - 1))
    spans = chunk_spans(text, tokenizer, max_tokens=size, overlap=overlap)
    assert spans[0][0] == 0 and spans[-1][1] == len(text)
    for (start, end), (after, further) in itertools.pairwise(spans):
        assert start < after <= end < further  # no gap, and each goes on
        assert length(tokenizer, text[after:end]) <= overlap
    assert all(length(tokenizer, text[start:end]) <= size for start, end in spans)


@given(words=st.lists(st.sampled_from(["Ada", "Oslo", "poet", "the"]), min_size=1, max_size=60), data=st.data())
def test_where_every_word_is_a_token_the_overlap_is_exact(words: list[str], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12))
    overlap = data.draw(st.integers(0, size - 1))
    text = " ".join(words)
    chunks = [text[start:end].split() for start, end in chunk_spans(text, WORDS, max_tokens=size, overlap=overlap)]
    assert all(len(chunk) == size for chunk in chunks[:-1])
    for one, two in itertools.pairwise(chunks):
        assert one[len(one) - overlap :] == two[:overlap]
    assert sum(map(len, chunks)) - overlap * (len(chunks) - 1) == len(words)


def test_by_hand() -> None:
    text = " Ada was  born in Oslo .\n"
    spans = chunk_spans(text, WORDS, max_tokens=3, overlap=1)
    assert [text[a:b] for a, b in spans] == [" Ada was  born ", "born in Oslo ", "Oslo .\n"]
    assert chunk_spans(text, WORDS, max_tokens=6) == [(0, len(text))]


def test_a_cut_never_parts_a_character() -> None:
    # Four bytes, four tokens each: three tokens of one fit nowhere, and seven hold one.
    text = "🚀🌍🌙"
    assert chunk_spans(text, BYTES, max_tokens=7, overlap=6) == [(0, 1), (1, 2), (2, 3)]
    assert chunk_spans(text, BYTES, max_tokens=8, overlap=5) == [(0, 2), (1, 3)]
    with pytest.raises(InputError, match="indivisible piece") as raised:
        chunk_spans("ab" + text, BYTES, max_tokens=3, where="moon.txt")
    assert raised.value.where == "moon.txt, characters 2-3"


def test_a_cut_never_parts_a_token_that_reaches_into_the_next_character() -> None:
    # Here one token is the space and half of "а", and the next is the other half.
    assert BYTES("x а", return_offsets_mapping=True)["offset_mapping"] == [(0, 1), (1, 3), (2, 3)]
    assert chunk_spans("x а", BYTES, max_tokens=2) == [(0, 1), (1, 3)]


def test_a_chunk_that_has_more_tokens_alone_is_cut_shorter() -> None:
    # As SentencePiece does, this tokenizer puts a mark before whatever it is given.
    backend = byte_tokenizer()
    backend.normalizer = normalizers.Prepend("_")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>")
    text = "abcdefghij"
    spans = chunk_spans(text, tokenizer, max_tokens=4)
    assert [text[a:b] for a, b in spans] == ["abc", "def", "ghi", "j"]
    assert all(length(tokenizer, text[a:b]) <= 4 for a, b in spans)


@given(text=TEXT.filter(lambda text: text.strip() and "\0" not in text and not text.startswith("\ufeff")))
def test_ids_lead_back_to_the_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("documents") / "book.md"
    path.write_bytes(text.encode())
    rows = read_documents(path, BYTES, max_tokens=9, overlap=2)
    for row in rows:
        name, _, span = row.id.partition("@")
        start, end = map(int, span.split("-"))
        assert (name, row.question, row.answer) == ("book.md", "", text[start:end])
    assert len({row.id for row in rows}) == len(rows)


def test_a_folder_is_read_in_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbfOslo .\r\n")
    (tmp_path / "a.md").write_text("Ada was born")
    (tmp_path / ".hidden").write_text("Bea")
    rows = read_documents(tmp_path, WORDS, max_tokens=2)
    assert [(row.id, row.answer) for row in rows] == [
        ("a.md@0-8", "Ada was "),
        ("a.md@8-12", "born"),
        ("b.txt@0-8", "Oslo .\r\n"),
    ]


@pytest.mark.parametrize(("size", "overlap"), [(4, 4), (4, 5), (4, -1), (0, 0), (-3, 0)])
def test_an_overlap_as_long_as_a_chunk_is_refused(size: int, overlap: int) -> None:
    with pytest.raises(InputError, match="overlap by less") as raised:
        chunk_spans("Ada was born", WORDS, max_tokens=size, overlap=overlap)
    assert raised.value.value == overlap


@pytest.mark.parametrize("text", ["", " ", "\n\t \u2003"])
def test_an_empty_document_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="the file is empty") as raised:
        read_documents(path, WORDS, max_tokens=4)
    assert raised.value.where == str(path)
    with pytest.raises(InputError, match="the text is empty"):
        chunk_spans(text, WORDS, max_tokens=4)


def test_rows_are_no_documents(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "Ada"}\n')
    with pytest.raises(InputError, match="extension") as raised:
        read_documents(path, WORDS, max_tokens=4)
    assert raised.value.allowed == ".txt, .md"


def test_a_tokenizer_without_offsets_is_refused() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(InputError, match="positions of its tokens") as raised:
        chunk_spans("Ada", Slow(), max_tokens=4)  # type: ignore[arg-type]
    assert raised.value.value == "Slow"
