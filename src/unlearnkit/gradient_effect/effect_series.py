"""Effects of one objective by risk, step and group of weights.

This module can be imported without torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from unlearnkit.data.vocabulary import is_forget, ordered_sets
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow, EffectTable

NEAREST_RISK = "near"
"""Name of the retained risk to show if there is space for only one. A retained risk is the risk of rows that are not to
be forgotten. `near` is preferred, because unlearning first harms the knowledge that is nearest to the forget rows."""


@dataclass(frozen=True)
class EffectSeries:
    """The effects of one objective, for all its terms together."""

    objective: str
    rows: Sequence[EffectRow]
    """The table rows that contain the effect of all terms together. Rows whose effect or interval is not finite are
    omitted."""

    @cached_property
    def _by_place(self) -> dict[tuple[str, int, str], EffectRow]:
        return {(row.risk, row.step, row.group): row for row in self.rows}

    @property
    def risks(self) -> list[str]:
        """Names of the risks, in the order of the report's score board.

        The risks of forget sets come first, followed by the risks of all other row sets.
        """
        return ordered_sets(row.risk for row in self.rows)

    @property
    def steps(self) -> list[int]:
        """Steps at which the effects were measured, in ascending order."""
        return sorted({row.step for row in self.rows})

    @property
    def groups(self) -> list[str]:
        """Names of the groups of weights, from embedding to head.

        The list does not contain the name that stands for all weights together.
        """
        return [group for group in dict.fromkeys(row.group for row in self.rows) if group != EVERYTHING]

    def at(self, risk: str, step: int, group: str = EVERYTHING) -> EffectRow | None:
        """Return one effect, or None if this effect was not measured."""
        return self._by_place.get((risk, step, group))

    def over_steps(self, risk: str) -> list[EffectRow]:
        """Return the effects on one risk, over all weights, ordered by step."""
        return [row for step in self.steps if (row := self.at(risk, step)) is not None]


def series_of(table: EffectTable) -> list[EffectSeries]:
    """Return one series for each objective, in the order of the table."""
    rows: dict[str, list[EffectRow]] = {}
    for row in table.effects:
        if row.term == WHOLE and all(map(math.isfinite, (row.effect, row.low, row.high))):
            rows.setdefault(row.objective, []).append(row)
    return [EffectSeries(objective, of) for objective, of in rows.items()]


def forget_risk(risks: Iterable[str]) -> str | None:
    """Return the risk that shows forgetting.

    The result is `forget` if it was measured, else the first risk of another forget set, else None.
    """
    return next(filter(is_forget, ordered_sets(risks)), None)


def retained_risk(risks: Iterable[str]) -> str | None:
    """Return the risk that shows harm to retained knowledge.

    A retained risk is the risk of any row set except the forget sets. The result is `near` if it was measured, else the
    first retained risk, else None.
    """
    candidates = [risk for risk in ordered_sets(risks) if not is_forget(risk)]
    return NEAREST_RISK if NEAREST_RISK in candidates else next(iter(candidates), None)


def shown_steps(steps: Iterable[int]) -> list[int]:
    """Return the first, the middle and the last step."""
    ordered = sorted(set(steps))
    return sorted({ordered[0], ordered[len(ordered) // 2], ordered[-1]}) if ordered else []
