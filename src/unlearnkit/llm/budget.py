"""Limit the number of requests to a server, and their total cost."""

from __future__ import annotations

import threading

from unlearnkit.core.errors import UnlearnError


class BudgetExhausted(UnlearnError):
    """The budget does not allow another request (exit code 1).

    Answers received so far are kept.
    """


class Budget:
    """Counts requests and their cost, and refuses requests over the limit.

    The maximum cost of a request is reserved before the request is sent. After the request, the actual cost is
    recorded. A budget can be used from several threads.
    """

    def __init__(self, *, max_requests: int | None = None, max_cost: float | None = None) -> None:
        self._max_requests, self._max_cost = max_requests, max_cost
        self._changed = threading.Condition()
        self._requests, self._cost, self._aside = 0, 0.0, 0.0

    def begin(self, worst: float) -> None:
        """Reserve the maximum cost of a request.

        If the maximum cost exceeds the rest of the budget, this method waits while other requests are in flight. When
        one of these requests ends, its reservation is replaced by its actual cost. The rest of the budget may then be
        sufficient.

        Raises:
            BudgetExhausted: the budget does not allow the request.
        """
        with self._changed:
            if self._max_requests is not None and self._requests >= self._max_requests:
                raise BudgetExhausted(
                    "the limit on the number of requests is reached",
                    where="--max-requests",
                    value=self._max_requests,
                    fix="run the command again with a larger limit; it continues from the answers received so far",
                )
            while self._over(worst) and self._aside:
                self._changed.wait()
            if self._over(worst):
                raise BudgetExhausted(
                    f"the next request may cost up to {worst:.4g}, and {self._cost:.4g} is already spent: "
                    "the total may exceed the cost limit",
                    where="--max-cost",
                    value=self._max_cost,
                    fix="run the command again with a larger limit (it continues from the answers received so far), or "
                    "lower sampling.max_tokens",
                )
            self._requests += 1
            self._aside += worst

    def end(self, worst: float, cost: float) -> None:
        """Replace a request's reservation (`worst`) with the actual cost."""
        with self._changed:
            # Rounding may leave a tiny remainder, but a waiting thread must see that nothing is reserved.
            self._aside = 0.0 if self._aside - worst < 1e-12 else self._aside - worst
            self._cost += cost
            self._changed.notify_all()

    def _over(self, worst: float) -> bool:
        return self._max_cost is not None and self._cost + self._aside + worst > self._max_cost
