"""Accept keyword arguments under the names of an earlier version."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from unlearnkit.core.settings import RenamedWarning

P = ParamSpec("P")
T = TypeVar("T")


def renamed_arguments(**renamed: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that makes a function accept earlier argument names.

    The decorated function issues a `RenamedWarning` if a keyword argument has an earlier name.

    Args:
        renamed: maps the earlier name of each renamed argument to its current name.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **given: P.kwargs) -> T:
            for old, new in renamed.items():
                if old in given and new not in given:
                    message = f"the argument {old!r} is now called {new!r}; the old name will stop working"
                    warnings.warn(message, RenamedWarning, stacklevel=2)
                    given[new] = given.pop(old)
            return function(*args, **given)

        return call

    return decorate
