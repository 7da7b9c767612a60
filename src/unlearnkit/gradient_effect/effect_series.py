"""The course of an objective: its effects, all terms together, by risk, step and group of weights. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from unlearnkit.data.vocabulary import is_forget, ordered_sets
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow, EffectTable

FORGET = "forget"
NEAREST = "near"
"""The risk to look at among those that must stay: what lies nearest to the request is harmed first."""


@dataclass(frozen=True)
class Course:
    """What was measured of one objective."""

    objective: str
    rows: Sequence[EffectRow]
    """Of all its terms together; those whose effect is finite."""
    _places: dict[tuple[str, int, str], EffectRow] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {(row.risk, row.step, row.group): row for row in self.rows})

    @property
    def risks(self) -> list[str]:
        """What must be forgotten first, then what must stay, as the report's board orders them."""
        return ordered_sets(row.risk for row in self.rows)

    @property
    def steps(self) -> list[int]:
        """Rising."""
        return sorted({row.step for row in self.rows})

    @property
    def groups(self) -> list[str]:
        """Groups of weights from the embedding to the head, without that of all weights."""
        return [group for group in dict.fromkeys(row.group for row in self.rows) if group != EVERYTHING]

    def at(self, risk: str, step: int, group: str = EVERYTHING) -> EffectRow | None:
        """One effect; None where it was not measured."""
        return self._places.get((risk, step, group))

    def over_steps(self, risk: str, group: str = EVERYTHING) -> list[EffectRow]:
        """The effects on one risk, by step."""
        return [row for step in self.steps if (row := self.at(risk, step, group)) is not None]


def courses(table: EffectTable) -> list[Course]:
    """One for every objective that was measured, in the order in which they were."""
    found: dict[str, list[EffectRow]] = {}
    for row in table.effects:
        if row.term == WHOLE and all(map(math.isfinite, (row.effect, row.low, row.high))):
            found.setdefault(row.objective, []).append(row)
    return [Course(objective, rows) for objective, rows in found.items()]


def forget_risk(risks: Iterable[str]) -> str | None:
    """The risk that says how far an objective forgets: `forget`, else its first probe; None where there is none."""
    found = [risk for risk in ordered_sets(risks) if is_forget(risk)]
    return FORGET if FORGET in found else next(iter(found), None)


def retained_risk(risks: Iterable[str]) -> str | None:
    """The risk to watch among those that must stay: `near`, else the first; None where there is none."""
    found = [risk for risk in ordered_sets(risks) if not is_forget(risk)]
    return NEAREST if NEAREST in found else next(iter(found), None)


def told_steps(steps: Sequence[int]) -> list[int]:
    """The first, the middle and the last of some steps: what there is room to tell."""
    ordered = sorted(set(steps))
    return sorted({ordered[0], ordered[len(ordered) // 2], ordered[-1]}) if ordered else []
