"""What the verbs print on stdout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from unlearnkit.metrics.score import Score
    from unlearnkit.report.model import Report


def print_json(value: Any) -> None:
    """A value as JSON, and nothing else."""
    print(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))  # noqa: T201


def print_board(scores: Mapping[str, Mapping[str, Score]]) -> None:
    """Every score, a column a subject."""
    from unlearnkit.report.compare import board_table

    _console().print(board_table(scores))


def print_sample(report: Report) -> None:
    """One question that was to be forgotten, and what each subject said."""
    from rich.table import Table
    from rich.text import Text

    from unlearnkit.report.text import visible

    said = {s.name: {r.row.id: r for r in s.records if r.split == "forget" and r.generation} for s in report.subjects}
    rows = [r for r in next(iter(said.values())) if all(r in others for others in said.values())]
    if not rows:
        return
    chosen = rows[len(rows) // 2]
    table = Table("subject", "thinks", "says", title=Text(visible(said[report.subjects[0].name][chosen].row.question)))
    for name, records in said.items():
        generation = records[chosen].generation
        if generation is not None:
            table.add_row(name, *(Text(_short(t)) for t in (generation.trace, generation.response)))
    _console().print(table)


def _short(text: str) -> str:
    from unlearnkit.report.text import excerpt, visible

    cut = excerpt(text, 160)
    return (visible(cut.text) + (" …" if cut.more else "")) or "-"


def _console() -> Console:
    """On a terminal as wide as it is; elsewhere wide enough for a board of several subjects."""
    console = Console()
    return console if console.is_terminal else Console(width=140)
