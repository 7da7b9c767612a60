"""Data type of tables, which `writers` and the HTML template render."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple


class Bar(NamedTuple):
    """A bar in a cell, which shows a value and its interval.

    All positions are in percent of the cell's width.
    """

    at: float
    low: float
    high: float


class Cell(NamedTuple):
    """One table cell, whose `value` is empty for an unmeasured score."""

    value: str
    interval: str = ""
    tip: str = ""
    bar: Bar | None = None


MISSING = Cell("", tip="not measured")


class Column(NamedTuple):
    """One column of a table."""

    name: str
    title: str
    group: str = ""
    """Title above a group of columns. Neighboring columns with the same `group` form one group."""
    text: bool = False
    """Whether the column contains words, which are left-aligned. Numbers are right-aligned."""


class Row(NamedTuple):
    """One row of a table."""

    name: str
    title: str
    cells: tuple[Cell, ...]
    help: str = ""
    kind: str = ""
    """`reference`: the row shows a reference model. `made`: the row shows a method's model. `constant`: the row shows
    the best constant answer. `chosen`: the row shows the chosen settings of a tuning grid."""

    @property
    def is_measured(self) -> bool:
        """Whether any cell has a value."""
        return any(cell.value for cell in self.cells)


class Section(NamedTuple):
    """A group of rows with a title."""

    name: str
    title: str
    rows: tuple[Row, ...]
    help: str = ""


class Table(NamedTuple):
    """A table, which consists of sections with the same columns."""

    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    key: str = ""
    title: str = ""
    lead: str = ""
    corner: str = ""
    """Heading of the first column, which contains the row titles."""
    note: str = ""
    """Note below the table."""
    folded: str = ""
    """Title of the collapsed part, which contains all sections except the first."""
    unmeasured: tuple[str, ...] = ()
    """Titles of the scores that were not measured on any subject."""

    @property
    def groups(self) -> list[tuple[str, int]]:
        """The column groups, each with its title and its number of columns."""
        return [(group, len(list(members))) for group, members in groupby(self.columns, lambda column: column.group)]

    @property
    def edges(self) -> list[bool]:
        """For each column, whether the column is the first of its group."""
        return [at == 0 or column.group != self.columns[at - 1].group for at, column in enumerate(self.columns)]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the first section."""
        return self.sections[0].rows if self.sections else ()

    def picked(self, picks: Sequence[tuple[str, str, str]]) -> Table:
        """Return rows of this table as columns of a new table.

        Each pick is a tuple of three texts: the name of a section, the name of a row in this section, and the title of
        the new column.
        """
        rows = {(section.name, row.name): row for section in self.sections for row in section.rows}
        cells = zip(*(rows[section, name].cells for section, name, _ in picks), strict=True)
        turned = (Row(column.name, column.name, of) for column, of in zip(self.columns, cells, strict=True))
        return Table(
            tuple(Column(name, title) for _, name, title in picks), (Section("", "", tuple(turned)),), corner="set"
        )


def plain_table(
    corner: str,
    heads: Sequence[str],
    rows: Sequence[tuple[str, Sequence[str]]],
    *,
    words: int = 0,
    title: str = "",
    note: str = "",
) -> Table:
    """Return a table of texts, with a single section.

    The first `words` columns are left-aligned.
    """
    columns = tuple(Column(head, head, text=at < words) for at, head in enumerate(heads))
    made = tuple(Row(name, name, tuple(map(Cell, texts))) for name, texts in rows)
    return Table(columns, (Section("", "", made),), corner=corner, title=title, note=note)
