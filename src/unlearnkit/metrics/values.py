"""Check the values from which scores are computed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unlearnkit.core.errors import InputError

LARGEST_EXPONENT = 700.0
"""Largest exponent for which `exp` returns a finite number.

This exponent is slightly below the limit for floats (709.8), so that sums of several results of `exp` are finite too.
"""


def checked(values: Sequence[float], where: str, *, infinite: bool = False) -> list[float]:
    """Check values, and return them as a list of floats.

    Args:
        values: the values to check.
        where: name of the values, for error messages.
        infinite: whether infinite values are allowed.

    Raises:
        InputError: `values` is empty, a value is NaN, or a value is infinite although `infinite` is false.
    """
    numbers = [float(value) for value in values]
    if not numbers:
        raise InputError(
            "there are no values to score", where=where, allowed="one or more", fix="leave out items without values"
        )
    for at, number in enumerate(numbers):
        if math.isnan(number) or (math.isinf(number) and not infinite):
            raise InputError(
                "a value is NaN or infinite, so no score can be computed",
                where=f"{where}, entry {at}",
                value=number,
                allowed="all numbers except NaN" if infinite else "finite numbers",
                fix="find out why the measurement produced this value",
            )
    return numbers


def same_length(lists: dict[str, Sequence[float]], where: str) -> None:
    """Check that all lists have the same length.

    Args:
        lists: lists by name; error messages contain the names.
        where: name of the score that is computed from the lists, for error messages.

    Raises:
        InputError: the lists differ in length.
    """
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(
            "lists with one entry per token differ in length",
            where=where,
            value=lengths,
            allowed="lists of the same length",
            fix="measure all lists in one pass over the same tokens",
        )


def exp(exponent: float) -> float:
    """Return e^exponent, or infinity if the exponent is too large."""
    return math.exp(exponent) if exponent <= LARGEST_EXPONENT else math.inf
