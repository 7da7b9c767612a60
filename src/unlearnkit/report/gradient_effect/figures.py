"""Draws figures of G-effects with matplotlib. Import it only where that is installed: see `figures`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from unlearnkit.data.vocabulary import ordered_sets
from unlearnkit.gradient_effect.effect_series import Course, courses
from unlearnkit.gradient_effect.frontier import Place, frontier
from unlearnkit.gradient_effect.table import EffectTable, SweepRow
from unlearnkit.report.charts.style import FALLS, HEAVY, LIGHT, NEUTRAL, PALETTE, RISES, RiskStyle, risk_styles, sign_of
from unlearnkit.report.charts.symlog import Scale, scale_for
from unlearnkit.report.gradient_effect.axes import Span, around_zero
from unlearnkit.report.gradient_effect.panels import EFFECT_UNIT, GroupMap, Plane, group_map, planes
from unlearnkit.report.gradient_effect.planes import FrontierPlane

Kind = Literal["svg", "png"]
OVER_STEPS, BY_GROUP, PLANE, FRONTIER = "effects-over-steps", "effects-by-group", "pg-effect-plane", "frontier"
"""Names of the files, without their ends."""
KINDS: tuple[Kind, ...] = ("svg", "png")

_WIDTH = 7.0
"""Of a figure, in inches: that of a page's text."""
_RC = {
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e7e8e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.markersize": 3.5,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "savefig.dpi": 200,
    "text.parse_math": False,  # labels of others are no formulas
    "svg.hashsalt": "unlearnkit",  # ids within the file would be drawn by lot
}
_MARKERS = {
    "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v", "star": "*", "hexagon": "h",
}  # fmt: skip
_DASHES: dict[str, Any] = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (8, 3))}


def figures(table: EffectTable) -> dict[str, Figure]:
    """Every figure for which something was measured, by the name of its file."""
    measured = courses(table)
    maps = [found for course in measured if (found := group_map(course)) is not None]
    seen, step = planes(table), max((row.step for row in table.sweeps), default=0)
    places = frontier(table.sweeps, step)
    made: dict[str, Figure] = {}
    with _style():
        if measured:
            made[OVER_STEPS] = _over_steps(measured)
        if maps:
            made[BY_GROUP] = _by_group(maps)
        if seen:
            made[PLANE] = _plane(seen)
        if places:
            made[FRONTIER] = _frontier(places, step)
    return made


def save(figure: Figure, path: Path, kind: Kind) -> None:
    """Write a figure, without a date and without the name of what drew it."""
    unsaid: dict[str, Any] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    with _style():
        figure.savefig(path, format=kind, metadata=unsaid)


def _style() -> AbstractContextManager[None]:
    """The house's settings, whatever those of the user are."""
    return matplotlib.style.context(["default", _RC])


