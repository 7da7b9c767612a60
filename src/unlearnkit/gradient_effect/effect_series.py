"""Effects of one objective by risk, step and group of weights.

Needs no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from unlearnkit.data.vocabulary import is_forget, ordered_sets
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow, EffectTable

NEAREST_RISK = "near"
"""The preferred risk among those that must stay: what is nearest to the request is harmed first."""


@dataclass(frozen=True)
class EffectSeries:
    """The effects of one objective, all terms together."""

    objective: str
    rows: Sequence[EffectRow]
    """Rows of all terms together whose effect and interval are finite."""

    @cached_property
    def _by_place(self) -> dict[tuple[str, int, str], EffectRow]:
        return {(row.risk, row.step, row.group): row for row in self.rows}

    @property
    def risks(self) -> list[str]:
        """Risks to be forgotten, then risks that must stay.

        This is the order of the report's board.
        """
        return ordered_sets(row.risk for row in self.rows)

    @property
    def steps(self) -> list[int]:
        """Measured steps, ascending."""
        return sorted({row.step for row in self.rows})

    @property
    def groups(self) -> list[str]:
        """Groups of weights from embedding to head, without all weights together."""
        return [group for group in dict.fromkeys(row.group for row in self.rows) if group != EVERYTHING]

    def at(self, risk: str, step: int, group: str = EVERYTHING) -> EffectRow | None:
        """Return one effect; None if it was not measured."""
        return self._by_place.get((risk, step, group))

    def over_steps(self, risk: str) -> list[EffectRow]:
        """Return the effects on one risk through all weights, by step."""
        return [row for step in self.steps if (row := self.at(risk, step)) is not None]


def series_of(table: EffectTable) -> list[EffectSeries]:
    """Return the series of every objective, in the table's order."""
    rows: dict[str, list[EffectRow]] = {}
    for row in table.effects:
        if row.term == WHOLE and all(map(math.isfinite, (row.effect, row.low, row.high))):
            rows.setdefault(row.objective, []).append(row)
    return [EffectSeries(objective, of) for objective, of in rows.items()]


def forget_risk(risks: Iterable[str]) -> str | None:
    """Return the risk that shows forgetting.

    It is `forget`, else its first probe, else None.
    """
    return next(filter(is_forget, ordered_sets(risks)), None)


def retained_risk(risks: Iterable[str]) -> str | None:
    """Return the risk that shows harm to what must stay.

    It is `near`, else the first one, else None.
    """
    candidates = [risk for risk in ordered_sets(risks) if not is_forget(risk)]
    return NEAREST_RISK if NEAREST_RISK in candidates else next(iter(candidates), None)


def shown_steps(steps: Iterable[int]) -> list[int]:
    """Return the first, the middle and the last of some steps."""
    ordered = sorted(set(steps))
    return sorted({ordered[0], ordered[len(ordered) // 2], ordered[-1]}) if ordered else []
