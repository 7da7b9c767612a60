"""A scale for signed values of very different sizes: effects of ascent grow by decades while others stay near 0."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

_SPREAD = 50.0
"""Where the greatest magnitude is more than so many times a lower quartile, small values are lost on a linear scale."""
_DECADES = 4
"""How far below the greatest magnitude a scale still tells sizes apart, at most."""
_APART = 0.07
"""Ticks nearer to 0 than this share of the axis would write over its own."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Tick(NamedTuple):
    """Where a tick is drawn, and the value it stands for."""

    at: float
    value: float

    @property
    def text(self) -> str:
        """`0`, `−100`, and powers of ten for what would take more room."""
        sign, size = "−" if self.value < 0 else "", abs(self.value)
        if self.value == 0 or 1e-3 <= size < 1e4:
            return f"{sign}{size:g}"
        return f"{sign}10{str(round(math.log10(size))).translate(_RAISED)}"


class Scale(NamedTuple):
    """How values are drawn: as they are, or by sign(v) log10(1 + |v| / unit), which is linear near 0."""

    unit: float | None
    """Below it the scale is about linear; None: it is linear everywhere."""

    def at(self, value: float) -> float:
        """Where a value is drawn."""
        if self.unit is None:
            return value
        return math.copysign(math.log10(1 + abs(value) / self.unit), value)

    def ticks(self, low: float, high: float, count: int = 4) -> list[Tick]:
        """At 0 and at powers of ten between two places as drawn; at most `count` on either side, none if linear."""
        if self.unit is None:
            return []
        found = [Tick(0.0, 0.0)]
        for sign, end in ((-1.0, -low), (1.0, high)):
            powers = range(math.floor(math.log10(10**end - 1) + 1e-9) + 1) if end >= self.at(self.unit) else range(0)
            stride = -(-len(powers) // count) if powers else 1
            # The greatest power is always among them.
            chosen = [power for power in powers if (powers[-1] - power) % stride == 0]
            found += [Tick(self.at(v), v) for power in chosen if (v := sign * self.unit * 10.0**power)]
        return sorted(tick for tick in found if tick.value == 0 or abs(tick.at) >= _APART * (high - low))

    @property
    def told(self) -> str:
        """The scale in words; empty for a linear one."""
        return "" if self.unit is None else f"symmetric-log scale, linear within ±{self.unit:g}"


LINEAR = Scale(None)


def scale_for(values: Iterable[float]) -> Scale:
    """A linear scale, or a symmetric-log one where a linear one would show the greatest values alone."""
    sizes = sorted(abs(v) for v in values if v and math.isfinite(v))
    if not sizes or sizes[-1] <= _SPREAD * sizes[len(sizes) // 4]:
        return LINEAR
    # A tenth of the values may be smaller: what lies at 0 by chance must not stretch the scale.
    small, great = (math.floor(math.log10(size)) for size in (sizes[len(sizes) // 10], sizes[-1]))
    return Scale(10.0 ** max(small, great - _DECADES))
