"""Names of row sets and reference models.

The module also defines which row sets contain knowledge to forget and which contain knowledge to keep.
"""

from __future__ import annotations

from collections.abc import Iterable

TARGET, RETRAINED = "target", "retrained"

REFERENCES = (TARGET, RETRAINED)
"""Models that unlearned models are compared with. Every other model is the result of a method."""

HELD_OUT = "retain.held_out"
"""Retain rows that are not trained on in unlearning. If there is such a row set, it shows what a model keeps. The rows
of the set `retain` are trained on."""

SETS = (
    HELD_OUT,
    "retain",
    "near",
    "far",
    "forget",
    "forget.paraphrased",
    "forget.translated",
    "forget.reverse",
    "forget.multihop",
)
"""Row sets that every comparison lists."""

STAY = ("retain", "near", "far", "utility")
"""Row sets with knowledge that the model must keep. Subsets of these row sets, such as
`utility.real_authors`, also contain knowledge to keep."""

_SET_TITLES = {
    HELD_OUT: "retain (not trained on)",
    "retain": "retain (trained on)",
    "forget": "as trained",
    "forget.multihop": "two hops",
    "forget.asked": "asked by others",
    "holdout": "never seen (holdout)",
}

FORGOTTEN, STAYS, OTHER = "Must be forgotten", "Must be kept", "Other"
"""Headings of the column groups on the score board, the main table of the report."""


def is_forget(split: str) -> bool:
    """Return whether a row set tests knowledge that must be forgotten."""
    return split == "forget" or split.startswith("forget.")


def stays(split: str) -> bool:
    """Return whether a row set tests knowledge that must be kept."""
    return split.partition(".")[0] in STAY


def showing_kept(splits: Iterable[str]) -> list[str]:
    """Return the row sets that show what a model keeps.

    The order is kept. These are the sets with knowledge to keep, without the set `retain` if `HELD_OUT` is among them,
    because a model is trained to keep the rows of `retain`.
    """
    kept = [split for split in splits if stays(split)]
    return [split for split in kept if split != "retain" or HELD_OUT not in kept]


def group_of(split: str) -> str:
    """Return the heading under which the score board lists a row set."""
    if is_forget(split):
        return FORGOTTEN
    return STAYS if stays(split) else OTHER


def set_title(split: str) -> str:
    """Return the title of a row set on the score board.

    The title is shown below the heading of the group to which the row set belongs.
    """
    return _SET_TITLES.get(split, split.removeprefix("forget.").removeprefix("utility.").replace("_", " "))


def ordered_sets(splits: Iterable[str]) -> list[str]:
    """Sort row sets in the order of the score board.

    Sets to forget come first, then sets to keep, then all other sets. In each group, the sets in `SETS` come first.
    """
    groups, ranks = [FORGOTTEN, STAYS, OTHER], {name: rank for rank, name in enumerate(SETS)}
    return sorted(set(splits), key=lambda s: (groups.index(group_of(s)), ranks.get(s, len(ranks)), s))
