"""What is wrong with splits, found before anything is loaded on a device: all of it at once, named by the rows' ids."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from transformers import PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError
from unlearnkit.data.duplicates import overlaps
from unlearnkit.data.encoding import ChatEncoder, Encoded, TooLong, marked
from unlearnkit.data.findings import Finding, finding
from unlearnkit.data.rows import TRAINED_SPLITS, Row
from unlearnkit.data.trace_format import END_THINK, THINK
from unlearnkit.text.language import other_language

Splits = Mapping[str, Sequence[Row]]


def check_splits(
    splits: Splits, encoder: ChatEncoder, *, languages: Sequence[str], needs_retain: bool = True
) -> list[Finding]:
    """Everything that is wrong with the splits, or looks so; errors first. No row makes it raise.

    Args:
        splits: `forget`, `retain`, `holdout` and probe sets, by name.
        renderer: the run's own: which rows fit depends on tokenizer, template and maximal length.
        languages: ISO 639-1 codes of the scope.
        needs_retain: whether the method trains on the retain split.
    """
    found = [*_sizes(splits, needs_retain), *overlaps(splits)]
    mark = _marks(encoder.tokenizer)
    for name, rows in splits.items():
        found += [*_renderings(name, rows, encoder), *_special_tokens(name, rows, mark)]
        found += _languages(name, rows, languages)
    return sorted(found, key=lambda one: one.severity != "error")


def shown(splits: Splits, encoder: ChatEncoder, *, each: int = 1) -> dict[str, list[str]]:
    """The first rows of each split, at most `each`, as the model sees them: labels stand in double brackets.

    Rows that cannot be rendered are left out; `check_splits` names them.
    """
    examples: dict[str, list[str]] = {name: [] for name in splits}
    for name, rows in splits.items():
        for row in rows:
            if len(examples[name]) == each:
                break
            try:
                encoded = _rendered(name, row, encoder)
            except InputError:
                continue
            examples[name].append(marked(encoded, lambda ids: str(encoder.tokenizer.decode(ids))))
    return examples


def _sizes(splits: Splits, needs_retain: bool) -> Iterator[Finding]:
    forget, retain = splits.get("forget", ()), splits.get("retain", ())
    if not forget:
        yield finding("error", "empty_split", "the forget split has no rows", "give the rows that are to be forgotten")
    for name, rows in splits.items():
        if not rows and name not in TRAINED_SPLITS:
            what = f"split {name!r} has no rows, so nothing is measured on it"
            yield finding("warning", "empty_split", what, "add rows, or leave the split out")
    if needs_retain and len(retain) < 2:
        what = f"the method trains on the retain split, which has fewer than 2 rows ({len(retain)})"
        fix = "add rows that must stay, or take a method without a retain term"
        yield finding("error", "few_retain", what, fix, [row.id for row in retain])
    elif 0 < len(retain) < len(forget):
        what = f"the forget split ({len(forget)} rows) is larger than the retain split ({len(retain)} rows)"
        fix = "add retain rows, or look closely at what else was lost"
        yield finding("warning", "forget_larger", what, fix)


def _rendered(name: str, row: Row, encoder: ChatEncoder) -> Encoded:
    # As for training: in the forget split the trace is context, and carries no label.
    return encoder.answer(
        row.question,
        row.answer,
        history=row.history,
        trace=row.trace,
        label_trace=name != "forget",
        where=row.id,
    )


def _renderings(name: str, rows: Sequence[Row], encoder: ChatEncoder) -> Iterator[Finding]:
    """Rows that do not fit, cannot be rendered, or of whose answer no token is learned."""
    long: list[str] = []
    empty: list[str] = []
    others: dict[str, tuple[str, list[str]]] = {}
    for row in rows:
        try:
            encoded = _rendered(name, row, encoder)
        except TooLong:
            long.append(row.id)
        except InputError as error:
            others.setdefault(error.what, (error.fix or "mend the rows", []))[1].append(row.id)
        else:
            # One label is that of the end token.
            if encoded.labels - encoded.trace < 2 or not row.answer.strip():
                empty.append(row.id)
    if long:
        what = f"split {name!r} has rows of more than {encoder.max_length} tokens, whose answer would be cut off"
        yield finding("error", "too_long", what, "raise train.max_length, or split the rows", long)
    if empty:
        what = f"split {name!r} has rows of whose answer no token carries a label"
        yield finding("error", "no_label", what, "give an answer of some words, or take the rows out", empty)
    for what, (fix, ids) in others.items():
        yield finding("error", "not_rendered", f"split {name!r}: {what}", fix, ids)


def _special_tokens(name: str, rows: Sequence[Row], mark: re.Pattern[str]) -> Iterator[Finding]:
    """Rows in whose text the tokenizer would find its own marks."""
    ids: list[str] = []
    found: set[str] = set()
    for row in rows:
        if marks := {each for part in (row.prompt, row.answer, row.trace) for each in mark.findall(part)}:
            ids.append(row.id)
            found |= marks
    if ids:
        what = f"split {name!r} has rows whose text holds special tokens of the tokenizer: {', '.join(sorted(found))}"
        fix = "take them out of the text, or put a space inside: the model reads the token there, not its letters"
        yield finding("warning", "special_token", what, fix, ids)


def _marks(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """What the tokenizer reads as a special token wherever it stands in a text."""
    added = tokenizer.added_tokens_decoder.values()
    special = {str(token) for token in added if token.special or str(token) in (THINK, END_THINK)}
    # The longest first, for one may begin another. With none, what is never found.
    return re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))) or r"(?!)")


def _languages(name: str, rows: Sequence[Row], languages: Sequence[str]) -> Iterator[Finding]:
    """Rows whose question, or text, is clearly in a language that the scope does not name."""
    ids: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if (other := other_language(row.question or row.answer, languages)) is not None:
            ids[other].append(row.id)
    if ids:
        told = ", ".join(f"{language} ({len(of)})" for language, of in sorted(ids.items(), key=lambda i: -len(i[1])))
        what = f"split {name!r} has rows in other languages than the scope names ({', '.join(languages)}): {told}"
        fix = "name the language in the scope (languages), or take the rows out"
        yield finding("warning", "language", what, fix, [row for of in ids.values() for row in of])
