"""The report's tables, as rows and cells that the template only has to lay out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from unlearnkit.metrics.score import Score
from unlearnkit.report.model import GateResult, GridReport, GridRow, Report, SubjectReport
from unlearnkit.report.names import (
    BEST_CONSTANT,
    COST,
    COSTS,
    LISTED,
    cost_title,
    group_of,
    metric_help,
    metric_title,
    ordered_metrics,
    ordered_sets,
    parse_name,
    set_title,
)
from unlearnkit.report.wording import cost, interval, number


class Bar(NamedTuple):
    """A value in [0, 1] and its interval, in per cent of the cell's width."""

    at: float
    low: float
    high: float


class Cell(NamedTuple):
    """One score, ready to be shown. `value` is empty where it was not measured."""

    value: str
    interval: str
    tip: str
    bar: Bar | None


class BoardRow(NamedTuple):
    """The scores of one subject on every set; no subject: a property of the rows themselves."""

    subject: SubjectReport | None
    title: str
    cells: tuple[Cell, ...]


class BoardSection(NamedTuple):
    """One metric."""

    title: str
    help: str
    rows: tuple[BoardRow, ...]


class Column(NamedTuple):
    """One row set."""

    split: str
    title: str
    first: bool
    """Whether it is the first one of its group."""


class Board(NamedTuple):
    """Subjects by row set, one section a metric."""

    groups: tuple[tuple[str, int], ...]
    """Heading and number of columns of each group of row sets."""
    columns: tuple[Column, ...]
    sections: tuple[BoardSection, ...]


class GateCell(NamedTuple):
    """How one gate came out for one method."""

    result: GateResult
    cell: Cell
    reason: str
    """What the outcome alone does not say; empty where there is nothing to add."""


class GateRow(NamedTuple):
    """One gate and how it came out for every method; None where it was not set for that method."""

    name: str
    results: tuple[GateCell | None, ...]


class CostTable(NamedTuple):
    """What every subject cost."""

    columns: tuple[str, ...]
    rows: tuple[tuple[SubjectReport, tuple[str, ...]], ...]


class GridTable(NamedTuple):
    """The settings tried for one method."""

    method: str
    settings: tuple[str, ...]
    scores: tuple[str, ...]
    rows: tuple[tuple[GridRow, tuple[str, ...], tuple[str, ...]], ...]
    """Each row with its settings and its scores as text, in the order of the columns."""


def board(report: Report) -> Board:
    """Every score but the costs, sections in the order of the metrics, columns in the order of the sets."""
    names = {parse_name(flat) for s in report.subjects for flat in s.scores if parse_name(flat).split != COST}
    splits = ordered_sets(n.split for n in names)
    groups = [(group, list(members)) for group, members in groupby(splits, key=group_of)]
    return Board(
        groups=tuple((group, len(members)) for group, members in groups),
        columns=tuple(Column(s, set_title(s), s == members[0]) for _, members in groups for s in members),
        sections=tuple(
            _section(report, m, splits) for m in ordered_metrics(n.metric for n in names) if m != BEST_CONSTANT
        ),
    )


def _section(report: Report, metric: str, splits: Sequence[str]) -> BoardSection:
    rows = [BoardRow(s, s.title, tuple(_cells(s, metric, splits))) for s in report.subjects]
    if metric == "accuracy":
        known = next((s for s in report.subjects if f"forget.{BEST_CONSTANT}" in s.scores), None)
        if known is not None:
            rows.append(BoardRow(None, "best constant answer", tuple(_cells(known, BEST_CONSTANT, splits))))
    return BoardSection(metric_title(metric), metric_help(metric), tuple(rows))


def _cells(subject: SubjectReport, metric: str, splits: Sequence[str]) -> list[Cell]:
    return [cell(subject.scores.get(f"{split}.{metric}" if split else metric)) for split in splits]


def cell(score: Score | None) -> Cell:
    """A score as text, its rows in the tooltip, and a bar where it is a share."""
    if score is None or score.value is None:
        return Cell("", "", "not measured", None)
    span = interval(score)
    tip = f"{score.count:,} row{'' if score.count == 1 else 's'}" + (f", 95 % interval {span}" if span else "")
    bar = None
    if math.isfinite(score.value) and 0 <= score.value <= 1:
        low, high = (score.value if end is None else min(max(end, 0.0), 1.0) for end in (score.low, score.high))
        bar = Bar(*(round(100 * v, 2) for v in (score.value, low, high)))
    return Cell(number(score.value), span, tip, bar)


def gate_rows(report: Report) -> tuple[GateRow, ...]:
    """Gates in the order in which they were given, a column a method."""
    results = {(g.name, g.subject): GateCell(g, cell(g.score), _reason(g)) for g in report.gates}
    return tuple(
        GateRow(name, tuple(results.get((name, s.name)) for s in report.methods))
        for name in dict.fromkeys(g.name for g in report.gates)
    )


def _reason(result: GateResult) -> str:
    return result.why.removeprefix(result.outcome).lstrip(", ")


def cost_table(report: Report) -> CostTable | None:
    """Time, memory and whatever else stands under `cost`; None where nothing does."""
    names = {flat for s in report.subjects for flat in s.scores if parse_name(flat).split == COST}
    flats = sorted(names, key=lambda flat: (LISTED.index(flat) if flat in COSTS else len(LISTED), flat))
    if not flats:
        return None
    return CostTable(
        columns=tuple(cost_title(flat) for flat in flats),
        rows=tuple((s, tuple(_cost(flat, s.scores.get(flat)) for flat in flats)) for s in report.subjects),
    )


def _cost(flat: str, score: Score | None) -> str:
    return "" if score is None or score.value is None else cost(flat, score.value)


def grid_tables(grid: GridReport) -> tuple[GridTable, ...]:
    """The tuning grid, a table a method."""
    return tuple(
        _grid_table(method, [r for r in grid.rows if r.method == method])
        for method in dict.fromkeys(r.method for r in grid.rows)
    )


def _grid_table(method: str, rows: Sequence[GridRow]) -> GridTable:
    settings = tuple(dict.fromkeys(name for r in rows for name in r.settings))
    scores = tuple(dict.fromkeys(name for r in rows for name in r.scores))
    return GridTable(
        method,
        settings,
        scores,
        tuple(
            (
                r,
                tuple(setting(r.settings.get(s)) for s in settings),
                tuple("" if (value := r.scores.get(s)) is None else number(value) for s in scores),
            )
            for r in rows
        ),
    )


def setting(value: object) -> str:
    """A setting as it would stand in a recipe."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
