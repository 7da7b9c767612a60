"""Planes of G-effects: instances, predicted against measured steps, and the frontier of a sweep, as plotly figures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple, Self

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearnkit.core.number_format import significant
from unlearnkit.gradient_effect.frontier import Place
from unlearnkit.gradient_effect.table import SweepRow
from unlearnkit.report.charts.board_charts import finish
from unlearnkit.report.charts.labels import Point, place_labels
from unlearnkit.report.charts.style import NEUTRAL, PALETTE, RiskStyle, sign_of
from unlearnkit.report.charts.symlog import Scale, scale_for
from unlearnkit.report.gradient_effect.axes import (
    Chart,
    Span,
    around_zero,
    axis,
    faded,
    scales_told,
    sentence,
    weight_colors,
)
from unlearnkit.report.gradient_effect.panels import EFFECT_UNIT, Dot, Fit, Plane

_CORNERS = (
    (0.0, 1.0, "left", "◤ forgets, keeps"),
    (1.0, 1.0, "right", "relearns, keeps ◥"),
    (0.0, 0.0, "left", "◣ forgets, harms"),
    (1.0, 0.0, "right", "relearns, harms ◢"),
)
"""Place and words of each corner of the instances' plane, for who pushes an instance down."""


def instances(plane: Plane) -> Chart:
    """The plane of PG-effects at each of its steps: one dot an instance, colored by its weight."""
    dots = [dot for _, of in plane.steps for dot in of]
    across, upwards = scale_for(dot.x for dot in dots), scale_for(dot.y for dot in dots)
    figure = make_subplots(
        cols=len(plane.steps),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[f"step {step}" for step, _ in plane.steps],
    )
    figure.update_annotations(yshift=14, font={"size": 13})  # over the words in the corners
    for column, (_, of) in enumerate(plane.steps, 1):
        figure.add_trace(_dots(plane, of, across, upwards), row=1, col=column)
        for x, y, side, words in _CORNERS:
            figure.add_annotation(
                x=x, y=y, xref="x domain", yref="y domain", xanchor=side, yanchor="bottom", text=words,
                showarrow=False, opacity=0.65, font={"size": 11}, row=1, col=column,
            )  # fmt: skip
    x_axis = axis(across, around_zero(across, (dot.x for dot in dots)))
    figure.update_xaxes(title=f"slope on {html.escape(plane.x_risk)} ({EFFECT_UNIT})", **x_axis)
    figure.update_yaxes(**axis(upwards, around_zero(upwards, (dot.y for dot in dots))))
    figure.update_yaxes(title=f"slope on {html.escape(plane.y_risk)} ({EFFECT_UNIT})", col=1)
    finish(figure, 400, {"l": 72, "r": 16, "t": 56, "b": 48})
    figure.update_layout(coloraxis=weight_colors([dot.weight for dot in dots]))
    shown = max(len(of) for _, of in plane.steps)
    left_out = f"{shown} of {plane.instances} instances are drawn, at even spacing" if shown < plane.instances else ""
    label = (
        f"Instances of {plane.title} by their slopes on {plane.x_risk} (across) and {plane.y_risk} (upwards), in "
        f"{EFFECT_UNIT}, colored by weight"
    )
    caption = " ".join(filter(None, (sentence(scales_told(across, upwards)), sentence(left_out))))
    return Chart(plane.title, figure, label, caption)


def _dots(plane: Plane, dots: Sequence[Dot], across: Scale, upwards: Scale) -> go.Scatter:
    x_risk, y_risk = html.escape(plane.x_risk), html.escape(plane.y_risk)
    return go.Scatter(
        x=[across.at(dot.x) for dot in dots],
        y=[upwards.at(dot.y) for dot in dots],
        mode="markers",
        marker={
            "size": 7,
            "color": [dot.weight for dot in dots],
            "coloraxis": "coloraxis",
            "line": {"width": 0.6, "color": NEUTRAL},
        },
        text=[
            f"row {dot.row}, weight {significant(dot.weight)}<br>slope on {x_risk} {significant(dot.x)}"
            f"<br>slope on {y_risk} {significant(dot.y)}"
            for dot in dots
        ],
        hovertemplate="%{text}<extra></extra>",
    )