def _over_steps(measured: Sequence[Course]) -> Figure:
    look = risk_styles(ordered_sets(risk for course in measured for risk in course.risks))
    columns = min(len(measured), 3)
    lines = -(-len(measured) // columns)
    figure = Figure(figsize=(_WIDTH if columns > 1 else _WIDTH / 2, 2.1 * lines + 0.4), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(measured):
            axes.remove()
            continue
        course = measured[place]
        scale = (_bars if len(course.steps) == 1 else _lines)(axes, course, look)
        axes.set_title(course.objective + (" (symmetric log)" if scale.told else ""))
        if place % columns and len(course.steps) > 1:
            axes.set_ylabel("")
    if any(len(course.steps) > 1 for course in measured):
        handles = [Line2D([], [], label=risk, **_drawn_as(style)) for risk, style in look.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6))
    return figure


def _drawn_as(style: RiskStyle) -> dict[str, Any]:
    return {"color": style.color, "marker": _MARKERS[style.symbol], "linestyle": _DASHES[style.dash]}


def _lines(axes: Axes, course: Course, look: dict[str, RiskStyle]) -> Scale:
    rows = {risk: course.over_steps(risk) for risk in course.risks}
    scale = scale_for(row.effect for of in rows.values() for row in of)
    for risk, of in rows.items():
        steps = [row.step for row in of]
        low, high = [scale.at(row.low) for row in of], [scale.at(row.high) for row in of]
        axes.fill_between(steps, low, high, color=look[risk].color, alpha=0.16, linewidth=0)
        axes.plot(steps, [scale.at(row.effect) for row in of], **_drawn_as(look[risk]))
    ends = (end for of in rows.values() for row in of for end in (row.effect, row.low, row.high))
    _set(axes, "y", scale, around_zero(scale, ends, least=0.05), f"G-effect\n({EFFECT_UNIT})")
    axes.set_xlabel("optimizer steps done")
    axes.grid(visible=False, axis="x")
    return scale


def _bars(axes: Axes, course: Course, look: dict[str, RiskStyle]) -> Scale:
    rows = [course.over_steps(risk)[0] for risk in course.risks]
    scale = scale_for(row.effect for row in rows)
    at = [scale.at(row.effect) for row in rows]
    spread = [
        [place - scale.at(row.low) for place, row in zip(at, rows, strict=True)],
        [scale.at(row.high) - place for place, row in zip(at, rows, strict=True)],
    ]
    colors = [look[row.risk].color for row in rows]
    axes.barh([row.risk for row in rows], at, 0.6, xerr=spread, color=colors, ecolor=NEUTRAL, capsize=2)
    axes.invert_yaxis()
    ends = (end for row in rows for end in (row.effect, row.low, row.high))
    _set(axes, "x", scale, around_zero(scale, ends, least=0.05), f"G-effect at step {rows[0].step}\n({EFFECT_UNIT})")
    axes.grid(visible=False, axis="y")
    return scale


def _by_group(maps: Sequence[GroupMap]) -> Figure:
    columns = max(len(found.panels) for found in maps)
    height = sum(0.9 + 0.16 * max(len(found.groups), 4) for found in maps)
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    grid = figure.subplots(len(maps), columns, squeeze=False)
    colors = LinearSegmentedColormap.from_list("signed", [RISES, "#ffffff", FALLS]).with_extremes(bad="#e7e8e4")
    for line, found in zip(grid, maps, strict=True):
        scale = scale_for(found.effects)
        reach = max((abs(scale.at(effect)) for effect in found.effects), default=0.0) or 1.0
        for axes, panel in zip(line, found.panels, strict=False):
            values = [[math.nan if cell is None else scale.at(cell.effect) for cell in row] for row in panel.cells]
            mesh = axes.pcolormesh(values, cmap=colors, norm=Normalize(-reach, reach), edgecolor="white", linewidth=0.4)
            axes.set_xticks([i + 0.5 for i in range(len(panel.columns))], panel.columns)
            axes.set_yticks([i + 0.5 for i in range(len(found.groups))], found.groups)
            axes.tick_params(length=0, labelleft=axes is line[0])
            if found.across == "risk":  # names are long
                axes.tick_params(axis="x", labelrotation=15)
            axes.grid(visible=False)
            axes.spines[:].set_visible(False)
            axes.set_title(f"{found.objective}: {panel.title}")
            axes.set_xlabel("risk" if found.across == "risk" else "optimizer steps done")
        bar = figure.colorbar(mesh, ax=list(line), label=f"G-effect\n({EFFECT_UNIT})")
        bar.outline.set_visible(False)
        if ticks := scale.ticks(-reach, reach, 3):
            bar.set_ticks([tick.at for tick in ticks], labels=[tick.text for tick in ticks])
    return figure


def _plane(seen: Sequence[Plane]) -> Figure:
    columns = max(len(plane.steps) for plane in seen)
    width = _WIDTH * min(1.0, 0.2 + 0.4 * columns)
    figure = Figure(figsize=(width, 2.4 * len(seen) + 0.3), layout="constrained")
    grid = figure.subplots(len(seen), columns, squeeze=False)
    for line, plane in zip(grid, seen, strict=True):
        dots = [dot for _, of in plane.steps for dot in of]
        weights = [dot.weight for dot in dots]
        across, upwards = scale_for(dot.x for dot in dots), scale_for(dot.y for dot in dots)
        x_span = around_zero(across, (dot.x for dot in dots))
        y_span = around_zero(upwards, (dot.y for dot in dots))
        norm = Normalize(min(0.0, *weights), max(1.0, *weights))
        zero = float(norm(0.0))
        stops = [(0.0, LIGHT), (1.0, HEAVY)] if zero == 0 else [(0.0, PALETTE[3]), (zero, LIGHT), (1.0, HEAVY)]
        colors = LinearSegmentedColormap.from_list("weights", stops)
        for axes, (step, of) in _pairs(line, plane.steps):
            xs, ys = [across.at(dot.x) for dot in of], [upwards.at(dot.y) for dot in of]
            mesh = axes.scatter(
                xs, ys, s=9, c=[dot.weight for dot in of], cmap=colors, norm=norm, linewidths=0, zorder=2
            )
            _set(axes, "x", across, x_span, f"slope on {plane.x_risk}\n({EFFECT_UNIT})")
            _set(axes, "y", upwards, y_span, f"slope on {plane.y_risk}\n({EFFECT_UNIT})" if axes is line[0] else "")
            axes.set_title(f"{plane.title}, step {step}")
        figure.colorbar(mesh, ax=list(line), label="weight (ascent: 1)")
    return figure


def _pairs(line: Any, steps: Sequence[Any]) -> Iterator[tuple[Axes, Any]]:
    """Panels with their steps; panels without one are taken away."""
    for place, axes in enumerate(line):
        if place < len(steps):
            yield axes, steps[place]
        else:
            axes.remove()


def _frontier(places: Sequence[Place], step: int) -> Figure:
    figure = Figure(figsize=(_WIDTH * 0.7, 3.4), layout="constrained")
    axes, drawn = figure.subplots(), FrontierPlane.of(places)
    labels = dict(zip(places, drawn.labels(places), strict=True))
    for number, series in enumerate(dict.fromkeys(place.series for place in places)):
        of = [place for place in places if place.series == series]
        color, marker = PALETTE[number % len(PALETTE)], _MARKERS[sign_of(number)[0]]
        xs = [drawn.across.at(place.forget.effect) for place in of]
        ys = [drawn.upwards.at(place.retained.effect) for place in of]
        wide = _spread(drawn.across, [place.forget for place in of])
        high = _spread(drawn.upwards, [place.retained for place in of])
        axes.errorbar(xs, ys, xerr=wide, yerr=high, color=color, alpha=0.45, linewidth=0.8, zorder=2)
        faces = ["white" if place.dominated else color for place in of]
        axes.scatter(xs, ys, s=28, c=faces, marker=marker, edgecolors=color, linewidths=1.2, zorder=3)
        axes.plot([], [], marker=marker, color=color, linestyle="", markersize=5, label=series)
        for x, y, place in zip(xs, ys, of, strict=True):
            _beside(axes, x, y, f"{place.value:g}", labels[place])
    forget, retained = places[0].forget.risk, places[0].retained.risk
    _set(axes, "x", drawn.across, drawn.x_span, f"G-effect on {forget} at step {step} ({EFFECT_UNIT})")
    _set(axes, "y", drawn.upwards, drawn.y_span, f"G-effect on {retained}\n({EFFECT_UNIT})")
    axes.legend()
    return figure


def _beside(axes: Axes, x: float, y: float, text: str, position: str) -> None:
    """Write beside a marker, where plotly's name for a position says."""
    up, _, side = position.partition(" ")
    horizontal: dict[str, tuple[int, Any]] = {"right": (4, "left"), "left": (-4, "right"), "center": (0, "center")}
    vertical: dict[str, tuple[int, Any]] = {"top": (4, "bottom"), "bottom": (-4, "top"), "middle": (0, "center")}
    (right, ha), (above, va) = horizontal[side], vertical[up]
    axes.annotate(text, (x, y), (right, above), textcoords="offset points", ha=ha, va=va, fontsize=7)


def _spread(scale: Scale, rows: Sequence[SweepRow]) -> list[list[float]]:
    return [
        [scale.at(row.effect) - scale.at(row.low) for row in rows],
        [scale.at(row.high) - scale.at(row.effect) for row in rows],
    ]


def _set(axes: Axes, which: Literal["x", "y"], scale: Scale, span: Span, label: str) -> None:
    """Ends, ticks and label of an axis, and a line at 0."""
    axes.set(**{f"{which}lim": span, f"{which}label": label})
    line: Callable[..., object] = axes.axvline if which == "x" else axes.axhline
    line(0.0, color=NEUTRAL, linewidth=0.8, zorder=1)
    if ticks := scale.ticks(*span):
        axes.set(**{f"{which}ticks": [t.at for t in ticks], f"{which}ticklabels": [t.text for t in ticks]})
    else:  # few, and small numbers with their power of ten at the axis' end, or they run into each other
        axes.locator_params(axis=which, nbins=4)
        axes.ticklabel_format(axis=which, scilimits=(-2, 4))
