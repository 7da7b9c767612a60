"""Conformance checks for objectives.

Each check takes an `Objective`, or an `Objective` class that has a default for every setting.

The checks cannot tell whether an objective implements the formula of its paper. To test the formula, compute the loss
in a second, simple way, and compare the values.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TypeVar

import torch
from torch import Tensor

from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import pack
from unlearnkit.gradient_effect.measurement import measure, objective_gradient
from unlearnkit.gradient_effect.outputs import Layout
from unlearnkit.methods.objective import OBJECTIVES, Objective, Quantity, Step, Terms, View
from unlearnkit.testing.check import (
    Checks,
    add_source_and_settings,
    close,
    ensure,
    made,
)
from unlearnkit.testing.tiny import PAD, random_rows
from unlearnkit.testing.world import Altered, World, rows_of, views_of
from unlearnkit.training.loop import StepLog
from unlearnkit.training.step import TrainData, count_units, objective_value, split_of

T = TypeVar("T")
Plugin = Objective | type[Objective]
CHECKS = Checks()
RISK = random_rows(7, seed=2)
"""Random rows that define a risk. The risk is the model's mean loss on these rows. A G-effect relates the gradient of
an objective to the gradient of a risk."""


def _cached(function: Callable[[Plugin], T]) -> Callable[[Plugin], T]:
    """Cache the results of a function that takes a plug-in.

    If the plug-in is not hashable, the function is called without the cache.
    """
    stored = lru_cache(maxsize=64)(function)

    def call(plugin: Plugin) -> T:
        try:
            hash(plugin)
        except TypeError:
            return function(plugin)
        return stored(plugin)

    return call


@_cached
def _world(plugin: Plugin) -> World:
    """Return a `World` with tiny models and data for an objective.

    The world is cached, and several checks share it. Therefore, no check may train the world's model.
    """
    return World(made(plugin))


@_cached
def _plain_step(plugin: Plugin) -> tuple[StepLog, list[Tensor]]:
    log, gradient = _world(plugin).step()
    if log is None:
        raise AssertionError("the loss or the gradient is not finite on random rows")
    return log, gradient


# --- the gradient --------------------------------------------------------------------------------------------------


def _ensure_same(plugin: Plugin, got: tuple[StepLog | None, list[Tensor]], changed: str) -> None:
    (want_log, want), (log, gradient) = _plain_step(plugin), got
    fix = "; check that each term is a sum over its units, not a mean"
    if log is None:
        raise AssertionError(f"the loss or the gradient is not finite after changing {changed}")
    ensure(close(log.loss, want_log.loss, rel=1e-9, abs_tol=1e-9), f"the loss depends on {changed}{fix}")
    ensure(log.terms.keys() == want_log.terms.keys(), f"the names of the terms depend on {changed}")
    for name, value in want_log.terms.items():
        ensure(close(log.terms[name], value, rel=1e-9, abs_tol=1e-9), f"the term {name!r} depends on {changed}{fix}")
    norm = want_log.gradient_norm
    ensure(close(log.gradient_norm, norm, rel=1e-7, abs_tol=1e-9), f"the gradient's norm depends on {changed}{fix}")
    # The normalization layers of transformers compute in float32, even in a float64 model.
    same = (torch.allclose(a, b, rtol=1e-5, atol=1e-6 * max(1.0, norm)) for a, b in zip(gradient, want, strict=True))
    ensure(all(same), f"the gradient depends on {changed}{fix}")


def _micro_batches(size: int, plugin: Plugin) -> None:
    world = _world(plugin)
    most = max(len(rows) for rows in world.views.values())
    trainer = world.trainer(micro_batch_size=size)
    ensure(trainer.micro_batches == math.ceil(most / size) > 1, "the step was not divided into micro-batches")
    _ensure_same(plugin, world.step(micro_batch_size=size), f"the size of micro-batches ({size} rows)")


def _padding(overhead: int, pad_id: int, plugin: Plugin) -> None:
    _ensure_same(plugin, _world(plugin).step(overhead=overhead, pad_id=pad_id), "the padding")


CHECKS["micro_batches_of_2_rows_give_the_same_gradient"] = partial(_micro_batches, 2)
CHECKS["micro_batches_of_3_rows_give_the_same_gradient"] = partial(_micro_batches, 3)
CHECKS["batches_without_padding_give_the_same_gradient"] = partial(_padding, 0, 0)
CHECKS["one_padded_batch_gives_the_same_gradient"] = partial(_padding, 10**6, 0)
CHECKS["another_padding_token_gives_the_same_gradient"] = partial(_padding, 10**6, 17)


@CHECKS.add
def row_order_does_not_matter(plugin: Plugin) -> None:
    """The result does not depend on the order of the rows.

    Each step uses all rows, so changing the seed changes only the order of the rows.
    """
    _ensure_same(plugin, _world(plugin).step(seed=1), "the order of the rows")


@CHECKS.add
def descending_lowers_the_loss(plugin: Plugin) -> None:
    """A few training steps lower the loss.

    Some objectives treat a factor of the loss as a constant (`Tensor.detach`). The loss of such an objective need not
    decrease. Instead, the steps must lower the log-probabilities of the forget answers.
    """
    world = World(made(plugin), dtype=torch.float32)
    losses: list[float] = []
    before = _mean_logp(world) if "forget" in world.views else 0.0
    world.trainer(steps=4, lr=3e-4).run(on_step=lambda log: losses.append(log.loss))
    ensure(len(losses) == 4 and all(math.isfinite(x) for x in losses), "the loss became NaN or infinite within 4 steps")
    if _gradient_is_that_of_the_value(plugin) or "forget" not in world.views:
        ensure(losses[-1] < losses[0], f"4 small steps did not lower the loss: {losses[0]:.6g} to {losses[-1]:.6g}")
    else:
        ensure(_mean_logp(world) < before, "4 small steps did not make the forget answers less likely")


def _mean_logp(world: World) -> float:
    want = Quantity("forget", "logps")
    with torch.no_grad():
        values = world.engine(pack({"forget": world.views["forget"]}, PAD), [want])[want]
    return float(values.mean())


def _gradient_is_that_of_the_value(plugin: Plugin) -> bool:
    """Return whether a small step changes the loss as the gradient predicts.

    The prediction is wrong if the objective treats a factor of the loss as a constant (`Tensor.detach`).
    """
    log, gradient = _plain_step(plugin)
    world, norm = World(made(plugin)), log.gradient_norm
    if norm == 0:
        return True
    values, length = [], 1e-5
    for step in (length, -2 * length):
        with torch.no_grad():
            for parameter, part in zip(world.trainer().parameters, gradient, strict=True):
                parameter.add_(part, alpha=step / norm)
        moved, _ = world.step()
        values.append(math.nan if moved is None else moved.loss)
    return close((values[0] - values[1]) / (2 * length), norm, rel=0.02)


@CHECKS.add
def g_effect_agrees_with_the_gradient(plugin: Plugin) -> None:
    """The G-effect and the training loop use the same gradient.

    The gradient that is computed from the coefficients of the G-effect must equal the training gradient. The G-effect
    itself must equal the inner product of the training gradient and the gradient of a risk.
    """
    world, (_, parts) = _world(plugin), _plain_step(plugin)
    gradient = torch.cat([part.flatten() for part in parts])
    want = Quantity("rows", "logps")
    loss = -world.engine(pack({"rows": RISK}, PAD), [want])[want].mean()
    parameters = [p for p in world.engine.parameters() if p.requires_grad]
    risk = torch.cat([part.flatten() for part in torch.autograd.grad(loss, parameters, materialize_grads=True)])
    found = measure(world.engine, world.needs, world.views, {"near": RISK}, pad_id=PAD, reference=world.reference)
    terms = found.terms(world.objective)
    value = sum(found.effect(term, "near").value for term in terms)
    same = close(value, float(gradient @ risk), rel=1e-4, abs_tol=1e-9)
    ensure(same, "the G-effect is not the inner product of the training gradient and the gradient of the risk")
    whole = objective_gradient(world.engine, found, terms, world.views, pad_id=PAD)
    flat = torch.cat([whole[name].flatten() for name, _ in world.engine.named_parameters()])
    same = torch.allclose(flat, gradient, rtol=1e-4, atol=1e-7)
    ensure(same, "the gradient from the G-effect's coefficients differs from the training gradient")


# --- terms ---------------------------------------------------------------------------------------------------------


def _altered(plugin: Plugin, change: Callable[[Terms], Terms]) -> Altered:
    return Altered(inner=made(plugin), change=change)


def _weighted_terms(plugin: Plugin) -> list[str]:
    names: list[str] = []

    def note(terms: Terms) -> Terms:
        names.extend(name for name, term in terms.items() if term.weight)
        return terms

    _world(plugin).step(objective=_altered(plugin, note))
    return names


def _weight_0(value: float, plugin: Plugin) -> None:
    world, names = _world(plugin), _weighted_terms(plugin)
    for name in names:

        def silence(terms: Terms, name: str = name) -> Terms:
            return {**terms, name: dataclasses.replace(terms[name], weight=0.0, sum=terms[name].sum * value)}

        def drop(terms: Terms, name: str = name) -> Terms:
            return {other: term for other, term in terms.items() if other != name}

        if len(names) == 1:
            try:
                world.step(objective=_altered(plugin, silence))
            except InputError:
                continue
            raise AssertionError("training must refuse an objective whose terms all have weight 0")
        log, gradient = world.step(objective=_altered(plugin, silence))
        other_log, other = world.step(objective=_altered(plugin, drop))
        if log is None or other_log is None:
            raise AssertionError(f"the loss or the gradient is not finite if the term {name!r} has weight 0")
        ensure(log.loss == other_log.loss, f"the loss depends on the term {name!r}, although its weight is 0")
        same = all(torch.equal(a, b) for a, b in zip(gradient, other, strict=True))
        ensure(same, f"the gradient depends on the term {name!r}, although its weight is 0")
        ensure(name in log.terms and name not in other_log.terms, f"the term {name!r} must be logged at weight 0")


CHECKS["a_term_of_weight_0_does_not_matter"] = partial(_weight_0, 1.0)
CHECKS["a_term_of_weight_0_may_be_infinite"] = partial(_weight_0, math.inf)
CHECKS["a_term_of_weight_0_may_be_nan"] = partial(_weight_0, math.nan)


@CHECKS.add
def a_term_that_is_not_finite_stops_the_run(plugin: Plugin) -> None:
    """A term that is NaN or infinite stops the run.

    The run stops before the first step, so the weights do not change.
    """
    world, names = World(made(plugin)), _weighted_terms(plugin)
    ensure(names, "every term has weight 0")
    before = [p.detach().clone() for p in world.model.parameters()]
    for value in (math.inf, math.nan):

        def spoil(terms: Terms, value: float = value) -> Terms:
            return {**terms, names[0]: dataclasses.replace(terms[names[0]], sum=terms[names[0]].sum * value)}

        result = world.trainer(objective=_altered(plugin, spoil), steps=3).run()
        ensure((result.ended, result.steps) == ("non-finite", 0), f"the run continued although a term was {value}")
    same = all(torch.equal(a, b) for a, b in zip(before, world.model.parameters(), strict=True))
    ensure(same, "the weights changed although a term was not finite")


@CHECKS.add
def terms_are_scalars_named_alike_and_counted_in_a_known_unit(plugin: Plugin) -> None:
    """Terms are scalars, with the same names in every micro-batch.

    The view, the unit and the weight of a term are also the same in every micro-batch. `needs` must declare the view.
    """
    world = _world(plugin)
    seen: list[dict[str, tuple[str, str, float]]] = []

    def note(terms: Terms) -> Terms:
        seen.append({name: (term.view, term.unit, term.weight) for name, term in terms.items()})
        for name, term in terms.items():
            ensure(term.sum.shape == (), f"the sum of the term {name!r} is not a scalar")
        return terms

    world.step(objective=_altered(plugin, note), micro_batch_size=2)
    ensure(len(seen) > 1, "the step was not divided into micro-batches")
    ensure(all(terms == seen[0] for terms in seen), "names, units or weights of terms differ between micro-batches")
    indices = {split_of(view): list(range(len(rows))) for view, rows in world.views.items()}
    counts = count_units(world.trainer().data, indices)
    for name, (view, unit, _) in seen[0].items():
        ensure((view, unit) in counts, f"the term {name!r} has an unknown unit or view: {unit!r}, {view!r}")


# --- needs ---------------------------------------------------------------------------------------------------------


class _Recording(dict[Quantity, Tensor]):
    """Dictionary that maps quantities to values, and tracks which values are read."""

    def __init__(self, values: dict[Quantity, Tensor]) -> None:
        super().__init__(values)
        self.read: set[Quantity] = set()

    def __contains__(self, quantity: object) -> bool:
        assert isinstance(quantity, Quantity)
        self.read.add(quantity)
        return super().__contains__(quantity)


def _values(quantity: Quantity, tokens: Tensor, value: float | None, reference: float | None) -> Tensor:
    """Return made-up values of a quantity, with the right sign.

    Log-probabilities are at most 0. The outputs of decoder layers may have any sign. All other values, such as KL
    divergences, are at least 0.

    Args:
        quantity: the quantity.
        tokens: position of each token within its row.
        value: constant that is used for all values of the model; None: default values. The sign of the constant is
            ignored if the values must not be negative.
        reference: constant that is used in the same way for all values of the reference model.
    """
    fill = reference if quantity.of_reference else value
    if quantity.layer is not None:
        fill = fill if fill is not None else -0.7 if quantity.of_reference else -1.0
        values = torch.full((len(tokens), 4), fill, dtype=torch.float64)
    elif quantity.kind == "logps":
        scale = -0.7 if quantity.of_reference else -1.0
        values = scale * (0.5 + tokens) if fill is None else torch.full_like(tokens, fill)
    else:
        values = 0.3 * (0.5 + tokens) if fill is None else torch.full_like(tokens, abs(fill))
    return values.requires_grad_(not quantity.of_reference)


def _leaf_step(objective: Objective, value: float | None = None, reference: float | None = None) -> Step:
    """Return a step with made-up values for every quantity in `needs`.

    `value` sets all values of the model. `reference` sets all values of the reference model. See `_values`.
    """
    needs = objective.needs()
    rows: dict[View, list[int]] = {view: [row.labels for row in rows_of(view)] for view in needs.views}
    tokens = {
        view: torch.tensor([at for labels in lengths for at in range(labels)], dtype=torch.float64)
        for view, lengths in rows.items()
    }
    values = {q: _values(q, tokens[q.view], value, reference) for q in needs.quantities}
    return Step(_Recording(values), {view: Layout.of(rows_of(view)) for view in needs.views})


@CHECKS.add
def needs_are_the_quantities_that_are_read(plugin: Plugin) -> None:
    """`needs` declares every quantity that `terms` reads, and no other quantity."""
    objective = made(plugin)
    step = _leaf_step(objective)
    store = step.store
    assert isinstance(store, _Recording)
    try:
        objective.terms(step)
    except (RuntimeError, KeyError) as error:
        missing = ", ".join(str(quantity) for quantity in store.read - store.keys())
        if not missing:
            raise
        raise AssertionError(f"`terms` reads quantities that `needs` does not declare: {missing}") from error
    unread = ", ".join(str(quantity) for quantity in objective.needs().quantities - store.read)
    ensure(not unread, f"`needs` declares quantities that `terms` does not read: {unread}")


@CHECKS.add
def the_gradient_is_finite_at_extremes(plugin: Plugin) -> None:
    """Log-probabilities down to -10,000 give a finite loss and gradient.

    The check also varies the log-probabilities of the reference model.
    """
    objective = made(plugin)
    views = views_of(objective.needs())
    indices = {split_of(view): list(range(len(rows))) for view, rows in views.items()}
    counts = count_units(TrainData(views, PAD), indices)
    for value in (-1e4, -1e2, -1e-30, 0.0):
        for reference in (-1e4, -1e2, 0.0):
            step = _leaf_step(objective, value, reference)
            total = objective_value(objective.terms(step), counts)
            total.backward()  # type: ignore[no-untyped-call]
            at = f"if the model's values are {value:g} and the reference model's values are {reference:g}"
            ensure(math.isfinite(total.item()), f"the loss is not finite {at}")
            gradients = [leaf.grad for leaf in step.store.values() if leaf.grad is not None]
            ensure(gradients, f"there is no gradient {at}")
            ensure(all(bool(g.isfinite().all()) for g in gradients), f"the gradient is not finite {at}")


add_source_and_settings(CHECKS, OBJECTIVES)
