"""Measure the outputs and slopes from which G-effects are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor

from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import Encoded
from unlearnkit.gradient_effect.coefficients import TermCoefficients, coefficients, units_by_row
from unlearnkit.gradient_effect.derivatives import Mode, Slopes, gradient_of, risk_gradient, slopes_along, usable_mode
from unlearnkit.gradient_effect.outputs import Layout, chunks, outputs_of
from unlearnkit.gradient_effect.settings import Over
from unlearnkit.gradient_effect.weights import Weights
from unlearnkit.methods.objective import Needs, Objective, Quantity, View
from unlearnkit.models.engine import Engine
from unlearnkit.models.parameter_groups import grouped
from unlearnkit.models.parameter_vectors import Vector, dot
from unlearnkit.models.reference import ReferenceValues
from unlearnkit.models.settings import Grouping

Risk = str
"""Name of a risk. A risk is the mean negative log-likelihood of a set of rows, and its name is the name of that set."""
DRAWS = 1000
"""Number of bootstrap samples for each confidence interval."""


@dataclass(frozen=True)
class Effect:
    """Effect of a term on a risk, over a group of weights."""

    value: float
    low: float
    """Lower bound of the 95 % bootstrap interval; `high` is the upper bound. The bootstrap resamples the data
    rows over which the term is averaged. The gradient of the risk stays fixed."""
    high: float
    rows: Tensor
    """(rows,) float64: share of each row in the effect, summed over the row's tokens. The shares sum to `value`."""


@dataclass(frozen=True)
class Measurement:
    """Outputs of a model, and the outputs' derivatives along each risk's gradient."""

    mode: Mode
    """How the slopes were computed: by forward mode or by central differences."""
    layouts: Mapping[View, Layout]
    outputs: Slopes
    slopes: Mapping[tuple[Risk, str], Slopes]
    """Slopes by risk and group of weights. A slope is the dot product of the output's gradient and the risk's gradient.
    Both gradients are restricted to the weights of the group."""
    risks: Mapping[Risk, float]
    """Value of each risk: mean negative log-likelihood per token, in nats."""
    norms: Mapping[Risk, float]
    """Euclidean length of each risk's gradient."""
    gradients: Mapping[Risk, Vector] = field(repr=False)
    reference: ReferenceValues | None = field(default=None, repr=False)

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups of weights, from the embedding to the head."""
        return tuple(dict.fromkeys(group for _, group in self.slopes))

    def terms(self, objective: Objective) -> list[TermCoefficients]:
        """Return the objective's terms, linearized at the measured model.

        Raises:
            InputError: the objective reads an output that was not measured.
        """
        missing = [output for output in outputs_of(objective.needs()) if output not in self.outputs]
        if missing:
            raise InputError(
                "the objective reads an output that was not measured",
                value=", ".join(map(str, missing)),
                fix="include the objective in the measurement",
            )
        return coefficients(objective, self.outputs, self.layouts, self.reference)

    def effect(self, term: TermCoefficients, risk: Risk, group: str | None = None) -> Effect:
        """Return the effect of a term on a risk.

        The effect is the dot product of the two gradients. `group` restricts both gradients to one group of weights;
        None: all groups together.
        """
        layout = self.layouts[term.view]
        rows = torch.zeros(layout.rows, dtype=torch.float64)
        for output, coefficient in term.of.items():
            rows.index_add_(0, self.layouts[output.view].row, self._shares(output, coefficient, risk, group))
        low, high = _interval(rows, units_by_row(layout, term.unit))
        return Effect(float(rows.sum()), low, high, rows)

    def row_slopes(self, view: View, risk: Risk) -> Tensor:
        """Return each row's PG-effect on a risk: (rows,) float64.

        The PG-effect is the dot product of two gradients: the gradient of log p(answer) and the gradient of the risk.
        The PG-effect does not depend on an objective.
        """
        return self.layouts[view].sums(self._shares(Quantity(view, "logps"), torch.ones(()), risk, None))

    def _shares(self, output: Quantity, coefficient: Tensor, risk: Risk, group: str | None) -> Tensor:
        """Return each token's share of an effect: (tokens,) float64."""
        groups = self.groups if group is None else (group,)
        # The shares are computed in float64, because the coefficients and slopes of gradient ascent differ by many
        # orders of magnitude.
        shares = sum(coefficient.double() * self.slopes[risk, name][output].double() for name in groups)
        assert isinstance(shares, Tensor)
        return shares if output.kind != "hidden" else shares.sum(-1)


