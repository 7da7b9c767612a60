"""When an objective does too much harm for what it forgets. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Iterable

from unlearnkit.gradient_effect.settings import FORGOTTEN_RISK
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow
from unlearnkit.report.names import is_forget


def is_harmful(retaining: EffectRow, unlearning: EffectRow) -> bool:
    """Whether a step raises a risk that shall stay by more than the one that shall rise, as sure as the intervals are.

    The retaining effect's interval lies wholly below 0 and below that of the unlearning effect (which may be above 0:
    then what was forgotten is learned again at the cost of the rest).
    """
    return retaining.high < min(0.0, unlearning.low)


def is_too_dear(retaining: EffectRow, unlearning: EffectRow, share: float) -> bool:
    """Whether a step raises a risk that shall stay by more than `share` of what it raises the one that shall rise.

    The retaining effect's interval lies below 0; of the two sizes the estimates count. (To wait until the intervals lie
    apart too is to wait until much is spoiled.) Where the unlearning effect is above 0, any harm is too much.
    """
    return retaining.high < 0 and retaining.effect < share * min(0.0, unlearning.effect)


def harmed(effects: Iterable[EffectRow], objective: str, step: int, share: float) -> list[EffectRow]:
    """The retaining effects of an objective at a step that are too dear for the unlearning effect, worst first."""
    rows = [
        row for row in effects if (row.objective, row.step, row.term, row.group) == (objective, step, WHOLE, EVERYTHING)
    ]
    unlearning = next((row for row in rows if row.risk == FORGOTTEN_RISK), None)
    if unlearning is None:
        return []
    found = [row for row in rows if not is_forget(row.risk) and is_too_dear(row, unlearning, share)]
    return sorted(found, key=lambda row: row.effect)
