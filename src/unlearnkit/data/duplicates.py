"""Find duplicate rows within and between splits.

Two rows are equal if their questions and their answers are equal, ignoring case, typography and white space. Two kinds
of comparisons are made between splits:

- The forget split and its probe sets are compared with the retain split and its held-out rows.
- Every probe set is compared with the splits that a method trains on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from unlearnkit.data.findings import Finding, Kind, Severity, finding
from unlearnkit.data.near_duplicates import near_duplicates
from unlearnkit.data.rows import TRAINED_SPLITS, Row
from unlearnkit.data.vocabulary import HELD_OUT, is_forget
from unlearnkit.text.normalize import normalize

Key = TypeVar("Key", bound=Hashable)

Text = tuple[str, str]
"""Normalized prompt and normalized answer of a row."""

Splits = Mapping[str, Sequence[Row]]


def find_duplicates(splits: Splits) -> Iterator[Finding]:
    """Yield findings about duplicates within and between the splits."""
    texts = {name: [(normalize(row.prompt), normalize(row.answer)) for row in rows] for name, rows in splits.items()}
    for name, rows in splits.items():
        yield from _within(name, rows, texts[name])
    if splits.get("retain"):
        yield from _retained(splits, texts)
    for name in splits:
        if name not in TRAINED_SPLITS:
            yield from _trained(name, splits, texts)


def _within(name: str, rows: Sequence[Row], texts: Sequence[Text]) -> Iterator[Finding]:
    ids_of: dict[Text, list[str]] = defaultdict(list)
    for row, text in zip(rows, texts, strict=True):
        ids_of[text].append(row.id)
    if pairs := [f"{ids[0]} and {again}" for ids in ids_of.values() for again in ids[1:]]:
        what = f"split {name!r} contains the same row more than once"
        fix = "keep only one copy of each row; otherwise the row counts more than once"
        yield finding("warning", "row_twice", what, fix, pairs)
    answered: dict[str, list[str]] = defaultdict(list)
    for (question, _), ids in ids_of.items():
        answered[question].append(ids[0])
    # Text rows all have an empty question, so their questions are not compared.
    if pairs := [f"{ids[0]} and {other}" for question, ids in answered.items() if question for other in ids[1:]]:
        what = f"split {name!r} contains the same question with different answers"
        fix = "keep the answer that the target model gives, or make the questions distinguishable"
        yield finding("warning", "answers_differ", what, fix, pairs)


_RETAINED: dict[Kind, tuple[Severity, str, str]] = {
    "in_forget_and_retain": (
        "error",
        "rows that are also in the retain split",
        "remove the row from the retain split, because the model would learn the row again; if the model should keep "
        "the row, remove the row from the other split instead",
    ),
    "question_in_retain": (
        "warning",
        "questions that are also in the retain split, with different answers",
        "make the questions distinguishable; if both rows are about the same fact, remove the retain row",
    ),
    "near_in_retain": (
        "warning",
        "near-duplicates of retain rows",
        "look at the pairs, and remove the retain rows that reveal what should be forgotten",
    ),
}


def _retained(splits: Splits, texts: Mapping[str, Sequence[Text]]) -> Iterator[Finding]:
    """Yield findings about rows to forget that the retain split repeats.

    The forget split and each of its probe sets are compared with the retain split, including its held-out rows.
    Near-duplicates are also reported.
    """
    kept, kept_texts = [*splits["retain"], *splits.get(HELD_OUT, ())], [*texts["retain"], *texts.get(HELD_OUT, ())]
    of_text = _first_ids(kept_texts, kept)
    of_question = _first_ids([question for question, _ in kept_texts], kept)
    forgotten = [name for name in splits if is_forget(name)]
    # Compare all splits in one call, so that the retain split is tokenized only once.
    nearest = iter(_nearest([row for name in forgotten for row in splits[name]], kept))
    for name in forgotten:
        pairs: dict[Kind, list[str]] = {kind: [] for kind in _RETAINED}
        own = islice(nearest, len(splits[name]))
        for row, text, near in zip(splits[name], texts[name], own, strict=True):
            if text in of_text:
                pairs["in_forget_and_retain"].append(f"{row.id} and {of_text[text]}")
            elif text[0] and text[0] in of_question:
                pairs["question_in_retain"].append(f"{row.id} and {of_question[text[0]]}")
            elif near is not None:
                pairs["near_in_retain"].append(f"{row.id} and {near}")
        for kind, (severity, shared, fix) in _RETAINED.items():
            if pairs[kind]:
                yield finding(severity, kind, f"split {name!r} contains {shared}", fix, pairs[kind])


def _nearest(rows: Sequence[Row], kept: Sequence[Row]) -> list[str | None]:
    """Return the id of each row's most similar near-duplicate in `kept`.

    The list contains None for a row without a near-duplicate.
    """
    nearest: list[str | None] = [None] * len(rows)
    texts, kept_texts = ([f"{row.prompt}\n{row.answer}" for row in each] for each in (rows, kept))
    for ours, theirs in near_duplicates(texts, kept_texts):
        nearest[ours] = kept[theirs].id
    return nearest


def _trained(name: str, splits: Splits, texts: Mapping[str, Sequence[Text]]) -> Iterator[Finding]:
    """Yield findings about probe rows that a method trains on."""
    # `_retained` already reports rows that are in both a forget probe set and the retain split.
    for trained in ("forget",) if is_forget(name) else TRAINED_SPLITS:
        # The target model knows the held-out retain rows, too, so holdout rows must not be among them.
        names = (trained, HELD_OUT) if (name, trained) == ("holdout", "retain") else (trained,)
        of_text: dict[Text, str] = {}
        for each in reversed(names):
            of_text |= _first_ids(texts.get(each, ()), splits.get(each, ()))
        own = zip(splits[name], texts[name], strict=True)
        if pairs := [f"{row.id} and {of_text[text]}" for row, text in own if text in of_text]:
            # Membership attacks need holdout rows that no model was trained on. If a model was trained on some of the
            # holdout rows, the result of the attacks is wrong.
            severity: Severity = "error" if name == "holdout" else "warning"
            what = f"split {name!r} is not for training but contains rows of the {trained} split"
            fix = f"remove these rows from one of the two splits; otherwise the results on {name!r} are wrong"
            yield finding(severity, "probe_trained", what, fix, pairs)


def _first_ids(keys: Sequence[Key], rows: Sequence[Row]) -> dict[Key, str]:
    """Map each key to the id of the key's first row."""
    # The rows are visited in reverse order, so that the first row with a key overwrites later rows.
    return {key: row.id for key, row in zip(reversed(keys), reversed(rows), strict=True)}
