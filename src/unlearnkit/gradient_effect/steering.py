"""What a measurement makes of the steps after it: less ascent, or fewer weights. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from unlearnkit.gradient_effect.settings import FORGOTTEN_RISK
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow
from unlearnkit.report.names import is_forget

FORGET_TERM = "forget"
"""Name of the term that is weakened: what ascends. What is taught in place of answers is left as it is."""


@dataclass
class Steering:
    """How the training loop takes its steps; a watch may change it between two of them."""

    forget_factor: float = 1.0
    """Factor of the term `forget`."""
    frozen: frozenset[str] = frozenset()
    """Names of parameters that are not moved."""


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


def frozen_names(groups: Mapping[str, Sequence[str]], moved: frozenset[str]) -> frozenset[str]:
    """Parameters that lie, under any of their names, in a group that is not moved."""
    return frozenset(name for group, names in groups.items() if group not in moved for name in names)
