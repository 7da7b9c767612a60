"""Draw pictures of G-effects for a paper, with matplotlib.

This module can be imported only if matplotlib is installed; see `figure_files`.
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
from unlearnkit.report.gradient_effect.pictures import Axis, Colors, Extent, Kind, Panel, Picture, Series
from unlearnkit.report.gradient_effect.sections import pictures

FORMATS = ("svg", "png")
NAMES: dict[str, tuple[Kind, ...]] = {
    "effects-over-steps": ("steps", "bars"),
    "effects-by-group": ("groups",),
    "pg-effect-plane": ("plane",),
    "frontier": ("frontier",),
}
"""Maps the name of each file, without extension, to the kinds of pictures in the file."""

_WIDTH = 7.0
"""Width of a figure in inches. It is the width of the text on a page."""
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
    "text.parse_math": False,  # names may contain $
    "svg.hashsalt": "unlearnkit",  # without this setting, ids in the file are random
}
_MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle-up": "^",
    "triangle-down": "v",
    "star": "*",
    "hexagon": "h",
}
_DASHES: dict[str, Any] = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (8, 3))}
_ALIGNMENTS: dict[str, tuple[int, Any]] = {
    "left": (-4, "right"),
    "center": (0, "center"),
    "right": (4, "left"),
    "top": (4, "bottom"),
    "middle": (0, "center"),
    "bottom": (-4, "top"),
}
"""Position of a label, for each word in plotly's text positions (such as `top center`).

