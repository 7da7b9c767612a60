"""Summarize G-effects in sentences.

Fixed rules derive the sentences from measured values, and each sentence states these values. The docstring of `advice`
lists the rules. An effect counts as negative or positive only if a test shows that it is not 0. The p-values of all
effects in the table are corrected together (Holm), because a sentence may be about any of them; this correction holds
although effects of one objective depend on each other. This module does not import torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

from unlearnkit.core.number_format import percent, significant
from unlearnkit.data.vocabulary import is_forget, ordered_sets
from unlearnkit.gradient_effect.effect_series import EffectSeries, forget_risk, series_of
from unlearnkit.gradient_effect.rules import harm_p, nonzero_p
from unlearnkit.gradient_effect.table import EffectRow, EffectTable, StepRow
from unlearnkit.metrics.comparisons import SIGNIFICANT
from unlearnkit.metrics.intervals import holm

MOST = 0.8
"""Minimum share of the harm in a sentence on the location of harm.

The groups of weights that the sentence names cause at least this share of the harm.
"""
FAR_OFF = 2.0
"""If the measured and the predicted change differ by more than this factor, the prediction is far off."""
SLIGHT = 0.01
"""Limit for very small changes, as a share of the largest change of the same risk.

A step is ignored if its predicted and its measured change are both below this limit.
"""

_BLOCK = re.compile(r"block (\d+)")


def advice(table: EffectTable) -> list[str]:
    """Return sentences on every objective, followed by sentences on the measured steps.

    A risk is the mean loss on a row set. A retained risk is the risk on a row set of knowledge that must be kept. A
    positive effect means that a step lowers the risk; a negative effect means that a step raises the risk. The rules
    use the effects of whole objectives, with all terms. Rule 3 uses the effects through single groups of weights; all
    other rules use the effects through all weights.

    1. *Relearning*: the sentence names the steps at which the effect on a forget set is positive. Forget sets that are
       relearned at the same steps share a sentence, which states the effect on the first of these sets at the last of
       these steps.
    2. *Harm beyond forgetting*, for each retained risk: the sentence names the steps at which training is shown to
       raise the retained risk by more than it raises the forget risk (see `harm_p`).
    3. *Location of harm*: the sentence is about the retained risk and the step with the most negative effect. The harm
       is the sum of all effects below 0 through single groups of weights. The sentence names the fewest groups that
       together account for at least the share `MOST` of the harm. Only groups with a negative effect can be named.
       There is no sentence if every group would be named.
    4. *Harmed most*, at the last step, if there are several retained risks: only the retained risks with negative
       effects are compared. The sentence names the risk with the lowest cosine. If a cosine was not measured, the
       sentence names the risk with the most negative effect, and states this effect as a percentage of the sum of the
       compared effects.
    5. *Prediction*, for each risk: the sentence names the steps at which the measured change is more than `FAR_OFF`
       times the predicted change, or less than 1/`FAR_OFF` of it, or has the opposite sign. A step is ignored if both
       changes are smaller than `SLIGHT` times the risk's greatest measured or predicted change.
    """
    rules, every = (_relearning, _beyond, _groups, _harmed_most), series_of(table)
    shown = _shown(every)
    sentences = [
        f"{series.objective}: {sentence}" for series in every for rule in rules for sentence in rule(series, shown)
    ]
    return [*sentences, *_predictions(table.steps)]


class _Shown(NamedTuple):
    """Effects about which a statement can be made."""

    positive: frozenset[EffectRow]
    negative: frozenset[EffectRow]
    harmful: frozenset[EffectRow]
    """Retaining effects that are more harmful than the forgetting at the same step."""


def _shown(every: Sequence[EffectSeries]) -> _Shown:
    """Test all effects and all pairs of rule 2 together."""
    rows = [row for series in every for row in series.rows]
    pairs = [pair for series in every for risk in _retained(series) for pair in _pairs(series, risk)]
    corrected = holm([*map(nonzero_p, rows), *(harm_p(row, aim) for row, aim in pairs)])
    tested = zip([*((row, row.effect > 0) for row in rows), *((row, None) for row, _ in pairs)], corrected, strict=True)
    shown = [what for what, p in tested if p < SIGNIFICANT]
    return _Shown(*(frozenset(row for row, kind in shown if kind is wanted) for wanted in (True, False, None)))


def _pairs(series: EffectSeries, risk: str) -> list[tuple[EffectRow, EffectRow]]:
    """Return pairs of effects on a risk and on the forget risk."""
    goal = forget_risk(series.risks)
    if goal is None:
        return []
    return [(row, aim) for row in series.over_steps(risk) if (aim := series.at(goal, row.step)) is not None]


def _relearning(series: EffectSeries, shown: _Shown) -> Iterator[str]:
    by_steps: dict[str, list[EffectRow]] = {}
    for risk in filter(is_forget, series.risks):
        rows = series.over_steps(risk)
        positive = [row for row in rows if row in shown.positive]
        if positive:
            when = _when([row.step for row in positive], [row.step for row in rows])
            by_steps.setdefault(when, []).append(positive[-1])
    for when, rows in by_steps.items():
        names = _listed([row.risk for row in rows])
        yield f"{when}, it relearns {names}: steps lower the risk instead of raising it ({_in_words(rows[0])})."


def _beyond(series: EffectSeries, shown: _Shown) -> Iterator[str]:
    for risk in _retained(series):
        pairs = _pairs(series, risk)
        harmful = [(row, aim) for row, aim in pairs if row in shown.harmful]
        if harmful:
            when = _when([row.step for row, _ in harmful], [row.step for row, _ in pairs])
            row, aim = harmful[-1]
            effects = f"{_in_words(row)}; effect on {aim.risk} {significant(aim.effect)}"
            yield f"{when}, it harms {risk} more than it forgets ({effects})."


def _groups(series: EffectSeries, shown: _Shown) -> Iterator[str]:
    harmed = [row for risk in _retained(series) for row in series.over_steps(risk) if row in shown.negative]
    if not harmed:
        return
    worst = min(harmed, key=lambda row: row.effect)
    parts = [row for group in series.groups if (row := series.at(worst.risk, worst.step, group)) is not None]
    whole = sum(min(row.effect, 0.0) for row in parts)
    carriers = _smallest([row for row in parts if row in shown.negative], MOST * whole)
    if carriers and len(carriers) < len(parts):
        names = together([row.group for row in parts if row in carriers])
        share = percent(sum(row.effect for row in carriers) / whole)
        verb = "account" if len(carriers) > 1 or names.startswith("blocks") else "accounts"
        yield f"{names} {verb} for {share} of the harm to {worst.risk} at step {worst.step}, where harm is greatest."


def _smallest(negative: Sequence[EffectRow], wanted: float) -> list[EffectRow]:
    """Return the fewest negative effects that sum to at most `wanted`.

    `wanted` is a negative number. The list is empty if the sum of all negative effects is above `wanted`.
    """
    rows = sorted(negative, key=lambda row: row.effect)
    sums = accumulate(row.effect for row in rows)
    return next((rows[:count] for count, total in enumerate(sums, 1) if total <= wanted), [])


def _harmed_most(series: EffectSeries, shown: _Shown) -> Iterator[str]:
    last = series.steps[-1]
    measured = [row for risk in _retained(series) if (row := series.at(risk, last)) is not None]
    harmed = [row for row in measured if row in shown.negative]
    if len(measured) < 2 or not harmed:
        return
    cosines = {row.risk: row.cosine for row in harmed if row.cosine is not None}
    if len(cosines) == len(harmed):
        ranking = [(cosine, risk, f"cosine {significant(cosine)}") for risk, cosine in cosines.items()]
    else:
        whole = sum(row.effect for row in harmed)
        ranking = [(row.effect, row.risk, f"{percent(row.effect / whole)} of the harm") for row in harmed]
    (_, worst, value), *others = sorted(ranking)
    rest = f", followed by {others[0][1]} ({others[0][2]})" if others else "; it does not harm the others measurably"
    yield f"at step {last}, it harms {worst} most among the sets to keep ({value}){rest}."


def _predictions(rows: Sequence[StepRow]) -> Iterator[str]:
    sizes = {row: max(abs(row.predicted), abs(row.measured)) for row in rows if row.is_finite}
    for risk in ordered_sets(row.risk for row in rows):
        finite = sorted((row for row in sizes if row.risk == risk), key=lambda row: row.step)
        slight = SLIGHT * max((sizes[row] for row in finite), default=0.0)
        compared = [row for row in finite if sizes[row] >= slight > 0]
        off = [row for row in compared if _is_far_off(row)]
        if off:
            worst = max(off, key=lambda row: abs(row.measured - row.predicted))
            when = _when([row.step for row in off], [row.step for row in compared])
            yield (
                f"{risk}: {when}, the measured change differed from the predicted change by more than a factor of "
                f"{FAR_OFF:g}, so the G-effects predict these steps poorly (largest difference at step "
                f"{worst.step}: predicted {significant(worst.predicted)}, measured {significant(worst.measured)} nats "
                "per token)."
            )


def _is_far_off(row: StepRow) -> bool:
    if row.predicted * row.measured <= 0:
        return True
    return not 1 / FAR_OFF <= row.measured / row.predicted <= FAR_OFF


def _retained(series: EffectSeries) -> list[str]:
    return [risk for risk in series.risks if not is_forget(risk)]


def _in_words(row: EffectRow) -> str:
    span = f"{significant(row.low)} to {significant(row.high)}"
    return f"step {row.step}: effect on {row.risk} {significant(row.effect)}, interval {span}"


def _when(steps: Sequence[int], measured: Sequence[int]) -> str:
    """Describe in words which of the measured steps are in `steps`.

    Both sequences must be in ascending order.
    """
    first, last = steps[0], steps[-1]
    if len(measured) > 1 and len(steps) == len(measured):
        return "at every measured step"
    if len(steps) == 1:
        return f"at step {first}"
    if list(steps) == list(measured[-len(steps) :]):
        return f"from step {first} on"
    if list(measured).index(last) - list(measured).index(first) == len(steps) - 1:
        return f"from step {first} to {last}"
    return f"at {len(steps)} of {len(measured)} measured steps (first at {first}, last at {last})"


def together(groups: Sequence[str]) -> str:
    """Join names of groups of weights, as in `embedding and blocks 1-3`.

    Consecutive blocks are combined.
    """
    names = []
    for _, run in groupby(enumerate(groups), _run_of):
        (_, first), *others = run
        names.append(f"blocks {first[6:]}-{others[-1][1][6:]}" if others else first)
    return _listed(names)


def _run_of(place: tuple[int, str]) -> int | str:
    """Return a key that is the same for consecutive blocks.

    The key of a block is its number minus its index in the list. The key of any other group is the group's name.
    """
    index, group = place
    block = _BLOCK.fullmatch(group)
    return group if block is None else int(block[1]) - index


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
