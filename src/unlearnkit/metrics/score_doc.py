"""Docs of scores: title, meaning, better direction and place in the report."""

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
"""Which way is better on sets to be forgotten, and elsewhere."""


@dataclass(frozen=True)
class ScoreTable:
    """A table of scores that are not on the board."""

    key: str
    """Id of the section in the report."""
    title: str
    lead: str = ""
    """The paragraph above the table."""
    variants: tuple[tuple[str, str], ...] = ()
    """Title and help text of each group of scores that is folded away below the table, in order."""
    folded: str = "As other code computes it"
    """The title above those groups."""
    judge: str = ""
    """Name of the judge that gave these scores; empty if none did."""


@dataclass(frozen=True)
class ScoreDoc:
    """The title and explanation of a score.

    A score without a doc is shown by its flat name.
    """

    title: str
    help: str = ""
    """What it measures and which way is better, as half a sentence."""
    wanted: tuple[Better, Better] | None = None
    """Which way is better on what must be forgotten, and on every other row set; None if that is not known."""
    format: Format = "number"
    table: ScoreTable | None = None
    """The table that lists it; None: the board, where its metric has a section."""
    split: str = ""
    """For a board score whose flat name is not `<set>.<metric>`: the row set whose column it takes."""
    variant: str = ""
    """Title of the group of its table that it is folded into; empty: it is in the table itself."""
    order: int = 100
    """Place of a metric's section on the board. Sections of one place are in order of their names."""
    listed: bool = False
    """Whether a comparison always lists it, measured or not."""
    printed: bool = True
    """Whether the board of a terminal has its section."""
    verdict: bool = False
    """Whether the verdict on a method states it."""
    highest: float = 1.0
    """The value that fills a bar."""

    def better(self, split: str) -> Better | None:
        """Return the better direction on a row set; None if unknown."""
        forget, elsewhere = self.wanted or (None, None)
        if is_forget(split):
            return forget
        return elsewhere if stays(split) or forget == elsewhere else None


Docs = Mapping[str, ScoreDoc]
"""Docs by flat name. The name `*.<metric>` covers a board metric on every row set."""


def with_prefix(prefix: str, docs: Docs) -> dict[str, ScoreDoc]:
    """Return the docs with a prefix and a dot before the names."""
    return {f"{prefix}.{name}": doc for name, doc in docs.items()}


def with_variants(docs: Docs, suffixes: Mapping[str, str]) -> dict[str, ScoreDoc]:
    """Return the docs, and those of their variants.

    A variant's flat name ends with a key of `suffixes`; the value is the title of its group.
    """
    variants = {
        f"{name}{suffix}": replace(doc, variant=title, verdict=False)
        for suffix, title in suffixes.items()
        for name, doc in docs.items()
    }
    return {**docs, **variants}
