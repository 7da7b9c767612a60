"""The board and the smaller tables: gates, cost, tuning grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from unlearnkit.core.number_format import interval, written
from unlearnkit.data.vocabulary import group_of, ordered_sets, set_title
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_doc import ScoreDoc
from unlearnkit.metrics.score_docs import COSTS, ScoreDocs
from unlearnkit.metrics.score_names import BEST_CONSTANT, COST, ScoreName
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.tables.table import MISSING, Bar, Cell, Column, Row, Section, Table
from unlearnkit.suites.base import GridReport, GridRow

Boards = Mapping[str, Mapping[ScoreName, Score]]
"""Subject to its scores by place on the board."""
_CONSTANT = "what one who never knew can reach by giving the commonest answer to each kind of question"


class GateCell(NamedTuple):
    """How one gate came out for one method."""

    result: GateResult
    cell: Cell
    reason: str
    """What the outcome alone does not say; empty if there is nothing to add."""


class GateRow(NamedTuple):
    """One gate and how it came out for every method; None where it was not set for that method."""

    name: str
    results: tuple[GateCell | None, ...]


def board(subjects: Sequence[SubjectReport], docs: ScoreDocs) -> Table:
    """Subjects by row set, one section a metric: only sets and metrics of which something was measured."""
    boards = {s.name: docs.on_board(s.scores) for s in subjects}
    names = {name for found in boards.values() for name in found}
    asked = {name.metric for s in subjects for flat in s.scores if (name := docs.place(flat))}
    splits = ordered_sets(n.split for n in names)
    metrics = docs.ordered(n.metric for n in names)
    return Table(
        tuple(Column(split, set_title(split), group_of(split)) for split in splits),
        tuple(_section(subjects, docs, boards, metric, splits) for metric in metrics),
        unmeasured=tuple(docs.metric(m).title for m in docs.ordered(asked - set(metrics))),
    )


def _section(
    subjects: Sequence[SubjectReport], docs: ScoreDocs, boards: Boards, metric: str, splits: Sequence[str]
) -> Section:
    doc = docs.metric(metric)
    rows = [
        subject_row(s, [cell(boards[s.name].get(ScoreName(split, metric)), doc) for split in splits]) for s in subjects
    ]
    if metric == "accuracy":
        known = next((s for s in subjects if f"forget.{BEST_CONSTANT}" in s.scores), None)
        if known is not None:
            constant = tuple(cell(known.scores.get(f"{split}.{BEST_CONSTANT}"), doc) for split in splits)
            rows.append(Row("", "best constant answer", constant, _CONSTANT, "constant"))
    return Section(metric, doc.title, tuple(rows), doc.help)


def subject_row(subject: SubjectReport, cells: Sequence[Cell]) -> Row:
    """A row about a subject."""
    return Row(subject.name, subject.title, tuple(cells), kind="reference" if subject.is_reference else "made")


def cell(score: Score | None, doc: ScoreDoc) -> Cell:
    """A score as text in its doc's format; its rows in the tooltip, and a bar if it is on the doc's scale."""
    if score is None or score.value is None:
        return MISSING
    span, bar = interval(score.low, score.high), None
    tip = f"{score.count:,} row{'' if score.count == 1 else 's'}" + (f", 95 % interval {span}" if span else "")
    if math.isfinite(score.value) and 0 <= score.value <= doc.highest:
        low, high = (score.value if end is None else min(max(end, 0.0), doc.highest) for end in (score.low, score.high))
        bar = Bar(*(round(100 * v / doc.highest, 2) for v in (score.value, low, high)))
    return Cell(written(score.value, doc.format), span, tip, bar)


def gate_rows(report: Report) -> tuple[GateRow, ...]:
    """Gates in the order in which they were given, a column a method."""
    results = {
        (g.name, g.subject): GateCell(g, cell(g.score, report.docs.of(g.name.partition(" ")[0])), _reason(g))
        for g in report.gates
    }
    return tuple(
        GateRow(name, tuple(results.get((name, s.name)) for s in report.methods))
        for name in dict.fromkeys(g.name for g in report.gates)
    )


def _reason(result: GateResult) -> str:
    return result.why.removeprefix(result.outcome).lstrip(", ")


def cost_table(subjects: Sequence[SubjectReport], docs: ScoreDocs) -> Table | None:
    """Time, memory and whatever else has the set `cost`; None if nothing has."""
    names = {flat for s in subjects for flat in s.scores if ScoreName.parse(flat).split == COST}
    flats = sorted(
        names, key=lambda flat: (not docs.of(flat).listed, docs.listed.index(flat) if flat in docs.listed else 0, flat)
    )
    if not flats:
        return None
    columns = tuple(Column(flat, docs.of(flat).title.removeprefix(f"{COST}.")) for flat in flats)
    rows = tuple(subject_row(s, [cell(s.scores.get(flat), docs.of(flat)) for flat in flats]) for s in subjects)
    return Table(columns, (Section("", "", rows),), COSTS.key, COSTS.title, COSTS.lead)


def grid_tables(grid: GridReport, docs: ScoreDocs) -> tuple[Table, ...]:
    """The tuning grid, a table a method."""
    return tuple(
        _grid_table(method, [r for r in grid.rows if r.method == method], docs)
        for method in dict.fromkeys(r.method for r in grid.rows)
    )


def _grid_table(method: str, rows: Sequence[GridRow], docs: ScoreDocs) -> Table:
    settings = tuple(dict.fromkeys(name for r in rows for name in r.settings))
    scores = tuple(dict.fromkeys(name for r in rows for name in r.scores))

    def row(r: GridRow) -> Row:
        found = (None if (v := r.scores.get(flat)) is None else Score(value=v) for flat in scores)
        told = [Cell(setting(r.settings.get(name))) for name in settings]
        cells = [*told, *(cell(score, docs.of(flat)) for flat, score in zip(scores, found, strict=True))]
        return Row("", "✓ chosen" if r.chosen else "", tuple(cells), kind="chosen" if r.chosen else "")

    columns = tuple(Column(name, name) for name in (*settings, *scores))
    return Table(columns, (Section("", "", tuple(map(row, rows))),), title=method)


def setting(value: object) -> str:
    """A setting as it would stand in a recipe."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
