"""Convert tables to terminal output and to Markdown.

This module is not used for HTML, because the report's HTML template renders the tables itself.
"""

from __future__ import annotations

from rich import box
from rich.markup import escape
from rich.table import Table as RichTable

from unlearnkit.report.tables.table import Cell, Table


def terminal(table: Table, *, intervals: bool = False) -> RichTable:
    """Return the table as a `rich` table for a terminal.

    A missing value is shown as a dash. Rows are indented under the title of their section. Intervals are shown, in
    parentheses, only if `intervals` is true, because they make a table wide.
    """
    drawn = RichTable(
        title=escape(table.title) or None,
        caption=table.note or None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    drawn.add_column(escape(table.corner), no_wrap=True)
    for column in table.columns:
        drawn.add_column(escape(column.title), justify="left" if column.text else "right", no_wrap=True)
    for section in table.sections:
        drawn.add_section()
        if section.title:
            drawn.add_row(f"[bold]{escape(section.title)}[/bold]")
        for row in section.rows:
            title = escape(row.title)
            shown = (_in_brackets(cell) if intervals and cell.value else cell.value for cell in row.cells)
            texts = (escape(text) or "-" for text in shown)
            drawn.add_row(f"  {title}" if section.title else title, *texts)
    return drawn


def markdown(table: Table) -> str:
    """Return the table's first section as Markdown, with intervals in brackets.

    The caller must escape the titles and the text in the cells before calling this function.
    """
    lines = [
        [table.corner, *(column.title for column in table.columns)],
        ["---", *("---" if column.text else "--:" for column in table.columns)],
        *([row.title, *map(_in_brackets, row.cells)] for row in table.rows),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _in_brackets(cell: Cell) -> str:
    return f"{cell.value} ({cell.interval})" if cell.interval else cell.value or cell.tip
