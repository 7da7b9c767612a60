"""Draw pictures with plotly for the page, which colors text and grid."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearnkit.report.charts.board_charts import finish
from unlearnkit.report.charts.style import FALLS, NEUTRAL, RISES
from unlearnkit.report.charts.symlog import Scale
from unlearnkit.report.gradient_effect.pictures import CORNERS, Axis, Colors, Kind, Panel, Picture, Series

_BAND = 0.16
"""How much of a line's color its interval has."""
_MARGINS: dict[Kind, tuple[int, int, int, int]] = {
    "steps": (64, 12, 8, 44),
    "bars": (64, 12, 8, 44),
    "groups": (90, 16, 32, 44),
    "plane": (72, 16, 56, 48),
    "fit": (64, 12, 8, 44),
    "frontier": (72, 16, 12, 52),
}
"""Pixels to the left, right, top and bottom."""
_HEIGHTS: dict[Kind, int] = {"steps": 300, "plane": 400, "fit": 320, "frontier": 440}


def plotly_figure(picture: Picture) -> go.Figure:
    """Draw a picture."""
    panels, first = picture.panels, picture.panels[0]
    titled = any(panel.title for panel in panels)
    titles = [html.escape(panel.title) for panel in panels]
    spaced = {"shared_yaxes": True, "horizontal_spacing": 0.03, "subplot_titles": titles}
    figure = make_subplots(cols=len(panels), **spaced) if titled else go.Figure()
    # Over the words in the corners.
    figure.update_annotations(font={"size": 13}, **({"yshift": 14} if picture.kind == "plane" else {}))
    for column, panel in enumerate(panels, 1):
        where = {"row": 1, "col": column} if titled else {}
        for trace in _traces(picture.kind, panel):
            figure.add_trace(trace, **where)
        for x, y, side, words in CORNERS if picture.kind == "plane" else ():
            figure.add_annotation(
                x=x, y=y, xref="x domain", yref="y domain", xanchor=side, yanchor="bottom", text=words,
                showarrow=False, opacity=0.65, font={"size": 11}, **where,
            )  # fmt: skip
    figure.update_xaxes(**_axis(first.x, picture.kind))
    figure.update_yaxes(**_axis(first.y, picture.kind))
    _title(figure.update_xaxes, first.x)
    _title(figure.update_yaxes, first.y, **({"col": 1} if titled else {}))
    sides = dict(zip("lrtb", _MARGINS[picture.kind], strict=True))
    finish(figure, _height(picture.kind, first), sides)
    if picture.kind in ("steps", "bars"):
        figure.update_layout(hovermode="x unified" if picture.kind == "steps" else "closest")
    if picture.colors is not None:
        figure.update_layout(coloraxis=_coloraxis(picture.colors))
    return figure


def _height(kind: Kind, panel: Panel) -> int:
    names = len(panel.y.names)
    return _HEIGHTS.get(kind, 90 + 34 * names if kind == "bars" else 120 + max(20 * names, 120))


def _traces(kind: Kind, panel: Panel) -> list[Any]:
    if kind == "groups":
        return [_heat(panel)]
    if kind == "bars":
        return [_bar(series, name) for series, name in zip(panel.series, panel.y.names, strict=True)]
    found: list[Any] = []
    if kind == "fit":
        assert panel.x.span is not None  # a prediction's axes have ends
        line = {"color": NEUTRAL, "dash": "dot", "width": 1.2}
        found.append(go.Scatter(x=panel.x.span, y=panel.x.span, mode="lines", line=line, hoverinfo="skip"))
    for series in panel.series:
        found += [*([_band(series)] if kind == "steps" else []), _points(kind, series)]
    return found


def _band(series: Series) -> go.Scatter:
    steps = [mark.x for mark in series.marks]
    ends = [mark.y_ends[1] for mark in series.marks] + [mark.y_ends[0] for mark in reversed(series.marks)]
    return go.Scatter(
        x=[*steps, *reversed(steps)],
        y=ends,
        fill="toself",
        fillcolor=_faded(series.color, _BAND),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
    )


