"""How numbers are written for a person, the same way everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

Format = Literal["number", "p-value", "percent change", "seconds", "MB"]
"""How a score is written."""

_THIN = "\u202f"  # narrow no-break space, between a number and its unit


def number(value: float) -> str:
    """Three decimals for what is of the order of one, three significant figures for the rest."""
    if not math.isfinite(value):
        return str(value)
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def significant(value: float) -> str:
    """Three significant figures whatever the size: `-0.0123`, `350`, `-1.75e5`. Effects span decades."""
    if not math.isfinite(value) or value == 0:
        return str(value) if value else "0"
    digits, _, power = f"{value:.2e}".partition("e")
    exponent = int(power)
    return f"{value:.{max(2 - exponent, 0)}f}" if -3 <= exponent < 4 else f"{digits}e{exponent}"


def p_value(value: float) -> str:
    """`0.052`, and `8.5e-19` where three decimals would show little or nothing."""
    if value >= 0.01 or not math.isfinite(value):
        return number(value)
    if value == 0:
        return "< 1e-307"  # what a float cannot hold; its logarithm says how small it is
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits}e{int(exponent)}"


def percent_change(value: float) -> str:
    """A change in percent with its sign: `+12.3 %`, `0.0 %`."""
    if not math.isfinite(value):
        return str(value)
    change = round(value, 1)
    return f"{change:+,.1f}{_THIN}%" if change else f"0.0{_THIN}%"


def interval(low: float | None, high: float | None) -> str:
    """Format an interval as `0.010–0.050`; an empty string if there is none."""
    return "" if low is None or high is None else f"{number(low)}–{number(high)}"


def percent(low: float, high: float | None = None) -> str:
    """A share in per cent, or a span of shares: `2.1 %`, `19 %`, `97.5–100 %`, `6–21 %`.

    A decimal stands only where every end is below a tenth or above nine tenths, where thresholds are.
    """
    ends = (low,) if high is None else (low, high)
    digits = 0 if any(0.1 <= end <= 0.9 for end in ends) else 1
    words = dict.fromkeys(f"{100 * end:.{digits}f}".removesuffix(".0") for end in ends)
    return f"{'–'.join(words)}{_THIN}%"


def megabytes(value: float) -> str:
    """`1,235 MB`."""
    return f"{value:,.0f}{_THIN}MB"


def duration(seconds: float) -> str:
    """`8.4 s`, `2 min 05 s`, `1 h 20 min`."""
    if not math.isfinite(seconds) or seconds < 60:
        return f"{seconds:.1f}{_THIN}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{_THIN}min {rest:02d}{_THIN}s"
    return f"{minutes // 60}{_THIN}h {minutes % 60:02d}{_THIN}min"


_FORMATS: dict[Format, Callable[[float], str]] = {
    "number": number,
    "p-value": p_value,
    "percent change": percent_change,
    "seconds": duration,
    "MB": megabytes,
}


def written(value: float, form: Format = "number") -> str:
    """A score in the format that its doc names."""
    return _FORMATS[form](value)
