"""Draw the report's charts with plotly.

The charts do not define the colors of text and grid lines. The report's page sets these colors from its CSS variables,
in light mode and in dark mode.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearnkit.core.number_format import interval, number
from unlearnkit.data.vocabulary import RETRAINED, is_forget, ordered_sets, stays
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_names import ScoreName
from unlearnkit.report.charts.labels import Point, place_labels
from unlearnkit.report.charts.style import NEUTRAL, PALETTE, Style, styles
from unlearnkit.report.headline import headline
from unlearnkit.report.model import Report, SubjectReport

BAND = "rgba(127,137,150,0.09)"
_CORNERS = (
    (0.0, 1.08, "◤ forgets and keeps the rest: ideal", "left"),
    (1.0, 1.08, "still knows everything ◥", "right"),
    (1.0, 0.02, "knows only what it should not ◢", "right"),
)
_CORNER = {"xref": "x domain", "yref": "y domain", "showarrow": False, "opacity": 0.6, "font": {"size": 12}}
_DOTTED = {"line": {"color": NEUTRAL, "dash": "dot", "width": 1}, "layer": "below"}
_UNIT_AXIS = {"range": [-0.04, 1.04], "tickvals": [0, 0.25, 0.5, 0.75, 1], "zeroline": False}
_DOT_METRICS = ("refusal_rate", "coherence")
_POINTS = 400
"""Maximum number of points per line. With more points, the file would be larger, but the line would look the same."""


def mean_of(scores: Iterable[Score]) -> Score | None:
    """Return the unweighted mean of scores over row sets.

    Returns None if no score is a finite number. The lower end of the mean's interval is the mean of the scores' lower
    ends; the upper end is the mean of their upper ends. This treats the errors of the scores as fully correlated, so
    the interval may be too wide, but not too narrow.
    """
    measured = [s for s in scores if s.value is not None and math.isfinite(s.value)]
    if not measured:
        return None

    def mean(ends: Sequence[float | None]) -> float | None:
        known = [end for end in ends if end is not None]
        return sum(known) / len(known) if len(known) == len(measured) else None

    return Score(
        value=mean([s.value for s in measured]),
        count=sum(s.count for s in measured),
        low=mean([s.low for s in measured]),
        high=mean([s.high for s in measured]),
    )


def plane(report: Report) -> go.Figure | None:
    """Draw the plane chart: forgetting against utility, with one marker per subject.

    Returns None if no subject has a score on both axes.
    """
    look, first = styles(report.subjects), headline((s.scores for s in report.subjects), report.docs)

    def mean_over(subject: SubjectReport, is_wanted: Callable[[str], bool]) -> Score | None:
        scores = report.docs.on_board(subject.scores)
        return mean_of(s for name, s in scores.items() if name.metric == first.metric and is_wanted(name.split))

    places = [(s, x, y) for s in report.subjects if (x := mean_over(s, is_forget)) and (y := mean_over(s, stays))]
    if not places:
        return None
    points = [Point(s.title, *_ends(x), *_ends(y)) for s, x, y in places]
    figure = go.Figure()
    for (subject, x, y), position in zip(places, place_labels(points), strict=True):
        title = html.escape(subject.title)
        figure.add_trace(
            go.Scatter(
                x=[x.value],
                y=[y.value],
                error_x=_error_bars([x]),
                error_y=_error_bars([y]),
                mode="markers+text",
                marker=_marker(look[subject.name], 13),
                text=[title],
                textposition=position,
                cliponaxis=False,
                hovertemplate=f"{title}<br>forget sets: {_words(x)}<br>sets to keep: {_words(y)}<extra></extra>",
            )
        )
        if subject.name == RETRAINED:
            figure.add_vline(x=x.value, **_DOTTED)
            figure.add_hline(y=y.value, **_DOTTED)
    for x_at, y_at, words, side in _CORNERS:
        figure.add_annotation(x=x_at, y=y_at, text=words, xanchor=side, **_CORNER)
    figure.update_xaxes(title=f"{first.name} on the forget sets (mean)", **_UNIT_AXIS)
    figure.update_yaxes(title=f"{first.name} on the sets to keep (mean)", **_UNIT_AXIS)
    return finish(figure, 500, {"l": 64, "r": 16, "t": 40, "b": 56})


def probe_dots(report: Report) -> go.Figure | None:
    """Draw the headline metric, refusals and coherence by row set.

    Each metric has a column in the chart. Returns None if none of the metrics was measured.
    """
    look = styles(report.subjects)
    boards = {s.name: report.docs.on_board(s.scores) for s in report.subjects}
    names = {name for board in boards.values() for name in board}
    candidates = (headline((s.scores for s in report.subjects), report.docs).metric, *_DOT_METRICS)
    metrics = [m for m in candidates if any(n.metric == m for n in names)]
    splits = ordered_sets(n.split for n in names if n.metric in metrics)
    if not metrics:
        return None
    titles = [report.docs.metric(m).title for m in metrics]
    figure = make_subplots(cols=len(metrics), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=titles)
    step = 0.8 / max(len(report.subjects), 1)
    for column, metric in enumerate(metrics, 1):
        for place, subject in enumerate(report.subjects):
            at = [(i, s) for i, split in enumerate(splits) if (s := boards[subject.name].get(ScoreName(split, metric)))]
            figure.add_trace(
                go.Scatter(
                    x=[s.value for _, s in at],
                    y=[i - 0.4 + (place + 0.5) * step for i, _ in at],
                    error_x=_error_bars([s for _, s in at]),
                    mode="markers",
                    marker=_marker(look[subject.name], 7),
                    text=[f"{html.escape(subject.title)}, {html.escape(splits[i])}: {_words(s)}" for i, s in at],
                    hovertemplate="%{text}<extra></extra>",
                ),
                row=1,
                col=column,
            )
    for i in range(0, len(splits), 2):
        figure.add_hrect(y0=i - 0.5, y1=i + 0.5, fillcolor=BAND, line_width=0, layer="below", col="all")
    figure.update_xaxes(**_UNIT_AXIS)
    figure.update_yaxes(range=[len(splits) - 0.5, -0.5], showgrid=False, zeroline=False)
    figure.update_yaxes(tickvals=list(range(len(splits))), ticktext=[html.escape(s) for s in splits], col=1)
    height = 90 + len(splits) * max(34, 12 * len(report.subjects))
    return finish(figure, height, {"l": 140, "r": 12, "t": 36, "b": 32})


def term_curves(report: Report) -> list[go.Figure]:
    """Draw the loss terms over training steps, with one chart per subject.

    A subject without a training curve has no chart. Each chart has its own scale. A loss term has the same color in all
    charts.
    """
    colors = term_colors(report)
    return [_term_curve(subject, colors) for subject in report.subjects if subject.curve]


def _term_curve(subject: SubjectReport, colors: Mapping[str, str]) -> go.Figure:
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
    return finish(figure, 230, {"l": 48, "r": 8, "t": 8, "b": 40}, hovermode="x unified")


def term_colors(report: Report) -> dict[str, str]:
    """Return the color of every loss term. The total loss is gray."""
    terms = dict.fromkeys(name for s in report.subjects for point in s.curve for name in point.values)
    rest = [term for term in terms if term not in ("loss", "total")]
    return {term: PALETTE[rest.index(term) % len(PALETTE)] if term in rest else NEUTRAL for term in terms}


def _ends(score: Score) -> tuple[float, float, float]:
    """Return a score's value and the two ends of its interval.

    If an end is missing, the value is returned instead.
    """
    value = score.value or 0.0
    return value, value if score.low is None else score.low, value if score.high is None else score.high


def _error_bars(scores: Iterable[Score]) -> dict[str, object]:
    """Return error bars from each value to the ends of its interval.

    If a score has no interval, its error bar has length 0.
    """
    ends = [_ends(score) for score in scores]
    above, below = [max(high - at, 0.0) for at, _, high in ends], [max(at - low, 0.0) for at, low, _ in ends]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "width": 0, "thickness": 1.4}


def _marker(style: Style, size: int) -> dict[str, object]:
    return {"symbol": style.symbol, "color": style.color, "size": size, "line": {"width": 1.6, "color": style.color}}


def _words(score: Score) -> str:
    span = interval(score.low, score.high)
    return number(score.value or 0.0) + (f" ({span})" if span else "") + f", n = {score.count}"


def _thin(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Thin out the points of a line.

    The result contains at most `_POINTS` evenly spaced points, and the last point.
    """
    stride = -(-len(points) // _POINTS)
    return points[::stride] + (points[-1:] if (len(points) - 1) % stride else [])


def finish(figure: go.Figure, height: int, margin: dict[str, int], **layout: object) -> go.Figure:
    """Set a figure's size and margins, and make its background transparent.

    The figure has no legend, because the report's page contains the legend.
    """
    return figure.update_layout(
        template="none",
        height=height,
        margin=margin,
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        **layout,
    )
