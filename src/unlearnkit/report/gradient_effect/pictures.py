"""Descriptions of the charts of G-effects, which two renderers draw.

`plotly_figures` draws the charts for the report's page, and `paper_figures` draws the charts for a paper. All
coordinates are plotted positions: the linear or logarithmic scale of the axis was already applied to the values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import correlation
from typing import Literal, NamedTuple

from unlearnkit.core.number_format import number, significant
from unlearnkit.data.vocabulary import is_forget, ordered_sets
from unlearnkit.gradient_effect.effect_series import EffectSeries, forget_risk, retained_risk, shown_steps
from unlearnkit.gradient_effect.frontier import Place
from unlearnkit.gradient_effect.table import EVERYTHING, EffectRow, EffectTable, InstanceRow, StepRow, SweepRow
from unlearnkit.report.charts.labels import Point, place_labels
from unlearnkit.report.charts.style import HEAVY, LIGHT, NEUTRAL, PALETTE, RiskStyle, sign_of
from unlearnkit.report.charts.symlog import LINEAR, Scale, Tick, scale_for

Kind = Literal["steps", "bars", "groups", "plane", "fit", "frontier"]
CORNERS = (
    (0.0, 1.0, "left", "◤ forgets, keeps"),
    (1.0, 1.0, "right", "relearns, keeps ◥"),
    (0.0, 0.0, "left", "◣ forgets, harms"),
    (1.0, 0.0, "right", "relearns, harms ◢"),
)
"""Corner texts of the charts that `planes` draws, each with its position and alignment. The text states what happens if
the objective lowers the probability of an instance in this corner."""
EFFECT_UNIT = "nats/token per unit step"
"""Unit of a G-effect. The G-effect is the amount by which a plain gradient step lowers the risk, divided by the step's
size."""
_DOTS = 1500
"""Maximum number of instances in one panel. With more instances, the points would cover each other."""
_STEPS = "completed optimizer steps"


class Extent(NamedTuple):
    """A coordinate with the lower and the upper end of its interval."""

    at: float
    low: float
    high: float


class Axis(NamedTuple):
    """An axis of values, of names, or of steps."""

    title: str = ""
    unit: str = ""
    scale: Scale = LINEAR
    span: tuple[float, float] = (0.0, 0.0)
    """Positions at which the two ends of the axis are plotted. If the axis shows names or steps, it has no numeric
    ends, and both positions are equal."""
    names: tuple[str, ...] = ()

    @property
    def has_values(self) -> bool:
        """Whether the axis shows values, as opposed to names or steps."""
        return self.span[0] < self.span[1]

    def ticks(self, count: int = 4) -> list[Tick]:
        """Return the axis's ticks.

        There is a tick at 0 and at most `count` ticks on either side of 0. If the axis is linear, the result is empty.
        """
        return self.scale.ticks(*self.span, count)


class Colors(NamedTuple):
    """A color scale: its ends and the colors between them."""

    axis: Axis
    stops: tuple[tuple[float, str], ...] = ()
    """Positions from 0 to 1, each with a color. If there are no stops, the colors go from `RISES` to `FALLS`, with the
    background color at 0."""


class Mark(NamedTuple):
    """One point of a chart, with an interval on each axis."""

    x: Extent
    y: Extent
    tip: tuple[str, ...]
    """Lines of the tooltip."""
    label: str = ""
    position: str = ""
    """Position of the label relative to the point, in plotly's words, such as `top center`."""
    hollow: bool = False
    weight: float = 0.0


class Series(NamedTuple):
    """Points that have the same color and marker."""

    name: str
    color: str
    symbol: str
    marks: tuple[Mark, ...]
    dash: str = "solid"

    @property
    def x(self) -> list[float]:
        """Horizontal coordinates of the points."""
        return [mark.x.at for mark in self.marks]

    @property
    def y(self) -> list[float]:
        """Vertical coordinates of the points."""
        return [mark.y.at for mark in self.marks]


