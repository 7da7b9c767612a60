"""The report's tables, as rows and cells that the template only has to lay out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from unlearnkit.core.number_format import cost, interval, written
from unlearnkit.data.vocabulary import group_of, ordered_sets, set_title
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_names import (
    BEST_CONSTANT,
    COST,
    COSTS,
    LISTED,
    ScoreName,
    board_name,
    cost_title,
    metric_help,
    metric_title,
    on_board,
    ordered_metrics,
    parse_name,
)
from unlearnkit.report.model import GridReport, GridRow, Report, SubjectReport
from unlearnkit.report.tables.judge_table import full_scale, who_judged
from unlearnkit.report.tables.own_kinds import OwnKind, OwnScore
from unlearnkit.report.tables.score_docs import own_scores

Boards = Mapping[str, Mapping[ScoreName, Score]]
"""Subject to its scores by place on the board."""


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
    """Subjects by row set, one section a metric. Only sets and metrics of which something was measured."""

    groups: tuple[tuple[str, int], ...]
    """Heading and number of columns of each group of row sets."""
    columns: tuple[Column, ...]
    sections: tuple[BoardSection, ...]
    unmeasured: tuple[str, ...]
    """Titles of metrics that were measured on no subject."""


class OwnRow(NamedTuple):
    """One score that a suite brings, of every subject."""

    flat: str
    title: str
    help: str
    cells: tuple[Cell, ...]


class VariantTable(NamedTuple):
    """Scores that are folded away under one table."""

    title: str
    help: str
    rows: tuple[OwnRow, ...]


class OwnTable(NamedTuple):
    """Scores that a suite brings, a column a subject."""

    key: str
    title: str
    lead: str
    rows: tuple[OwnRow, ...]
    variants: tuple[VariantTable, ...]
    folded: str
    """Over the variants."""
    unmeasured: tuple[str, ...]
    """Titles of the scores, in the place of rows, where none of them was measured on any subject."""


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
    """Every metric of every suite, on every row set on which one of them was measured."""
    boards = {s.name: on_board(s.scores) for s in report.subjects}
    names = {name for found in boards.values() for name in found}
    asked = {name.metric for s in report.subjects for flat in s.scores if (name := board_name(flat))}
    splits = ordered_sets(n.split for n in names)
    groups = [(group, list(members)) for group, members in groupby(splits, key=group_of)]
    metrics = ordered_metrics(n.metric for n in names)
    return Board(
        groups=tuple((group, len(members)) for group, members in groups),
        columns=tuple(Column(s, set_title(s), s == members[0]) for _, members in groups for s in members),
        sections=tuple(_section(report, boards, m, splits) for m in metrics),
        unmeasured=tuple(metric_title(m) for m in ordered_metrics(asked - set(metrics))),
    )


def _section(report: Report, boards: Boards, metric: str, splits: Sequence[str]) -> BoardSection:
    rows = [
        BoardRow(s, s.title, tuple(cell(boards[s.name].get(ScoreName(split, metric))) for split in splits))
        for s in report.subjects
    ]
    if metric == "accuracy":
        known = next((s for s in report.subjects if f"forget.{BEST_CONSTANT}" in s.scores), None)
        if known is not None:
            constant = (cell(known.scores.get(f"{split}.{BEST_CONSTANT}")) for split in splits)
            rows.append(BoardRow(None, "best constant answer", tuple(constant)))
    return BoardSection(metric_title(metric), metric_help(metric), tuple(rows))


def own_tables(report: Report) -> tuple[OwnTable, ...]:
    """The scores that the suite brings beside those of the board."""
    found = own_scores(flat for s in report.subjects for flat in s.scores)
    return tuple(_own_table(report, kind, list(members)) for kind, members in groupby(found, key=lambda own: own.kind))


def _own_table(report: Report, kind: OwnKind, scores: Sequence[OwnScore]) -> OwnTable:
    if not any(_is_measured(s.scores.get(own.flat)) for s in report.subjects for own in scores):
        titles = tuple(own.words.title for own in scores if not own.variant)
        return OwnTable(kind.key, kind.title, kind.lead, (), (), kind.folded, titles)
    by_code = {code: _own_rows(report, list(members)) for code, members in groupby(scores, key=lambda own: own.variant)}
    return OwnTable(
        key=kind.key,
        title=kind.title,
        lead=f"{kind.lead} {who_judged(kind.judge, report.subjects)}".strip(),
        rows=by_code.pop("", ()),
        variants=tuple(VariantTable(code, kind.variants.get(code, ""), rows) for code, rows in by_code.items()),
        folded=kind.folded,
        unmeasured=(),
    )


def _own_rows(report: Report, scores: Sequence[OwnScore]) -> tuple[OwnRow, ...]:
    return tuple(
        OwnRow(
            own.flat,
            own.words.title,
            "" if own.variant else own.words.help,  # that stands above
            tuple(cell(s.scores.get(own.flat), own.flat) for s in report.subjects),
        )
        for own in scores
    )


def _is_measured(score: Score | None) -> bool:
    return score is not None and score.value is not None


def cell(score: Score | None, flat: str = "") -> Cell:
    """A score as text, in the form that its flat name asks for; its rows in the tooltip, a bar where it has a scale."""
    if score is None or score.value is None:
        return Cell("", "", "not measured", None)
    span = interval(score.low, score.high)
    tip = f"{score.count:,} row{'' if score.count == 1 else 's'}" + (f", 95 % interval {span}" if span else "")
    bar, full = None, full_scale(flat)
    if math.isfinite(score.value) and 0 <= score.value <= full:
        low, high = (score.value if end is None else min(max(end, 0.0), full) for end in (score.low, score.high))
        bar = Bar(*(round(100 * v / full, 2) for v in (score.value, low, high)))
    return Cell(written(flat, score.value), span, tip, bar)


def gate_rows(report: Report) -> tuple[GateRow, ...]:
    """Gates in the order in which they were given, a column a method."""
    results = {(g.name, g.subject): GateCell(g, cell(g.score, _metric(g)), _reason(g)) for g in report.gates}
    return tuple(
        GateRow(name, tuple(results.get((name, s.name)) for s in report.methods))
        for name in dict.fromkeys(g.name for g in report.gates)
    )


def _metric(result: GateResult) -> str:
    return result.name.partition(" ")[0]


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
                tuple("" if (value := r.scores.get(s)) is None else written(s, value) for s in scores),
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
