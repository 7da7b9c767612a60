"""When an objective does too much harm for what it forgets. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unlearnkit.data.vocabulary import is_forget
from unlearnkit.gradient_effect.settings import FORGOTTEN_RISK
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow
from unlearnkit.training.control import FORGET_TERM

NOTICEABLE = 0.01
"""Nats per token by which a risk may rise between two measurements before anything is made of it."""


def is_harmful(retaining: EffectRow, unlearning: EffectRow) -> bool:
    """Whether a step raises a risk that shall stay by more than the one that shall rise, as sure as the intervals are.

    The retaining effect's interval lies wholly below 0 and below that of the unlearning effect (which may be above 0:
    then what was forgotten is learned again at the cost of the rest).
    """
    return retaining.high < min(0.0, unlearning.low)


def exceeds_budget(retaining: EffectRow, unlearning: EffectRow, share: float) -> bool:
    """Whether a step raises a risk that shall stay by more than `share` of what it raises the one that shall rise.

    The retaining effect's interval lies below 0; of the two sizes the estimates count. (To wait until the intervals lie
    apart too is to wait until much is spoiled.) Where the unlearning effect is above 0, any harm is too much.
    """
    return retaining.high < 0 and retaining.effect < share * min(0.0, unlearning.effect)


def exceeded_budget(
    retaining: tuple[EffectRow, EffectRow], unlearning: tuple[EffectRow, EffectRow], share: float
) -> bool:
    """Whether between two measurements a risk that shall stay rose by more than `share` of what the other did.

    Noise is no harm: it rose by more than `NOTICEABLE` too.

    Args:
        retaining: the earlier and the later measurement of the risk that shall stay.
        unlearning: those of the risk that shall rise.
        share: nats of the one for each of the other.
    """
    rose, forgot = (later.risk_value - earlier.risk_value for earlier, later in (retaining, unlearning))
    return rose > max(NOTICEABLE, share * forgot)


def harmed(effects: Iterable[EffectRow], objective: str, step: int, share: float) -> list[EffectRow]:
    """The retaining effects of an objective at a step that are too dear for what it forgets, worst first.

    To first order the next step is too dear, or the steps since the measurement before, where there is one, were.
    Each sees what the other misses: a few steps may cost what no later look can give back; and a retain term may lower
    a risk to first order wherever one looks, while it climbs from look to look.
    """
    whole = [row for row in effects if (row.objective, row.term, row.group) == (objective, WHOLE, EVERYTHING)]
    before = max((row.step for row in whole if row.step < step), default=None)
    earlier = {row.risk: row for row in whole if row.step == before}
    now = {row.risk: row for row in whole if row.step == step}
    unlearning, was = now.get(FORGOTTEN_RISK), earlier.get(FORGOTTEN_RISK)
    if unlearning is None:
        return []
    found = [
        row
        for risk, row in now.items()
        if not is_forget(risk)
        and (
            exceeds_budget(row, unlearning, share)
            or (was is not None and risk in earlier and exceeded_budget((earlier[risk], row), (was, unlearning), share))
        )
    ]
    return sorted(found, key=lambda row: row.effect)


def forget_factor(rows: Iterable[EffectRow]) -> float:
    """The largest factor of the term `forget`, at most 1, at which no retained risk rises to first order.

    Effects are linear in the terms: with factor f a retained risk's effect is f e_forget + e_rest. Where e_forget is
    below 0 with its whole interval, f is at most e_rest / -e_forget, and 0 where e_rest is not above 0.

    Args:
        rows: of one objective at one step.
    """
    parts: dict[str, dict[str, EffectRow]] = {}
    for row in rows:
        if row.group == EVERYTHING and row.term != WHOLE and not is_forget(row.risk):
            parts.setdefault(row.risk, {})[row.term] = row
    factor = 1.0
    for terms in parts.values():
        harm = terms.get(FORGET_TERM)
        if harm is not None and harm.high < 0:
            rest = sum(row.effect for name, row in terms.items() if name != FORGET_TERM)
            factor = min(factor, max(rest, 0.0) / -harm.effect)
    return factor


def harmless_groups(rows: Iterable[EffectRow]) -> frozenset[str]:
    """Groups through which the objective forgets (e_u < 0) and harms no retained risk (every e_r >= 0).

    Args:
        rows: of one objective at one step.
    """
    effects: dict[str, list[EffectRow]] = {}
    for row in rows:
        if row.group != EVERYTHING and row.term == WHOLE:
            effects.setdefault(row.group, []).append(row)
    return frozenset(group for group, found in effects.items() if _harmless(found))


def _harmless(rows: Sequence[EffectRow]) -> bool:
    forgets = any(row.risk == FORGOTTEN_RISK and row.effect < 0 for row in rows)
    return forgets and all(row.effect >= 0 for row in rows if not is_forget(row.risk))
