"""Format numbers consistently for all reports and messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

Format = Literal["number", "p-value", "percent change", "seconds", "MB"]
"""Name of the format in which a score is shown."""

_THIN = "\u202f"  # narrow no-break space, between a number and its unit


def number(value: float) -> str:
    """Format a number: `0.012`, `2.500`, `12.3`, `1,235`.

    The result has three decimals if the absolute value is below 10, one decimal if the absolute value is below 100, and
    no decimals otherwise.
    """
    if not math.isfinite(value):
        return str(value)
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def significant(value: float) -> str:
    """Format a number with three significant figures: `-0.0123`, `350`, `-1.75e5`.

    The report uses this format for G-effects (see `unlearnkit.gradient_effect`), because their values span many orders
    of magnitude.
    """
    if not math.isfinite(value) or value == 0:
        return str(value) if value else "0"
    digits, _, power = f"{value:.2e}".partition("e")
    exponent = int(power)
    return f"{value:.{max(2 - exponent, 0)}f}" if -3 <= exponent < 4 else f"{digits}e{exponent}"


def p_value(value: float) -> str:
    """Format a p-value: `0.052`, or `8.5e-19` for a value below 0.01."""
    if value >= 0.01 or not math.isfinite(value):
        return number(value)
    if value == 0:
        return "< 1e-307"  # the float underflowed; another score reports the logarithm
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits}e{int(exponent)}"


def counted(count: int, noun: str) -> str:
    """Write a count with its noun, such as `1 row` or `1,200 rows`.

    The plural of the noun must be formed with "s".
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent_change(value: float) -> str:
    """Format a change in percent with its sign: `+12.3 %`, `0.0 %`."""
    if not math.isfinite(value):
        return str(value)
    change = round(value, 1)
    return f"{change:+,.1f}{_THIN}%" if change else f"0.0{_THIN}%"


def interval(low: float | None, high: float | None) -> str:
    """Format an interval: `0.010–0.050`.

    The result is an empty string if either end is None.
    """
    return "" if low is None or high is None else f"{number(low)}–{number(high)}"


def percent(low: float, high: float | None = None) -> str:
    """Format a fraction, or a range of fractions, as a percentage.

    The arguments are from 0 to 1. Examples of the result are `2.1 %`, `19 %`, `97.5–100 %` and `6–21 %`. One decimal is
    shown if every percentage is below 10 % or above 90 %. Thresholds lie in these ranges, so the decimal may decide
    whether a threshold is met.
    """
    ends = (low,) if high is None else (low, high)
    digits = 0 if any(0.1 <= end <= 0.9 for end in ends) else 1
    parts = dict.fromkeys(f"{100 * end:.{digits}f}".removesuffix(".0") for end in ends)
    return f"{'–'.join(parts)}{_THIN}%"


def megabytes(value: float) -> str:
    """Format a size in megabytes: `1,235 MB`."""
    return f"{value:,.0f}{_THIN}MB"


def duration(seconds: float) -> str:
    """Format a duration: `8.4 s`, `2 min 05 s`, `1 h 20 min`."""
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
    """Format a score in the format that its `ScoreDoc` specifies."""
    return _FORMATS[form](value)
