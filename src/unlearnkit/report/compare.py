"""Compare the scores of models, as numbers or as a table."""

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
    """Return the scores as `{"subjects": {subject name: {score name: value}}}`.

    Every subject has the same score names: first the names that every comparison lists, then all other measured names
    in alphabetical order. A value is None if the score was not measured. A value is also None if the score is infinite
    or NaN, because JSON cannot represent these numbers.
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
    """Return the scores as one table for a terminal.

    The table has one column per model and one row per score. It begins with the board, which is the report's main
    table. The scores that are not on the board come next, and the costs come last. Row sets on which no model was
    measured are omitted. Scores that the report shows only in collapsed sections are also omitted; `comparison` returns
    these scores.
    """
    subjects = [SubjectReport(name=name, title=name, scores=dict(scores)) for name, scores in subject_scores.items()]
    full = board(subjects, docs)
    sections = [
        Section(section.name, section.title, full.picked([(section.name, s.name, s.title) for s in subjects]).rows)
        for section in full.sections
        if docs.metric(section.name).printed
    ]
    for table in own_tables(subjects, docs):
        sections.append(Section(table.key, table.title, tuple(row._replace(title=row.name) for row in table.rows)))
    measured = [section._replace(rows=tuple(row for row in section.rows if row.is_measured)) for section in sections]
    costs = [flat for flat in docs.listed if docs.place(flat) is None]
    cost_rows = (Row(flat, flat, tuple(cell(s.scores.get(flat), docs.of(flat)) for s in subjects)) for flat in costs)
    return Table(
        tuple(Column(s.name, s.title) for s in subjects),
        (*(section for section in measured if section.rows), Section("", "", tuple(cost_rows))),
        note="- not measured",
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
