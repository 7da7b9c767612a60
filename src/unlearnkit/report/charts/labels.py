"""Place the labels of a scatter plot.

The aim is that no label covers another label or a marker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Approximate sizes in pixels. The first line has the width and height of the plot. The second has the width of a
# letter, the height of a line of text, the gap between label and marker, half the size of a marker, and half the
# thickness of an error bar.
_WIDTH, _HEIGHT = 700.0, 400.0
_LETTER, _LINE, _GAP, _MARKER, _BAR = 7.0, 15.0, 7.0, 8.0, 3.0

_POSITIONS = {
    "bottom right": (1, -1),
    "top right": (1, 1),
    "bottom left": (-1, -1),
    "top left": (-1, 1),
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "bottom center": (0, -1),
    "top center": (0, 1),
}
"""Plotly's text positions, each with its direction (right, up), in order of preference."""


class Point(NamedTuple):
    """A labeled point in the unit square, with its error bars."""

    text: str
    x: float
    left: float
    right: float
    y: float
    bottom: float
    top: float


class _Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float


_PLOT = _Box(-0.04 * _WIDTH, -0.04 * _HEIGHT, 1.04 * _WIDTH, 1.07 * _HEIGHT)


def place_labels(points: Sequence[Point]) -> list[str]:
    """Return the position of the label of every point.

    The algorithm is greedy. Each label in turn gets the position where it covers the smallest area of markers, error
    bars and earlier labels.
    """
    taken = [box for point in points for box in _drawn(point)]
    positions = []
    for point in points:
        boxes = {position: _label(point, *side) for position, side in _POSITIONS.items()}
        best = min(boxes, key=lambda position: _cost(boxes[position], taken))
        positions.append(best)
        taken.append(boxes[best])
    return positions


def _drawn(point: Point) -> tuple[_Box, _Box, _Box]:
    """Return the boxes of a point's marker and two error bars."""
    x, y = point.x * _WIDTH, point.y * _HEIGHT
    return (
        _Box(x - _MARKER, y - _MARKER, x + _MARKER, y + _MARKER),
        _Box(point.left * _WIDTH, y - _BAR, point.right * _WIDTH, y + _BAR),
        _Box(x - _BAR, point.bottom * _HEIGHT, x + _BAR, point.top * _HEIGHT),
    )


def _label(point: Point, right: int, up: int) -> _Box:
    width = len(point.text) * _LETTER
    x, y = point.x * _WIDTH + right * (_GAP + width / 2), point.y * _HEIGHT + up * (_GAP + _LINE / 2)
    return _Box(x - width / 2, y - _LINE / 2, x + width / 2, y + _LINE / 2)


def _cost(box: _Box, taken: Sequence[_Box]) -> float:
    """Return the cost of placing a label in this box.

    The result is the area of the box outside the plot, plus the areas of its overlaps with the boxes in `taken`.
    """
    outside = (box.right - box.left) * (box.top - box.bottom) - _shared(box, _PLOT)
    return sum(_shared(box, other) for other in taken) + outside


def _shared(a: _Box, b: _Box) -> float:
    """Return the area of the intersection of two boxes."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.top, b.top) - max(a.bottom, b.bottom)
    return max(width, 0.0) * max(height, 0.0)
