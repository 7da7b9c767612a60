"""What a diagnosis comes to, in sentences. Needs no torch.

Each sentence follows from figures by a rule that `advice` states, and names the figures. An effect counts as negative
where its 95 % interval lies below 0, and as positive where it lies above 0; any other one gives rise to no sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from unlearnkit.core.number_format import percent, significant
from unlearnkit.data.vocabulary import is_forget, ordered_sets
from unlearnkit.gradient_effect.effect_series import EffectSeries, forget_risk, series_of
from unlearnkit.gradient_effect.rules import is_harmful
from unlearnkit.gradient_effect.table import EffectRow, EffectTable, StepRow

MOST = 0.8
"""The share of a harm that is most of it."""
FAR_OFF = 2.0
"""By more than this factor a predicted change is far off."""
SLIGHT = 0.01
"""Changes below this share of a risk's greatest one are not held against their predictions."""

_BLOCK = re.compile(r"block (\d+)")


def advice(table: EffectTable) -> list[str]:
    """Sentences about every objective, then about the steps that were made; none where nothing follows.

    The rules, for an objective with all its terms, through all weights unless groups are named:

    1. *Relearning*: the steps at which the effect on `forget`, or on one of its probes, is positive. Those that are
       relearned at the same steps stand in one sentence, with the figures of the first.
    2. *Harm beyond forgetting*, for each risk that must stay: the steps at which `is_harmful` says so: a step raises it
       by more than it raises what is to be forgotten.
    3. *Where the harm sits*: of the lowest negative effect on any risk that must stay, at any step, the smallest set of
       groups of weights with negative effects that has at least `MOST` of the sum of all groups' effects below 0.
       Nothing is said where that takes every group.
    4. *Harmed most*, at the last step, where several risks must stay: the one among those with negative effects whose
       cosine is lowest; where cosines were not measured, whose share of the sum of these effects is greatest.
    5. *Prediction*, for each risk: the steps at which the measured change is more than `FAR_OFF` times the predicted
       one, or less than one `FAR_OFF`th of it, or of the other sign. Steps at which both are smaller than `SLIGHT` of
       the risk's greatest measured or predicted change are passed over.
    """
    said: list[str] = []
    for course in series_of(table):
        sentences = [*_relearning(course), *_beyond(course), *_groups(course), *_harmed_most(course)]
        said += [f"{course.objective}: {sentence}" for sentence in sentences]
    return [*said, *_predictions(table.steps)]


def _relearning(course: EffectSeries) -> Iterator[str]:
    at: dict[str, list[EffectRow]] = {}
    for risk in filter(is_forget, course.risks):
        rows = course.over_steps(risk)
        found = [row for row in rows if row.low > 0]
        if found:
            at.setdefault(_when([row.step for row in found], [row.step for row in rows]), []).append(found[-1])
    for when, rows in at.items():
        names = _listed([row.risk for row in rows])
        yield f"{when} it relearns {names}: its step lowers what it should raise ({_told(rows[0])})."


def _beyond(course: EffectSeries) -> Iterator[str]:
    goal = forget_risk(course.risks)
    if goal is None:
        return
    for risk in _retained(course):
        pairs = [(row, aim) for row in course.over_steps(risk) if (aim := course.at(goal, row.step)) is not None]
        found = [(row, aim) for row, aim in pairs if is_harmful(row, aim)]
        if found:
            when = _when([row.step for row, _ in found], [row.step for row, _ in pairs])
            row, aim = found[-1]
            yield f"{when} it harms {risk} more than it forgets ({_told(row)}; on {goal} {significant(aim.effect)})."


def _groups(course: EffectSeries) -> Iterator[str]:
    harmed = [row for risk in _retained(course) for row in course.over_steps(risk) if row.high < 0]
    if not harmed:
        return
    worst = min(harmed, key=lambda row: row.effect)
    parts = [row for group in course.groups if (row := course.at(worst.risk, worst.step, group)) is not None]
    whole = sum(min(row.effect, 0.0) for row in parts)
    carriers = _smallest(parts, MOST * whole)
    if carriers and len(carriers) < len(parts):
        names = together([row.group for row in parts if row in carriers])
        share = percent(sum(row.effect for row in carriers) / whole)
        verb = "carry" if len(carriers) > 1 or names.startswith("blocks") else "carries"
        yield f"{names} {verb} {share} of the harm to {worst.risk} at step {worst.step}, where harm is greatest."


