"""Draw pictures for a paper, with matplotlib.

Import it only if matplotlib is installed: see `figure_files`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from unlearnkit.gradient_effect.table import EffectTable
from unlearnkit.report.charts.style import FALLS, NEUTRAL, RISES
from unlearnkit.report.gradient_effect.pictures import Axis, Colors, Kind, Mark, Panel, Picture, Series
from unlearnkit.report.gradient_effect.sections import pictures

Ending = Literal["svg", "png"]
KINDS: tuple[Ending, ...] = ("svg", "png")
NAMES: dict[str, tuple[Kind, ...]] = {
    "effects-over-steps": ("steps", "bars"),
    "effects-by-group": ("groups",),
    "pg-effect-plane": ("plane",),
    "frontier": ("frontier",),
}
"""Names of the files, without their ends, and the pictures in each."""

_WIDTH = 7.0
"""Of a figure, in inches: that of a page's text."""
_GRID = "#e7e8e4"
_RC = {
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": _GRID,
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
    """Return every figure that has measurements, by file name."""
    found = pictures(table)
    made = {name: [picture for picture in found if picture.kind in kinds] for name, kinds in NAMES.items()}
    with _style():
        return {name: _figure(of) for name, of in made.items() if of}


def save(figure: Figure, path: Path, kind: Ending) -> None:
    """Write a figure, without a date and a creator's name."""
    unsaid: dict[str, Any] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    with _style():
        figure.savefig(path, format=kind, metadata=unsaid)


def _style() -> AbstractContextManager[None]:
    """The house's settings, whatever those of the user are."""
    return matplotlib.style.context(["default", _RC])


def _figure(found: Sequence[Picture]) -> Figure:
    """Draw all pictures of a kind in one figure.

    Charts over steps are side by side. Other pictures are one below the other, with one panel per column.
    """
    kinds, columns = {picture.kind for picture in found}, max(len(picture.panels) for picture in found)
    over_steps = bool(kinds & {"steps", "bars"})
    columns = min(len(found), 3) if over_steps else columns
    lines = -(-len(found) // columns) if over_steps else len(found)
    width, height = _WIDTH, 3.4
    if over_steps:
        width, height = (_WIDTH if columns > 1 else _WIDTH / 2), 2.1 * lines + 0.4
    elif "groups" in kinds:
        height = sum(0.9 + 0.16 * max(len(picture.panels[0].y.names), 4) for picture in found)
    elif "plane" in kinds:
        width, height = _WIDTH * min(1.0, 0.2 + 0.4 * columns), 2.4 * lines + 0.3
    else:
        width *= 0.7
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    places = [(grid.flat[at : at + 1] if over_steps else grid[at]) for at in range(len(found))]
    for picture, line in zip(found, places, strict=True):
        drawn = [_draw(axes, picture, panel) for axes, panel in zip(line, picture.panels, strict=False)]
        if picture.colors is not None:
            _colorbar(figure, line[: len(drawn)], drawn[-1], picture.colors)
    for axes in grid.flat:
        if not axes.has_data():
            axes.remove()
    if "steps" in kinds:
        series = {of.name: of for picture in found for panel in picture.panels for of in panel.series}
        handles = [Line2D([], [], label=name, **_look(of)) for name, of in series.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6))
    if "frontier" in kinds:
        grid[0][0].legend()
    return figure


def _look(series: Series) -> dict[str, Any]:
    return {"color": series.color, "marker": _MARKERS[series.symbol], "linestyle": _DASHES[series.dash]}


def _draw(axes: Axes, picture: Picture, panel: Panel) -> Any:
    """Draw a panel; return the artist for a color bar, if any."""
    drawn: Any = None
    if picture.kind == "groups" and picture.colors is not None:
        drawn = _heat(axes, panel, picture.colors)
    for at, series in enumerate(panel.series):
        if picture.kind == "steps":
            xs = [mark.x for mark in series.marks]
            low, high = zip(*(mark.y_ends for mark in series.marks), strict=True)
            axes.fill_between(xs, low, high, color=series.color, alpha=0.16, linewidth=0)
            axes.plot(xs, [mark.y for mark in series.marks], **_look(series))
        elif picture.kind == "bars":
            (mark,) = series.marks
            spread = _spread([(mark.x, *mark.x_ends)])
            axes.barh([at], [mark.x], 0.6, xerr=spread, color=series.color, ecolor=NEUTRAL, capsize=2)
        elif picture.kind == "plane" and picture.colors is not None:
            drawn = _dots(axes, series, picture.colors)
        else:
            _settings(axes, series)
    whole = " (symmetric log)" if picture.kind in ("steps", "bars") and picture.caption else ""
    title = {"groups": f"{picture.title}: {panel.title}", "plane": f"{picture.title}, {panel.title}"}
    axes.set_title("" if picture.kind == "frontier" else title.get(picture.kind, picture.title) + whole)
    _set(axes, "x", panel.x, picture, named=True)
    _set(axes, "y", panel.y, picture, named=_is_first(axes) or picture.kind == "bars")
    return drawn


def _is_first(axes: Axes) -> bool:
    """Whether it is in the first column."""
    place = axes.get_subplotspec()
    return place is None or place.is_first_col()


def _heat(axes: Axes, panel: Panel, colors: Colors) -> Any:
    values = [[math.nan if cell is None else cell for cell in row] for row in panel.cells]
    ramp = LinearSegmentedColormap.from_list("signed", [RISES, "#ffffff", FALLS]).with_extremes(bad=_GRID)
    norm = Normalize(colors.low, colors.high)
    axes.spines[:].set_visible(False)
    return axes.pcolormesh(values, cmap=ramp, norm=norm, edgecolor="white", linewidth=0.4)


def _dots(axes: Axes, series: Series, colors: Colors) -> Any:
    ramp = LinearSegmentedColormap.from_list("weights", list(colors.stops))
    xs, ys = [mark.x for mark in series.marks], [mark.y for mark in series.marks]
    weights, norm = [mark.weight for mark in series.marks], Normalize(colors.low, colors.high)
    return axes.scatter(xs, ys, s=9, c=weights, cmap=ramp, norm=norm, linewidths=0, zorder=2)


def _settings(axes: Axes, series: Series) -> None:
    color, marker = series.color, _MARKERS[series.symbol]
    xs, ys = [mark.x for mark in series.marks], [mark.y for mark in series.marks]
    wide = _spread([(mark.x, *mark.x_ends) for mark in series.marks])
    high = _spread([(mark.y, *mark.y_ends) for mark in series.marks])
    axes.errorbar(xs, ys, xerr=wide, yerr=high, color=color, alpha=0.45, linewidth=0.8, zorder=2)
    faces = ["white" if mark.hollow else color for mark in series.marks]
    axes.scatter(xs, ys, s=28, c=faces, marker=marker, edgecolors=color, linewidths=1.2, zorder=3)
    axes.plot([], [], marker=marker, color=color, linestyle="", markersize=5, label=series.name)
    for mark in series.marks:
        _write_label(axes, mark)


def _write_label(axes: Axes, mark: Mark) -> None:
    """Write the label where plotly's name for a position says."""
    up, _, side = mark.position.partition(" ")
    horizontal: dict[str, tuple[int, Any]] = {"right": (4, "left"), "left": (-4, "right"), "center": (0, "center")}
    vertical: dict[str, tuple[int, Any]] = {"top": (4, "bottom"), "bottom": (-4, "top"), "middle": (0, "center")}
    (right, ha), (above, va) = horizontal[side], vertical[up]
    at, offset = (mark.x, mark.y), (right, above)
    axes.annotate(mark.label, at, offset, textcoords="offset points", ha=ha, va=va, fontsize=7)


def _spread(ends: Sequence[tuple[float, float, float]]) -> list[list[float]]:
    return [[at - low for at, low, _ in ends], [high - at for at, _, high in ends]]


def _colorbar(figure: Figure, line: Any, drawn: Any, colors: Colors) -> None:
    bar = figure.colorbar(drawn, ax=list(line), label=f"{colors.title}\n({colors.unit})")
    if not colors.stops:
        bar.outline.set_visible(False)
        if ticks := colors.scale.ticks(colors.low, colors.high, 3):
            bar.set_ticks([tick.at for tick in ticks], labels=[tick.text for tick in ticks])


def _set(axes: Axes, which: Literal["x", "y"], axis: Axis, picture: Picture, *, named: bool) -> None:
    """Ends, ticks and label of an axis, and a line at 0."""
    words = f"{axis.title} {picture.when}".strip() if which == "x" and axis.unit else axis.title
    if named:
        axes.set(**{f"{which}label": words + (f"\n({axis.unit})" if axis.unit else "")})
    if axis.names:
        middle = 0.5 if picture.kind == "groups" else 0.0
        axes.set(**{f"{which}ticks": [at + middle for at in range(len(axis.names))], f"{which}ticklabels": axis.names})
        if middle:
            axes.tick_params(axis=which, length=0, labelleft=_is_first(axes))
        axes.grid(visible=False, axis=which)
        if which == "x" and axis.title == "risk":  # names are long
            axes.tick_params(axis="x", labelrotation=15)
        if picture.kind == "bars":
            axes.invert_yaxis()
        return
    if axis.span is None:
        axes.grid(visible=False, axis=which)
        return
    axes.set(**{f"{which}lim": axis.span})
    line: Callable[..., object] = axes.axvline if which == "x" else axes.axhline
    line(0.0, color=NEUTRAL, linewidth=0.8, zorder=1)
    if ticks := axis.scale.ticks(*axis.span):
        axes.set(**{f"{which}ticks": [t.at for t in ticks], f"{which}ticklabels": [t.text for t in ticks]})
    else:  # few, and small numbers with their power of ten at the axis' end, or they run into each other
        axes.locator_params(axis=which, nbins=4)
        axes.ticklabel_format(axis=which, scilimits=(-2, 4))
