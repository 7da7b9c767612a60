"""Rules for when an objective does too much harm. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unlearnkit.data.vocabulary import is_forget
from unlearnkit.gradient_effect.settings import FORGOTTEN_RISK
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow
from unlearnkit.training.control import FORGET_TERM

NOTICEABLE = 0.01
"""Rise of a risk between two measurements, in nats per token, below which it is ignored."""


def is_harmful(retaining: EffectRow, unlearning: EffectRow) -> bool:
    """Return whether a step harms more than it forgets.

    It raises a retained risk by more than the risk to be forgotten: the retaining effect's interval is below 0 and
    below the unlearning effect's interval. (That one may be above 0: then the model relearns at the cost of the rest.)
    """
    return retaining.high < min(0.0, unlearning.low)


def exceeds_budget(retaining: EffectRow, unlearning: EffectRow, share: float) -> bool:
    """Return whether a step harms more than `share` of what it forgets.

    It raises a retained risk by more than `share` of the rise of the risk to be forgotten. The retaining effect's
    interval is below 0, and the estimates are compared, because the intervals separate only after much harm is done. If
    the unlearning effect is above 0, any harm is too much.
    """
    return retaining.high < 0 and retaining.effect < share * min(0.0, unlearning.effect)


def exceeded_budget(
    retaining: tuple[EffectRow, EffectRow], unlearning: tuple[EffectRow, EffectRow], share: float
) -> bool:
    """Return whether harm exceeded `share` of forgetting between two measurements.

    A retained risk rose by more than `share` of the rise of the risk to be forgotten. A rise of at most `NOTICEABLE` is
    noise.

    Args:
        retaining: the earlier and the later measurement of the retained risk.
        unlearning: those of the risk to be forgotten.
        share: nats of the one for each nat of the other.
    """
    rose, forgot = (later.risk_value - earlier.risk_value for earlier, later in (retaining, unlearning))
    return rose > max(NOTICEABLE, share * forgot)


def harmed(effects: Iterable[EffectRow], objective: str, step: int, share: float) -> list[EffectRow]:
    """Return the retaining effects that exceed the budget, worst first.

    The next step exceeds it to first order, or the steps since the previous measurement, if any, exceeded it. Each
    criterion sees what the other misses: a few steps may do harm that no later measurement can undo; and a retain term
    may lower a risk to first order at every measurement while the risk rises between them.
    """
    whole = [row for row in effects if (row.objective, row.term, row.group) == (objective, WHOLE, EVERYTHING)]
    before = max((row.step for row in whole if row.step < step), default=None)
    earlier = {row.risk: row for row in whole if row.step == before}
    now = {row.risk: row for row in whole if row.step == step}
    unlearning, was = now.get(FORGOTTEN_RISK), earlier.get(FORGOTTEN_RISK)
    if unlearning is None:
        return []

    def is_too_much(row: EffectRow) -> bool:
        if exceeds_budget(row, unlearning, share):
            return True
        previous = earlier.get(row.risk)
        return was is not None and previous is not None and exceeded_budget((previous, row), (was, unlearning), share)

    rows = [row for risk, row in now.items() if not is_forget(risk) and is_too_much(row)]
    return sorted(rows, key=lambda row: row.effect)


def forget_factor(rows: Iterable[EffectRow]) -> float:
    """Return the largest harmless factor of the term `forget`, at most 1.

    With it no retained risk rises to first order. Effects are linear in the terms: with factor f a retained risk's
    effect is f e_forget + e_rest. If the interval of e_forget is below 0, f is at most e_rest / -e_forget, and 0 if
    e_rest is not above 0.

    Args:
        rows: effects of one objective at one step.
    """
    by_risk: dict[str, dict[str, EffectRow]] = {}
    for row in rows:
        if row.group == EVERYTHING and row.term != WHOLE and not is_forget(row.risk):
            by_risk.setdefault(row.risk, {})[row.term] = row
    factor = 1.0
    for terms in by_risk.values():
        harm = terms.pop(FORGET_TERM, None)
        if harm is not None and harm.high < 0:
            factor = min(factor, max(sum(row.effect for row in terms.values()), 0.0) / -harm.effect)
    return factor


def harmless_groups(rows: Iterable[EffectRow]) -> frozenset[str]:
    """Return the groups through which the objective forgets and harms nothing.

    The unlearning effect e_u is below 0, and no retaining effect e_r is.

    Args:
        rows: effects of one objective at one step.
    """
    by_group: dict[str, list[EffectRow]] = {}
    for row in rows:
        if row.group != EVERYTHING and row.term == WHOLE:
            by_group.setdefault(row.group, []).append(row)
    return frozenset(group for group, of in by_group.items() if _is_harmless(of))


def _is_harmless(rows: Sequence[EffectRow]) -> bool:
    forgets = any(row.risk == FORGOTTEN_RISK and row.effect < 0 for row in rows)
    return forgets and all(row.effect >= 0 for row in rows if not is_forget(row.risk))