The position consists of an offset in points, and of an alignment as named by matplotlib.
"""


def figures(table: EffectTable) -> dict[str, Figure]:
    """Return all figures that have measurements, by file name."""
    by_name = {name: [picture for picture in pictures(table) if picture.kind in kinds] for name, kinds in NAMES.items()}
    with _style():
        return {name: _figure(drawn) for name, drawn in by_name.items() if drawn}


def save(figure: Figure, path: Path, extension: str) -> None:
    """Write a figure to a file, without date and creator."""
    omitted: dict[str, Any] = {"Date": None, "Creator": None} if extension == "svg" else {"Software": None}
    with _style():
        figure.savefig(path, format=extension, metadata=omitted)


def _style() -> AbstractContextManager[None]:
    """Return a context in which matplotlib uses this module's settings.

    In this context, matplotlib ignores the user's own settings.
    """
    return matplotlib.style.context(["default", _RC])


def _figure(drawn: Sequence[Picture]) -> Figure:
    """Draw pictures of the same kind in one figure.

    Charts over steps are placed side by side. Other pictures are stacked, and the panels of each picture are side by
    side.
    """
    kinds, columns = {picture.kind for picture in drawn}, max(len(picture.panels) for picture in drawn)
    lines, width, height = len(drawn), 0.7 * _WIDTH, 3.4
    over_steps = bool(kinds & {"steps", "bars"})
    if over_steps:
        columns = min(len(drawn), 3)
        lines = -(-len(drawn) // columns)
        width, height = (_WIDTH if columns > 1 else _WIDTH / 2), 2.1 * lines + 0.4
    elif "groups" in kinds:
        width, height = _WIDTH, sum(0.9 + 0.16 * max(len(picture.panels[0].y.names), 4) for picture in drawn)
    elif "plane" in kinds:
        width, height = _WIDTH * min(1.0, 0.2 + 0.4 * columns), 2.4 * lines + 0.3
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for at, picture in enumerate(drawn):
        line = grid.flat[at : at + 1] if over_steps else grid[at]
        artists = [_draw(axes, picture, panel) for axes, panel in zip(line, picture.panels, strict=False)]
        if picture.colors is not None:
            _colorbar(figure, line[: len(artists)], artists[-1], picture.colors)
    for axes in grid.flat:
        if not axes.has_data():
            axes.remove()
    if "steps" in kinds:
        series = {of.name: of for picture in drawn for panel in picture.panels for of in panel.series}
        handles = [Line2D([], [], label=name, **_look(of)) for name, of in series.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6))
    if "frontier" in kinds:
        grid[0][0].legend()
    return figure


def _look(series: Series) -> dict[str, Any]:
    return {"color": series.color, "marker": _MARKERS[series.symbol], "linestyle": _DASHES[series.dash]}


def _draw(axes: Axes, picture: Picture, panel: Panel) -> Any:
    """Draw a panel, and return the matplotlib artist for its color bar.

    Returns None if the panel needs no color bar.
    """
    artist: Any = None
    kind, title = picture.kind, picture.title
    colors = _color_map(picture.colors) if picture.colors else {}
    if panel.cells:
        values = [[math.nan if cell.value is None else cell.value for cell in row] for row in panel.cells]
        axes.spines[:].set_visible(False)
        artist = axes.pcolormesh(values, edgecolor="white", linewidth=0.4, **colors)
    for at, series in enumerate(panel.series):
        if kind == "steps":
            low, high = [mark.y.low for mark in series.marks], [mark.y.high for mark in series.marks]
            axes.fill_between(series.x, low, high, color=series.color, alpha=0.16, linewidth=0)
            axes.plot(series.x, series.y, **_look(series))
        elif kind == "bars":
            spread = _spread([mark.x for mark in series.marks])
            axes.barh([at], series.x, 0.6, xerr=spread, color=series.color, ecolor=NEUTRAL, capsize=2)
        elif kind == "plane":
            weights = [mark.weight for mark in series.marks]
            artist = axes.scatter(series.x, series.y, s=9, c=weights, linewidths=0, zorder=2, **colors)
        else:
            _settings(axes, series)
    if kind in ("steps", "bars") and picture.caption:
        title += " (symmetric log)"
    titles = {"groups": f"{title}: {panel.title}", "plane": f"{title}, {panel.title}", "frontier": ""}
    axes.set_title(titles.get(kind, title))
    _set(axes, "x", panel.x, picture, named=True)
    _set(axes, "y", panel.y, picture, named=_is_first(axes) or kind == "bars")
    return artist


def _is_first(axes: Axes) -> bool:
    """Return whether these axes are in the first column of the figure."""
    place = axes.get_subplotspec()
    return place is None or place.is_first_col()


def _color_map(colors: Colors) -> dict[str, Any]:
    stops = colors.stops or ((0.0, RISES), (0.5, "#ffffff"), (1.0, FALLS))
    ramp = LinearSegmentedColormap.from_list("effects", list(stops)).with_extremes(bad=_GRID)
    return {"cmap": ramp, "norm": Normalize(*colors.axis.span)}


def _settings(axes: Axes, series: Series) -> None:
    color, marker = series.color, _MARKERS[series.symbol]
    wide, high = _spread([mark.x for mark in series.marks]), _spread([mark.y for mark in series.marks])
    axes.errorbar(series.x, series.y, xerr=wide, yerr=high, color=color, alpha=0.45, linewidth=0.8, zorder=2)
    faces = ["white" if mark.hollow else color for mark in series.marks]
    axes.scatter(series.x, series.y, s=28, c=faces, marker=marker, edgecolors=color, linewidths=1.2, zorder=3)
    axes.plot([], [], marker=marker, color=color, linestyle="", markersize=5, label=series.name)
    for mark in series.marks:
        vertical, _, horizontal = mark.position.partition(" ")
        (right, ha), (above, va) = _ALIGNMENTS[horizontal], _ALIGNMENTS[vertical]
        at, offset = (mark.x.at, mark.y.at), (right, above)
        axes.annotate(mark.label, at, offset, textcoords="offset points", ha=ha, va=va, fontsize=7)


def _spread(extents: Sequence[Extent]) -> list[list[float]]:
    return [[of.at - of.low for of in extents], [of.high - of.at for of in extents]]


def _colorbar(figure: Figure, line: Any, artist: Any, colors: Colors) -> None:
    bar = figure.colorbar(artist, ax=list(line), label=f"{colors.axis.title}\n({colors.axis.unit})")
    if not colors.stops:
        bar.outline.set_visible(False)
        if ticks := colors.axis.ticks(3):
            bar.set_ticks([tick.at for tick in ticks], labels=[tick.text for tick in ticks])


def _set(axes: Axes, which: Literal["x", "y"], axis: Axis, picture: Picture, *, named: bool) -> None:
    """Set an axis's limits, ticks and label, and draw its zero line."""
    if named:
        title = f"{axis.title} {picture.when}".strip() if which == "x" and axis.unit else axis.title
        axes.set(**{f"{which}label": title + (f"\n({axis.unit})" if axis.unit else "")})
    if not axis.has_values:
        axes.grid(visible=False, axis=which)
    if axis.names:
        middle = 0.5 if picture.kind == "groups" else 0.0
        axes.set(**{f"{which}ticks": [at + middle for at in range(len(axis.names))], f"{which}ticklabels": axis.names})
        if middle:
            axes.tick_params(axis=which, length=0, labelleft=_is_first(axes))
        if which == "x" and axis.title == "risk":  # the names of risks are long
            axes.tick_params(axis="x", labelrotation=15)
        if picture.kind == "bars":
            axes.invert_yaxis()
    elif axis.has_values:
        axes.set(**{f"{which}lim": axis.span})
        draw_line: Callable[..., object] = axes.axvline if which == "x" else axes.axhline
        draw_line(0.0, color=NEUTRAL, linewidth=0.8, zorder=1)
        if ticks := axis.ticks():
            axes.set(**{f"{which}ticks": [t.at for t in ticks], f"{which}ticklabels": [t.text for t in ticks]})
        else:  # few ticks, and the power of ten at the end of the axis, so that tick labels do not overlap
            axes.locator_params(axis=which, nbins=4)
            axes.ticklabel_format(axis=which, scilimits=(-2, 4))
