"""Build the tables of scores that are not on the board.

These are the scores of traces, of suites and of judges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

from unlearnkit.metrics.score_docs import OwnScore, ScoreDocs
from unlearnkit.metrics.score_names import RULES
from unlearnkit.report.model import SubjectReport
from unlearnkit.report.tables.board import cell
from unlearnkit.report.tables.table import Column, Row, Section, Table

_UNNAMED = "a model whose name was not recorded"


def own_tables(subjects: Sequence[SubjectReport], docs: ScoreDocs) -> tuple[Table, ...]:
    """Return one table per kind of score.

    The first section of a table contains the scores that the report's page always shows. Each further section contains
    a group of scores that the page shows in a collapsed part.
    """
    found = docs.own(flat for s in subjects for flat in s.scores)
    return tuple(_own_table(subjects, list(members)) for _, members in groupby(found, key=lambda own: own.table))


def _own_table(subjects: Sequence[SubjectReport], scores: Sequence[OwnScore]) -> Table:
    kind = scores[0].table
    help_of = dict(kind.variants)
    groups = {"": (), **{name: tuple(of) for name, of in groupby(scores, key=lambda own: own.doc.variant)}}
    sections = tuple(
        Section(name, name, tuple(_row(subjects, own) for own in of), help_of.get(name, ""))
        for name, of in groups.items()
    )
    columns = tuple(Column(s.name, s.title) for s in subjects)
    if not any(row.is_measured for section in sections for row in section.rows):
        titles = tuple(own.doc.title for own in scores if not own.doc.variant)
        return Table(columns, (), kind.key, kind.title, kind.lead, unmeasured=titles)
    lead = f"{kind.lead} {who_judged(kind.judge, subjects)}".strip()
    return Table(columns, sections, kind.key, kind.title, lead, "score", folded=kind.folded)


def _row(subjects: Sequence[SubjectReport], own: OwnScore) -> Row:
    text = "" if own.doc.variant else own.doc.help  # the section of a variant has a help text already
    return Row(own.flat, own.doc.title, tuple(cell(s.scores.get(own.flat), own.doc) for s in subjects), text)


def who_judged(judge: str, subjects: Sequence[SubjectReport]) -> str:
    """Return sentences that name the language models a judge used.

    The result is empty if the judge used no language model, or if the judge judged none of these subjects. Pass an
    empty name as `judge` if no judge gave the scores; the result is then empty too.
    """
    named: defaultdict[str, list[str]] = defaultdict(list)
    for subject in subjects:
        if any(s.value is not None for flat, s in subject.scores.items() if flat.startswith(f"judge.{judge}.")):
            named[subject.judged_by.get(judge, _UNNAMED)].append(subject.title)
    if judge == RULES or not named:
        return ""
    if len(named) == 1:
        return f"The judge was {next(iter(named))}."
    models = "; ".join(f"{model} for {', '.join(titles)}" for model, titles in named.items())
    return f"The judge was {models}. Scores by different judge models cannot be compared."
