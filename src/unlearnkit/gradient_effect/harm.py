"""When an objective does more harm than it forgets. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Iterable

from unlearnkit.gradient_effect.settings import FORGOTTEN_RISK
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow


def is_harmful(retaining: EffectRow, unlearning: EffectRow) -> bool:
    """Whether a step raises a risk that shall stay by more than the one that shall rise.

    The retaining effect is below 0 with its whole interval, and further below 0 than the unlearning effect (which may
    be above 0: then what was forgotten is learned again at the cost of the rest).
    """
    return retaining.high < 0 and retaining.effect < unlearning.effect


def is_retained(risk: str) -> bool:
    """Whether a risk shall stay: every one but that of the forget split and of its other wordings."""
    return risk.partition(".")[0] != FORGOTTEN_RISK


def harmed(effects: Iterable[EffectRow], objective: str, step: int) -> list[EffectRow]:
    """The retaining effects of an objective at a step that are harmful, worst first."""
    rows = [
        row for row in effects if (row.objective, row.step, row.term, row.group) == (objective, step, WHOLE, EVERYTHING)
    ]
    unlearning = next((row for row in rows if row.risk == FORGOTTEN_RISK), None)
    if unlearning is None:
        return []
    found = [row for row in rows if is_retained(row.risk) and is_harmful(row, unlearning)]
    return sorted(found, key=lambda row: row.effect)
