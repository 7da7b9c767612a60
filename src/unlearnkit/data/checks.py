"""Check splits before a model is loaded.

All problems are reported together, with the ids of the rows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from transformers import PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError
from unlearnkit.data.duplicates import find_duplicates
from unlearnkit.data.encoding import ChatEncoder, Encoded, TooLong, marked
from unlearnkit.data.findings import Finding, Kind, finding
from unlearnkit.data.rows import TRAINED_SPLITS, Row
from unlearnkit.data.trace_format import END_THINK, THINK
from unlearnkit.text.language import other_language

Splits = Mapping[str, Sequence[Row]]
_Problem = tuple[Kind, str, str]
"""Kind, description and fix of a finding."""


def check_splits(
    splits: Splits, encoder: ChatEncoder, *, languages: Sequence[str], needs_retain: bool = True
) -> list[Finding]:
    """Return all problems of the splits, errors first.

    No row makes this raise.

    Args:
        splits: `forget`, `retain`, `holdout` and probe sets, by name.
        encoder: the one of the run: which rows fit depends on tokenizer, template and maximum length.
        languages: ISO 639-1 codes of the scope.
        needs_retain: whether the method trains on the retain split.
    """
    findings = [*_sizes(splits, needs_retain), *find_duplicates(splits)]
    mark = _marks(encoder.tokenizer)
    for name, rows in splits.items():
        findings += [*_renderings(name, rows, encoder), *_special_tokens(name, rows, mark)]
        findings += _languages(name, rows, languages)
    return sorted(findings, key=lambda one: one.severity != "error")


def shown(splits: Splits, encoder: ChatEncoder, *, each: int = 1) -> dict[str, list[str]]:
    """Return the first rows of each split as the model sees them.

    There are at most `each` per split. Labels are in double brackets. Rows that cannot be rendered are skipped;
    `check_splits` reports them.
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
            examples[name].append(marked(encoded, encoder.tokenizer))
    return examples


def _sizes(splits: Splits, needs_retain: bool) -> Iterator[Finding]:
    forget, retain = splits.get("forget", ()), splits.get("retain", ())
    if not forget:
        yield finding("error", "empty_split", "the forget split has no rows", "add the rows that must be forgotten")
    for name, rows in splits.items():
        if not rows and name not in TRAINED_SPLITS:
            what = f"split {name!r} has no rows, so nothing is measured on it"
            yield finding("warning", "empty_split", what, "add rows, or remove the split")
    if needs_retain and len(retain) < 2:
        what = f"the method trains on the retain split, which has fewer than 2 rows ({len(retain)})"
        fix = "add rows that must stay, or use a method without a retain term"
        yield finding("error", "few_retain", what, fix, [row.id for row in retain])
    elif 0 < len(retain) < len(forget):
        what = f"the forget split ({len(forget)} rows) is larger than the retain split ({len(retain)} rows)"
        fix = "add retain rows, or check what else was lost"
        yield finding("warning", "forget_larger", what, fix)


def _rendered(name: str, row: Row, encoder: ChatEncoder) -> Encoded:
    # As in training: the trace of a forget row is context, without labels.
    learned = name != "forget"
    return encoder.answer(
        row.question, row.answer, history=row.history, trace=row.trace, label_trace=learned, where=row.id
    )


def _renderings(name: str, rows: Sequence[Row], encoder: ChatEncoder) -> Iterator[Finding]:
    """Yield rows that cannot be rendered or learned.

    They are too long, fail to render, or have no labeled token in the answer.
    """
    what = f"split {name!r} has rows of more than {encoder.max_length} tokens, whose answer would be cut off"
    long: _Problem = ("too_long", what, "raise train.max_length, or split the rows")
    what = f"split {name!r} has rows without a labeled token in the answer"
    empty: _Problem = ("no_label", what, "give an answer of some words, or remove the rows")
    ids_of: dict[_Problem, list[str]] = {long: [], empty: []}
    for row in rows:
        try:
            encoded = _rendered(name, row, encoder)
        except TooLong:
            ids_of[long].append(row.id)
        except InputError as error:
            other: _Problem = ("not_rendered", f"split {name!r}: {error.what}", error.fix or "correct the rows")
            ids_of.setdefault(other, []).append(row.id)
        else:
            # One label is the end token's.
            if encoded.labels - encoded.trace < 2 or not row.answer.strip():
                ids_of[empty].append(row.id)
    yield from (finding("error", *problem, ids) for problem, ids in ids_of.items() if ids)


def _special_tokens(name: str, rows: Sequence[Row], mark: re.Pattern[str]) -> Iterator[Finding]:
    """Yield rows whose text contains special tokens of the tokenizer."""
    ids: list[str] = []
    special: set[str] = set()
    for row in rows:
        if marks := {each for part in (row.prompt, row.answer, row.trace) for each in mark.findall(part)}:
            ids.append(row.id)
            special |= marks
    if ids:
        names = ", ".join(sorted(special))
        what = f"split {name!r} has rows whose text contains special tokens of the tokenizer: {names}"
        fix = "remove them from the text, or put a space inside: the model reads the token, not its letters"
        yield finding("warning", "special_token", what, fix, ids)


def _marks(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """Return a pattern that matches the tokenizer's special tokens."""
    added = tokenizer.added_tokens_decoder.values()
    special = {str(token) for token in added if token.special or str(token) in (THINK, END_THINK)}
    # Longest first, since one may be the start of another. Without any, a pattern that never matches.
    return re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))) or r"(?!)")


def _languages(name: str, rows: Sequence[Row], languages: Sequence[str]) -> Iterator[Finding]:
    """Yield rows that are clearly in a language outside the scope.

    The question is checked, or the text.
    """
    ids: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if (other := other_language(row.question or row.answer, languages)) is not None:
            ids[other].append(row.id)
    if ids:
        counts = ", ".join(f"{language} ({len(of)})" for language, of in sorted(ids.items(), key=lambda i: -len(i[1])))
        what = f"split {name!r} has rows in other languages than the scope names ({', '.join(languages)}): {counts}"
        fix = "add the language to the scope (languages), or remove the rows"
        yield finding("warning", "language", what, fix, [row for of in ids.values() for row in of])
