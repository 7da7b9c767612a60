"""Limit requests and cost, counted before they are spent."""

from __future__ import annotations

import threading

from unlearnkit.core.errors import UnlearnError


class BudgetExhausted(UnlearnError):
    """The budget does not cover another request (exit code 1).

    Received answers are kept.
    """


class Budget:
    """Count requests and their cost, and refuse those over the limit.

    Safe to use from several threads. The maximum cost of a request is reserved before it is sent, and its actual cost
    is recorded after it.
    """

    def __init__(self, *, max_requests: int | None = None, max_cost: float | None = None) -> None:
        self._max_requests, self._max_cost = max_requests, max_cost
        self._changed = threading.Condition()
        self._requests, self._cost, self._aside = 0, 0.0, 0.0

    def begin(self, worst: float) -> None:
        """Reserve the maximum cost of a request.

        Waits while requests in flight may free enough.

        Raises:
            BudgetExhausted: the budget does not cover the request.
        """
        with self._changed:
            if self._max_requests is not None and self._requests >= self._max_requests:
                raise BudgetExhausted(
                    "the requests allowed by the budget are used up",
                    where="--max-requests",
                    value=self._max_requests,
                    fix="run the command again with a larger budget: it continues, and received answers are kept",
                )
            while self._over(worst) and self._aside:
                self._changed.wait()
            if self._over(worst):
                raise BudgetExhausted(
                    f"the next request may cost {worst:.4g}, and {self._cost:.4g} is spent",
                    where="--max-cost",
                    value=self._max_cost,
                    fix="run the command again with a larger budget: it continues, and received answers are kept; or "
                    "lower sampling.max_tokens",
                )
            self._requests += 1
            self._aside += worst

    def end(self, worst: float, cost: float) -> None:
        """Record the actual cost of a request for which `worst` was reserved."""
        with self._changed:
            # Rounding may leave a tiny sum, and a waiting thread must see that nothing is reserved.
            self._aside = 0.0 if self._aside - worst < 1e-12 else self._aside - worst
            self._cost += cost
            self._changed.notify_all()

    def _over(self, worst: float) -> bool:
        return self._max_cost is not None and self._cost + self._aside + worst > self._max_cost
