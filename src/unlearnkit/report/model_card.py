"""Write the model card, the README file of an unlearned model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from unlearnkit.data.vocabulary import REFERENCES, TARGET
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.report.adapter_note import without_adapter
from unlearnkit.report.first_lines import first_lines
from unlearnkit.report.headline import headline
from unlearnkit.report.jinja_templates import render_template
from unlearnkit.report.model import SubjectReport
from unlearnkit.report.sanitize import markdown_code, markdown_line
from unlearnkit.report.tables.board import board, cell
from unlearnkit.report.tables.own import who_judged
from unlearnkit.report.tables.table import Cell, Column, Row, Section, Table
from unlearnkit.report.tables.writers import markdown
from unlearnkit.runs.state import SubjectSpec
from unlearnkit.scope.scope import Scope

_COSTS = {"It took": "cost.seconds", "Peak memory": "cost.peak_rss_mb"}


def model_card(
    subject: SubjectReport,
    scope: Scope,
    *,
    spec: SubjectSpec | None = None,
    references: Mapping[str, Mapping[str, Score]] | None = None,
    gates: Sequence[GateResult] = (),
    limitations: Sequence[str] = (),
    doubts: Sequence[str] = (),
    docs: ScoreDocs | None = None,
) -> str:
    """Return the model card of a run as Markdown.

    Args:
        subject: the run's model.
        scope: the scope of the unlearning request. The card shows only the scope's description, and none of its
            subjects, aliases and secrets.
        spec: how the model is stored. The card's loading instructions depend on it. Without it, the card explains how
            to load whole weights.
        references: scores of the target model and of the retrained model.
        gates: results of the gates on the run's model.
        limitations: sentences that state what the scores cannot show.
        doubts: reasons to doubt the scores.
        docs: titles, formats and positions of all scores.
    """
    docs, references = docs or ScoreDocs(), references or {}
    compared = (SubjectReport(name=name, title=name, scores=dict(scores)) for name, scores in references.items())
    subjects = [subject, *sorted(compared, key=lambda reference: REFERENCES.index(reference.name))]
    costs = [(words, flat, subject.scores.get(flat)) for words, flat in _COSTS.items()]
    return render_template(
        "model_card.md.j2",
        subject=subject,
        first_lines=[*doubts, *first_lines(subject.name, {**references, subject.name: subject.scores}, docs)],
        apart=without_adapter(subject.scores, references.get(TARGET), docs) if subject.adapter else "",
        scope=scope,
        spec=spec or SubjectSpec(kind="weights", path="model"),
        costs=[(words, docs.written(flat, s.value)) for words, flat, s in costs if s and s.value is not None],
        board=_board(subjects, docs),
        own_tables=_own_tables(subjects, docs),
        gates=gates,
        limitations=limitations,
    )


def _board(subjects: Sequence[SubjectReport], docs: ScoreDocs) -> str:
    """Return the score board of the first subject as Markdown.

    The board has one row for each row set on which the first subject was measured. The other subjects are reference
    models, and the board shows only their headline metric. If no score was measured, the returned text is empty.
    """
    subject, *references = subjects
    full, first = board(subjects, docs), headline((s.scores for s in subjects), docs)
    measured = docs.on_board(subject.scores)
    columns = []
    if any(section.name == first.metric for section in full.sections):
        columns = [(first.metric, subject.name, first.name)]
        columns += [(first.metric, each.name, f"{first.name} of {each.name}") for each in references]
    others = docs.ordered({name.metric for name in measured} - {first.metric})
    columns += [(name, subject.name, docs.metric(name).title.lower()) for name in others if docs.metric(name).listed]
    if not columns:
        return ""
    splits = {name.split for name in measured if name.metric in {metric for metric, _, _ in columns}}
    table = full.picked(columns)
    rows = tuple(row._replace(title=markdown_line(row.title)) for row in table.rows if row.name in splits)
    return markdown(table._replace(sections=(Section("", "", rows),)))


def _own_tables(subjects: Sequence[SubjectReport], docs: ScoreDocs) -> list[str]:
    """Return a titled table for each kind of score outside the board.

    Scores that the report shows only in collapsed sections are omitted.
    """
    heads = [Column("", "value"), *(Column("", f"of {s.name}") for s in subjects[1:]), Column("", "", text=True)]
    parts = []
    for kind, members in groupby(docs.own(subjects[0].scores), key=lambda own: own.table):
        rows = tuple(
            Row(
                own.flat,
                markdown_line(own.doc.title) if own.doc.help else markdown_code(own.flat),
                (*(cell(s.scores.get(own.flat), own.doc) for s in subjects), Cell(markdown_line(own.doc.help))),
            )
            for own in members
            if not own.doc.variant
        )
        judge = markdown_line(who_judged(kind.judge, subjects[:1]))
        table = markdown(Table(tuple(heads), (Section("", "", rows),), corner="score"))
        parts.append("\n\n".join(filter(None, (f"### {kind.title}", judge, table))))
    return parts
