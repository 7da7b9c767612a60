"""Axes and scales of color for effects, which are signed and span decades."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from unlearnkit.report.charts.style import HEAVY, LIGHT, PALETTE
from unlearnkit.report.charts.symlog import Scale


class Chart(NamedTuple):
    """A figure, what stands over and under it, and what it is called for who cannot see it."""

    title: str
    figure: go.Figure
    label: str
    caption: str = ""


class Span(NamedTuple):
    """The ends of an axis, as drawn."""

    low: float
    high: float

    def share(self, at: float) -> float:
        """Where a place lies between the ends: 0 at the lower one, 1 at the upper one."""
        return (at - self.low) / (self.high - self.low)


def around_zero(scale: Scale, values: Iterable[float], least: float = 0.42) -> Span:
    """Ends that hold the values, and 0 with some room on both sides of it: `least` of the longer side."""
    drawn = [scale.at(v) for v in values]
    longer = max(map(abs, drawn), default=0.0) or 1.0
    low, high = min(-least * longer, *drawn), max(least * longer, *drawn)
    room = 0.05 * (high - low)
    return Span(low - room, high + room)


def axis(scale: Scale, span: Span) -> dict[str, object]:
    """An axis between two ends: ticks at powers of ten on a symmetric-log scale, plotly's own on a linear one.

    The line at 0 is a bold one, which the page gives a color of its own: 0 parts what helps from what harms.
    """
    common: dict[str, object] = {"range": list(span), "zerolinewidth": 1.5, "exponentformat": "power"}
    if scale.unit is None:
        return {**common, "nticks": 6}
    return {**common, **_ticks(scale, *span)}


def _ticks(scale: Scale, low: float, high: float, count: int = 4) -> dict[str, object]:
    ticks = scale.ticks(low, high, count)
    return {"tickvals": [tick.at for tick in ticks], "ticktext": [tick.text for tick in ticks]}


def signed_colors(scale: Scale, reach: float, ends: tuple[str, str], title: str) -> dict[str, object]:
    """A scale of color from one end to the other by way of the page's own color at 0. `reach` is as drawn."""
    bar: dict[str, object] = {"title": {"text": title, "font": {"size": 12}}, "thickness": 12, "outlinewidth": 0}
    bar |= {"nticks": 7, "exponentformat": "power"} if scale.unit is None else _ticks(scale, -reach, reach, 3)
    below, above = ends
    stops = [[0, below], [0.5, faded(below, 0)], [0.5, faded(above, 0)], [1, above]]
    return {"colorscale": stops, "cmin": -reach, "cmax": reach, "colorbar": bar}


def weight_colors(weights: Sequence[float]) -> dict[str, object]:
    """A scale of color from 0 to ascent's weight of 1, or as far as the weights go."""
    low, high = min(0.0, *weights), max(1.0, *weights)
    bar = {"title": {"text": "weight<br>(ascent: 1)", "font": {"size": 12}}, "thickness": 12, "outlinewidth": 0}
    stops = [[0, LIGHT], [1, HEAVY]]
    if low < 0:  # a weight below 0 raises the instance's probability
        stops = [[0, PALETTE[3]], [-low / (high - low), LIGHT], [1, HEAVY]]
    return {"colorscale": stops, "cmin": low, "cmax": high, "colorbar": {**bar, "nticks": 6}}


def faded(color: str, alpha: float) -> str:
    """A color (`#4a8ff0`) that lets through what lies beneath."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def scales_told(across: Scale, upwards: Scale) -> str:
    """Which axes of a plane are not linear; empty where both are."""
    if across.told and across == upwards:
        return f"both axes: {across.told}"
    told = [f"{name}: {scale.told}" for name, scale in (("across", across), ("upwards", upwards)) if scale.told]
    return "; ".join(told)


def sentence(words: str) -> str:
    """Words with a capital and a full stop; empty where there are none."""
    return f"{words[0].upper()}{words[1:]}." if words else ""