def prediction(fit: Fit, look: RiskStyle) -> Chart:
    """Predicted against measured changes of one risk; on the dotted line both are the same."""
    values = [v for row in fit.rows for v in (row.predicted, row.measured)]
    scale = scale_for(values)
    drawn = [scale.at(v) for v in values]
    room = 0.06 * (max(drawn) - min(drawn)) or 1.0
    span = Span(min(drawn) - room, max(drawn) + room)
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=list(span),
            y=list(span),
            mode="lines",
            line={"color": NEUTRAL, "dash": "dot", "width": 1.2},
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[scale.at(row.predicted) for row in fit.rows],
            y=[scale.at(row.measured) for row in fit.rows],
            mode="markers",
            marker={"symbol": look.symbol, "size": 7, "color": look.color},
            text=[
                f"step {row.step}<br>predicted {significant(row.predicted)}<br>measured {significant(row.measured)}"
                for row in fit.rows
            ],
            hovertemplate="%{text} nats/token<extra></extra>",
        )
    )
    figure.update_xaxes(title="predicted change (nats/token)", **axis(scale, span))
    figure.update_yaxes(title="measured change (nats/token)", **axis(scale, span))
    finish(figure, 320, {"l": 64, "r": 12, "t": 8, "b": 44})
    label = f"Predicted and measured change of {fit.risk} at each step, in nats per token"
    return Chart(fit.risk, figure, label, f"{fit.told} {sentence(scale.told)}".strip())


class FrontierPlane(NamedTuple):
    """The axes of the frontier."""

    across: Scale
    x_span: Span
    upwards: Scale
    y_span: Span

    @classmethod
    def of(cls, places: Sequence[Place]) -> Self:
        """Axes that hold all places with their intervals, and 0."""
        across = scale_for(place.forget.effect for place in places)
        upwards = scale_for(place.retained.effect for place in places)
        x_ends = (end for place in places for end in _ends(place.forget))
        y_ends = (end for place in places for end in _ends(place.retained))
        return cls(across, around_zero(across, x_ends, 0.08), upwards, around_zero(upwards, y_ends, 0.08))

    def labels(self, places: Sequence[Place]) -> list[str]:
        """On which side of its marker each place's value stands, in plotly's words."""
        points = [
            Point(
                f"{place.value:g}",
                *(self.x_span.share(self.across.at(end)) for end in _ends(place.forget)),
                *(self.y_span.share(self.upwards.at(end)) for end in _ends(place.retained)),
            )
            for place in places
        ]
        return place_labels(points)


def sweep(places: Sequence[Place]) -> Chart:
    """The frontier: one line for each setting that was swept, its values beside their markers."""
    plane = FrontierPlane.of(places)
    across, upwards = plane.across, plane.upwards
    by_series: dict[str, list[tuple[Place, str]]] = {}
    for place, position in zip(places, plane.labels(places), strict=True):
        by_series.setdefault(place.series, []).append((place, position))
    figure = go.Figure()
    for number, of in enumerate(by_series.values()):
        figure.add_trace(_settings(number, [p for p, _ in of], [at for _, at in of], across, upwards))
    forget, retained = places[0].forget.risk, places[0].retained.risk
    figure.update_xaxes(title=f"G-effect on {html.escape(forget)} ({EFFECT_UNIT})", **axis(across, plane.x_span))
    figure.update_yaxes(title=f"G-effect on {html.escape(retained)} ({EFFECT_UNIT})", **axis(upwards, plane.y_span))
    finish(figure, 440, {"l": 72, "r": 16, "t": 12, "b": 52})
    label = f"Settings by their G-effects on {forget} (across) and {retained} (upwards), in {EFFECT_UNIT}"
    return Chart("; ".join(by_series), figure, label, sentence(scales_told(across, upwards)))


def _ends(row: SweepRow) -> tuple[float, float, float]:
    return row.effect, row.low, row.high


def _settings(
    number: int, places: Sequence[Place], positions: Sequence[str], across: Scale, upwards: Scale
) -> go.Scatter:
    """The values of one setting; those that another place outdoes are drawn open."""
    color, symbol = PALETTE[number % len(PALETTE)], sign_of(number)[0]
    return go.Scatter(
        x=[across.at(place.forget.effect) for place in places],
        y=[upwards.at(place.retained.effect) for place in places],
        error_x=_bars([place.forget for place in places], across),
        error_y=_bars([place.retained for place in places], upwards),
        mode="lines+markers+text",
        line={"color": faded(color, 0.45), "width": 1.2},
        marker={
            "symbol": [symbol + ("-open" if place.dominated else "") for place in places],
            "size": 10,
            "color": color,
            "line": {"width": 1.6, "color": color},
        },
        text=[f"{place.value:g}" for place in places],
        textposition=list(positions),
        cliponaxis=False,
        customdata=[
            f"{html.escape(place.series)} {place.value:g}<br>{html.escape(place.forget.risk)} "
            f"{significant(place.forget.effect)}<br>{html.escape(place.retained.risk)} "
            f"{significant(place.retained.effect)}"
            for place in places
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _bars(rows: Sequence[SweepRow], scale: Scale) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [scale.at(row.high) - scale.at(row.effect) for row in rows],
        "arrayminus": [scale.at(row.effect) - scale.at(row.low) for row in rows],
        "width": 0,
        "thickness": 1.2,
    }
