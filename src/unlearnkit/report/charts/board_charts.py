"""The report's charts, as plotly figures without colors of their own for text and grid.

The page sets those from its CSS variables, once for light and once for dark, so a figure here only says what is drawn.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearnkit.core.number_format import interval, number
from unlearnkit.data.vocabulary import RETRAINED, is_forget, ordered_sets, stays
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.score_names import ScoreName
from unlearnkit.report.charts.labels import Point, place_labels
from unlearnkit.report.charts.style import NEUTRAL, PALETTE, Style, styles
from unlearnkit.report.headline import Headline, headline
from unlearnkit.report.model import Report, SubjectReport

BAND = "rgba(127,137,150,0.09)"
_CORNER = {"xref": "x domain", "yref": "y domain", "showarrow": False, "opacity": 0.6, "font": {"size": 12}}
_DOT_METRICS = ("refusal_rate", "coherence")
_POINTS = 400
"""More points than this on one line cannot be told apart and only make the file larger."""


class Curve(NamedTuple):
    """The term curves of one method."""

    subject: SubjectReport
    figure: go.Figure


def mean_of(scores: Sequence[Score]) -> Score | None:
    """The mean of scores over row sets, every set counting the same; None where there is none.

    Its interval is the mean of the sets' ends, as if they erred together: rather too wide than too narrow.
    """
    known = [s for s in scores if s.value is not None and math.isfinite(s.value)]
    if not known:
        return None
    values = [s.value for s in known if s.value is not None]
    lows = [s.low for s in known if s.low is not None]
    highs = [s.high for s in known if s.high is not None]
    whole = len(lows) == len(highs) == len(known)
    return Score(
        value=sum(values) / len(known),
        count=sum(s.count for s in known),
        low=sum(lows) / len(lows) if whole else None,
        high=sum(highs) / len(highs) if whole else None,
    )


def plane(report: Report) -> go.Figure | None:
    """Forgetting against utility: one marker a subject; None where no subject was measured on both axes."""
    look, told = styles(report.subjects), headline((s.scores for s in report.subjects), report.docs)
    places = [
        (s, x, y)
        for s in report.subjects
        if (x := _mean_over(s, report.docs, told, is_forget)) and (y := _mean_over(s, report.docs, told, stays))
    ]
    if not places:
        return None
    points = [Point(s.title, *_reach(x), *_reach(y)) for s, x, y in places]
    figure = go.Figure()
    for (subject, x, y), position in zip(places, place_labels(points), strict=True):
        figure.add_trace(
            go.Scatter(
                x=[x.value],
                y=[y.value],
                error_x=_bar([x]),
                error_y=_bar([y]),
                mode="markers+text",
                marker=_marker(look[subject.name], 13),
                text=[html.escape(subject.title)],
                textposition=position,
                cliponaxis=False,
                hovertemplate=f"{html.escape(subject.title)}<br>to forget: {_words(x)}<br>to stay: {_words(y)}"
                "<extra></extra>",
            )
        )
        if subject.name == RETRAINED:
            figure.add_vline(x=x.value, line={"color": NEUTRAL, "dash": "dot", "width": 1}, layer="below")
            figure.add_hline(y=y.value, line={"color": NEUTRAL, "dash": "dot", "width": 1}, layer="below")
    corners = (
        (0.0, 1.08, "◤ forgets and keeps the rest: ideal", "left"),
        (1.0, 1.08, "knows everything still ◥", "right"),
        (1.0, 0.02, "knows only what it should not ◢", "right"),
    )
    for x_at, y_at, words, side in corners:
        figure.add_annotation(x=x_at, y=y_at, text=words, xanchor=side, **_CORNER)
    figure.update_xaxes(title=f"{told.name} on what must be forgotten (mean over its sets)", **_unit_axis())
    figure.update_yaxes(title=f"{told.name} on what must stay (mean)", **_unit_axis())
    return finish(figure, 500, {"l": 64, "r": 16, "t": 40, "b": 56})


def probe_dots(report: Report) -> go.Figure | None:
    """Headline metric, refusal and coherence on every row set, side by side; None where none of them was measured."""
    boards = {s.name: report.docs.on_board(s.scores) for s in report.subjects}
    names = {name for board in boards.values() for name in board}
    candidates = (headline((s.scores for s in report.subjects), report.docs).metric, *_DOT_METRICS)
    metrics = [m for m in candidates if any(n.metric == m for n in names)]
    splits = ordered_sets(n.split for n in names if n.metric in metrics)
    if not metrics:
        return None
    look = styles(report.subjects)
    figure = make_subplots(
        cols=len(metrics),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[report.docs.metric(m).title for m in metrics],
    )
    step = 0.8 / max(len(report.subjects), 1)
    for column, metric in enumerate(metrics, 1):
        for place, subject in enumerate(report.subjects):
            board = boards[subject.name]
            found = [(i, s) for i, split in enumerate(splits) if (s := board.get(ScoreName(split, metric)))]
            figure.add_trace(
                go.Scatter(
                    x=[s.value for _, s in found],
                    y=[i - 0.4 + (place + 0.5) * step for i, _ in found],
                    error_x=_bar([s for _, s in found]),
                    mode="markers",
                    marker=_marker(look[subject.name], 7),
                    text=[f"{html.escape(subject.title)}, {html.escape(splits[i])}: {_words(s)}" for i, s in found],
                    hovertemplate="%{text}<extra></extra>",
                ),
                row=1,
                col=column,
            )
    for i in range(0, len(splits), 2):
        figure.add_hrect(y0=i - 0.5, y1=i + 0.5, fillcolor=BAND, line_width=0, layer="below", col="all")
    figure.update_xaxes(**_unit_axis())
    figure.update_yaxes(range=[len(splits) - 0.5, -0.5], showgrid=False, zeroline=False)
    figure.update_yaxes(tickvals=list(range(len(splits))), ticktext=[html.escape(s) for s in splits], col=1)
    height = 90 + len(splits) * max(34, 12 * len(report.subjects))
    return finish(figure, height, {"l": 140, "r": 12, "t": 36, "b": 32})


def term_curves(report: Report) -> tuple[Curve, ...]:
    """One small chart a method, each with a scale of its own; terms have the same color in every chart."""
    colors = term_colors(report)
    found = []
    for subject in report.subjects:
        if not subject.curve:
            continue
        figure = go.Figure()
        for term in dict.fromkeys(name for point in subject.curve for name in point.values):
            points = _thin([(p.step, p.values[term]) for p in subject.curve if term in p.values])
            figure.add_trace(
                go.Scatter(
                    x=[step for step, _ in points],
                    y=[value if math.isfinite(value) else None for _, value in points],
                    mode="lines" if len(points) > 1 else "markers",
                    line={"color": colors[term], "width": 1.8},
                    name=html.escape(term),
                    hovertemplate="step %{x}: %{y:.4g}",
                )
            )
        figure.update_xaxes(title="step", showgrid=False, zeroline=False, nticks=5)
        figure.update_yaxes(zeroline=True, nticks=5)
        found.append(Curve(subject, finish(figure, 230, {"l": 48, "r": 8, "t": 8, "b": 40}, hovermode="x unified")))
    return tuple(found)


def term_colors(report: Report) -> dict[str, str]:
    """The color of every term that has a curve; the total is gray."""
    terms = dict.fromkeys(name for s in report.subjects for point in s.curve for name in point.values)
    rest = [t for t in terms if t not in ("loss", "total")]
    colors = {term: PALETTE[i % len(PALETTE)] for i, term in enumerate(rest)}
    return {term: colors.get(term, NEUTRAL) for term in terms}


def plain(figure: go.Figure) -> dict[str, object]:
    """A figure as plotly.js reads it: data and layout."""
    spec: dict[str, object] = figure.to_plotly_json()
    return {"data": spec["data"], "layout": spec["layout"]}


def _mean_over(subject: SubjectReport, docs: ScoreDocs, told: Headline, wanted: Callable[[str], bool]) -> Score | None:
    """The subject's mean of the headline metric over the wanted sets."""
    return mean_of([s for n, s in docs.on_board(subject.scores).items() if n.metric == told.metric and wanted(n.split)])