class Cell(NamedTuple):
    """One cell of a heat map."""

    value: float | None
    """Value of the effect on the chart's scale. It is None if the effect was not measured."""
    tip: tuple[str, ...]
    """Lines of the tooltip."""


class Panel(NamedTuple):
    """One pair of axes with its points or its heat map."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...] = ()
    cells: tuple[tuple[Cell, ...], ...] = ()
    """Rows of a heat map. Each row has one cell per column."""


class Picture(NamedTuple):
    """A chart with title, caption and text alternative (`label`)."""

    kind: Kind
    title: str
    label: str
    caption: str
    panels: tuple[Panel, ...]
    colors: Colors | None = None
    when: str = ""
    """The step that the chart shows, such as "at step 8". The text is empty if the axes, the panel titles or the
    tooltips name the steps."""


class Fit(NamedTuple):
    """Predicted and measured changes of one risk."""

    risk: str
    rows: tuple[StepRow, ...]
    ratio: float | None
    """Ratio of measured to predicted change, fitted by least squares through 0. It is None if no change was
    predicted."""
    correlation: float | None
    """Correlation of predicted and measured changes. It is None if there are fewer than three steps, if all predicted
    changes are equal, or if all measured changes are equal."""

    @property
    def summary(self) -> str:
        """A sentence that describes the fit."""
        steps = f"{len(self.rows)} step{'' if len(self.rows) == 1 else 's'}"
        if self.ratio is None:
            return f"{self.risk}: no change was predicted over {steps}."
        related = "" if self.correlation is None else f", correlation {number(self.correlation)}"
        return (
            f"{self.risk}: over {steps}, the measured change is {significant(self.ratio)} times the predicted change "
            f"(least squares through 0){related}."
        )


def over_steps(effects: EffectSeries, styles: Mapping[str, RiskStyle]) -> Picture:
    """Draw an objective's effects over steps, one line per risk.

    A band around each line shows the intervals. If only one step was measured, the chart has one bar per risk instead.
    """
    rows = {risk: of for risk in effects.risks if (of := effects.over_steps(risk))}
    values = _axis("G-effect", [_ends(row) for of in rows.values() for row in of], least=0.05)
    first, last = effects.steps[0], effects.steps[-1]
    single = first == last
    series = []
    for risk, of in rows.items():
        if single:
            marks = [Mark(_extent(row, values), _exact(0.0), (risk, _in_words(row))) for row in of]
        else:
            marks = [Mark(_exact(float(row.step)), _extent(row, values), (_in_words(row),)) for row in of]
        style = styles[risk]
        series.append(Series(risk, style.color, style.symbol, tuple(marks), style.dash))
    when = f"at step {first}" if single else ""
    period = when or f"over steps {first} to {last}"
    label = f"G-effects of {effects.objective} on {', '.join(effects.risks)} {period}, in {EFFECT_UNIT}"
    x, y = (values, Axis(names=tuple(rows))) if single else (Axis(_STEPS), values)
    panels = (Panel("", x, y, tuple(series)),)
    kind: Kind = "bars" if single else "steps"
    return Picture(kind, effects.objective, label, _sentence(values.scale.description), panels, when=when)


def by_group(effects: EffectSeries) -> Picture | None:
    """Draw heat maps of effects by group of weights.

    Groups are ordered from embedding to head. If several steps were measured, there are two heat maps over steps: one
    for the forget risk and one for a retained risk. If only one step was measured, there is one heat map of all risks.
    All heat maps have the same color scale, which is centered at 0. Returns None if no groups were measured.
    """
    if not effects.groups:
        return None
    (first, *later), risks = effects.steps, effects.risks
    maps = {f"step {first}": {risk: (risk, first) for risk in risks}}
    if later:
        risks = [risk for risk in (forget_risk(risks), retained_risk(risks)) if risk is not None]
        maps = {risk: {str(step): (risk, step) for step in effects.steps} for risk in risks}
    drawn = [row.effect for row in effects.rows if row.group != EVERYTHING and row.risk in risks]
    scale = scale_for(drawn)
    reach = max((abs(scale.at(effect)) for effect in drawn), default=0.0) or 1.0
    panels = [_heat_map(effects, title, places, scale) for title, places in maps.items()]
    titles = " and ".join(panel.title for panel in panels)
    label = f"Heat map of the G-effects of {effects.objective} by groups of weights: {titles}; in {EFFECT_UNIT}"
    colors = Colors(Axis("G-effect", EFFECT_UNIT, scale, (-reach, reach)))
    return Picture("groups", effects.objective, label, _sentence(scale.description), tuple(panels), colors)


def _heat_map(effects: EffectSeries, title: str, places: Mapping[str, tuple[str, int]], scale: Scale) -> Panel:
    """Draw a heat map with one row per group of weights.

    `places` defines the columns: it maps the name of each column to the risk and the step that the column shows.
    """
    column, axis = ("step", _STEPS) if title in effects.risks else ("risk", "risk")
    cells = []
    for group in effects.groups:
        row = []
        for name, place in places.items():
            effect = effects.at(*place, group)
            words = "not measured" if effect is None else _in_words(effect)
            row.append(Cell(None if effect is None else scale.at(effect.effect), (f"{group}, {column} {name}", words)))
        cells.append(tuple(row))
    return Panel(title, Axis(axis, names=tuple(places)), Axis(names=tuple(effects.groups)), cells=tuple(cells))


def planes(table: EffectTable) -> list[Picture]:
    """Draw scatter plots of instances: slopes on two risks, colored by weight.

    An instance is one forget row. Its slope on a risk is the PG-effect. The slope is positive if the risk falls when
    the row's probability is lowered. There is one picture for each objective term that is computed on forget rows. The
    picture has one panel each for the first, the middle and the last step. A term whose weights are all 0, such as a
    term that is only logged, has no picture.
    """
    by_term: dict[tuple[str, str, str], list[InstanceRow]] = {}
    for row in table.instances:
        if is_forget(row.view.partition(":")[0]) and math.isfinite(row.slope) and math.isfinite(row.weight):
            by_term.setdefault((row.objective, row.term, row.view), []).append(row)
    weighted = {key: rows for key, rows in by_term.items() if any(row.weight for row in rows)}
    return [plane for key, rows in weighted.items() if (plane := _plane(*key, rows)) is not None]


def _plane(objective: str, term: str, view: str, rows: Sequence[InstanceRow]) -> Picture | None:
    x_risk, y_risk = forget_risk(row.risk for row in rows), retained_risk(row.risk for row in rows)
    by_risk: dict[tuple[int, int], dict[str, InstanceRow]] = {}
    for row in rows:
        by_risk.setdefault((row.step, row.row), {})[row.risk] = row
    by_step: dict[int, list[tuple[InstanceRow, InstanceRow]]] = {}
    for (step, _), slopes in sorted(by_risk.items()):
        if x_risk in slopes and y_risk in slopes:
            by_step.setdefault(step, []).append((slopes[x_risk], slopes[y_risk]))
    steps = [step for step in shown_steps(row.step for row in rows) if step in by_step]
    shown = {step: by_step[step][:: -(-len(by_step[step]) // _DOTS)] for step in steps}
    pairs = [pair for of in shown.values() for pair in of]
    if not pairs:
        return None
    x = _axis(f"slope on {x_risk}", [(row.slope,) for row, _ in pairs])
    y = _axis(f"slope on {y_risk}", [(row.slope,) for _, row in pairs])
    panels = []
    for step, of in shown.items():
        marks = []
        for row, other in sorted(of, key=lambda pair: abs(pair[0].weight)):  # draws instances with large weights on top
            slopes_in_words = (f"{axis.title} {significant(each.slope)}" for axis, each in ((x, row), (y, other)))
            tip = (f"row {row.row}, weight {significant(row.weight)}", *slopes_in_words)
            at, up = _exact(x.scale.at(row.slope)), _exact(y.scale.at(other.slope))
            marks.append(Mark(at, up, tip, weight=row.weight))
        panels.append(Panel(f"step {step}", x, y, (Series("", NEUTRAL, "circle", tuple(marks)),)))
    most, count = max(map(len, shown.values())), max(len(by_step[step]) for step in steps)
    left_out = f"{most} of {count} instances are shown, evenly spaced" if most < count else ""
    title = objective if view == "forget" and term == "forget" else f"{objective}, term {term} on {view}"
    label = f"Instances of {title} by their slopes on {x_risk} (horizontal) and {y_risk} (vertical), in {EFFECT_UNIT}, "
    caption = " ".join(filter(None, (_scales(x, y), _sentence(left_out))))
    colors = _weights([row.weight for row, _ in pairs])
    return Picture("plane", title, f"{label}colored by weight", caption, tuple(panels), colors)


def _weights(weights: Sequence[float]) -> Colors:
    """Return the color scale of weights, which includes 0 and 1.

    Gradient ascent gives every instance a weight of 1. A negative weight means that the objective raises the
    probability of the instance.
    """
    low, high = min(0.0, *weights), max(1.0, *weights)
    stops: tuple[tuple[float, str], ...] = ((0.0, LIGHT), (1.0, HEAVY))
    if low < 0:
        stops = ((0.0, PALETTE[3]), (-low / (high - low), LIGHT), (1.0, HEAVY))
    return Colors(Axis("weight", "ascent: 1", LINEAR, (low, high)), stops)


def fits(table: EffectTable) -> list[Fit]:
    """Compare the predicted with the measured changes of each risk."""
    rows = [row for row in table.steps if row.is_finite]
    return [_fit(risk, [row for row in rows if row.risk == risk]) for risk in ordered_sets(row.risk for row in rows)]


def _fit(risk: str, rows: Sequence[StepRow]) -> Fit:
    predicted, measured = [row.predicted for row in rows], [row.measured for row in rows]
    squares = sum(p * p for p in predicted)
    ratio = sum(p * m for p, m in zip(predicted, measured, strict=True)) / squares if squares else None
    varies = len(rows) > 2 and len(set(predicted)) > 1 and len(set(measured)) > 1
    return Fit(risk, tuple(rows), ratio, correlation(predicted, measured) if varies else None)


def prediction(fit: Fit, style: RiskStyle) -> Picture:
    """Plot the measured against the predicted changes of one risk.

    On the dotted line, the predicted and the measured change are equal.
    """
    scale = scale_for(value for row in fit.rows for value in (row.predicted, row.measured))
    marks = []
    for row in fit.rows:
        hover = (f"predicted {significant(row.predicted)}", f"measured {significant(row.measured)} nats/token")
        at, up = _exact(scale.at(row.predicted)), _exact(scale.at(row.measured))
        marks.append(Mark(at, up, (f"step {row.step}", *hover)))
    series = Series(fit.risk, style.color, style.symbol, tuple(marks))
    drawn = series.x + series.y
    room = 0.06 * (max(drawn) - min(drawn)) or 1.0
    span = (min(drawn) - room, max(drawn) + room)
    label = f"Predicted and measured change of {fit.risk} at each step, in nats per token"
    x, y = (Axis(f"{which} change", "nats/token", scale, span) for which in ("predicted", "measured"))
    caption = f"{fit.summary} {_sentence(scale.description)}".strip()
    return Picture("fit", fit.risk, label, caption, (Panel("", x, y, (series,)),))


def sweep(places: Sequence[Place]) -> Picture:
    """Draw the trade-off between forgetting and retaining in a sweep.

    A sweep measures the effects on the forget risk and on a retained risk for several values of a setting. The chart
    has one line per setting.
    """
    forget, retained = [place.forget for place in places], [place.retained for place in places]
    x, y = (_axis(f"G-effect on {of[0].risk}", [_ends(row) for row in of], 0.08) for of in (forget, retained))
    extents = [(_extent(place.forget, x), _extent(place.retained, y)) for place in places]
    texts = [f"{place.value:g}" for place in places]
    points = [Point(text, *_shares(at, x), *_shares(up, y)) for text, (at, up) in zip(texts, extents, strict=True)]
    by_series: dict[str, list[Mark]] = {}
    for place, (at, up), text, position in zip(places, extents, texts, place_labels(points), strict=True):
        effects = (f"{row.risk} {significant(row.effect)}" for row in (place.forget, place.retained))
        mark = Mark(at, up, (f"{place.series} {text}", *effects), text, position, place.dominated)
        by_series.setdefault(place.series, []).append(mark)
    series = tuple(
        Series(name, PALETTE[at % len(PALETTE)], sign_of(at)[0], tuple(marks))
        for at, (name, marks) in enumerate(by_series.items())
    )
    risks = f"{forget[0].risk} (horizontal) and {retained[0].risk} (vertical)"
    label = f"Settings by their G-effects on {risks}, in {EFFECT_UNIT}"
    when = f"at step {forget[0].step}"
    return Picture("frontier", "; ".join(by_series), label, _scales(x, y), (Panel("", x, y, series),), when=when)


def _axis(title: str, values: Sequence[tuple[float, ...]], least: float = 0.42) -> Axis:
    """Return an axis of effects that contains 0 and all values.

    Args:
        title: title of the axis.
        values: one tuple per value. The tuple contains the value and, if known, the ends of the value's interval.
        least: minimum length of the shorter side of the axis, as a share of the longer side. The sides meet at 0.
    """
    scale = scale_for(value for value, *_ in values)
    drawn = [scale.at(end) for ends in values for end in ends]
    longer = max(map(abs, drawn), default=0.0) or 1.0
    low, high = min([-least * longer, *drawn]), max([least * longer, *drawn])
    room = 0.05 * (high - low)
    return Axis(title, EFFECT_UNIT, scale, (low - room, high + room))


def _ends(row: EffectRow | SweepRow) -> tuple[float, float, float]:
    return row.effect, row.low, row.high


def _extent(row: EffectRow | SweepRow, axis: Axis) -> Extent:
    return Extent(*map(axis.scale.at, _ends(row)))


def _exact(at: float) -> Extent:
    """Return a coordinate whose interval has no width."""
    return Extent(at, at, at)


def _shares(extent: Extent, axis: Axis) -> list[float]:
    """Rescale a coordinate and its interval to fractions of the axis.

    The lower end of the axis is 0, and the upper end is 1.
    """
    low, high = axis.span
    return [(at - low) / (high - low) for at in extent]


def _in_words(row: EffectRow) -> str:
    """Return the text of an effect, with its interval and unit."""
    return f"{significant(row.effect)} ({significant(row.low)} to {significant(row.high)}) {EFFECT_UNIT}"


def _scales(x: Axis, y: Axis) -> str:
    """Return a sentence that names the symmetric-log axes.

    The returned text is empty if both axes are linear.
    """
    if x.scale == y.scale and x.scale.description:
        return _sentence(f"both axes: {x.scale.description}")
    axes = (("horizontal axis", x), ("vertical axis", y))
    words = [f"{name}: {axis.scale.description}" for name, axis in axes if axis.scale.description]
    return _sentence("; ".join(words))


def _sentence(words: str) -> str:
    """Capitalize the first letter of a text and add a period.

    An empty text is returned unchanged.
    """
    return f"{words[0].upper()}{words[1:]}." if words else ""
