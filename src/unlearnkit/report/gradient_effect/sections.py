"""The report's section on what objectives do, as values that the template only has to lay out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from unlearnkit.core.number_format import significant
from unlearnkit.data.vocabulary import ordered_sets
from unlearnkit.gradient_effect.effect_series import Course, courses, told_steps
from unlearnkit.gradient_effect.frontier import frontier
from unlearnkit.gradient_effect.table import EffectRow, EffectTable
from unlearnkit.report.charts.style import PALETTE, RiskStyle, risk_styles, sign_of
from unlearnkit.report.gradient_effect import charts as effect_charts
from unlearnkit.report.gradient_effect import planes as effect_planes
from unlearnkit.report.gradient_effect.advice import advice
from unlearnkit.report.gradient_effect.axes import Chart
from unlearnkit.report.gradient_effect.panels import fits, group_map, planes
from unlearnkit.report.model import Report, SubjectReport


class EffectCell(NamedTuple):
    """One effect as text; empty where it was not measured."""

    value: str
    interval: str
    cosine: str
    per_update: str


class EffectLine(NamedTuple):
    """One objective's effects on one risk, at each step that is told."""

    risk: str
    cells: tuple[EffectCell, ...]


class EffectFigures(NamedTuple):
    """The first, the middle and the last step in figures."""

    steps: tuple[int, ...]
    objectives: tuple[tuple[str, tuple[EffectLine, ...]], ...]


class Series(NamedTuple):
    """One line of the frontier, for its legend."""

    name: str
    color: str
    sign: str


class EffectSection(NamedTuple):
    """What was found for one subject."""

    subject: SubjectReport
    advice: tuple[str, ...]
    risks: Mapping[str, RiskStyle]
    single: bool
    """Whether a single step was measured, so that nothing runs over steps."""
    over_steps: tuple[tuple[str, Chart], ...]
    """Charts with the ids of the elements that they are drawn in; so the others."""
    by_group: tuple[tuple[str, Chart], ...]
    instances: tuple[tuple[str, Chart], ...]
    predictions: tuple[tuple[str, Chart], ...]
    frontier: tuple[tuple[str, Chart], ...]
    series: tuple[Series, ...]
    frontier_step: int | None
    figures: EffectFigures
    differences: bool
    """Whether slopes were taken by central differences, which are exact only about."""

    @property
    def charts(self) -> Iterator[tuple[str, Chart]]:
        """All of them."""
        yield from self.over_steps
        yield from self.by_group
        yield from self.instances
        yield from self.predictions
        yield from self.frontier


def effect_sections(report: Report) -> tuple[EffectSection, ...]:
    """One for each subject whose effects were measured."""
    found = [(s, s.effects) for s in report.subjects if s.effects is not None]
    return tuple(_section(number, subject, table) for number, (subject, table) in enumerate(found))


def _section(number: int, subject: SubjectReport, table: EffectTable) -> EffectSection:
    measured, fitted = courses(table), fits(table)
    risks = ordered_sets(risk for course in measured for risk in course.risks)
    look = risk_styles([*risks, *(fit.risk for fit in fitted if fit.risk not in risks)])
    maps = [found for course in measured if (found := group_map(course)) is not None]
    step = max((row.step for row in table.sweeps), default=None)
    places = frontier(table.sweeps, step) if step is not None else []
    names = list(dict.fromkeys(place.series for place in places))

    def named(kind: str, charts: Sequence[Chart]) -> tuple[tuple[str, Chart], ...]:
        return tuple((f"chart-effect-{number}-{kind}-{place}", chart) for place, chart in enumerate(charts))

    return EffectSection(
        subject=subject,
        advice=tuple(advice(table)),
        risks={risk: look[risk] for risk in risks},
        single=len({row.step for course in measured for row in course.rows}) == 1,
        over_steps=named("steps", [effect_charts.over_steps(course, look) for course in measured]),
        by_group=named("groups", [effect_charts.by_group(found) for found in maps]),
        instances=named("plane", [effect_planes.instances(plane) for plane in planes(table)]),
        predictions=named("fit", [effect_planes.prediction(fit, look[fit.risk]) for fit in fitted]),
        frontier=named("frontier", [effect_planes.sweep(places)] if places else []),
        series=tuple(Series(name, PALETTE[i % len(PALETTE)], sign_of(i)[1]) for i, name in enumerate(names)),
        frontier_step=step,
        figures=_figures(measured),
        differences=table.mode != "forward",
    )


def _figures(measured: Sequence[Course]) -> EffectFigures:
    steps = told_steps([step for course in measured for step in course.steps])
    return EffectFigures(
        tuple(steps),
        tuple(
            (
                course.objective,
                tuple(EffectLine(risk, tuple(_cell(course.at(risk, step)) for step in steps)) for risk in course.risks),
            )
            for course in measured
        ),
    )


def _cell(row: EffectRow | None) -> EffectCell:
    if row is None:
        return EffectCell("", "", "", "")
    cosine, update = (None if v is None else significant(v) for v in (row.cosine, row.per_update))
    return EffectCell(
        significant(row.effect), f"{significant(row.low)} to {significant(row.high)}", cosine or "", update or ""
    )