def _reach(score: Score) -> tuple[float, float, float]:
    """The value and the ends of its interval, the value itself where there is no interval."""
    value = score.value or 0.0
    return value, value if score.low is None else score.low, value if score.high is None else score.high


def _bar(scores: Sequence[Score]) -> dict[str, object]:
    """Error bars from the value to the ends of each interval; of no length where there is none."""
    above = [0.0 if s.high is None or s.value is None else max(s.high - s.value, 0.0) for s in scores]
    below = [0.0 if s.low is None or s.value is None else max(s.value - s.low, 0.0) for s in scores]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "width": 0, "thickness": 1.4}


def _marker(style: Style, size: int) -> dict[str, object]:
    return {"symbol": style.symbol, "color": style.color, "size": size, "line": {"width": 1.6, "color": style.color}}


def _words(score: Score) -> str:
    span = interval(score.low, score.high)
    return number(score.value or 0.0) + (f" ({span})" if span else "") + f", n = {score.count}"


def _thin(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most about `_POINTS` points at even spacing, the last one always among them."""
    stride = -(-len(points) // _POINTS)
    kept = points[::stride] if stride > 1 else points
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]


def _unit_axis() -> dict[str, object]:
    return {"range": [-0.04, 1.04], "tickvals": [0, 0.25, 0.5, 0.75, 1], "zeroline": False}


def finish(figure: go.Figure, height: int, margin: dict[str, int], **layout: object) -> go.Figure:
    """A figure on the page's own ground, without a legend: the page has that."""
    return figure.update_layout(
        template="none",
        height=height,
        margin=margin,
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        **layout,
    )
