"""Find duplicate rows within and between splits.

Between splits, they are in forget and retain, or in a probe set and a trained split. Two rows are equal if question and
answer are, ignoring case, typography and white space.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from unlearnkit.data.findings import Finding, Kind, Severity, finding
from unlearnkit.data.near_duplicates import near_duplicates
from unlearnkit.data.rows import TRAINED_SPLITS, Row
from unlearnkit.data.vocabulary import is_forget
from unlearnkit.text.normalize import normalize

Key = TypeVar("Key", bound=Hashable)

Text = tuple[str, str]
"""A row's question and answer, normalized."""

Splits = Mapping[str, Sequence[Row]]


def find_duplicates(splits: Splits) -> Iterator[Finding]:
    """Yield the duplicates of all splits."""
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
        fix = "keep one of each; otherwise it counts twice"
        yield finding("warning", "row_twice", what, fix, pairs)
    answered: dict[str, list[str]] = defaultdict(list)
    for (question, _), ids in ids_of.items():
        answered[question].append(ids[0])
    # Rows that are texts all have an empty question, which does not count.
    if pairs := [f"{ids[0]} and {other}" for question, ids in answered.items() if question for other in ids[1:]]:
        what = f"split {name!r} contains the same question with different answers"
        fix = "keep the answer that the target model gives, or make the questions distinguishable"
        yield finding("warning", "answers_differ", what, fix, pairs)


_RETAINED: dict[Kind, tuple[Severity, str, str]] = {
    "in_forget_and_retain": (
        "error",
        "the same row",
        "remove it from the retain split, or it is learned again; or from the other split, if it should stay",
    ),
    "question_in_retain": (
        "warning",
        "the same question, with different answers",
        "make the questions distinguishable; if both are about the same fact, remove it from the retain split",
    ),
    "near_in_retain": (
        "warning",
        "rows that are nearly the same",
        "look at the pairs; remove rows that reveal what should be forgotten from the retain split",
    ),
}


def _retained(splits: Splits, texts: Mapping[str, Sequence[Text]]) -> Iterator[Finding]:
    """Yield rows of forget and its probes that retain has too."""
    kept = splits["retain"]
    of_text = _first_ids(texts["retain"], kept)
    of_question = _first_ids([question for question, _ in texts["retain"]], kept)
    forgotten = [name for name in splits if is_forget(name)]
    # All splits in one call, so that the retain split is tokenized only once.
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
    """Return each row's nearest near-duplicate in `kept`, by id, or None."""
    nearest: list[str | None] = [None] * len(rows)
    texts, kept_texts = ([f"{row.prompt}\n{row.answer}" for row in each] for each in (rows, kept))
    for ours, theirs in near_duplicates(texts, kept_texts):
        nearest[ours] = kept[theirs].id
    return nearest


def _trained(name: str, splits: Splits, texts: Mapping[str, Sequence[Text]]) -> Iterator[Finding]:
    """Yield rows of a probe set that are also trained on."""
    # A probe of the forget split in the retain split is an error of its own, see above.
    for trained in ("forget",) if is_forget(name) else TRAINED_SPLITS:
        of_text = _first_ids(texts.get(trained, ()), splits.get(trained, ()))
        own = zip(splits[name], texts[name], strict=True)
        if pairs := [f"{row.id} and {of_text[text]}" for row, text in own if text in of_text]:
            # Membership is measured on rows that no model was trained on. Trained rows make the result wrong.
            severity: Severity = "error" if name == "holdout" else "warning"
            what = f"split {name!r} is not for training, but contains exact rows of the {trained} split"
            fix = f"remove them from one of the two: the model memorizes them, whatever {name!r} should measure"
            yield finding(severity, "probe_trained", what, fix, pairs)


def _first_ids(keys: Sequence[Key], rows: Sequence[Row]) -> dict[Key, str]:
    """Return the id of the first row with each key."""
    # Backwards, so that the first row overwrites later ones.
    return {key: row.id for key, row in zip(reversed(keys), reversed(rows), strict=True)}
