"""Pareto frontier of a sweep: best trade-offs between forgetting and retaining.

This module can be imported without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from unlearnkit.gradient_effect.effect_series import forget_risk, retained_risk
from unlearnkit.gradient_effect.table import WHOLE, SweepRow


class Place(NamedTuple):
    """One value of a swept setting, with its effects on two risks."""

    series: str
    """Names of the objective and of the swept setting, such as `npo, beta`."""
    value: float
    forget: SweepRow
    retained: SweepRow
    dominated: bool
    """Whether another value in the series is better for one risk, and at least as good for the other risk."""


def frontier(rows: Sequence[SweepRow], step: int) -> list[Place]:
    """Return one point per swept value, and mark the dominated points.

    All points belong to one step. A point shows the effects of all terms together: the x coordinate is the effect on
    the forget risk, and the y coordinate is the effect on the retained risk (see `forget_risk` and `retained_risk`). A
    value is skipped unless both effects were measured. Points are sorted by series and value. Points are compared only
    within their series, because the effects of different objectives differ in scale.
    """
    at = [row for row in rows if row.step == step and row.term == WHOLE]
    across, upwards = forget_risk(row.risk for row in at), retained_risk(row.risk for row in at)
    by_risk: dict[tuple[str, float], dict[str, SweepRow]] = {}
    for row in at:
        by_risk.setdefault((f"{row.objective}, {row.field}", row.value), {})[row.risk] = row
    places = [
        Place(series, value, risks[across], risks[upwards], False)
        for (series, value), risks in sorted(by_risk.items())
        if across in risks and upwards in risks
    ]
    return [place._replace(dominated=any(_dominates(other, place) for other in places)) for place in places]


def _dominates(one: Place, other: Place) -> bool:
    ahead = (other.forget.effect - one.forget.effect, one.retained.effect - other.retained.effect)
    return one.series == other.series and min(ahead) >= 0 and max(ahead) > 0
