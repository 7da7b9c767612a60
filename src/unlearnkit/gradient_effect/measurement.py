"""One measurement of a model: outputs and slopes, from which the G-effect of every objective is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor

from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import Encoded
from unlearnkit.gradient_effect.coefficients import TermCoefficients, coefficients, layouts_of, units_by_row
from unlearnkit.gradient_effect.directional_derivatives import Mode, Slopes, slopes_along, usable_mode
from unlearnkit.gradient_effect.gradients import gradient_of, risk_gradient
from unlearnkit.gradient_effect.outputs import Layout, chunks, outputs_of
from unlearnkit.gradient_effect.settings import Over
from unlearnkit.gradient_effect.weights import Weights
from unlearnkit.methods.objective import Needs, Objective, Quantity, View
from unlearnkit.models.engine import Engine
from unlearnkit.models.parameter_vectors import Vector, dot
from unlearnkit.models.reference import ReferenceValues
from unlearnkit.models.settings import Grouping

Risk = str
"""A set of rows whose mean negative log-likelihood is watched, by the name of its split."""
DRAWS = 1000
"""Of rows, for the interval of a mean."""


@dataclass(frozen=True)
class Effect:
    """The effect of one term on one risk, through one group of weights."""

    value: float
    low: float
    """Bounds of the 95 % bootstrap interval, rows of the term drawn anew, the risk's gradient held."""
    high: float
    tokens: Mapping[Quantity, Tensor]
    """Each output's share, (tokens,): it sums to `value`."""
    rows: Tensor
    """(rows,) float64: each instance's share, summed over its tokens; it sums to `value`."""


@dataclass(frozen=True)
class Measurement:
    """Outputs of a model on the rows of some views, and their slopes along the gradient of each risk."""

    mode: Mode
    """How slopes were taken."""
    layouts: Mapping[View, Layout]
    outputs: Slopes
    slopes: Mapping[tuple[Risk, str], Slopes]
    """By risk and group of weights: d output / d weights times the risk's gradient restricted to the group."""
    risks: Mapping[Risk, float]
    """Each risk's value: mean negative log-likelihood per token, in nats."""
    norms: Mapping[Risk, float]
    """Length of each risk's gradient."""
    gradients: Mapping[Risk, Vector] = field(repr=False)
    reference: ReferenceValues | None = field(default=None, repr=False)

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of weights, from the embedding to the head."""
        return tuple(dict.fromkeys(group for _, group in self.slopes))

    def terms(self, objective: Objective) -> list[TermCoefficients]:
        """The objective's terms at this model. Raises `InputError` for one that reads what was not measured."""
        missing = [output for output in outputs_of(objective.needs()) if output not in self.outputs]
        if missing:
            raise InputError(
                "the objective reads what was not measured",
                value=", ".join(map(str, missing)),
                fix="name it when measuring",
            )
        return coefficients(objective, self.outputs, self.layouts, self.reference)

    def effect(self, term: TermCoefficients, risk: Risk, group: str | None = None, *, seed: int = 0) -> Effect:
        """<grad of the term, grad of the risk>, through one group of weights, or through all of them."""
        tokens = {output: self._shares(output, c, risk, group) for output, c in term.of.items()}
        rows = torch.zeros(self.layouts[term.view].rows, dtype=torch.float64)
        for output, shares in tokens.items():
            rows.index_add_(0, self.layouts[output.view].row, shares)
        low, high = interval(rows, units_by_row(self.layouts[term.view], term.unit), seed)
        return Effect(float(rows.sum()), low, high, tokens, rows)

    def row_slopes(self, view: View, risk: Risk) -> Tensor:
        """(rows,) <grad log p(answer), grad risk>: an instance's place in the plane of PG-effects, without a weight."""
        output, layout = Quantity(view, "logps"), self.layouts[view]
        summed = sum(self.slopes[risk, group][output].double() for group in self.groups)
        assert isinstance(summed, Tensor)
        return torch.zeros(layout.rows, dtype=torch.float64).index_add_(0, layout.row, summed)

    def _shares(self, output: Quantity, coefficient: Tensor, risk: Risk, group: str | None) -> Tensor:
        of = self.groups if group is None else (group,)
        # float64: coefficients of ascent on forgotten tokens and slopes differ by many orders of magnitude.
        shares = sum(coefficient.double() * self.slopes[risk, name][output].double() for name in of)
        assert isinstance(shares, Tensor)
        return shares if output.kind != "hidden" else shares.sum(-1)


