"""Reading effects of objectives off a measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from unlearnkit.gradient_effect.coefficients import TermCoefficients, units_by_row
from unlearnkit.gradient_effect.measurement import Effect, Measurement, Risk
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow, InstanceRow
from unlearnkit.methods.objective import OBJECTIVES, Objective, Quantity
from unlearnkit.models.parameter_vectors import Vector, dot


def label_of(name: str, objective: Objective) -> str:
    """An objective's name and the settings that differ from its defaults."""
    plain = OBJECTIVES.get(name).plugin()
    changed = {key: value for key, value in objective if value != getattr(plain, key)}
    inside = ", ".join(f"{key}={_shown(value)}" for key, value in changed.items())
    return f"{name}({inside})" if inside else name


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def effect_rows(
    measurement: Measurement,
    label: str,
    terms: Sequence[TermCoefficients],
    *,
    step: int = 0,
    gradient: Vector | None = None,
    scale: Callable[[Vector], Vector] | None = None,
) -> Iterator[EffectRow]:
    """Every effect of one objective: of each term and of all, on each risk, through each group and through all.

    Args:
        measurement: of the model.
        label: how the objective is called.
        terms: the objective at this model.
        step: optimizer steps done.
        gradient: the objective's own gradient, for cosines.
        scale: makes the update of a gradient, as the optimizer does, for `per_update`.
    """
    update = scale(gradient) if gradient is not None and scale is not None else None
    groups = [None, *measurement.groups] if len(measurement.groups) > 1 else [None]
    for risk in measurement.risks:
        for group in groups:
            parts = [measurement.effect(term, risk, group) for term in terms]
            for term, part in zip(terms, parts, strict=True):
                yield _row(measurement, step, label, term.name, risk, group, part, term.value)
            whole = together(parts)
            value = sum(term.value for term in terms)
            row = _row(measurement, step, label, WHOLE, risk, group, whole, value)
            if group is None and gradient is not None:
                row = _comparable(row, measurement, risk, gradient, update)
            yield row


def together(parts: Sequence[Effect]) -> Effect:
    """The effects of several terms as one. Their rows are drawn apart, so their errors add up in squares."""
    value = sum(part.value for part in parts)
    below = sum((part.value - part.low) ** 2 for part in parts) ** 0.5
    above = sum((part.high - part.value) ** 2 for part in parts) ** 0.5
    return Effect(value, value - below, value + above, {}, torch.zeros(0))


def _row(
    measurement: Measurement,
    step: int,
    label: str,
    term: str,
    risk: Risk,
    group: str | None,
    effect: Effect,
    value: float,
) -> EffectRow:
    bounds = (effect.value, effect.low, effect.high)
    return EffectRow(step, label, term, risk, group or EVERYTHING, *bounds, value, measurement.risks[risk])


def _comparable(
    row: EffectRow, measurement: Measurement, risk: Risk, gradient: Vector, update: Vector | None
) -> EffectRow:
    names = _once(gradient)
    lengths = measurement.norms[risk] * length(gradient)
    per_update = None
    if update is not None and risk in measurement.gradients:
        moved = length(update)
        per_update = dot(measurement.gradients[risk], update, names) / moved if moved else 0.0
    return EffectRow(**{**row.__dict__, "cosine": row.effect / lengths if lengths else 0.0, "per_update": per_update})


def length(vector: Vector) -> float:
    """Of a gradient, each weight counted once."""
    return math.sqrt(dot(vector, vector, _once(vector)))


def _once(vector: Vector) -> list[str]:
    """A tied weight's gradient stands under both names as one tensor."""
    first: dict[int, str] = {}
    for name, tensor in vector.items():
        first.setdefault(id(tensor), name)
    return list(first.values())


def instance_rows(
    measurement: Measurement, label: str, terms: Sequence[TermCoefficients], *, step: int = 0
) -> Iterator[InstanceRow]:
    """Every instance's share of each term's effect on each risk; of terms that read log-probabilities alone."""
    for term in terms:
        view = term.view
        output = Quantity(view, "logps")
        if output not in term.of:
            continue
        weights = instance_weights(measurement, term, term.of[output])
        for risk in measurement.risks:
            slopes = measurement.row_slopes(view, risk)
            shares = measurement.effect(term, risk).rows
            for row, (weight, slope, share) in enumerate(
                zip(weights.tolist(), slopes.tolist(), shares.tolist(), strict=True)
            ):
                yield InstanceRow(step, label, term.name, risk, view, row, weight, slope, share)


def instance_weights(measurement: Measurement, term: TermCoefficients, coefficient: Tensor) -> Tensor:
    """(rows,) mean coefficient of each instance's tokens, in the unit in which ascent's is 1."""
    layout = measurement.layouts[term.view]
    units = float(units_by_row(layout, term.unit).sum())
    summed = torch.zeros(layout.rows, dtype=torch.float64).index_add_(0, layout.row, coefficient.double())
    return summed / layout.row.bincount(minlength=layout.rows) * units


def adam_update(second_moments: Mapping[str, Tensor], eps: float) -> Callable[[Vector], Vector]:
    """How Adam scales a gradient: by one over the root of its second moment plus eps. Momentum is left out.

    Args:
        second_moments: the optimizer's `exp_avg_sq` by name of the weight, corrected for having begun at 0. Adam leaves
            a weight alone that is not in it, such as one above the layer that is read.
        eps: added to the root.
    """

    def update(gradient: Vector) -> Vector:
        made: dict[int, Tensor] = {}  # a tied weight has one gradient under two names
        for name, value in gradient.items():
            if id(value) not in made:
                seen = second_moments.get(name)
                made[id(value)] = torch.zeros_like(value) if seen is None else value / (seen.sqrt() + eps)
        return {name: made[id(value)] for name, value in gradient.items()}

    return update
