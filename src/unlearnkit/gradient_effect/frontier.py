"""The frontier of a sweep: what each value of a setting does to what must be forgotten and what must stay. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from unlearnkit.gradient_effect.effect_series import forget_risk, retained_risk
from unlearnkit.gradient_effect.table import WHOLE, SweepRow


class Place(NamedTuple):
    """One value of a setting in the plane of effects."""

    series: str
    """The objective and the setting that is swept: `npo, beta`."""
    value: float
    forget: SweepRow
    retained: SweepRow
    dominated: bool
    """Whether another place of the series forgets no less and keeps no less, and does one of them better."""


def frontier(rows: Sequence[SweepRow], step: int) -> list[Place]:
    """Where each value of each setting lies at one step, by series and rising value; all terms together.

    Across: the effect on `forget`; upwards: that on the risk to watch among those that must stay. A value that was not
    measured on both has no place. Effects of two objectives differ in scale, so each series has its own frontier.
    """
    at = [row for row in rows if row.step == step and row.term == WHOLE]
    goal, stays = forget_risk(row.risk for row in at), retained_risk(row.risk for row in at)
    sides: dict[tuple[str, float], dict[str, SweepRow]] = {}
    for row in at:
        sides.setdefault((f"{row.objective}, {row.field}", row.value), {})[row.risk] = row
    found = [
        Place(series, value, risks[goal], risks[stays], False)
        for (series, value), risks in sorted(sides.items())
        if goal in risks and stays in risks
    ]
    return [place._replace(dominated=any(_outdoes(other, place) for other in found)) for place in found]


def _outdoes(one: Place, other: Place) -> bool:
    ahead = (other.forget.effect - one.forget.effect, one.retained.effect - other.retained.effect)
    return one.series == other.series and min(ahead) >= 0 and max(ahead) > 0
