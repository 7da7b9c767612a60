"""Scores of several subjects against each other in plain numbers: for machines, and for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping

from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.report.model import SubjectReport
from unlearnkit.report.tables.board import board, cell
from unlearnkit.report.tables.own import own_tables
from unlearnkit.report.tables.table import Column, Row, Section, Table

SubjectScores = Mapping[str, Mapping[str, Score]]


def comparison(subject_scores: SubjectScores, docs: ScoreDocs) -> dict[str, dict[str, dict[str, float | None]]]:
    """`{"subjects": {name: {flat name: value}}}`, None where a value was not measured.

    The listed names come first and are always there, for every subject; what else was measured follows by name, and
    is None for the subjects on which it was not. So is what is not finite, which JSON cannot hold.
    """
    measured = {name for scores in subject_scores.values() for name in scores}
    names = [*docs.listed, *sorted(measured - set(docs.listed))]
    return {
        "subjects": {
            subject: {name: _finite(scores.get(name, NOT_MEASURED).value) for name in names}
            for subject, scores in subject_scores.items()
        }
    }


def board_table(subject_scores: SubjectScores, docs: ScoreDocs) -> Table:
    """The board for a terminal: a column a subject, a row a score; then scores that are not on the board, then costs.

    Sets on which no subject was measured are left out. So are scores that the report folds away, which a comparison
    has.
    """
    subjects = [SubjectReport(name=name, title=name, scores=dict(of)) for name, of in subject_scores.items()]
    found = board(subjects, docs)
    printed = (section for section in found.sections if docs.metric(section.name).printed)
    sections = [
        Section(
            section.name, section.title, _measured(found.picked([(section.name, s.name, s.title) for s in subjects]))
        )
        for section in printed
    ]
    for table in own_tables(subjects, docs):
        rows = tuple(Row(row.name, row.name, row.cells) for row in table.rows if row.is_measured)
        sections += [Section(table.key, table.title, rows)] if rows else []
    costs = (flat for flat in docs.listed if docs.place(flat) is None)
    rows = tuple(Row(flat, flat, tuple(cell(s.scores.get(flat), docs.of(flat)) for s in subjects)) for flat in costs)
    columns = tuple(Column(s.name, s.title) for s in subjects)
    return Table(columns, (*sections, Section("", "", rows)), note="- not measured")


def _measured(table: Table) -> tuple[Row, ...]:
    return tuple(row for row in table.rows if row.is_measured)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
