"""How numbers are written for a person, the same way everywhere."""

from __future__ import annotations

import math

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


def written(flat: str, value: float) -> str:
    """A score in the form that its name asks for: a p-value, a change in per cent, or a plain number."""
    metric = flat.rpartition(".")[2]
    if metric.startswith("forget_quality"):
        return p_value(value)
    if metric.startswith("privleak") and math.isfinite(value):
        change = round(value, 1)
        return f"{change:+,.1f}{_THIN}%" if change else f"0.0{_THIN}%"
    return number(value)


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


def cost(flat: str, value: float) -> str:
    """A cost with its unit, taken from the end of its name."""
    if flat.endswith("seconds"):
        return duration(value)
    if flat.endswith("_mb"):
        return f"{value:,.0f}{_THIN}MB"
    return number(value)


def duration(seconds: float) -> str:
    """`8.4 s`, `2 min 05 s`, `1 h 20 min`."""
    if not math.isfinite(seconds) or seconds < 60:
        return f"{seconds:.1f}{_THIN}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{_THIN}min {rest:02d}{_THIN}s"
    return f"{minutes // 60}{_THIN}h {minutes % 60:02d}{_THIN}min"
