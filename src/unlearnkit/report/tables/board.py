"""Build the score board and other tables of the report.

The other tables show gates, costs and the tuning grid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from unlearnkit.core.number_format import interval, written
from unlearnkit.data.vocabulary import group_of, ordered_sets, set_title
from unlearnkit.metrics.gates import Outcome
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_doc import ScoreDoc
from unlearnkit.metrics.score_docs import COSTS, ScoreDocs
from unlearnkit.metrics.score_names import BEST_CONSTANT, COST, ScoreName
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.tables.table import MISSING, Bar, Cell, Column, Row, Section, Table
from unlearnkit.suites.base import GridReport, GridRow

Boards = Mapping[str, Mapping[ScoreName, Score]]
"""Scores on the board, keyed by the subject's name and then by row set and metric."""
_CONSTANT = "accuracy of always giving the most common answer to each kind of question, without any other knowledge"


class GateCell(NamedTuple):
    """The outcome of one gate for one method."""

    outcome: Outcome
    cell: Cell
    """Cell with the score that the gate tests."""
    reason: str
    """Explanation of the outcome. It is empty if the outcome needs no explanation."""


def board(subjects: Sequence[SubjectReport], docs: ScoreDocs) -> Table:
    """Return the board, i.e. the report's main table of scores.

    The board has one section per metric. A section has one row per subject and one column per row set. Row sets and
    metrics without any measured score are omitted.
    """
    boards = {s.name: docs.on_board(s.scores) for s in subjects}
    names = {name for scores in boards.values() for name in scores}
    requested = {name.metric for s in subjects for flat in s.scores if (name := docs.place(flat))}
    splits = ordered_sets(n.split for n in names)
    metrics = docs.ordered(n.metric for n in names)
    return Table(
        tuple(Column(split, set_title(split), group_of(split)) for split in splits),
        tuple(_section(subjects, docs, boards, metric, splits) for metric in metrics),
        unmeasured=tuple(docs.metric(m).title for m in docs.ordered(requested - set(metrics))),
    )


def _section(
    subjects: Sequence[SubjectReport], docs: ScoreDocs, boards: Boards, metric: str, splits: Sequence[str]
) -> Section:
    doc = docs.metric(metric)
    rows = [
        subject_row(s, [cell(boards[s.name].get(ScoreName(split, metric)), doc) for split in splits]) for s in subjects
    ]
    constant = next((s.scores for s in subjects if f"forget.{BEST_CONSTANT}" in s.scores), None)
    if metric == "accuracy" and constant is not None:
        cells = tuple(cell(constant.get(f"{split}.{BEST_CONSTANT}"), doc) for split in splits)
        rows.append(Row("", "best constant answer", cells, _CONSTANT, "constant"))
    return Section(metric, doc.title, tuple(rows), doc.help)


def subject_row(subject: SubjectReport, cells: Sequence[Cell]) -> Row:
    """Return a table row that shows a subject's title and these cells."""
    return Row(subject.name, subject.title, tuple(cells), kind="reference" if subject.is_reference else "made")


def cell(score: Score | None, doc: ScoreDoc) -> Cell:
    """Return a table cell that shows a score.

    The score has the format that `doc` states. The tooltip shows the number of rows on which the score was measured,
    and the score's interval. The cell has a bar if the score is between 0 and `doc.highest`.
    """
    if score is None or score.value is None:
        return MISSING
    span, bar = interval(score.low, score.high), None
    tip = f"{score.count:,} row{'' if score.count == 1 else 's'}" + (f", 95 % interval {span}" if span else "")
    if score.subject is not None:
        tip += f", subject {score.subject}"
    if score.unmeasured:
        tip += f"; not measured on {score.unmeasured:,} more"
    if math.isfinite(score.value) and 0 <= score.value <= doc.highest:
        low, high = (score.value if end is None else min(max(end, 0.0), doc.highest) for end in (score.low, score.high))
        bar = Bar(*(round(100 * v / doc.highest, 2) for v in (score.value, low, high)))
    return Cell(written(score.value, doc.format), span, tip, bar)


def gate_rows(report: Report) -> dict[str, list[GateCell | None]]:
    """Return the outcomes of each gate, one per method.

    The result has the gates' names as keys. An outcome is None if the gate was not set for the method.
    """
    results = {
        (gate.name, gate.subject): GateCell(
            gate.outcome,
            cell(gate.score, report.docs.of(gate.name.partition(" ")[0])),
            gate.why.removeprefix(gate.outcome).lstrip(", "),
        )
        for gate in report.gates
    }
    return {gate.name: [results.get((gate.name, s.name)) for s in report.methods] for gate in report.gates}


def cost_table(subjects: Sequence[SubjectReport], docs: ScoreDocs) -> Table | None:
    """Return the table of costs, or None if no costs were measured.

    The costs are time, memory, and any costs that a suite adds.
    """
    names = {flat for s in subjects for flat in s.scores if ScoreName.parse(flat).split == COST}
    flats = [*(flat for flat in docs.listed if flat in names), *sorted(names - set(docs.listed))]
    if not flats:
        return None
    columns = tuple(Column(flat, docs.of(flat).title.removeprefix(f"{COST}.")) for flat in flats)
    rows = tuple(subject_row(s, [cell(s.scores.get(flat), docs.of(flat)) for flat in flats]) for s in subjects)
    return Table(columns, (Section("", "", rows),), COSTS.key, COSTS.title, COSTS.lead)


def grid_tables(grid: GridReport, docs: ScoreDocs) -> list[Table]:
    """Return the tuning grid as one table per method."""
    methods = dict.fromkeys(row.method for row in grid.rows)
    return [_grid_table(method, [row for row in grid.rows if row.method == method], docs) for method in methods]


def _grid_table(method: str, rows: Sequence[GridRow], docs: ScoreDocs) -> Table:
    settings = dict.fromkeys(name for row in rows for name in row.settings)
    scores = dict.fromkeys(name for row in rows for name in row.scores)
    made = []
    for row in rows:
        cells = [Cell(setting(row.settings.get(name))) for name in settings]
        cells += [cell(Score(value=row.scores.get(flat)), docs.of(flat)) for flat in scores]
        title, kind = ("✓ chosen", "chosen") if row.chosen else ("", "")
        made.append(Row("", title, tuple(cells), kind=kind))
    columns = tuple(Column(name, name) for name in (*settings, *scores))
    return Table(columns, (Section("", "", tuple(made)),), title=method)


def setting(value: object) -> str:
    """Format the value of a setting as in a recipe."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
