"""Compute the G-effects of objectives from a measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from unlearnkit.gradient_effect.coefficients import TermCoefficients, units_by_row
from unlearnkit.gradient_effect.measurement import Effect, Measurement
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow, InstanceRow
from unlearnkit.gradient_effect.weights import distinct
from unlearnkit.methods.objective import OBJECTIVES, Objective, Quantity
from unlearnkit.models.parameter_vectors import Vector, dot


def label_of(name: str, objective: Objective) -> str:
    """Return an objective's name with its non-default settings: `npo(beta=0.5)`."""
    defaults = OBJECTIVES.get(name).plugin()
    changed = {key: value for key, value in objective if value != getattr(defaults, key)}
    texts = [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in changed.items()]
    return f"{name}({', '.join(texts)})" if texts else name


def effect_rows(
    measurement: Measurement,
    label: str,
    terms: Sequence[TermCoefficients],
    *,
    step: int = 0,
    gradient: Vector | None = None,
    scale: Callable[[Vector], Vector] | None = None,
) -> Iterator[EffectRow]:
    """Yield table rows with the effects of one objective.

    There is one table row for each combination of a risk, a group of weights and a term. Additional table rows contain
    the effects of all terms together, and the effects computed over all weights together.

    Args:
        measurement: the measurement of the model.
        label: name of the objective in the rows.
        terms: terms of the objective, linearized at the measured model.
        step: number of optimizer steps done.
        gradient: gradient of the objective. `EffectRow.cosine` is computed from this gradient; None: `cosine` is not
            computed.
        scale: function that returns the optimizer's update for a gradient. `EffectRow.per_update` is computed from this
            update; None: `per_update` is not computed.
    """
    update = scale(gradient) if gradient is not None and scale is not None else None
    groups = [None, *measurement.groups] if len(measurement.groups) > 1 else [None]
    for risk, risk_value in measurement.risks.items():
        for group in groups:
            parts = [measurement.effect(term, risk, group) for term in terms]
            effects = [(term.name, term.value, part) for term, part in zip(terms, parts, strict=True)]
            effects.append((WHOLE, sum(term.value for term in terms), together(parts)))
            rows = [
                EffectRow(step, label, name, risk, group or EVERYTHING, of.value, of.low, of.high, value, risk_value)
                for name, value, of in effects
            ]
            if group is None and gradient is not None:
                rows[-1] = _compared(rows[-1], measurement, gradient, update)
            yield from rows


def together(parts: Sequence[Effect]) -> Effect:
    """Return the effect of several terms together.

    The rows of different terms are resampled independently. Therefore the half-width of the combined interval is the
    square root of the sum of the terms' squared half-widths. The attribute `rows` of the result is empty.
    """
    value = sum(part.value for part in parts)
    below = sum((part.value - part.low) ** 2 for part in parts) ** 0.5
    above = sum((part.high - part.value) ** 2 for part in parts) ** 0.5
    return Effect(value, value - below, value + above, torch.zeros(0))


def _compared(row: EffectRow, measurement: Measurement, gradient: Vector, update: Vector | None) -> EffectRow:
    """Return a copy of the row with `cosine` and `per_update` filled in."""
    lengths = measurement.norms[row.risk] * length(gradient)
    per_update = None
    if update is not None and row.risk in measurement.gradients:
        distance = length(update)
        product = dot(measurement.gradients[row.risk], update, distinct(gradient))
        per_update = product / distance if distance else 0.0
    return replace(row, cosine=row.effect / lengths if lengths else 0.0, per_update=per_update)


def length(vector: Vector) -> float:
    """Return the Euclidean length of a gradient; a tied weight counts once."""
    return math.sqrt(dot(vector, vector, distinct(vector)))


def instance_rows(
    measurement: Measurement, label: str, terms: Sequence[TermCoefficients], *, step: int = 0
) -> Iterator[InstanceRow]:
    """Yield one table row for each instance, term and risk.

    An instance is a data row of the term's view, which is the set of rows over which the term is averaged. The table
    row contains the instance's share of the term's effect on the risk. Terms that do not read log-probabilities are
    omitted.
    """
    for term in terms:
        coefficient, layout = term.of.get(Quantity(term.view, "logps")), measurement.layouts[term.view]
        if coefficient is None:
            continue
        # The mean coefficient of each row's tokens, scaled so that it is 1 for gradient ascent.
        units = float(units_by_row(layout, term.unit).sum())
        weights = layout.sums(coefficient) / layout.row.bincount(minlength=layout.rows) * units
        for risk in measurement.risks:
            columns = (weights, measurement.row_slopes(term.view, risk), measurement.effect(term, risk).rows)
            for row, values in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
                yield InstanceRow(step, label, term.name, risk, term.view, row, *values)


def adam_update(second_moments: Mapping[str, Tensor], eps: float) -> Callable[[Vector], Vector]:
    """Return a function that scales a gradient as Adam does, without momentum.

    The gradient is divided by sqrt(second moment) + eps.

    Args:
        second_moments: the optimizer's `exp_avg_sq` by name of the weight, with bias correction. If a weight is
            missing here, its update is 0, because Adam does not change this weight (for example, a weight above the
            layer that the objective reads).
        eps: the optimizer's eps.
    """

    def update(gradient: Vector) -> Vector:
        updates: dict[int, Tensor] = {}  # a tied weight has one gradient under two names
        for name in distinct(gradient):
            value, moment = gradient[name], second_moments.get(name)
            updates[id(value)] = torch.zeros_like(value) if moment is None else value / (moment.sqrt() + eps)
        return {name: updates[id(value)] for name, value in gradient.items()}

    return update