def interval(rows: Tensor, units: Tensor, seed: int, *, draws: int = DRAWS) -> tuple[float, float]:
    """95 % percentile interval of a term's effect when its rows are drawn with replacement.

    A term is a sum over units divided by their number, so both are drawn together: a row of many tokens counts for
    more in either.

    Args:
        rows: (rows,) shares of the effect.
        units: (rows,) number of units in each.
        seed: of the draws.
    """
    times = _times_drawn(draws, len(rows), seed)
    counts = times @ units.double()
    means = times @ rows * (float(units.sum()) / counts.clamp(min=1.0))
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=torch.float64))
    return float(low), float(high)


@lru_cache(maxsize=4)  # one for each number of rows among the terms: all their effects are read with the same draws
def _times_drawn(draws: int, rows: int, seed: int) -> Tensor:
    """How often each row is drawn, with replacement: (draws, rows) float64."""
    times = torch.zeros(draws, rows, dtype=torch.float64)
    drawn = torch.randint(rows, (draws, rows), generator=torch.Generator().manual_seed(seed))
    return times.scatter_add_(1, drawn, torch.ones((), dtype=torch.float64).expand(draws, rows))


def measure(
    engine: Engine,
    needs: Needs,
    views: Mapping[View, Sequence[Encoded]],
    risks: Mapping[Risk, Sequence[Encoded]],
    *,
    pad_id: int,
    reference: ReferenceValues | None = None,
    grouping: Grouping = "none",
    boundaries: tuple[int, ...] = (),
    over: Over = "trained",
    mode: Mode | None = None,
    group_by_group: bool = False,
) -> Measurement:
    """Measure a model once for every objective that reads no more than `needs`.

    Args:
        engine: the model; it is left as it was.
        needs: of all objectives together (`Needs` are joined by `|`).
        views: rows of every view of `needs`.
        risks: rows of each risk.
        pad_id: id used to fill up rows.
        reference: the reference model's values on the views.
        grouping: by which groups of weights effects are split.
        boundaries: between groups of blocks, see `grouped`.
        over: which weights.
        mode: how slopes are taken; None: forward mode, or central differences where the model has none.
        group_by_group: take the gradient of one group at a time, for models whose gradient does not fit beside them.
            Costs a backward pass a group. Needs a grouping.

    Memory beyond the model: one gradient a risk, and the tangent of one pass. Time: for each risk one forward and
    backward pass over its rows, and for each risk and group one forward-mode pass over the rows of the views.
    """
    training = engine.training
    engine.eval()
    try:
        weights = Weights(engine, over)
        groups = weights.groups(grouping, boundaries)
        wanted = outputs_of(needs)
        portions = list(chunks(views, wanted, pad_id, weights.device, reference))
        # What tells whether there is a forward mode: one row of a view.
        first = {view: rows[:1] for view, rows in views.items()}
        probe = next(chunks(first, wanted, pad_id, weights.device, reference))
        held: dict[Risk, Vector] = {}
        values: dict[Risk, float] = {}
        squares: dict[Risk, float] = {}
        slopes: dict[tuple[Risk, str], Slopes] = {}
        outputs: Slopes = {}
        for risk, rows in risks.items():
            gradient: Vector = {}
            for names in groups.values() if group_by_group else [weights.chosen]:
                values[risk], gradient = risk_gradient(weights, risk, rows, pad_id, names)
                squares[risk] = squares.get(risk, 0.0) + dot(gradient, gradient, weights.once(names))
                for group in (g for g, members in groups.items() if set(members) <= set(names)):
                    direction = {name: gradient[name] for name in groups[group]}
                    mode = mode or usable_mode(weights, probe, direction)
                    outputs, slopes[risk, group] = slopes_along(weights, portions, direction, mode)
            if not group_by_group:
                held[risk] = gradient
    finally:
        engine.train(training)
    norms = {risk: square**0.5 for risk, square in squares.items()}
    assert mode is not None
    return Measurement(mode, layouts_of(views), outputs, slopes, values, norms, held, reference)


def objective_gradient(
    engine: Engine,
    measurement: Measurement,
    terms: Sequence[TermCoefficients],
    views: Mapping[View, Sequence[Encoded]],
    *,
    pad_id: int,
    over: Over = "trained",
) -> Vector:
    """The gradient of an objective itself, of which slopes tell only the part along the risks: for its length.

    Costs one forward and backward pass over the rows that it reads.
    """
    whole: dict[Quantity, Tensor] = {}
    for term in terms:
        for output, c in term.of.items():
            whole[output] = whole[output] + c if output in whole else c
    weights = Weights(engine, over)
    portions = chunks(views, outputs_of(Needs(quantities=whole)), pad_id, weights.device, measurement.reference)
    return gradient_of(weights, portions, whole)[1]
