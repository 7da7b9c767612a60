"""What is drawn of G-effects, as values: the report's charts and the figures for a paper show the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import correlation
from typing import NamedTuple

from unlearnkit.core.number_format import number, significant
from unlearnkit.data.vocabulary import is_forget, ordered_sets
from unlearnkit.gradient_effect.effect_series import Course, forget_risk, retained_risk, told_steps
from unlearnkit.gradient_effect.table import EffectRow, EffectTable, InstanceRow, StepRow

EFFECT_UNIT = "nats/token per unit step"
"""Of an effect: the fall of the risk under a plain gradient step, over the step's size."""

_DOTS = 1500
"""More instances than this in one plane cover each other."""


class Panel(NamedTuple):
    """Effects by groups of weights, and by steps or risks."""

    title: str
    columns: tuple[str, ...]
    cells: tuple[tuple[EffectRow | None, ...], ...]
    """By group, then by column; None where it was not measured."""


class GroupMap(NamedTuple):
    """How an objective's effects are spread over groups of weights."""

    objective: str
    groups: tuple[str, ...]
    across: str
    """What the columns are: `step` or `risk`."""
    panels: tuple[Panel, ...]

    @property
    def effects(self) -> list[float]:
        """All that were measured."""
        return [cell.effect for panel in self.panels for row in panel.cells for cell in row if cell is not None]


class Dot(NamedTuple):
    """One instance in the plane of PG-effects."""

    row: int
    x: float
    y: float
    weight: float


class Plane(NamedTuple):
    """The instances of one term at some steps: their slopes on two risks, and what the objective makes of them."""

    title: str
    x_risk: str
    y_risk: str
    steps: tuple[tuple[int, tuple[Dot, ...]], ...]
    """Dots by step, those of little weight first."""
    instances: int
    """How many there are at a step, at most; where they are more than dots, the dots are every so many-th of them."""


class Fit(NamedTuple):
    """Predicted and measured changes of one risk."""

    risk: str
    rows: tuple[StepRow, ...]
    ratio: float | None
    """Of measured to predicted, by least squares through 0; None where nothing was predicted."""
    correlation: float | None
    """None for fewer than three steps, or where one of both does not vary."""

    @property
    def told(self) -> str:
        """The fit in a sentence."""
        steps = f"{len(self.rows)} step{'' if len(self.rows) == 1 else 's'}"
        if self.ratio is None:
            return f"{self.risk}: no change was predicted over {steps}."
        related = "" if self.correlation is None else f", correlation {number(self.correlation)}"
        return (
            f"{self.risk}: over {steps} the measured change is {significant(self.ratio)} times the predicted one "
            f"(least squares through 0){related}."
        )


def group_map(course: Course) -> GroupMap | None:
    """An objective's effects by groups and steps on two risks or, at one step alone, by groups and all risks.

    None where no groups were measured.
    """
    groups, steps = tuple(course.groups), course.steps
    if not groups:
        return None
    if len(steps) == 1:
        cells = tuple(tuple(course.at(risk, steps[0], group) for risk in course.risks) for group in groups)
        return GroupMap(course.objective, groups, "risk", (Panel(f"step {steps[0]}", tuple(course.risks), cells),))
    chosen = [risk for risk in (forget_risk(course.risks), retained_risk(course.risks)) if risk is not None]
    panels = tuple(
        Panel(
            risk,
            tuple(map(str, steps)),
            tuple(tuple(course.at(risk, step, group) for step in steps) for group in groups),
        )
        for risk in chosen
    )
    return GroupMap(course.objective, groups, "step", panels)


def planes(table: EffectTable) -> list[Plane]:
    """The planes of every term that acts on rows that must be forgotten, at its first, middle and last step.

    A term without weight (one that is only logged) has none.
    """
    found: dict[tuple[str, str, str], list[InstanceRow]] = {}
    for row in table.instances:
        if is_forget(row.view.partition(":")[0]) and math.isfinite(row.slope) and math.isfinite(row.weight):
            found.setdefault((row.objective, row.term, row.view), []).append(row)
    made = [_plane(*key, rows) for key, rows in found.items()]
    return [plane for plane in made if plane is not None]


def _plane(objective: str, term: str, view: str, rows: Sequence[InstanceRow]) -> Plane | None:
    risks = {row.risk for row in rows}
    x_risk, y_risk = forget_risk(risks), retained_risk(risks)
    if x_risk is None or y_risk is None:
        return None
    if not any(row.weight for row in rows):
        return None
    places = {(row.step, row.risk, row.row): row for row in rows}
    steps, count = [], 0
    for step in told_steps([row.step for row in rows]):
        x_rows = [row for row in rows if row.step == step and row.risk == x_risk]
        dots = [
            Dot(row.row, row.slope, other.slope, row.weight)
            for row in sorted(x_rows, key=lambda row: row.row)
            if (other := places.get((step, y_risk, row.row))) is not None
        ]
        count = max(count, len(dots))
        shown = dots[:: -(-len(dots) // _DOTS) or 1]
        if shown:
            steps.append((step, tuple(sorted(shown, key=lambda dot: abs(dot.weight)))))
    title = objective if view == "forget" and term == "forget" else f"{objective}, term {term} on {view}"
    return Plane(title, x_risk, y_risk, tuple(steps), count) if steps else None


def fits(table: EffectTable) -> list[Fit]:
    """How predictions of steps came out, by risk."""
    rows = [row for row in table.steps if math.isfinite(row.predicted) and math.isfinite(row.measured)]
    return [_fit(risk, [row for row in rows if row.risk == risk]) for risk in ordered_sets(row.risk for row in rows)]


def _fit(risk: str, rows: Sequence[StepRow]) -> Fit:
    predicted, measured = [row.predicted for row in rows], [row.measured for row in rows]
    squares = sum(p * p for p in predicted)
    ratio = sum(p * m for p, m in zip(predicted, measured, strict=True)) / squares if squares else None
    varies = len(rows) > 2 and len(set(predicted)) > 1 and len(set(measured)) > 1
    return Fit(risk, tuple(rows), ratio, correlation(predicted, measured) if varies else None)


def in_words(row: EffectRow) -> str:
    """An effect with its interval and unit."""
    return f"{significant(row.effect)} ({significant(row.low)} to {significant(row.high)}) {EFFECT_UNIT}"
