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
"""Higher values are better on every row set. In this constant and the three constants above it, the first entry is the
better direction on forget sets, and the second entry is the better direction on all other row sets."""


@dataclass(frozen=True)
class ScoreTable:
    """A table of the report for scores outside the score board."""

    key: str
    """Id of the table's section in the report."""
    title: str
    lead: str = ""
    """The paragraph above the table."""
    variants: tuple[tuple[str, str], ...] = ()
    """Groups of scores that are collapsed below the table, in order. Each entry is the title and the help text
    of one group."""
    folded: str = "As computed by other code"
    """The title above the collapsed groups."""
    judge: str = ""
    """Name of the judge that gave the scores. The name is empty if no judge gave the scores."""


@dataclass(frozen=True)
class ScoreDoc:
    """Title, meaning and presentation of a score.

    If a score has no doc, the report shows the name of the score.
    """

    title: str
    help: str = ""
    """What the score measures and which direction is better, as a phrase without a period."""
    wanted: tuple[Better, Better] | None = None
    """Better direction on forget sets, followed by the better direction on all other row sets.

    The field is None if the better directions are unknown.
    """
    format: Format = "number"
    table: ScoreTable | None = None
    """The table that lists the score. None: the score board shows the score, in the section of the score's metric."""
    split: str = ""
    """The row set in whose column the score board shows the score.

    The field is empty if the name of the score is `<set>.<metric>` and thus names the row set.
    """
    variant: str = ""
    """Title of the collapsed group that contains the score. The title is empty if the score is in the table itself."""
    order: int = 100
    """Position of the metric's section on the score board. Sections with the same position are sorted by name."""
    listed: bool = False
    """Whether every comparison lists the score, even if the score was not measured."""
    printed: bool = True
    """Whether the score board that is printed in a terminal has a section for the metric."""
    verdict: bool = False
    """Whether the report's verdict on a method states the score."""
    gate_count: int = 0
    """Smallest `count` of the score with which a gate on the score is judged if there is no retrained model."""
    highest: float = 1.0
    """Value of the score at which the score's bar in the report is full."""

    def better(self, split: str) -> Better | None:
        """Return the better direction of the score on a row set.

        Returns None if the better direction is unknown.
        """
        forget, elsewhere = self.wanted or (None, None)
        if is_forget(split):
            return forget
        return elsewhere if stays(split) or forget == elsewhere else None


Docs = Mapping[str, ScoreDoc]
"""Maps score names to docs. The key `*.<metric>` covers a metric of the score board on every row set."""


def with_prefix(prefix: str, docs: Docs) -> dict[str, ScoreDoc]:
    """Return the docs, with a prefix and a dot before each name."""
    return {f"{prefix}.{name}": doc for name, doc in docs.items()}


def with_variants(docs: Docs, suffixes: Mapping[str, str]) -> dict[str, ScoreDoc]:
    """Return the docs of scores and of the scores' variants.

    Each key of `suffixes` is a suffix. The name of a variant is the name of the score, followed by the suffix. Each
    value of `suffixes` is the title of the group that contains the variants with this suffix.
    """
    variants = {
        f"{name}{suffix}": replace(doc, variant=title, verdict=False)
        for suffix, title in suffixes.items()
        for name, doc in docs.items()
    }
    return {**docs, **variants}
