"""Cut long texts into chunks that fit a model.

Each chunk becomes a row, and the id of the row gives the position of the chunk in the file.
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

    Each row contains only a text, so the question of the row is empty. The id of the row is
    `<file name>@<start>-<end>`, where start (included) and end (excluded) are character offsets in the text of the
    file. The byte order mark is not counted. Only the last chunk of a file ends with the end token (see
    `Row.continues`).

    Args:
        path: a `.txt` or `.md` file, or a folder of such files.
        tokenizer: a fast tokenizer.
        max_tokens: maximum number of tokens of a chunk, not counting special tokens. A rendered row has up to two more
            tokens: the BOS token and the end token.
        overlap: maximum number of tokens that neighboring chunks share; see `chunk_spans`.

    Raises:
        InputError: a file cannot be read or is empty, or its text cannot be cut (see `chunk_spans`).
    """
    rows = []
    for file in source_files(Path(path), EXTENSIONS):
        text = read_text(file)
        spans = chunk_spans(text, tokenizer, max_tokens=max_tokens, overlap=overlap, where=str(file))
        rows += [
            Row(id=f"{file.name}@{start}-{end}", question="", answer=text[start:end], continues=end < len(text))
            for start, end in spans
        ]
    return tuple(rows)


def chunk_spans(
    text: str, tokenizer: PreTrainedTokenizerBase, *, max_tokens: int, overlap: int = 0, where: str = "the text"
) -> list[tuple[int, int]]:
    """Return the spans of a text's chunks, in order and without gaps.

    A span is a pair of character offsets: start (included) and end (excluded). The text is cut only where a token
    begins and no earlier token extends beyond that point. A character that several tokens encode is therefore never
    cut. Text that no token covers, such as the spaces that some tokenizers drop, belongs to the preceding token. Each
    chunk has at most `max_tokens` tokens when the chunk is tokenized alone, and ends later than the previous chunk.
    Neighboring chunks share at most `overlap` tokens, counted in the tokenization of the whole text. Within these
    limits, neighboring chunks share as many tokens as possible.

    Args:
        text: the text to cut.
        tokenizer: a fast tokenizer.
        max_tokens: maximum number of tokens of a chunk.
        overlap: maximum number of tokens that neighboring chunks share.
        where: name of the text, for error messages.

    Raises:
        InputError: the text has no visible character, `overlap` is negative or at least `max_tokens`, the tokenizer
            does not return offsets, or an indivisible piece of the text has too many tokens.
    """
    if not 0 <= overlap < max_tokens:
        raise InputError(
            "chunks must overlap by less than the length of a chunk",
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
                "an indivisible piece of the text has too many tokens for a chunk",
                where=f"{where}, characters {cuts[first]}-{cuts[first + 1]}",
                value=f"{before[first + 1] - before[first]} tokens within the text, possibly more as a separate chunk",
                allowed=f"{max_tokens} tokens (max_tokens)",
                fix="raise max_tokens",
            )
        spans.append((cuts[first], cuts[last]))
        if last == len(cuts) - 1:
            return spans
        # The next chunk begins at the first cut with at most `overlap` tokens between the cut and this chunk's end.
        following = max(bisect_left(before, before[last] - overlap), first + 1)
        # Skip the cuts from which the next chunk would not extend beyond the end of this chunk.
        while following < last and _reach(text, tokenizer, cuts, before, following, max_tokens) <= last:
            following += 1
        first = following


def _cuts(text: str, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Return the positions where the text may be cut.

    Returns two lists: the positions, which include both ends of the text, and the number of tokens before each
    position.
    """
    # verbose=False suppresses the warning about texts longer than the model's context: here, long texts are expected.
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
    """Return the index of the last cut where a chunk may end.

    The chunk starts at the cut with the index `first`. The result is `first` if even the shortest chunk has too many
    tokens.
    """
    last = bisect_left(before, before[first] + max_tokens + 1, lo=first) - 1
    # A chunk that is tokenized alone may have more tokens than the same characters have within the whole text.
    while (
        last > first
        and len(tokenizer(text[cuts[first] : cuts[last]], add_special_tokens=False)["input_ids"]) > max_tokens
    ):
        last -= 1
    return last
