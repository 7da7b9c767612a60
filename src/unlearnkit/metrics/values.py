"""Validate the per-item values that formulas take."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unlearnkit.core.errors import InputError

LARGEST_EXPONENT = 700.0
"""Larger exponents give infinity. The limit is a little below that of floats (709.8), so results can be added."""


def checked(values: Sequence[float], where: str, *, infinite: bool = False) -> list[float]:
    """Return `values` as a list of floats.

    Raises:
        InputError: there is no value, or one is NaN or, unless `infinite`, infinite.
    """
    numbers = [float(value) for value in values]
    if not numbers:
        raise InputError("there are no values to score", where=where, allowed="at least one", fix="leave the item out")
    for at, number in enumerate(numbers):
        if math.isnan(number) or (math.isinf(number) and not infinite):
            raise InputError(
                "a value is not a number that can be scored",
                where=f"{where}, entry {at}",
                value=number,
                allowed="no NaN" if infinite else "finite numbers",
                fix="find the cause where the value was measured",
            )
    return numbers


def same_length(lists: dict[str, Sequence[float]], where: str) -> None:
    """Raise `InputError` unless all lists, given by name, have the same length."""
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(
            "lists that belong together have different lengths",
            where=where,
            value=lengths,
            allowed="the same length",
            fix="measure them in one pass over the same tokens",
        )


def exp(exponent: float) -> float:
    """Return e^exponent, or infinity if it is too large."""
    return math.exp(exponent) if exponent <= LARGEST_EXPONENT else math.inf
