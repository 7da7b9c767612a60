"""Docs of scores: title, meaning, better direction, place in the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from unlearnkit.core.number_format import Format
from unlearnkit.data.vocabulary import is_forget, stays

Better = Literal["higher", "lower"]
LOW_ON_FORGET: tuple[Better, Better] = ("lower", "higher")
HIGH_ON_FORGET: tuple[Better, Better] = ("higher", "lower")
LOW: tuple[Better, Better] = ("lower", "lower")
HIGH: tuple[Better, Better] = ("higher", "higher")
"""Better directions, as in `ScoreDoc.wanted`: the first on forget sets, the second on all other row sets."""


@dataclass(frozen=True)
class ScoreTable:
    """A table of the report for scores outside the board."""

    key: str
    """Id of the table's section in the report."""
    title: str
    lead: str = ""
    """The paragraph above the table."""
    variants: tuple[tuple[str, str], ...] = ()
    """Title and help text of each group of scores that is collapsed below the table, in order."""
    folded: str = "As other code computes it"
    """The title above the collapsed groups."""
    judge: str = ""
    """Name of the judge that gave the scores; empty if the scores do not come from a judge."""


@dataclass(frozen=True)
class ScoreDoc:
    """Title, meaning and presentation of a score.

    If a score has no doc, the report shows the flat name of the score.
    """

    title: str
    help: str = ""
    """What the score measures and which direction is better, as a phrase without a period."""
    wanted: tuple[Better, Better] | None = None
    """Better direction on forget sets, and better direction on all other row sets; None if unknown."""
    format: Format = "number"
    table: ScoreTable | None = None
    """The table that lists the score; None if the score is on the board, where every metric has a section."""
    split: str = ""
    """Row set in whose column the board shows the score, if the flat name of the score is not `<set>.<metric>`."""
    variant: str = ""
    """Title of the collapsed group that contains the score; empty if the score is in the table itself."""
    order: int = 100
    """Position of the metric's section on the board. Sections with the same position are sorted by name."""
    listed: bool = False
    """Whether a comparison always lists the score, even if it was not measured."""
    printed: bool = True
    """Whether the board in a terminal has a section for the metric."""
    verdict: bool = False
    """Whether the report states the score in its verdict on a method."""
    highest: float = 1.0
    """Value at which the score's bar is full."""

    def better(self, split: str) -> Better | None:
        """Return the better direction on a row set, or None if unknown."""
        forget, elsewhere = self.wanted or (None, None)
        if is_forget(split):
            return forget
        return elsewhere if stays(split) or forget == elsewhere else None


Docs = Mapping[str, ScoreDoc]
"""Docs by flat name. The key `*.<metric>` covers a board metric on every row set."""


def with_prefix(prefix: str, docs: Docs) -> dict[str, ScoreDoc]:
    """Return the docs, with a prefix and a dot before each name."""
    return {f"{prefix}.{name}": doc for name, doc in docs.items()}


def with_variants(docs: Docs, suffixes: Mapping[str, str]) -> dict[str, ScoreDoc]:
    """Return the docs of scores and of the scores' variants.

    Each key of `suffixes` is a suffix that is appended to the flat name of a score to name its variant. The value is
    the title of the group that contains the variants with this suffix.
    """
    variants = {
        f"{name}{suffix}": replace(doc, variant=title, verdict=False)
        for suffix, title in suffixes.items()
        for name, doc in docs.items()
    }
    return {**docs, **variants}