def _interval(rows: Tensor, units: Tensor) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a term's effect.

    The data rows over which the term is averaged are resampled. The effect is a sum over units divided by the number of
    units. The sum and the number of units are computed from the same resampled rows, so a row with many tokens has more
    weight in both.

    Args:
        rows: (rows,) shares of the effect.
        units: (rows,) number of units in each row.
    """
    times = _times_drawn(len(rows))
    counts = times @ units.double()
    means = times @ rows * (float(units.sum()) / counts.clamp(min=1.0))
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=torch.float64))
    return float(low), float(high)


@lru_cache(maxsize=4)  # effects over the same number of rows use the same samples
def _times_drawn(rows: int) -> Tensor:
    """Return how often each bootstrap sample contains each row: (samples, rows) float64."""
    times = torch.zeros(DRAWS, rows, dtype=torch.float64)
    drawn = torch.randint(rows, (DRAWS, rows), generator=torch.Generator().manual_seed(0))
    return times.scatter_add_(1, drawn, torch.ones((), dtype=torch.float64).expand(DRAWS, rows))


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
    """Measure a model once, for all objectives covered by `needs`.

    In addition to the model, one gradient per risk and the tangents of one pass must fit into memory. Each risk
    requires one forward and backward pass over the rows of the risk. Each pair of a risk and a group of weights
    requires one forward-mode pass over the rows of all views.

    Args:
        engine: the model; it is not changed.
        needs: union (`|`) of the results of the method `needs` of all objectives.
        views: rows of every view in `needs`. A view is a split, or a split with replacement answers.
        risks: rows of each risk.
        pad_id: id of the padding token.
        reference: values of the reference model on the views.
        grouping: how the weights are grouped. Effects can be computed separately for each group.
        boundaries: numbers of the blocks at which a new group starts, see `grouped`.
        over: the weights with respect to which gradients are computed.
        mode: how slopes are computed; None: forward mode, or central differences if the model does not support forward
            mode.
        group_by_group: whether to compute the gradient of one group of weights at a time, for models whose gradient
            does not fit into memory. If true, each risk requires one backward pass per group, and
            `Measurement.gradients` is empty. This option saves memory only if the weights are grouped.
    """
    training = engine.training
    engine.eval()
    try:
        weights = Weights(engine, over)
        groups = grouped(engine, weights.chosen, grouping, boundaries)
        wanted = outputs_of(needs)
        portions = list(chunks(views, wanted, pad_id, engine.device, reference))
        # One row of a view shows whether the model supports forward mode.
        first = {view: rows[:1] for view, rows in views.items()}
        probe = next(chunks(first, wanted, pad_id, engine.device, reference))
        gradients: dict[Risk, Vector] = {}
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
                gradients[risk] = gradient
    finally:
        engine.train(training)
    norms = {risk: square**0.5 for risk, square in squares.items()}
    assert mode is not None
    layouts = {view: Layout.of(rows) for view, rows in views.items()}
    return Measurement(mode, layouts, outputs, slopes, values, norms, gradients, reference)


def objective_gradient(
    engine: Engine,
    measurement: Measurement,
    terms: Sequence[TermCoefficients],
    views: Mapping[View, Sequence[Encoded]],
    *,
    pad_id: int,
    over: Over = "trained",
) -> Vector:
    """Return the gradient of an objective.

    The gradient cannot be computed from the measured slopes, because the slopes contain only the gradient's components
    along the risks' gradients. The computation requires one forward and backward pass over the rows that the
    objective reads.
    """
    totals: dict[Quantity, Tensor] = {}
    for term in terms:
        for output, coefficient in term.of.items():
            totals[output] = totals[output] + coefficient if output in totals else coefficient
    weights = Weights(engine, over)
    portions = chunks(views, outputs_of(Needs(quantities=totals)), pad_id, engine.device, measurement.reference)
    return gradient_of(weights, portions, totals)[1]
