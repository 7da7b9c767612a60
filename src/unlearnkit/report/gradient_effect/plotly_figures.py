"""Draw the charts of G-effects with plotly.

The charts do not define the colors of text and grid lines, because the report's page sets these colors.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearnkit.report.charts.board_charts import finish
from unlearnkit.report.charts.style import FALLS, NEUTRAL, RISES
from unlearnkit.report.gradient_effect.pictures import CORNERS, Axis, Colors, Extent, Kind, Panel, Picture, Series

_HOVER = "%{hovertext}<extra></extra>"
_BAND = 0.16
"""Opacity of the bands that show intervals."""
_MARGINS: dict[Kind, tuple[int, int, int, int]] = {
    "steps": (64, 12, 8, 44),
    "bars": (64, 12, 8, 44),
    "groups": (90, 16, 32, 44),
    "plane": (72, 16, 56, 48),
    "fit": (64, 12, 8, 44),
    "frontier": (72, 16, 12, 52),
}
"""Left, right, top and bottom margins in pixels, by the kind of picture."""
_HEIGHTS: dict[Kind, int] = {"steps": 300, "plane": 400, "fit": 320, "frontier": 440}


def plotly_figure(picture: Picture) -> go.Figure:
    """Draw a picture as a plotly figure."""
    kind, panels, first = picture.kind, picture.panels, picture.panels[0]
    titled = any(panel.title for panel in panels)
    titles = [html.escape(panel.title) for panel in panels]
    spaced = {"shared_yaxes": True, "horizontal_spacing": 0.03, "subplot_titles": titles}
    figure = make_subplots(cols=len(panels), **spaced) if titled else go.Figure()
    # Move the titles of panels above the words in the corners.
    figure.update_annotations(font={"size": 13}, **({"yshift": 14} if kind == "plane" else {}))
    for column, panel in enumerate(panels, 1):
        place = {"row": 1, "col": column} if titled else {}
        for trace in _traces(kind, panel):
            figure.add_trace(trace, **place)
        for x, y, side, words in CORNERS if kind == "plane" else ():
            figure.add_annotation(
                x=x, y=y, xref="x domain", yref="y domain", xanchor=side, yanchor="bottom", text=words,
                showarrow=False, opacity=0.65, font={"size": 11}, **place,
            )  # fmt: skip
    _set_axis(figure.update_xaxes, first.x, kind)
    _set_axis(figure.update_yaxes, first.y, kind, **({"col": 1} if titled else {}))
    names = len(first.y.names)
    height = _HEIGHTS.get(kind, 90 + 34 * names if kind == "bars" else 120 + max(20 * names, 120))
    finish(figure, height, dict(zip("lrtb", _MARGINS[kind], strict=True)))
    if kind in ("steps", "bars"):
        figure.update_layout(hovermode="x unified" if kind == "steps" else "closest")
    if picture.colors is not None:
        figure.update_layout(coloraxis=_coloraxis(picture.colors))
    return figure


def _traces(kind: Kind, panel: Panel) -> list[Any]:
    if kind == "groups":
        return [_heat(panel)]
    traces: list[Any] = []
    if kind == "fit":
        line = {"color": NEUTRAL, "dash": "dot", "width": 1.2}
        traces.append(go.Scatter(x=panel.x.span, y=panel.x.span, mode="lines", line=line, hoverinfo="skip"))
    for series in panel.series:
        if kind == "steps":
            traces.append(_band(series))
        traces.append(_bar(series) if kind == "bars" else _scatter(kind, series))
    return traces


def _band(series: Series) -> go.Scatter:
    return go.Scatter(
        x=[*series.x, *reversed(series.x)],
        y=[mark.y.high for mark in series.marks] + [mark.y.low for mark in reversed(series.marks)],
        fill="toself",
        fillcolor=_faded(series.color, _BAND),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
    )


def _scatter(kind: Kind, series: Series) -> go.Scatter:
    marks, color = series.marks, series.color
    at = {"x": series.x, "y": series.y, "mode": "markers", "hovertemplate": _HOVER}
    at["hovertext"] = [_tip(mark.tip) for mark in marks]
    if kind == "steps":
        line = {"color": color, "width": 1.8, "dash": series.dash}
        marker = {"symbol": series.symbol, "size": 6, "color": color}
        at |= {"mode": "lines+markers", "hovertemplate": "%{hovertext}", "name": html.escape(series.name)}
        return go.Scatter(**at, line=line, marker=marker)
    if kind == "plane":
        edge = {"width": 0.6, "color": NEUTRAL}
        weights = [mark.weight for mark in marks]
        return go.Scatter(**at, marker={"size": 7, "color": weights, "coloraxis": "coloraxis", "line": edge})
    if kind == "fit":
        return go.Scatter(**at, marker={"symbol": series.symbol, "size": 7, "color": color})
    symbols = [series.symbol + ("-open" if mark.hollow else "") for mark in marks]
    return go.Scatter(
        **(at | {"mode": "lines+markers+text"}),
        error_x=_interval([mark.x for mark in marks], 0, 1.2),
        error_y=_interval([mark.y for mark in marks], 0, 1.2),
        line={"color": _faded(color, 0.45), "width": 1.2},
        marker={"symbol": symbols, "size": 10, "color": color, "line": {"width": 1.6, "color": color}},
        text=[mark.label for mark in marks],
        textposition=[mark.position for mark in marks],
        cliponaxis=False,
    )


def _bar(series: Series) -> go.Bar:
    (mark,) = series.marks
    return go.Bar(
        y=[html.escape(series.name)],
        x=[mark.x.at],
        orientation="h",
        width=0.6,
        marker={"color": series.color},
        error_x={**_interval([mark.x], 4, 1.4), "color": NEUTRAL},
        hovertext=[_tip(mark.tip)],
        hovertemplate=_HOVER,
    )


def _interval(extents: Sequence[Extent], width: int, thickness: float) -> dict[str, object]:
    sizes = {"array": [of.high - of.at for of in extents], "arrayminus": [of.at - of.low for of in extents]}
    return {"type": "data", "symmetric": False, **sizes, "width": width, "thickness": thickness}


def _heat(panel: Panel) -> go.Heatmap:
    return go.Heatmap(
        x=[html.escape(name) for name in panel.x.names],
        y=[html.escape(name) for name in panel.y.names],
        z=[[cell.value for cell in row] for row in panel.cells],
        coloraxis="coloraxis",
        xgap=1,
        ygap=1,
        hovertext=[[_tip(cell.tip) for cell in row] for row in panel.cells],
        hovertemplate=_HOVER,
    )


def _tip(lines: Sequence[str]) -> str:
    return "<br>".join(map(html.escape, lines))


def _set_axis(update: Any, axis: Axis, kind: Kind, **place: int) -> None:
    update(**_axis(axis, kind))
    if axis.title:
        update(title=html.escape(axis.title) + (f" ({axis.unit})" if axis.unit else ""), **place)


def _axis(axis: Axis, kind: Kind) -> dict[str, object]:
    """Return the settings of an axis for plotly.

    A symmetric-log axis has ticks at powers of ten; a linear axis has plotly's default ticks. The line at 0 is bold,
    because 0 separates effects that help from effects that harm. The report's page sets the color of this line.
    """
    bare: dict[str, object] = {"showgrid": False, "zeroline": False}
    if axis.names and kind == "bars":
        return {**bare, "autorange": "reversed", "automargin": True}
    if axis.names:
        wide = {} if axis.title else {"automargin": True, "ticklabelstandoff": 6}
        return {**bare, "type": "category", "ticks": "", **wide}
    if not axis.has_values:
        return {**bare, "nticks": 6}
    common = {"range": list(axis.span), "zerolinewidth": 1.5, "exponentformat": "power"}
    return {**common, **(_ticks(axis, 4) or {"nticks": 6})}


def _ticks(axis: Axis, count: int) -> dict[str, object]:
    ticks = axis.ticks(count)
    return {"tickvals": [tick.at for tick in ticks], "ticktext": [tick.text for tick in ticks]} if ticks else {}


def _coloraxis(colors: Colors) -> dict[str, object]:
    axis, (low, high) = colors.axis, colors.axis.span
    title = {"text": f"{axis.title}<br>({axis.unit})", "font": {"size": 12}}
    bar: dict[str, object] = {"title": title, "thickness": 12, "outlinewidth": 0}
    if colors.stops:
        bar |= {"nticks": 6}
    else:
        bar |= _ticks(axis, 3) or {"nticks": 7, "exponentformat": "power"}
    # The default colors are transparent at 0, so that the page's background is visible at 0.
    stops = colors.stops or ((0, RISES), (0.5, _faded(RISES, 0)), (0.5, _faded(FALLS, 0)), (1, FALLS))
    return {"colorscale": [list(stop) for stop in stops], "cmin": low, "cmax": high, "colorbar": bar}


def _faded(color: str, alpha: float) -> str:
    """Return a color such as `#4a8ff0` with opacity `alpha`."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
