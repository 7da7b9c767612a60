"""Subjects held against each other in plain numbers: for machines, and for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

from rich import box
from rich.markup import escape
from rich.table import Table

from unlearnkit.core.number_format import cost, written
from unlearnkit.data.vocabulary import ordered_sets
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_names import COSTS, LISTED, MEMORIZATION, METRICS, ScoreName, metric_title, on_board
from unlearnkit.report.tables.score_docs import own_scores

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


def board_table(subject_scores: SubjectScores, *, title: str | None = None) -> Table:
    """The board for a terminal: a column a subject, a row a score, one block a metric, then the suite's own scores.

    Sets on which no subject was measured are left out; a dash stands for a single missing value. So are scores as other
    code computes them, which a comparison has.
    """
    table = Table(title=title, caption="- not measured", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for subject in subject_scores:
        table.add_column(escape(subject), justify="right", no_wrap=True)
    boards = [on_board(scores) for scores in subject_scores.values()]
    for metric in (*METRICS, *MEMORIZATION):
        splits = ordered_sets(name.split for board in boards for name in board if name.metric == metric)
        found = [(split, [board.get(ScoreName(split, metric)) for board in boards]) for split in splits]
        _add_block(table, metric_title(metric), [(split, _texts("", scores)) for split, scores in found])
    measured = {flat for scores in subject_scores.values() for flat, score in scores.items() if score.value is not None}
    own = [own for own in own_scores(measured) if not own.variant]
    for kind, members in groupby(own, key=lambda own: own.kind):
        _add_block(
            table, kind.title, [(own.flat, _texts(own.flat, _of_all(subject_scores, own.flat))) for own in members]
        )
    table.add_section()
    for flat in COSTS:
        table.add_row(flat, *_texts(flat, _of_all(subject_scores, flat)))
    return table


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _add_block(table: Table, title: str, rows: Sequence[tuple[str, list[str]]]) -> None:
    if rows:
        table.add_section()
        table.add_row(f"[bold]{escape(title)}[/bold]")
    for name, texts in rows:
        table.add_row(f"  {escape(name)}", *texts)


def _of_all(subject_scores: SubjectScores, flat: str) -> list[Score | None]:
    return [scores.get(flat) for scores in subject_scores.values()]


def _texts(flat: str, scores: Sequence[Score | None]) -> list[str]:
    values = (None if score is None else score.value for score in scores)
    return ["-" if v is None else cost(flat, v) if flat in COSTS else written(flat, v) for v in values]
