"""Rows that stand where they should not: twice in a split, in forget and retain, in a probe set and in a trained split.

Rows are the same where question and answer are, case, typography and white space aside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from unlearnkit.data.findings import Finding, Kind, Severity, finding
from unlearnkit.data.near_duplicates import near_duplicates
from unlearnkit.data.rows import TRAINED_SPLITS, Row
from unlearnkit.text.normalize import normalize

Key = TypeVar("Key", bound=Hashable)

Text = tuple[str, str]
"""A row's question and answer, normalized."""

Splits = Mapping[str, Sequence[Row]]


def overlaps(splits: Splits) -> Iterator[Finding]:
    """All such rows of all splits."""
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
        what, fix = f"split {name!r} has the same row more than once", "keep one of each: it counts twice otherwise"
        yield finding("warning", "row_twice", what, fix, pairs)
    answered: dict[str, list[str]] = defaultdict(list)
    for (question, _), ids in ids_of.items():
        answered[question].append(ids[0])
    # Texts have no question, and share that.
    if pairs := [f"{ids[0]} and {other}" for question, ids in answered.items() if question for other in ids[1:]]:
        what = f"split {name!r} has the same question with different answers"
        fix = "keep the answer that the target model gives, or say in the question what tells them apart"
        yield finding("warning", "answers_differ", what, fix, pairs)


_RETAINED: dict[Kind, tuple[Severity, str, str]] = {
    "in_forget_and_retain": (
        "error",
        "the same row",
        "take it out of the retain split, or it is learned again; or out of the other, if it is to stay",
    ),
    "question_in_retain": (
        "warning",
        "the same question, with different answers",
        "say in the question what tells them apart; if both are about the same, take it out of the retain split",
    ),
    "near_in_retain": (
        "warning",
        "rows that are nearly the same",
        "look at the pairs; what tells what is to be forgotten has to leave the retain split",
    ),
}


def _retained(splits: Splits, texts: Mapping[str, Sequence[Text]]) -> Iterator[Finding]:
    """Rows of the forget split, or of its probes, that the retain split has too."""
    kept = splits["retain"]
    of_text = _first_ids(texts["retain"], kept)
    of_question = _first_ids((question for question, _ in texts["retain"]), kept)
    forgotten = [name for name in splits if name == "forget" or name.startswith("forget.")]
    # All at once: the retain split's texts are then cut into words only once.
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
                yield finding(severity, kind, f"split {name!r} and the retain split have {shared}", fix, pairs[kind])


def _nearest(rows: Sequence[Row], kept: Sequence[Row]) -> list[str | None]:
    """For each row the id of its nearest near-duplicate among the kept ones."""
    found: list[str | None] = [None] * len(rows)
    for ours, theirs in near_duplicates([_whole(row) for row in rows], [_whole(row) for row in kept]):
        found[ours] = kept[theirs].id
    return found


def _whole(row: Row) -> str:
    return f"{row.prompt}\n{row.answer}"


def _trained(name: str, splits: Splits, texts: Mapping[str, Sequence[Text]]) -> Iterator[Finding]:
    """Rows of a probe set that are trained on."""
    # That a probe of the forget split is retained is an error of its own, see above.
    for trained in ("forget",) if name.startswith("forget.") else TRAINED_SPLITS:
        of_text = _first_ids(texts.get(trained, ()), splits.get(trained, ()))
        own = zip(splits[name], texts[name], strict=True)
        if pairs := [f"{row.id} and {of_text[text]}" for row, text in own if text in of_text]:
            # Membership is measured against rows that no model was trained on: with such rows it comes out wrong.
            severity: Severity = "error" if name == "holdout" else "warning"
            what = f"split {name!r} is not for training, and has rows of the {trained} split word for word"
            fix = f"take them out of one of the two: the model has learned them by heart, whatever {name!r} is to show"
            yield finding(severity, "probe_trained", what, fix, pairs)


def _first_ids(keys: Iterable[Key], rows: Sequence[Row]) -> dict[Key, str]:
    """The id of the first row with each key."""
    found: dict[Key, str] = {}
    for key, row in zip(keys, rows, strict=True):
        found.setdefault(key, row.id)
    return found
