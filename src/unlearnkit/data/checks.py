"""Check splits before a model is loaded.

All problems are reported together, with the ids of the affected rows.
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
    """Return every problem found in the splits, errors first.

    An unusable row results in a finding, never in an exception.

    Args:
        splits: the rows of `forget`, `retain`, `holdout` and the probe sets, by split name.
        encoder: the run's encoder. Its tokenizer, chat template and maximum length determine which rows fit.
        languages: ISO 639-1 codes of the scope's languages.
        needs_retain: whether the method trains on the retain split.
    """
    findings = [*_sizes(splits, needs_retain), *find_duplicates(splits)]
    mark = _marks(encoder.tokenizer)
    for name, rows in splits.items():
        findings += [*_renderings(name, rows, encoder), *_special_tokens(name, rows, mark)]
        findings += _languages(name, rows, languages)
    return sorted(findings, key=lambda one: one.severity != "error")


def shown(splits: Splits, encoder: ChatEncoder, *, each: int = 1) -> dict[str, list[str]]:
    """Return the first rows of each split, as text with special tokens.

    The result has at most `each` rows per split. The labeled part of each row is in double brackets. Rows that cannot
    be rendered are skipped; `check_splits` reports these rows.
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
            yield finding("warning", "empty_split", what, "add rows to the split, or remove the split")
    if needs_retain and len(retain) < 2:
        what = f"the method trains on the retain split, which has fewer than 2 rows ({len(retain)})"
        fix = "add retain rows with knowledge to keep, or use a method without a retain term"
        yield finding("error", "few_retain", what, fix, [row.id for row in retain])
    elif 0 < len(retain) < len(forget):
        what = f"the forget split ({len(forget)} rows) is larger than the retain split ({len(retain)} rows)"
        fix = "add retain rows, or check after the run what else the model has lost"
        yield finding("warning", "forget_larger", what, fix)


def _rendered(name: str, row: Row, encoder: ChatEncoder) -> Encoded:
    # As in training, the trace of a forget row is context and has no labels.
    learned = name != "forget"
    return encoder.row(row, label_trace=learned, where=row.id)


def _renderings(name: str, rows: Sequence[Row], encoder: ChatEncoder) -> Iterator[Finding]:
    """Yield findings about rows that cannot be rendered or learned.

    Such a row is too long, fails to render, or has no labeled token in its answer.
    """
    what = f"split {name!r} has rows of more than {encoder.max_length} tokens; their answers would be cut off"
    long: _Problem = ("too_long", what, "raise train.max_length, or split the rows")
    what = f"split {name!r} has rows whose answer contains no token to learn"
    empty: _Problem = ("no_label", what, "give each of these rows an answer of at least one word, or remove the rows")
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
            # The end token also has a label, so an answer with a token to learn has at least two labels.
            if encoded.labels - encoded.trace < 2 or not row.answer.strip():
                ids_of[empty].append(row.id)
    yield from (finding("error", *problem, ids) for problem, ids in ids_of.items() if ids)


def _special_tokens(name: str, rows: Sequence[Row], mark: re.Pattern[str]) -> Iterator[Finding]:
    """Yield a finding about rows whose text contains special tokens."""
    ids: list[str] = []
    special: set[str] = set()
    for row in rows:
        if marks := {each for part in (row.prompt, row.answer, row.trace) for each in mark.findall(part)}:
            ids.append(row.id)
            special |= marks
    if ids:
        names = ", ".join(sorted(special))
        what = f"split {name!r} has rows whose text contains special tokens of the tokenizer: {names}"
        fix = "remove each special token, or put a space inside it; otherwise the model reads a single token, not text"
        yield finding("warning", "special_token", what, fix, ids)


def _marks(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """Return a pattern that matches the tokenizer's special tokens."""
    added = tokenizer.added_tokens_decoder.values()
    special = {str(token) for token in added if token.special or str(token) in (THINK, END_THINK)}
    # Longer tokens come first, because a special token may begin with a shorter special token. If the tokenizer has no
    # special token, the pattern matches nothing.
    return re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))) or r"(?!)")


def _languages(name: str, rows: Sequence[Row], languages: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding about rows whose language is not in the scope.

    Only rows that are clearly in another language are reported. The language is determined from the question. If a
    row has no question, its language is determined from its text.
    """
    ids: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if (other := other_language(row.question or row.answer, languages)) is not None:
            ids[other].append(row.id)
    if ids:
        counts = ", ".join(f"{language} ({len(of)})" for language, of in sorted(ids.items(), key=lambda i: -len(i[1])))
        what = f"the scope lists only {', '.join(languages)}, but split {name!r} has rows in other languages: {counts}"
        fix = "add these languages to the scope (field languages), or remove the rows"
        yield finding("warning", "language", what, fix, [row for of in ids.values() for row in of])
