"""Charts of G-effects over steps and by groups, as plotly figures without colors of their own for text and grid."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearnkit.gradient_effect.effect_series import Course
from unlearnkit.gradient_effect.table import EffectRow
from unlearnkit.report.charts.board_charts import finish
from unlearnkit.report.charts.style import FALLS, NEUTRAL, RISES, RiskStyle
from unlearnkit.report.charts.symlog import Scale, scale_for
from unlearnkit.report.gradient_effect.axes import Chart, around_zero, axis, faded, sentence, signed_colors
from unlearnkit.report.gradient_effect.panels import EFFECT_UNIT, GroupMap, Panel, in_words

_BAND = 0.16
"""How much of a line's color its interval has."""


def over_steps(course: Course, look: Mapping[str, RiskStyle]) -> Chart:
    """One line a risk with its interval as a band; one bar a risk where a single step was measured."""
    rows = {risk: course.over_steps(risk) for risk in course.risks}
    scale = scale_for(row.effect for of in rows.values() for row in of)
    figure = go.Figure()
    single = len(course.steps) == 1
    for risk, of in rows.items():
        if single:
            _bar(figure, of[0], look[risk], scale)
        elif of:
            _line(figure, risk, of, look[risk], scale)
    ends = (end for of in rows.values() for row in of for end in (row.effect, row.low, row.high))
    along = axis(scale, around_zero(scale, ends, least=0.05))
    height = 90 + 34 * len(rows) if single else 300
    finish(figure, height, {"l": 64, "r": 12, "t": 8, "b": 44}, hovermode="closest" if single else "x unified")
    title = f"G-effect ({EFFECT_UNIT})"
    if single:
        figure.update_xaxes(title=title, **along)
        figure.update_yaxes(showgrid=False, zeroline=False, autorange="reversed", automargin=True)
    else:
        figure.update_xaxes(title="optimizer steps done", showgrid=False, zeroline=False, nticks=6)
        figure.update_yaxes(title=title, **along)
    span = f"at step {course.steps[0]}" if single else f"over steps {course.steps[0]} to {course.steps[-1]}"
    label = f"G-effects of {course.objective} on {', '.join(course.risks)} {span}, in {EFFECT_UNIT}"
    return Chart(course.objective, figure, label, sentence(scale.told))


def _line(figure: go.Figure, risk: str, rows: Sequence[EffectRow], look: RiskStyle, scale: Scale) -> None:
    steps = [row.step for row in rows]
    ends = [scale.at(row.high) for row in rows] + [scale.at(row.low) for row in reversed(rows)]
    figure.add_trace(
        go.Scatter(
            x=[*steps, *reversed(steps)],
            y=ends,
            fill="toself",
            fillcolor=faded(look.color, _BAND),
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=steps,
            y=[scale.at(row.effect) for row in rows],
            mode="lines+markers",
            line={"color": look.color, "width": 1.8, "dash": look.dash},
            marker={"symbol": look.symbol, "size": 6, "color": look.color},
            text=[in_words(row) for row in rows],
            name=html.escape(risk),
            hovertemplate="%{text}",
        )
    )


def _bar(figure: go.Figure, row: EffectRow, look: RiskStyle, scale: Scale) -> None:
    at = scale.at(row.effect)
    figure.add_trace(
        go.Bar(
            y=[html.escape(row.risk)],
            x=[at],
            orientation="h",
            width=0.6,
            marker={"color": look.color},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [scale.at(row.high) - at],
                "arrayminus": [at - scale.at(row.low)],
                "thickness": 1.4,
                "width": 4,
                "color": NEUTRAL,
            },
            text=[in_words(row)],
            textposition="none",
            hovertemplate=f"{html.escape(row.risk)}<br>%{{text}}<extra></extra>",
        )
    )


def by_group(found: GroupMap) -> Chart:
    """A heat map for each panel, groups upwards from the embedding to the head, with one scale of color centered at 0.

    At 0 the color is the page's own.
    """
    scale = scale_for(found.effects)
    reach = max((abs(scale.at(e)) for e in found.effects), default=0.0) or 1.0
    figure = make_subplots(
        cols=len(found.panels),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[html.escape(panel.title) for panel in found.panels],
    )
    for column, panel in enumerate(found.panels, 1):
        figure.add_trace(_heat(found, panel, scale), row=1, col=column)
    across = "risk" if found.across == "risk" else "optimizer steps done"
    plain = {"type": "category", "showgrid": False, "zeroline": False, "ticks": ""}
    figure.update_xaxes(title=across, **plain)
    figure.update_yaxes(automargin=True, ticklabelstandoff=6, **plain)
    figure.update_annotations(font={"size": 13})
    finish(figure, 120 + max(20 * len(found.groups), 120), {"l": 90, "r": 16, "t": 32, "b": 44})
    figure.update_layout(coloraxis=signed_colors(scale, reach, (RISES, FALLS), f"G-effect<br>({EFFECT_UNIT})"))
    panels = " and ".join(panel.title for panel in found.panels)
    label = f"Heat map of the G-effects of {found.objective} by groups of weights: {panels}; in {EFFECT_UNIT}"
    return Chart(found.objective, figure, label, sentence(scale.told))


def _heat(found: GroupMap, panel: Panel, scale: Scale) -> go.Heatmap:
    columns, groups = ([html.escape(name) for name in names] for names in (panel.columns, found.groups))
    return go.Heatmap(
        x=columns,
        y=groups,
        z=[[None if cell is None else scale.at(cell.effect) for cell in row] for row in panel.cells],
        text=[
            [
                f"{group}, {found.across} {column}<br>{'not measured' if cell is None else in_words(cell)}"
                for column, cell in zip(columns, row, strict=True)
            ]
            for group, row in zip(groups, panel.cells, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
        coloraxis="coloraxis",
        xgap=1,
        ygap=1,
    )
