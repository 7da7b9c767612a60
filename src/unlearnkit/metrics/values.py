"""What every formula over per-item values asks of them: that there are some, and that they are numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unlearnkit.core.errors import InputError

LARGEST_EXPONENT = 700.0
"""Beyond it e^x is taken for infinite; a little before floats end (709.8), so that such values can still be added."""


def checked(values: Sequence[float], where: str, *, infinite: bool = False) -> list[float]:
    """`values` as a list of floats, or InputError if there is none, or one is NaN or (unless allowed) infinite."""
    numbers = [float(value) for value in values]
    if not numbers:
        raise InputError("There are no values to score.", where=where, allowed="at least one", fix="leave the item out")
    for at, number in enumerate(numbers):
        if math.isnan(number) or (math.isinf(number) and not infinite):
            raise InputError(
                "A value is not a number that can be scored.",
                where=f"{where}, entry {at}",
                value=number,
                allowed="no NaN" if infinite else "finite numbers",
                fix="look for the cause where the value was measured",
            )
    return numbers


def same_length(lists: dict[str, Sequence[float]], where: str) -> None:
    """InputError unless all lists, by their names, have one entry for each token or item."""
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(
            "Lists that belong together have different lengths.",
            where=where,
            value=lengths,
            allowed="the same length",
            fix="measure them in one pass over the same tokens",
        )


def exp(exponent: float) -> float:
    """e^exponent; infinite, not an error, where it is too large to write down."""
    return math.exp(exponent) if exponent <= LARGEST_EXPONENT else math.inf
