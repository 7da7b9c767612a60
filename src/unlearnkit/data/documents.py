"""Cut long texts into chunks that fit a model.

Each chunk is a row that names its place in the file.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnkit.core.errors import InputError
from unlearnkit.data.formats import read_text, source_files
from unlearnkit.data.rows import Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

EXTENSIONS = (".txt", ".md")


def read_documents(
    path: str | Path, tokenizer: PreTrainedTokenizerBase, *, max_tokens: int, overlap: int = 0
) -> tuple[Row, ...]:
    """Read text files as rows of at most `max_tokens` tokens.

    The path is a `.txt` or `.md` file, or a folder of them.

    A row is a text (its question is empty) with the id `<file name>@<start>-<end>`: its span in the file's text in
    characters, without the byte order mark, start included and end excluded.

    Args:
        path: a file or a folder.
        tokenizer: a fast tokenizer.
        max_tokens: maximum number of tokens of a chunk without special tokens; a rendered row has up to two more.
        overlap: number of tokens that neighboring chunks share, see `chunk_spans`.

    Raises:
        InputError: a file cannot be read or is empty; and as `chunk_spans` does.
    """
    rows = []
    for file in source_files(Path(path), EXTENSIONS):
        text = read_text(file)
        spans = chunk_spans(text, tokenizer, max_tokens=max_tokens, overlap=overlap, where=str(file))
        rows += [Row(id=f"{file.name}@{start}-{end}", question="", answer=text[start:end]) for start, end in spans]
    return tuple(rows)


def chunk_spans(
    text: str, tokenizer: PreTrainedTokenizerBase, *, max_tokens: int, overlap: int = 0, where: str = "the text"
) -> list[tuple[int, int]]:
    """Return the spans of a text's chunks, in order and without gaps.

    A span is [start, end) in characters. A cut is where a token begins and no token before it extends further, so never
    inside a character. Text that no token covers, such as the spaces that some tokenizers drop, belongs to the token
    before it. Each chunk, tokenized alone, has at most `max_tokens` tokens, and ends later than the one before it.
    Neighbors share at most `overlap` tokens of the whole text's tokenization, and as many as these rules allow.

    Raises:
        InputError: naming `where`, if the text has no visible character, `overlap` is negative or not less than
            `max_tokens`, the tokenizer has no offsets, or a piece that cannot be cut has too many tokens.
    """
    if not 0 <= overlap < max_tokens:
        raise InputError(
            "chunks must overlap by less than their length",
            where="overlap",
            value=overlap,
            allowed=f"0 to {max_tokens - 1} (max_tokens - 1)" if max_tokens > 0 else "max_tokens of at least 1",
            fix="lower overlap, or raise max_tokens",
        )
    if not tokenizer.is_fast:
        raise InputError(
            "the tokenizer does not give the positions of its tokens in the text",
            value=type(tokenizer).__name__,
            fix="use a fast tokenizer (one with tokenizer.json)",
        )
    if not text.strip():
        raise InputError("the text is empty", where=where, fix="remove the document")
    cuts, before = _cuts(text, tokenizer)
    spans, first = [], 0
    while True:
        last = _reach(text, tokenizer, cuts, before, first, max_tokens)
        if last == first:
            raise InputError(
                "a piece of the text that cannot be cut has more tokens than a chunk",
                where=f"{where}, characters {cuts[first]}-{cuts[first + 1]}",
                value=f"{before[first + 1] - before[first]} tokens, or more when tokenized alone",
                allowed=f"{max_tokens} tokens (max_tokens)",
                fix="raise max_tokens",
            )
        spans.append((cuts[first], cuts[last]))
        if last == len(cuts) - 1:
            return spans
        # The first cut with no more than `overlap` tokens between it and the chunk's end ...
        following = max(bisect_left(before, before[last] - overlap), first + 1)
        # ... or a later one, if a chunk that begins there would end no later than this one.
        while following < last and _reach(text, tokenizer, cuts, before, following, max_tokens) <= last:
            following += 1
        first = following


def _cuts(text: str, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Return where the text may be cut.

    Both ends are included; the second list has the number of tokens before each cut.
    """
    # verbose=False: the text may be longer than the model's context, which is why it is cut.
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    offsets = encoded["offset_mapping"]
    cuts, before, covered = [0], [0], 0
    for token, (start, end) in enumerate(offsets):
        if start >= covered and start > cuts[-1] and token:
            cuts.append(start)
            before.append(token)
        covered = max(covered, end)
    return [*cuts, len(text)], [*before, len(offsets)]


def _reach(
    text: str, tokenizer: PreTrainedTokenizerBase, cuts: list[int], before: list[int], first: int, max_tokens: int
) -> int:
    """Return the last cut where a chunk from `first` may end.

    It is `first` itself if there is none.
    """
    last = bisect_left(before, before[first] + max_tokens + 1, lo=first) - 1
    # A chunk tokenized alone may have other and more tokens than within the text.
    while (
        last > first
        and len(tokenizer(text[cuts[first] : cuts[last]], add_special_tokens=False)["input_ids"]) > max_tokens
    ):
        last -= 1
    return last
