"""Build the table of a board: methods in several worlds, over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.report.tables.board import cell
from unlearnkit.report.tables.table import MISSING, Cell, Column, Row, Section, Table

NOTE = (
    "For several runs (seeds): the mean, and in parentheses the lowest and the highest value and the number n of runs. "
    "The reference models are measured once in each world."
)


class MethodScores(NamedTuple):
    """The scores of a method's runs, or of a reference model."""

    title: str
    runs: Sequence[Mapping[str, Score]]
    """The scores of each run that finished."""
    failed: int = 0
    """Number of runs that failed."""
    is_reference: bool = False


def method_table(
    groups: Mapping[str, Sequence[MethodScores]], scores: Mapping[str, str], docs: ScoreDocs, title: str = ""
) -> Table:
    """Return a table with one column per score.

    Args:
        groups: the rows of each section, by the section's title.
        scores: title of each column, by name of the score.
        docs: docs of the scores, for the number formats.
        title: title of the table.
    """
    sections = []
    for heading, members in groups.items():
        rows = []
        for each in members:
            cells = tuple(_cell(each, flat, docs) for flat in scores)
            rows.append(Row("", each.title, cells, kind="reference" if each.is_reference else "made"))
        sections.append(Section(heading, heading, tuple(rows)))
    columns = tuple(Column(flat, head) for flat, head in scores.items())
    return Table(columns, tuple(sections), title=title, corner="method", note=NOTE)


def _cell(method: MethodScores, flat: str, docs: ScoreDocs) -> Cell:
    """Return the cell of one score.

    The cell shows a single value, or a mean with its range.
    """
    measured = [run[flat] for run in method.runs if flat in run and run[flat].value is not None]
    failed = f"{method.failed} failed" if method.failed else ""
    if not measured:
        return Cell("failed", tip=failed) if method.failed else MISSING
    if len(method.runs) == 1 and not failed:
        # The 95 % interval over rows is only in the tooltip, so that it is not mistaken for a range over seeds.
        return cell(measured[0], docs.of(flat))._replace(interval="", bar=None)
    values = [score.value for score in measured if score.value is not None]
    low, high = (docs.written(flat, end(values)) for end in (min, max))
    span = [f"{low}–{high}"] if len(values) > 1 else []
    return Cell(
        docs.written(flat, fmean(values)), ", ".join([*span, f"n={len(values)}", *([failed] if failed else [])])
    )