def _points(kind: Kind, series: Series) -> go.Scatter:
    marks = series.marks
    tips = {"hovertext": [_tip(mark.tip) for mark in marks], "hovertemplate": "%{hovertext}<extra></extra>"}
    at = {"x": [mark.x for mark in marks], "y": [mark.y for mark in marks], **tips}
    if kind == "steps":
        line = {"color": series.color, "width": 1.8, "dash": series.dash}
        look = {"symbol": series.symbol, "size": 6, "color": series.color}
        name = html.escape(series.name)
        return go.Scatter(
            **(at | {"hovertemplate": "%{hovertext}"}), mode="lines+markers", line=line, marker=look, name=name
        )
    if kind == "plane":
        edge = {"width": 0.6, "color": NEUTRAL}
        look = {"size": 7, "color": [mark.weight for mark in marks], "coloraxis": "coloraxis", "line": edge}
        return go.Scatter(**at, mode="markers", marker=look)
    if kind == "fit":
        return go.Scatter(**at, mode="markers", marker={"symbol": series.symbol, "size": 7, "color": series.color})
    symbols = [series.symbol + ("-open" if mark.hollow else "") for mark in marks]
    return go.Scatter(
        **at,
        error_x=_interval([(mark.x, *mark.x_ends) for mark in marks], 0, 1.2),
        error_y=_interval([(mark.y, *mark.y_ends) for mark in marks], 0, 1.2),
        mode="lines+markers+text",
        line={"color": _faded(series.color, 0.45), "width": 1.2},
        marker={"symbol": symbols, "size": 10, "color": series.color, "line": {"width": 1.6, "color": series.color}},
        text=[mark.label for mark in marks],
        textposition=[mark.position for mark in marks],
        cliponaxis=False,
    )


def _bar(series: Series, name: str) -> go.Bar:
    (mark,) = series.marks
    return go.Bar(
        y=[html.escape(name)],
        x=[mark.x],
        orientation="h",
        width=0.6,
        marker={"color": series.color},
        error_x=_interval([(mark.x, *mark.x_ends)], 4, 1.4, color=NEUTRAL),
        hovertext=[_tip(mark.tip)],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _interval(
    ends: Sequence[tuple[float, float, float]], width: int, thickness: float, **more: str
) -> dict[str, object]:
    sizes = {"array": [high - at for at, _, high in ends], "arrayminus": [at - low for at, low, _ in ends]}
    return {"type": "data", "symmetric": False, **sizes, "width": width, "thickness": thickness, **more}


def _heat(panel: Panel) -> go.Heatmap:
    return go.Heatmap(
        x=[html.escape(name) for name in panel.x.names],
        y=[html.escape(name) for name in panel.y.names],
        z=panel.cells,
        hovertext=[[_tip(tip) for tip in row] for row in panel.tips],
        hovertemplate="%{hovertext}<extra></extra>",
        coloraxis="coloraxis",
        xgap=1,
        ygap=1,
    )


def _tip(lines: Sequence[str]) -> str:
    return "<br>".join(map(html.escape, lines))


def _axis(axis: Axis, kind: Kind) -> dict[str, object]:
    """Return an axis with ticks at powers of ten if symmetric-log.

    A linear axis has plotly's ticks. The line at 0 is bold and colored by the page, because 0 separates help from harm.
    """
    bare: dict[str, object] = {"showgrid": False, "zeroline": False}
    if axis.names:
        wide = {"automargin": True, "ticklabelstandoff": 6} if not axis.title else {}
        return {
            **bare,
            **(
                {"autorange": "reversed", "automargin": True}
                if kind == "bars"
                else {"type": "category", "ticks": "", **wide}
            ),
        }
    if axis.span is None:
        return {**bare, "nticks": 6}
    common = {"range": list(axis.span), "zerolinewidth": 1.5, "exponentformat": "power"}
    return {**common, **({"nticks": 6} if axis.scale.unit is None else _ticks(axis.scale, *axis.span))}


def _title(update: Any, axis: Axis, **where: int) -> None:
    if axis.title:
        update(title=html.escape(axis.title) + (f" ({axis.unit})" if axis.unit else ""), **where)


def _ticks(scale: Scale, low: float, high: float, count: int = 4) -> dict[str, object]:
    ticks = scale.ticks(low, high, count)
    return {"tickvals": [tick.at for tick in ticks], "ticktext": [tick.text for tick in ticks]}


def _coloraxis(colors: Colors) -> dict[str, object]:
    title = {"text": f"{colors.title}<br>({colors.unit})", "font": {"size": 12}}
    bar: dict[str, object] = {"title": title, "thickness": 12, "outlinewidth": 0}
    # Without stops by way of the page's own color at 0.
    stops = colors.stops or ((0, RISES), (0.5, _faded(RISES, 0)), (0.5, _faded(FALLS, 0)), (1, FALLS))
    if colors.stops:
        bar |= {"nticks": 6}
    elif colors.scale.unit is None:
        bar |= {"nticks": 7, "exponentformat": "power"}
    else:
        bar |= _ticks(colors.scale, colors.low, colors.high, 3)
    return {"colorscale": [list(stop) for stop in stops], "cmin": colors.low, "cmax": colors.high, "colorbar": bar}


def _faded(color: str, alpha: float) -> str:
    """A color (`#4a8ff0`) that lets through what lies beneath."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
