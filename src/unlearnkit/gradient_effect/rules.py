"""Rules that decide when an objective does too much harm.

This module can be imported without torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unlearnkit.data.vocabulary import is_forget
from unlearnkit.gradient_effect.settings import FORGOTTEN_RISK
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow
from unlearnkit.training.control import FORGET_TERM

NOTICEABLE = 0.01
"""A rise of a risk between two measurements is ignored as noise up to this amount, in nats per token."""


def is_harmful(retaining: EffectRow, unlearning: EffectRow) -> bool:
    """Return whether a step harms more than it forgets.

    A step is harmful if it raises a retained risk by more than it raises the forget risk. The result is true only if
    the effects show this clearly: the whole interval of the retaining effect is below 0 and below the interval of the
    unlearning effect. (If the unlearning effect is above 0, the model relearns the forget rows at the cost of the
    retain rows.)
    """
    return retaining.high < min(0.0, unlearning.low)


def exceeds_budget(retaining: EffectRow, unlearning: EffectRow, share: float) -> bool:
    """Return whether a step exceeds the allowed ratio of harm to forgetting.

    The result is true if the step raises a retained risk by more than `share` times the rise of the forget risk. The
    retaining effect's whole interval must be below 0. The two effects themselves are compared instead of their
    intervals, because the intervals separate only after much harm is done. If the unlearning effect is above 0, any
    harm is too much.
    """
    return retaining.high < 0 and retaining.effect < share * min(0.0, unlearning.effect)


def exceeded_budget(
    retaining: tuple[EffectRow, EffectRow], unlearning: tuple[EffectRow, EffectRow], share: float
) -> bool:
    """Return whether training exceeded the allowed harm between two measurements.

    The result is true if the retained risk rose by more than `share` times the rise of the forget risk. A rise of at
    most `NOTICEABLE` is treated as noise.

    Args:
        retaining: the earlier and the later measurement of the retained risk.
        unlearning: the earlier and the later measurement of the forget risk.
        share: allowed rise of the retained risk, in nats for each nat by which the forget risk rises.
    """
    rose, forgot = (later.risk_value - earlier.risk_value for earlier, later in (retaining, unlearning))
    return rose > max(NOTICEABLE, share * forgot)


def harmed(effects: Iterable[EffectRow], objective: str, step: int, share: float) -> list[EffectRow]:
    """Return the retaining effects that exceed the allowed harm, worst first.

    An effect is returned if, to first order, the next step will exceed the allowed harm, or if the steps since the
    previous measurement exceeded the allowed harm. Both criteria are needed. The prediction is needed because a few
    steps may do harm that no later step can undo. The check afterwards is needed because an objective with a retain
    term may lower a risk to first order at every measurement, although the risk rises between measurements.

    Args:
        effects: effects at all measured steps.
        objective: name of the objective in the table.
        step: the step at which harm is judged.
        share: allowed rise of a retained risk, in nats for each nat by which the forget risk rises.
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
    """Return the largest harmless factor for the term `forget`, at most 1.

    If the term is multiplied by this factor, then, to first order, no retained risk rises. Effects are linear in the
    terms: with factor f, the effect on a retained risk is f e_forget + e_rest. If the interval of e_forget is below 0,
    f is at most e_rest / -e_forget, or 0 if e_rest is not above 0.

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
    """Return the weight groups through which an objective forgets without harm.

    In these groups the unlearning effect e_u is below 0, and no retaining effect e_r is below 0.

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
