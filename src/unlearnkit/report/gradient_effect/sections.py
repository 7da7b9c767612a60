"""The report's section on what objectives do, as values that the template only has to lay out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from unlearnkit.core.number_format import significant
from unlearnkit.data.vocabulary import ordered_sets
from unlearnkit.gradient_effect.effect_series import EffectSeries, series_of, shown_steps
from unlearnkit.gradient_effect.frontier import frontier
from unlearnkit.gradient_effect.table import EffectRow, EffectTable
from unlearnkit.report.charts.style import RiskStyle, risk_styles
from unlearnkit.report.gradient_effect.advice import advice
from unlearnkit.report.gradient_effect.pictures import (
    Kind,
    Picture,
    by_group,
    fits,
    over_steps,
    planes,
    prediction,
    sweep,
)
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.tables.table import Cell, Column, Row, Section, Table


class EffectSection(NamedTuple):
    """What was found for one subject."""

    subject: SubjectReport
    advice: tuple[str, ...]
    risks: Mapping[str, RiskStyle]
    charts: tuple[tuple[str, Picture], ...]
    """Pictures with the ids of the elements that they are drawn in."""
    figures: Table
    """The first, the middle and the last step in figures."""
    differences: bool
    """Whether slopes were taken by central differences, which are not exact."""

    def of(self, *kinds: Kind) -> list[tuple[str, Picture]]:
        """The charts of some kinds."""
        return [(name, picture) for name, picture in self.charts if picture.kind in kinds]


def effect_sections(report: Report) -> tuple[EffectSection, ...]:
    """One for each subject whose effects were measured."""
    found = [(s, s.effects) for s in report.subjects if s.effects is not None]
    return tuple(_section(number, subject, table) for number, (subject, table) in enumerate(found))


def pictures(table: EffectTable) -> list[Picture]:
    """Everything that can be drawn of a table: over steps, by groups, instances, predictions, the frontier."""
    measured, look = series_of(table), _styles(table)
    step = max((row.step for row in table.sweeps), default=None)
    places = frontier(table.sweeps, step) if step is not None else []
    maps = map(by_group, measured)
    return [
        *(over_steps(course, look) for course in measured),
        *(found for found in maps if found is not None),
        *planes(table),
        *(prediction(fit, look[fit.risk]) for fit in fits(table)),
        *([sweep(places)] if places else []),
    ]


def _styles(table: EffectTable) -> dict[str, RiskStyle]:
    risks = ordered_sets(risk for course in series_of(table) for risk in course.risks)
    return risk_styles([*risks, *(fit.risk for fit in fits(table) if fit.risk not in risks)])


def _section(number: int, subject: SubjectReport, table: EffectTable) -> EffectSection:
    measured, look, counts = series_of(table), _styles(table), dict[Kind, int]()
    charts = []
    for picture in pictures(table):
        place = counts.setdefault(picture.kind, 0)
        counts[picture.kind] += 1
        charts.append((f"chart-effect-{number}-{picture.kind}-{place}", picture))
    risks = ordered_sets(risk for course in measured for risk in course.risks)
    return EffectSection(
        subject=subject,
        advice=tuple(advice(table)),
        risks={risk: look[risk] for risk in risks},
        charts=tuple(charts),
        figures=_figures(measured),
        differences=table.mode != "forward",
    )


def _figures(measured: Sequence[EffectSeries]) -> Table:
    steps = shown_steps([step for course in measured for step in course.steps])
    return Table(
        tuple(Column("", head, f"step {step}") for step in steps for head in ("effect", "cosine", "per update")),
        tuple(Section(course.objective, course.objective, tuple(_rows(course, steps))) for course in measured),
    )


def _rows(course: EffectSeries, steps: Sequence[int]) -> list[Row]:
    return [Row(risk, risk, tuple(c for step in steps for c in _cells(course.at(risk, step)))) for risk in course.risks]


def _cells(row: EffectRow | None) -> tuple[Cell, Cell, Cell]:
    if row is None:
        return Cell(""), Cell(""), Cell("")
    cosine, update = (Cell("" if v is None else significant(v)) for v in (row.cosine, row.per_update))
    return Cell(significant(row.effect), f"{significant(row.low)} to {significant(row.high)}"), cosine, update
