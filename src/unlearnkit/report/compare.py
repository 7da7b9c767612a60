"""Subjects held against each other in plain numbers: for machines, and for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.report.names import COSTS, LISTED, METRICS, metric_title, ordered_sets, parse_name
from unlearnkit.report.wording import cost, number

SubjectScores = Mapping[str, Mapping[str, Score]]


def comparison(subject_scores: SubjectScores) -> dict[str, dict[str, dict[str, float | None]]]:
    """`{"subjects": {name: {flat name: value}}}`, None where a value was not measured.

    The listed names come first and are always there, for every subject; what else was measured follows by name, and
    is None for the subjects on which it was not. So is what is not finite, which JSON cannot hold.
    """
    measured = {name for scores in subject_scores.values() for name in scores}
    names = [*LISTED, *sorted(measured - set(LISTED))]
    return {
        "subjects": {
            subject: {name: _finite(scores.get(name, NOT_MEASURED).value) for name in names}
            for subject, scores in subject_scores.items()
        }
    }


def board_table(subject_scores: SubjectScores, *, metrics: Sequence[str] = METRICS, title: str | None = None) -> Table:
    """The board for a terminal: a column a subject, a row a score, one block a metric.

    Sets on which no subject was measured are left out; a dash stands for a single missing value.
    """
    table = Table(title=title, caption="- not measured", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for subject in subject_scores:
        table.add_column(escape(subject), justify="right", no_wrap=True)
    names = {name for scores in subject_scores.values() for name, score in scores.items() if score.value is not None}
    for metric in metrics:
        splits = ordered_sets(parse_name(name).split for name in names if parse_name(name).metric == metric)
        if not splits:
            continue
        table.add_section()
        table.add_row(f"[bold]{escape(metric_title(metric))}[/bold]")
        for split in splits:
            flat = f"{split}.{metric}" if split else metric
            table.add_row(f"  {escape(split) or 'whole model'}", *_cells(subject_scores, flat))
    table.add_section()
    for flat in COSTS:
        table.add_row(flat, *_cells(subject_scores, flat))
    return table


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _cells(subject_scores: SubjectScores, flat: str) -> list[str]:
    values = (scores.get(flat, NOT_MEASURED).value for scores in subject_scores.values())
    return [("-" if v is None else cost(flat, v) if flat in COSTS else number(v)) for v in values]
