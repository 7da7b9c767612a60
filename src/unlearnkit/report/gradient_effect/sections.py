"""The content of the report's section on G-effects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from unlearnkit.core.number_format import significant
from unlearnkit.data.vocabulary import ordered_sets
from unlearnkit.gradient_effect.effect_series import EffectSeries, series_of, shown_steps
from unlearnkit.gradient_effect.frontier import frontier
from unlearnkit.gradient_effect.table import EffectRow, EffectTable
from unlearnkit.report.charts.style import RiskStyle, risk_styles
from unlearnkit.report.gradient_effect import pictures as draw
from unlearnkit.report.gradient_effect.advice import advice
from unlearnkit.report.gradient_effect.pictures import Kind, Picture
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.tables.table import Cell, Column, Row, Section, Table


class EffectSection(NamedTuple):
    """The G-effects of one subject, as the template renders them."""

    subject: SubjectReport
    advice: tuple[str, ...]
    risks: Mapping[str, RiskStyle]
    charts: tuple[tuple[str, Picture], ...]
    """All pictures, each with the id of the HTML element that contains the picture."""
    figures: Table
    """Table of the effects at the first, the middle and the last step."""
    differences: bool
    """Whether the effects were computed with central finite differences, which are only approximate."""

    def of(self, *kinds: Kind) -> list[tuple[str, Picture]]:
        """Return the charts of these kinds."""
        return [(name, picture) for name, picture in self.charts if picture.kind in kinds]


def effect_sections(report: Report) -> tuple[EffectSection, ...]:
    """Return one section for each subject whose G-effects were measured."""
    measured = [(s, s.effects) for s in report.subjects if s.effects is not None]
    return tuple(_section(number, subject, table) for number, (subject, table) in enumerate(measured))


def pictures(table: EffectTable) -> list[Picture]:
    """Return all pictures of a table of G-effects.

    The pictures show effects over steps, effects by group of weights, instances, predictions and the frontier.
    """
    measured, styles = series_of(table), _styles(table)
    step = max((row.step for row in table.sweeps), default=0)
    places = frontier(table.sweeps, step)
    return [
        *(draw.over_steps(series, styles) for series in measured),
        *(picture for series in measured if (picture := draw.by_group(series)) is not None),
        *draw.planes(table),
        *(draw.prediction(fit, styles[fit.risk]) for fit in draw.fits(table)),
        *([draw.sweep(places)] if places else []),
    ]


def _risks(table: EffectTable) -> list[str]:
    return ordered_sets(risk for series in series_of(table) for risk in series.risks)


def _styles(table: EffectTable) -> dict[str, RiskStyle]:
    return risk_styles(dict.fromkeys([*_risks(table), *(fit.risk for fit in draw.fits(table))]))


def _section(number: int, subject: SubjectReport, table: EffectTable) -> EffectSection:
    styles, counts = _styles(table), Counter[Kind]()
    charts = []
    for picture in pictures(table):
        charts.append((f"chart-effect-{number}-{picture.kind}-{counts[picture.kind]}", picture))
        counts[picture.kind] += 1
    return EffectSection(
        subject=subject,
        advice=tuple(advice(table)),
        risks={risk: styles[risk] for risk in _risks(table)},
        charts=tuple(charts),
        figures=_figures(series_of(table)),
        differences=table.mode != "forward",
    )


def _figures(measured: Sequence[EffectSeries]) -> Table:
    """Return the effects as a table.

    The table has one section per objective, one row per risk, and three columns per step.
    """
    steps = shown_steps(step for series in measured for step in series.steps)
    columns = tuple(Column("", head, f"step {step}") for step in steps for head in ("effect", "cosine", "per update"))
    sections = []
    for series in measured:
        rows = [Row(risk, risk, tuple(c for s in steps for c in _cells(series.at(risk, s)))) for risk in series.risks]
        sections.append(Section(series.objective, series.objective, tuple(rows)))
    return Table(columns, tuple(sections))


def _cells(row: EffectRow | None) -> tuple[Cell, Cell, Cell]:
    if row is None:
        return Cell(""), Cell(""), Cell("")
    cosine, update = (Cell("" if value is None else significant(value)) for value in (row.cosine, row.per_update))
    return Cell(significant(row.effect), f"{significant(row.low)} to {significant(row.high)}"), cosine, update
