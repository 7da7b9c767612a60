"""The table type of the report; `writers` and the template render it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple


class Bar(NamedTuple):
    """A value and its interval, in percent of the cell's width."""

    at: float
    low: float
    high: float


class Cell(NamedTuple):
    """One entry. `value` is empty if it was not measured."""

    value: str
    interval: str = ""
    tip: str = ""
    bar: Bar | None = None


MISSING = Cell("", tip="not measured")


class Column(NamedTuple):
    """One column."""

    name: str
    title: str
    group: str = ""
    """Title over neighboring columns that have the same one."""
    text: bool = False
    """Whether it holds words, which are aligned to the left."""


class Row(NamedTuple):
    """One row."""

    name: str
    title: str
    cells: tuple[Cell, ...]
    help: str = ""
    kind: str = ""
    """`reference` or `made` for a subject, `constant` for a property of the rows, `chosen` for the setting taken."""

    @property
    def is_measured(self) -> bool:
        """Whether any cell has a value."""
        return any(cell.value for cell in self.cells)


class Section(NamedTuple):
    """Rows under a title of their own."""

    name: str
    title: str
    rows: tuple[Row, ...]
    help: str = ""


class Table(NamedTuple):
    """Sections of rows under common columns."""

    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    key: str = ""
    title: str = ""
    lead: str = ""
    corner: str = ""
    """Heading of the column of row titles."""
    note: str = ""
    """What is written under it."""
    folded: str = ""
    """The title over all sections but the first, where these are folded away."""
    unmeasured: tuple[str, ...] = ()
    """Titles of what was measured on no subject."""

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Title and number of columns of each group."""
        return [(group, len(list(members))) for group, members in groupby(self.columns, lambda column: column.group)]

    @property
    def edges(self) -> list[bool]:
        """For each column, whether it is the first of its group."""
        return [at == 0 or column.group != self.columns[at - 1].group for at, column in enumerate(self.columns)]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the first section."""
        return self.sections[0].rows if self.sections else ()

    def picked(self, picks: Sequence[tuple[str, str, str]]) -> Table:
        """Turn rows into columns: (section, row, title of the new column)."""
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
    """Return a table without sections; the first `words` columns are left-aligned."""
    columns = tuple(Column(head, head, text=at < words) for at, head in enumerate(heads))
    made = tuple(Row(name, name, tuple(map(Cell, texts))) for name, texts in rows)
    return Table(columns, (Section("", "", made),), corner=corner, title=title, note=note)
