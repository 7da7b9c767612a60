"""The figures of G-effects as values, which two renderers draw.

Coordinates are those that are drawn, after the scale of their axis. `plotly_figures` draws for the page,
`paper_figures` for a paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import correlation
from typing import Literal, NamedTuple

from unlearnkit.core.number_format import number, significant
from unlearnkit.data.vocabulary import is_forget, ordered_sets
from unlearnkit.gradient_effect.effect_series import EffectSeries, forget_risk, retained_risk, shown_steps
from unlearnkit.gradient_effect.frontier import Place
from unlearnkit.gradient_effect.table import EffectRow, EffectTable, InstanceRow, StepRow, SweepRow
from unlearnkit.report.charts.labels import Point, place_labels
from unlearnkit.report.charts.style import (
    HEAVY,
    LIGHT,
    NEUTRAL,
    PALETTE,
    RiskStyle,
    sign_of,
)
from unlearnkit.report.charts.symlog import LINEAR, Scale, scale_for

Kind = Literal["steps", "bars", "groups", "plane", "fit", "frontier"]
CORNERS = (
    (0.0, 1.0, "left", "◤ forgets, keeps"),
    (1.0, 1.0, "right", "relearns, keeps ◥"),
    (0.0, 0.0, "left", "◣ forgets, harms"),
    (1.0, 0.0, "right", "relearns, harms ◢"),
)
"""Place and words of each corner of the instances' plane, if an instance is pushed down."""
EFFECT_UNIT = "nats/token per unit step"
"""Of an effect: the fall of the risk under a plain gradient step, over the step's size."""
_DOTS = 1500
"""More instances than this in one plane cover each other."""
_STEPS = "optimizer steps done"


class Span(NamedTuple):
    """The ends of an axis, as drawn."""

    low: float
    high: float

    def share(self, at: float) -> float:
        """Return the position between the ends: 0 is lower, 1 is upper."""
        return (at - self.low) / (self.high - self.low)


class Axis(NamedTuple):
    """An axis of values, of names, or of steps."""

    title: str = ""
    unit: str = ""
    scale: Scale = LINEAR
    span: Span | None = None
    names: tuple[str, ...] = ()


class Colors(NamedTuple):
    """A color scale: its ends and the colors at shares between."""

    title: str
    unit: str
    scale: Scale
    low: float
    high: float
    stops: tuple[tuple[float, str], ...]
    """Empty where the page's own color is at 0: then from `RISES` by way of that to `FALLS`."""


class Mark(NamedTuple):
    """One point with its interval on each axis.

    Without an interval both ends are the point.
    """

    x: float
    y: float
    x_ends: tuple[float, float]
    y_ends: tuple[float, float]
    tip: tuple[str, ...]
    """Lines of the tooltip."""
    label: str = ""
    position: str = ""
    """On which side of the point the label is, in plotly's words."""
    hollow: bool = False
    weight: float = 0.0


class Series(NamedTuple):
    """Points of one look."""

    name: str
    color: str
    symbol: str
    marks: tuple[Mark, ...]
    dash: str = "solid"


