"""Rules that decide when an objective does too much harm.

The forget risk is the risk of the forget rows. The risks of row sets that are not to be forgotten are called retained
risks. A negative effect on a risk means that the next step raises the risk.

The functions `nonzero_p` and `harm_p` give p-values for statements about effects. Effects of one objective are computed
from the same rows, so they depend on each other. Correct the p-values of all effects about which a text may make a
statement together (`metrics.intervals.holm`); this correction holds for any dependence. The other functions decide what
a run does. Their conditions are not corrected, because a correction would let a run do more harm before it acts.

This module can be imported without torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from unlearnkit.data.vocabulary import is_forget
from unlearnkit.gradient_effect.settings import FORGOTTEN_RISK
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow
from unlearnkit.training.control import FORGET_TERM

_NORMAL = 1.959964
"""Half-width of a 95 % interval of a normal distribution, in standard deviations."""
NOTICEABLE = 0.01
"""Rises of a risk up to this value are ignored as noise. The unit is nats per token."""


def nonzero_p(row: EffectRow) -> float:
    """Return the p-value for an effect other than 0.

    This is a two-sided z-test. The standard error is the distance between the effect and the end of its 95 % interval
    on the side of 0, divided by 1.96. If the interval is a single point, for example because there is only one row, the
    error is unknown, and the p-value is 1.
    """
    return _two_sided(abs(row.effect), _error_toward(row, 0.0))


def harm_p(retaining: EffectRow, unlearning: EffectRow) -> float:
    """Return the p-value for more harm than forgetting.

    A step harms more than it forgets if it raises a retained risk by more than it raises the forget risk. A negative
    effect raises a risk. So the retaining effect must be below 0 and below the unlearning effect; the p-value is the
    larger one of these two tests. The standard error of the difference is the sum of both standard errors, which holds
    for any correlation of the two effects. A step that raises a retained risk and lowers the forget risk counts as
    harmful, too, because such a step relearns the forget rows. If the effects are in another order, the p-value is 1.
    """
    difference = unlearning.effect - retaining.effect
    if retaining.effect >= 0 or difference <= 0:
        return 1.0
    errors = [_error_toward(retaining, unlearning.effect), _error_toward(unlearning, retaining.effect)]
    return max(nonzero_p(retaining), _two_sided(difference, sum(errors) if all(errors) else 0.0))


def _error_toward(row: EffectRow, value: float) -> float:
    """Return the standard error of an effect toward a value."""
    return (row.effect - row.low if value < row.effect else row.high - row.effect) / _NORMAL


def _two_sided(distance: float, error: float) -> float:
    return math.erfc(distance / error / math.sqrt(2)) if error > 0 else 1.0


def exceeds_budget(retaining: EffectRow, unlearning: EffectRow, share: float) -> bool:
    """Return whether a step exceeds the allowed ratio of harm to forgetting.

    The result is true if two conditions hold. First, the step is predicted to raise a retained risk by more than
    `share` times the rise of the forget risk. This condition compares the two effects, not their confidence intervals,
    because the intervals become disjoint only after much harm is done. Second, the whole confidence interval of the
    retaining effect is below 0. If the step does not raise the forget risk, any rise of the retained risk is too much.
    """
    return retaining.high < 0 and retaining.effect < share * min(0.0, unlearning.effect)


def exceeded_budget(
    retaining: tuple[EffectRow, EffectRow], unlearning: tuple[EffectRow, EffectRow], share: float
) -> bool:
    """Return whether the harm between two measurements exceeded the allowed harm.

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

    An effect is returned in two cases: the next step is predicted (to first order) to exceed the allowed harm, or the
    steps since the previous measurement exceeded the allowed harm. The prediction is needed because a few steps may do
    harm that no later step can undo. The check of past steps is needed because the prediction can be wrong: an
    objective with a retain term may be predicted to lower a risk at every measurement, although the risk rises between
    measurements.

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

    If the term is multiplied by this factor, no retained risk is predicted (to first order) to rise. Effects are linear
    in the terms: with factor f, the effect on a retained risk is f * e_forget + e_rest, where e_forget is the effect
    of the term `forget` and e_rest is the effect of all other terms. A retained risk limits f only if the whole
    confidence interval of e_forget is below 0. The limit is max(e_rest, 0) / -e_forget.

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
    """Return the groups of weights in which an objective forgets without harm.

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
