"""A symmetric-log scale for signed values that span decades.

G-effects need this scale: under gradient ascent, some effects grow by several powers of ten while other effects stay
near 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

_SPREAD = 50.0
"""Threshold for the ratio of the largest magnitude to the lower quartile of all magnitudes. Up to this ratio, the scale
is linear. At a higher ratio, small values would be invisible on a linear scale, so the scale is symmetric-log."""
_DECADES = 4
"""Maximum number of decades in the logarithmic part of the scale, counted down from the largest magnitude."""
_APART = 0.07
"""Minimum distance of a tick from 0, as a share of the axis. Closer ticks are omitted, because their text would overlap
the text of the tick at 0."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Tick(NamedTuple):
    """A tick: its plotted position and its value."""

    at: float
    value: float

    @property
    def text(self) -> str:
        """Text of the tick: `0`, `−100`, or a power of ten."""
        sign, size = "−" if self.value < 0 else "", abs(self.value)
        if self.value == 0 or 1e-3 <= size < 1e4:
            return f"{sign}{size:g}"
        return f"{sign}10{str(round(math.log10(size))).translate(_RAISED)}"


class Scale(NamedTuple):
    """A linear or symmetric-log scale.

    The symmetric-log scale plots a value v at sign(v) log10(1 + |v| / unit), which is linear near 0.
    """

    unit: float | None
    """Magnitude below which the scale is roughly linear. It is None if the whole scale is linear."""

    def at(self, value: float) -> float:
        """Return the position at which a value is plotted."""
        if self.unit is None:
            return value
        return math.copysign(math.log10(1 + abs(value) / self.unit), value)

    def ticks(self, low: float, high: float, count: int = 4) -> list[Tick]:
        """Return ticks at 0 and at powers of ten.

        If the scale is linear, the result is empty.

        Args:
            low: lowest plotted position of a tick.
            high: highest plotted position of a tick.
            count: maximum number of ticks on either side of 0.
        """
        if self.unit is None:
            return []
        ticks = [Tick(0.0, 0.0)]
        for sign, end in ((-1.0, -low), (1.0, high)):
            powers = range(math.floor(math.log10(10**end - 1) + 1e-9) + 1) if end >= self.at(self.unit) else range(0)
            stride = max(1, -(-len(powers) // count))
            # The powers are taken in descending order, so that the largest power is always included.
            ticks += [Tick(self.at(v), v) for power in powers[::-stride] if (v := sign * self.unit * 10.0**power)]
        return sorted(tick for tick in ticks if tick.value == 0 or abs(tick.at) >= _APART * (high - low))

    @property
    def description(self) -> str:
        """Description of the scale, or an empty text for a linear scale."""
        return "" if self.unit is None else f"symmetric-log scale, linear within ±{self.unit:g}"


LINEAR = Scale(None)


def scale_for(values: Iterable[float]) -> Scale:
    """Return a suitable scale for these values.

    The scale is symmetric-log if a linear scale would show only the largest values.
    """
    sizes = sorted(abs(v) for v in values if v and math.isfinite(v))
    if not sizes or sizes[-1] <= _SPREAD * sizes[len(sizes) // 4]:
        return LINEAR
    # The lowest tenth of the magnitudes is ignored, so that values close to 0 by chance do not stretch the scale.
    small, great = (math.floor(math.log10(size)) for size in (sizes[len(sizes) // 10], sizes[-1]))
    return Scale(10.0 ** max(small, great - _DECADES))
