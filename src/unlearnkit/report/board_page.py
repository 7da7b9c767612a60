"""Write the table of a board as HTML and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.report.jinja_templates import render_template
from unlearnkit.report.render import asset, policy
from unlearnkit.report.sanitize import markdown_line
from unlearnkit.report.tables.table import Table
from unlearnkit.report.tables.writers import markdown


def write_board(table: Table, notes: Sequence[str], page: Path, text: Path) -> None:
    """Write a board's table as HTML and as Markdown.

    Args:
        table: the table, with one section per suite and world.
        notes: sentences below the table.
        page: the HTML file.
        text: the Markdown file.
    """
    with writing(page):
        page.parent.mkdir(parents=True, exist_ok=True)
    css = Markup(asset("report.css"))
    write_atomic(
        page, render_template("board.html.j2", table=table, notes=notes, styles={}, css=css, policy=policy(()))
    )
    write_atomic(text, _markdown(table, notes))


def _markdown(table: Table, notes: Sequence[str]) -> str:
    columns = tuple(column._replace(title=markdown_line(column.title)) for column in table.columns)
    parts = [f"# {markdown_line(table.title)}"]
    for section in table.sections:
        rows = tuple(row._replace(title=markdown_line(row.title)) for row in section.rows)
        escaped = table._replace(columns=columns, sections=(section._replace(rows=rows),))
        parts += [f"## {markdown_line(section.title)}", markdown(escaped)]
    parts.append(markdown_line(table.note))
    if notes:
        parts.append("\n".join(f"- {markdown_line(note)}" for note in notes))
    return "\n\n".join(parts) + "\n"
