"""Names of row sets and reference models.

It also says which sets must be forgotten and which must stay.
"""

from __future__ import annotations

from collections.abc import Iterable

TARGET, RETRAINED = "target", "retrained"

REFERENCES = (TARGET, RETRAINED)
"""Models that methods are compared to; every other model was made by a method."""

SETS = (
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
"""Sets whose knowledge must stay, and with them their subsets such as `utility.real_authors`."""

_SET_TITLES = {"forget": "as trained", "forget.multihop": "two hops", "holdout": "never seen (holdout)"}

FORGOTTEN, STAYS, OTHER = "Must be forgotten", "Must stay", "Other"
"""The board's column groups."""


def is_forget(split: str) -> bool:
    """Return whether a row set asks for what must be forgotten."""
    return split == "forget" or split.startswith("forget.")


def stays(split: str) -> bool:
    """Return whether a row set asks for what must stay."""
    return split.partition(".")[0] in STAY


def group_of(split: str) -> str:
    """Return the board's column group of a row set."""
    if is_forget(split):
        return FORGOTTEN
    return STAYS if stays(split) else OTHER


def set_title(split: str) -> str:
    """Return a title of a row set, shown under its group's heading."""
    return _SET_TITLES.get(split, split.removeprefix("forget.").removeprefix("utility.").replace("_", " "))


def ordered_sets(splits: Iterable[str]) -> list[str]:
    """Sort sets as on the board.

    Forget sets, retained sets, others; known sets come first in each.
    """
    groups, ranks = [FORGOTTEN, STAYS, OTHER], {name: rank for rank, name in enumerate(SETS)}
    return sorted(set(splits), key=lambda s: (groups.index(group_of(s)), ranks.get(s, len(ranks)), s))