def _smallest(parts: Sequence[EffectRow], wanted: float) -> list[EffectRow]:
    """The fewest rows with negative effects that come to `wanted` or below; none where all of them do not."""
    chosen: list[EffectRow] = []
    for row in sorted((row for row in parts if row.high < 0), key=lambda row: row.effect):
        chosen.append(row)
        if sum(each.effect for each in chosen) <= wanted:
            return chosen
    return []


def _harmed_most(course: EffectSeries) -> Iterator[str]:
    measured = [row for risk in _retained(course) if (row := course.at(risk, course.steps[-1])) is not None]
    harmed = [row for row in measured if row.high < 0]
    if len(measured) < 2 or not harmed:
        return
    whole = sum(row.effect for row in harmed)
    told: list[tuple[float, str, str]] = []
    cosines = all(row.cosine is not None for row in harmed)
    for row in harmed:
        if cosines and row.cosine is not None:
            told.append((row.cosine, row.risk, f"cosine {significant(row.cosine)}"))
        else:
            told.append((row.effect, row.risk, f"{percent(row.effect / whole)} of the harm"))
    (_, worst, figure), *others = sorted(told)
    rest = f"then {others[0][1]}, {others[0][2]}" if others else "the others not measurably"
    yield f"of what must stay it harms {worst} most at step {course.steps[-1]} ({figure}; {rest})."


def _predictions(rows: Sequence[StepRow]) -> Iterator[str]:
    for risk in ordered_sets(row.risk for row in rows):
        of = sorted((row for row in rows if row.risk == risk and _finite(row)), key=lambda row: row.step)
        slight = SLIGHT * max((max(abs(row.predicted), abs(row.measured)) for row in of), default=0.0)
        counted = [row for row in of if max(abs(row.predicted), abs(row.measured)) >= slight > 0]
        off = [row for row in counted if _far_off(row)]
        if off:
            worst = max(off, key=lambda row: abs(row.measured - row.predicted))
            when = _when([row.step for row in off], [row.step for row in counted])
            yield (
                f"{risk}: {when} the measured change was more than a factor of {FAR_OFF:g} off the predicted one (step "
                f"{worst.step}: predicted {significant(worst.predicted)}, measured {significant(worst.measured)} nats "
                "per token), so effects there say little of whole steps."
            )


def _finite(row: StepRow) -> bool:
    return math.isfinite(row.predicted) and math.isfinite(row.measured)


def _far_off(row: StepRow) -> bool:
    if row.predicted * row.measured <= 0:
        return True
    return not 1 / FAR_OFF <= row.measured / row.predicted <= FAR_OFF


def _retained(course: EffectSeries) -> list[str]:
    return [risk for risk in course.risks if not is_forget(risk)]


def _told(row: EffectRow) -> str:
    span = f"{significant(row.low)} to {significant(row.high)}"
    return f"step {row.step}: effect on {row.risk} {significant(row.effect)}, {span}"


def _when(found: Sequence[int], measured: Sequence[int]) -> str:
    """Which of the measured steps are meant, both rising."""
    if len(measured) == 1:
        return f"at step {measured[0]}"
    if len(found) == len(measured):
        return "at every measured step"
    if len(found) == 1:
        return f"at step {found[0]}"
    if list(found) == list(measured[-len(found) :]):
        return f"from step {found[0]} on"
    if list(measured).index(found[-1]) - list(measured).index(found[0]) == len(found) - 1:
        return f"from step {found[0]} to {found[-1]}"
    return f"at {len(found)} of {len(measured)} measured steps, first at {found[0]}, last at {found[-1]},"


def together(groups: Sequence[str]) -> str:
    """Groups of weights in words; blocks that follow one another as one: `embedding and blocks 1-3`."""
    runs: list[tuple[str, int, int]] = []
    for group in groups:
        block = _BLOCK.fullmatch(group)
        number = int(block[1]) if block else -1
        if block and runs and runs[-1][0] == "block" and runs[-1][2] == number - 1:
            runs[-1] = ("block", runs[-1][1], number)
        else:
            runs.append(("block" if block else group, number, number))
    names = [
        name if name != "block" else f"block {first}" if first == last else f"blocks {first}-{last}"
        for name, first, last in runs
    ]
    return _listed(names)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