class Panel(NamedTuple):
    """One pair of axes and what is drawn between them."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...] = ()
    cells: tuple[tuple[float | None, ...], ...] = ()
    """Of a heat map: by row, then by column; None if it was not measured."""
    tips: tuple[tuple[tuple[str, ...], ...], ...] = ()


class Picture(NamedTuple):
    """A figure, its title and caption, and a text alternative."""

    kind: Kind
    title: str
    label: str
    caption: str
    panels: tuple[Panel, ...]
    colors: Colors | None = None
    when: str = ""
    """The step, if it is one step and the axes have none."""


class Fit(NamedTuple):
    """Predicted and measured changes of one risk."""

    risk: str
    rows: tuple[StepRow, ...]
    ratio: float | None
    """Of measured to predicted, by least squares through 0; None where nothing was predicted."""
    correlation: float | None
    """None for fewer than three steps, or where one of both does not vary."""

    @property
    def summary(self) -> str:
        """The fit in a sentence."""
        steps = f"{len(self.rows)} step{'' if len(self.rows) == 1 else 's'}"
        if self.ratio is None:
            return f"{self.risk}: no change was predicted over {steps}."
        related = "" if self.correlation is None else f", correlation {number(self.correlation)}"
        return (
            f"{self.risk}: over {steps} the measured change is {significant(self.ratio)} times the predicted one "
            f"(least squares through 0){related}."
        )


def over_steps(course: EffectSeries, look: Mapping[str, RiskStyle]) -> Picture:
    """Draw one line per risk, with its interval as a band.

    If a single step was measured, draw one bar per risk.
    """
    rows = {risk: course.over_steps(risk) for risk in course.risks}
    scale = scale_for(row.effect for of in rows.values() for row in of)
    single = len(course.steps) == 1
    ends = (end for of in rows.values() for row in of for end in _ends(row))
    effects = Axis("G-effect", EFFECT_UNIT, scale, around_zero(scale, ends, least=0.05))
    series = tuple(
        Series(
            risk, look[risk].color, look[risk].symbol, tuple(_effect(row, scale, single) for row in of), look[risk].dash
        )
        for risk, of in rows.items()
        if of
    )
    when = f"at step {course.steps[0]}"
    over = when if single else f"over steps {course.steps[0]} to {course.steps[-1]}"
    label = f"G-effects of {course.objective} on {', '.join(course.risks)} {over}, in {EFFECT_UNIT}"
    x, y = (effects, Axis(names=tuple(rows))) if single else (Axis(_STEPS), effects)
    panels = (Panel("", x, y, series),)
    kind: Kind = "bars" if single else "steps"
    return Picture(kind, course.objective, label, sentence(scale.told), panels, when=when if single else "")


def _effect(row: EffectRow, scale: Scale, single: bool) -> Mark:
    at, ends, step = scale.at(row.effect), (scale.at(row.low), scale.at(row.high)), float(row.step)
    if single:
        return Mark(at, 0.0, ends, (0.0, 0.0), (row.risk, in_words(row)))
    return Mark(step, at, (step, step), ends, (in_words(row),))


def by_group(course: EffectSeries) -> Picture | None:
    """Draw heat maps of effects by weight group, from embedding to head.

    They share one color scale around 0. There is one map over steps for each of two risks; if a single step was
    measured, one map of all risks. None if no groups were measured.
    """
    groups, steps = tuple(course.groups), course.steps
    if not groups:
        return None
    single = len(steps) == 1
    chosen = [risk for risk in (forget_risk(course.risks), retained_risk(course.risks)) if risk is not None]
    maps = [[(risk, steps[0]) for risk in course.risks]] if single else [[(r, s) for s in steps] for r in chosen]
    rows = [[[course.at(*place, group) for place in places] for group in groups] for places in maps]
    effects = [cell.effect for of in rows for row in of for cell in row if cell is not None]
    scale = scale_for(effects)
    reach = max((abs(scale.at(effect)) for effect in effects), default=0.0) or 1.0
    panels = []
    for places, of in zip(maps, rows, strict=True):
        names = tuple(risk if single else str(step) for risk, step in places)
        heads = [[f"{group}, {'risk' if single else 'step'} {name}" for name in names] for group in groups]
        tips = [
            [(head, "not measured" if cell is None else in_words(cell)) for head, cell in zip(*pair, strict=True)]
            for pair in zip(heads, of, strict=True)
        ]
        panels.append(
            Panel(
                f"step {steps[0]}" if single else places[0][0],
                Axis("risk" if single else _STEPS, names=names),
                Axis(names=groups),
                cells=tuple(tuple(None if cell is None else scale.at(cell.effect) for cell in row) for row in of),
                tips=tuple(map(tuple, tips)),
            )
        )
    titles = " and ".join(panel.title for panel in panels)
    label = f"Heat map of the G-effects of {course.objective} by groups of weights: {titles}; in {EFFECT_UNIT}"
    colors = Colors("G-effect", EFFECT_UNIT, scale, -reach, reach, ())
    return Picture("groups", course.objective, label, sentence(scale.told), tuple(panels), colors)


def planes(table: EffectTable) -> list[Picture]:
    """Draw instances by slopes on two risks, colored by weight.

    One picture for every term that acts on forget rows, at the first, middle and last step. A term without weight (one
    that is only logged) has none.
    """
    found: dict[tuple[str, str, str], list[InstanceRow]] = {}
    for row in table.instances:
        if is_forget(row.view.partition(":")[0]) and math.isfinite(row.slope) and math.isfinite(row.weight):
            found.setdefault((row.objective, row.term, row.view), []).append(row)
    made = (_plane(*key, rows) for key, rows in found.items() if any(row.weight for row in rows))
    return [plane for plane in made if plane is not None]


def _plane(objective: str, term: str, view: str, rows: Sequence[InstanceRow]) -> Picture | None:
    risks = {row.risk for row in rows}
    x_risk, y_risk = forget_risk(risks), retained_risk(risks)
    if x_risk is None or y_risk is None:
        return None
    others = {(row.step, row.row): row for row in rows if row.risk == y_risk}
    by_step: dict[int, list[tuple[InstanceRow, InstanceRow]]] = {}
    for row in sorted((row for row in rows if row.risk == x_risk), key=lambda row: row.row):
        if (other := others.get((row.step, row.row))) is not None:
            by_step.setdefault(row.step, []).append((row, other))
    steps = [step for step in shown_steps([row.step for row in rows]) if step in by_step]
    shown = {step: by_step[step][:: -(-len(by_step[step]) // _DOTS)] for step in steps}
    pairs = [pair for of in shown.values() for pair in of]
    if not pairs:
        return None
    xs, ys = [row.slope for row, _ in pairs], [other.slope for _, other in pairs]
    across, upwards = scale_for(xs), scale_for(ys)
    x = Axis(f"slope on {x_risk}", EFFECT_UNIT, across, around_zero(across, xs))
    y = Axis(f"slope on {y_risk}", EFFECT_UNIT, upwards, around_zero(upwards, ys))
    panels = []
    for step, of in shown.items():
        marks = []
        for row, other in sorted(of, key=lambda pair: abs(pair[0].weight)):  # the heavy ones on top
            slopes = (f"{axis.title} {significant(r.slope)}" for axis, r in ((x, row), (y, other)))
            tip = (f"row {row.row}, weight {significant(row.weight)}", *slopes)
            at, up = across.at(row.slope), upwards.at(other.slope)
            marks.append(Mark(at, up, (at, at), (up, up), tip, weight=row.weight))
        panels.append(Panel(f"step {step}", x, y, (Series("", NEUTRAL, "circle", tuple(marks)),)))
    most, count = max(map(len, shown.values())), max(len(by_step[step]) for step in steps)
    left_out = f"{most} of {count} instances are drawn, at even spacing" if most < count else ""
    title = objective if view == "forget" and term == "forget" else f"{objective}, term {term} on {view}"
    label = f"Instances of {title} by their slopes on {x_risk} (across) and {y_risk} (upwards), in {EFFECT_UNIT}, "
    caption = " ".join(filter(None, (sentence(scales_told(across, upwards)), sentence(left_out))))
    colors = _weights([row.weight for row, _ in pairs])
    return Picture("plane", title, f"{label}colored by weight", caption, tuple(panels), colors)


def _weights(weights: Sequence[float]) -> Colors:
    """Return the color scale of weights, from 0 to at least 1.

    1 is the weight of gradient ascent. A weight below 0 raises the probability.
    """
    low, high = min(0.0, *weights), max(1.0, *weights)
    stops: tuple[tuple[float, str], ...] = ((0.0, LIGHT), (1.0, HEAVY))
    if low < 0:
        stops = ((0.0, PALETTE[3]), (-low / (high - low), LIGHT), (1.0, HEAVY))
    return Colors("weight", "ascent: 1", LINEAR, low, high, stops)


def fits(table: EffectTable) -> list[Fit]:
    """How predictions of steps came out, by risk."""
    rows = [row for row in table.steps if math.isfinite(row.predicted) and math.isfinite(row.measured)]
    return [_fit(risk, [row for row in rows if row.risk == risk]) for risk in ordered_sets(row.risk for row in rows)]


def _fit(risk: str, rows: Sequence[StepRow]) -> Fit:
    predicted, measured = [row.predicted for row in rows], [row.measured for row in rows]
    squares = sum(p * p for p in predicted)
    ratio = sum(p * m for p, m in zip(predicted, measured, strict=True)) / squares if squares else None
    varies = len(rows) > 2 and len(set(predicted)) > 1 and len(set(measured)) > 1
    return Fit(risk, tuple(rows), ratio, correlation(predicted, measured) if varies else None)


def prediction(fit: Fit, look: RiskStyle) -> Picture:
    """Draw predicted against measured changes of one risk.

    On the dotted line both are equal.
    """
    values = [v for row in fit.rows for v in (row.predicted, row.measured)]
    scale = scale_for(values)
    drawn = [scale.at(v) for v in values]
    room = 0.06 * (max(drawn) - min(drawn)) or 1.0
    span = Span(min(drawn) - room, max(drawn) + room)
    marks = []
    for row in fit.rows:
        x, y = scale.at(row.predicted), scale.at(row.measured)
        hover = (f"predicted {significant(row.predicted)}", f"measured {significant(row.measured)} nats/token")
        marks.append(Mark(x, y, (x, x), (y, y), (f"step {row.step}", *hover)))
    label = f"Predicted and measured change of {fit.risk} at each step, in nats per token"
    x_axis, y_axis = (Axis(f"{which} change", "nats/token", scale, span) for which in ("predicted", "measured"))
    panel = Panel("", x_axis, y_axis, (Series(fit.risk, look.color, look.symbol, tuple(marks)),))
    return Picture("fit", fit.risk, label, f"{fit.summary} {sentence(scale.told)}".strip(), (panel,))


def sweep(places: Sequence[Place]) -> Picture:
    """Draw the frontier, one line per swept setting."""
    forgets, keeps = [place.forget for place in places], [place.retained for place in places]
    x, y = _frontier_axis(forgets), _frontier_axis(keeps)
    points = [Point(f"{place.value:g}", *_shares(place.forget, x), *_shares(place.retained, y)) for place in places]
    by_series: dict[str, list[Mark]] = {}
    for place, position in zip(places, place_labels(points), strict=True):
        at, low, high = map(x.scale.at, _ends(place.forget))
        up, bottom, top = map(y.scale.at, _ends(place.retained))
        tip = (
            f"{place.series} {place.value:g}",
            f"{place.forget.risk} {significant(place.forget.effect)}",
            f"{place.retained.risk} {significant(place.retained.effect)}",
        )
        mark = Mark(at, up, (low, high), (bottom, top), tip, f"{place.value:g}", position, place.dominated)
        by_series.setdefault(place.series, []).append(mark)
    series = tuple(
        Series(name, PALETTE[at % len(PALETTE)], sign_of(at)[0], tuple(marks))
        for at, (name, marks) in enumerate(by_series.items())
    )
    risks = f"{forgets[0].risk} (across) and {keeps[0].risk} (upwards)"
    label = f"Settings by their G-effects on {risks}, in {EFFECT_UNIT}"
    caption, when = sentence(scales_told(x.scale, y.scale)), f"at step {forgets[0].step}"
    return Picture("frontier", "; ".join(by_series), label, caption, (Panel("", x, y, series),), when=when)


def _frontier_axis(rows: Sequence[SweepRow]) -> Axis:
    scale = scale_for(row.effect for row in rows)
    span = around_zero(scale, (end for row in rows for end in _ends(row)), 0.08)
    return Axis(f"G-effect on {rows[0].risk}", EFFECT_UNIT, scale, span)


def _shares(row: SweepRow, axis: Axis) -> tuple[float, float, float]:
    assert axis.span is not None  # a frontier's axes have ends
    at, low, high = (axis.span.share(axis.scale.at(end)) for end in _ends(row))
    return at, low, high


def _ends(row: EffectRow | SweepRow) -> tuple[float, float, float]:
    return row.effect, row.low, row.high


def in_words(row: EffectRow) -> str:
    """An effect with its interval and unit."""
    return f"{significant(row.effect)} ({significant(row.low)} to {significant(row.high)}) {EFFECT_UNIT}"


def around_zero(scale: Scale, values: Iterable[float], least: float = 0.42) -> Span:
    """Return ends that contain the values and 0 with some room.

    0 has room on both sides: at least `least` of the longer side.
    """
    drawn = [scale.at(v) for v in values]
    longer = max(map(abs, drawn), default=0.0) or 1.0
    low, high = min(-least * longer, *drawn), max(least * longer, *drawn)
    room = 0.05 * (high - low)
    return Span(low - room, high + room)


def scales_told(across: Scale, upwards: Scale) -> str:
    """Which axes of a plane are not linear; empty if both are."""
    if across.told and across == upwards:
        return f"both axes: {across.told}"
    scales = [f"{name}: {scale.told}" for name, scale in (("across", across), ("upwards", upwards)) if scale.told]
    return "; ".join(scales)


def sentence(words: str) -> str:
    """Capitalize words and add a period; empty stays empty."""
    return f"{words[0].upper()}{words[1:]}." if words else ""
