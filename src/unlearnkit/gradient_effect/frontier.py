"""The frontier of a sweep: effects by value of a setting.

Needs no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from unlearnkit.gradient_effect.effect_series import forget_risk, retained_risk
from unlearnkit.gradient_effect.table import WHOLE, SweepRow


class Place(NamedTuple):
    """One value of a setting in the plane of effects."""

    series: str
    """The objective and the swept setting: `npo, beta`."""
    value: float
    forget: SweepRow
    retained: SweepRow
    dominated: bool
    """Whether another place of the series forgets no less and keeps no less, and does better in one of them."""


def frontier(rows: Sequence[SweepRow], step: int) -> list[Place]:
    """Return the place of each value of each setting at one step.

    Places are of all terms together, sorted by series and value. Across is the effect on what must be forgotten,
    upwards the effect on what must stay (see `forget_risk` and `retained_risk`). A value that was not measured on both
    has no place. Effects of two objectives differ in scale, so each series has its own frontier.
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
