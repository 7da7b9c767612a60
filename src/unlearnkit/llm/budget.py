"""Requests and money, counted before they are spent."""

from __future__ import annotations

import threading

from unlearnkit.core.errors import UnlearnError

MILLION = 1_000_000


class BudgetExhausted(UnlearnError):
    """The budget does not reach for another request (exit code 1). What was received is kept."""


class Budget:
    """Counts requests and their cost, from several threads at once, and lets none begin that might go over the limit.

    What a request may cost at most is set aside before it is sent, and what it did cost is noted after it.
    """

    def __init__(self, *, max_requests: int | None = None, max_cost: float | None = None) -> None:
        self._max_requests, self._max_cost = max_requests, max_cost
        self._changed = threading.Condition()
        self._requests, self._cost, self._aside = 0, 0.0, 0.0

    def begin(self, worst: float) -> None:
        """Set aside what a request may cost at most; wait while others may yet cost less than was set aside for them.

        Raises `BudgetExhausted` where the budget does not reach.
        """
        with self._changed:
            if self._max_requests is not None and self._requests >= self._max_requests:
                raise BudgetExhausted(
                    "the requests that the budget allows are used up",
                    where="--max-requests",
                    value=self._max_requests,
                    fix="call it again, with a larger budget: it goes on, and what was received is kept",
                )
            while self._over(worst) and self._aside:
                self._changed.wait()
            if self._over(worst):
                raise BudgetExhausted(
                    f"the next request may cost {worst:.4g}, and {self._cost:.4g} are spent",
                    where="--max-cost",
                    value=self._max_cost,
                    fix="call it again, with a larger budget: it goes on, and what was received is kept; or lower "
                    "sampling.max_tokens",
                )
            self._requests += 1
            self._aside += worst

    def end(self, worst: float, cost: float) -> None:
        """Note what a request did cost, for which `worst` was set aside."""
        with self._changed:
            # A sum of differences drifts from zero, and a waiting thread must see that nothing is set aside.
            self._aside = 0.0 if self._aside - worst < 1e-12 else self._aside - worst
            self._cost += cost
            self._changed.notify_all()

    def _over(self, worst: float) -> bool:
        return self._max_cost is not None and self._cost + self._aside + worst > self._max_cost
