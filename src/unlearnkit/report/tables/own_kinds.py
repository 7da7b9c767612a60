"""What a table of scores of their own is made of, for `own_scores` and `judged`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """A score in words."""

    title: str
    help: str
    """What it counts, and which way is good."""


class OwnKind(NamedTuple):
    """What belongs into one table."""

    key: str
    title: str
    lead: str
    scores: Mapping[str, Words]
    """By the name of the score, or the end of it."""
    variants: Mapping[str, str]
    """What stands folded away beneath, by its title: what other code does differently, or a part of the figures."""
    folded: str = "As other code computes it"
    """Over what is folded away."""
    judge: str = ""
    """Whose figures these are; empty for figures of no judge."""


class OwnScore(NamedTuple):
    """One score that stands in such a table."""

    flat: str
    kind: OwnKind
    words: Words
    variant: str
    """Under which of the kind's variants it is folded away; empty for what stands in the table itself."""
    rank: tuple[int, int, int]
    """Its place among all of its sort."""
