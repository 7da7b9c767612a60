"""What every registered objective must do, whoever wrote it. A new one is found and tested by being registered."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
from collections.abc import Iterable
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.conformance.harness import CASES, CONSTANT_WEIGHTS, Altered, World, make, rows_of
from tests.conformance.slow import SLOW, Slow, token_mean
from tests.methods.steps import LeafView, Store, loss, step_of
from unlearnkit.core.errors import InputError
from unlearnkit.methods.objective import OBJECTIVES, Objective, Step, Terms
from unlearnkit.training.loop import StepLog
from unlearnkit.training.step import count_units

every_case = pytest.mark.parametrize("case", CASES)
every_name = pytest.mark.parametrize("name", OBJECTIVES.names())


@cache
def world(case: str) -> World:
    return World(make(case))


@cache
def plain_step(case: str) -> tuple[StepLog, list[Tensor]]:
    log, gradient = world(case).step()
    assert log is not None
    return log, gradient


def assert_same(case: str, got: tuple[StepLog | None, list[Tensor]]) -> None:
    (want_log, want), (log, gradient) = plain_step(case), got
    assert log is not None
    assert log.loss == pytest.approx(want_log.loss, rel=1e-9, abs=1e-9)
    assert log.terms == pytest.approx(want_log.terms, rel=1e-9, abs=1e-9)
    assert log.gradient_norm == pytest.approx(want_log.gradient_norm, rel=1e-7)
    # transformers' norms compute in float32 even in a float64 model.
    torch.testing.assert_close(gradient, want, rtol=1e-5, atol=1e-6 * max(1.0, want_log.gradient_norm))


# --- the gradient --------------------------------------------------------------------------------------------------


@every_case
def test_loss_and_gradient_equal_a_slow_independent_computation(case: str) -> None:
    name = CASES[case][0]
    assert name in SLOW, f"write {name!r} again in tests/conformance/slow.py"
    here = world(case)
    slow = SLOW[name](Slow(here.model, here.target, here.views), here.objective)
    parameters = [p for p in here.model.parameters() if p.requires_grad]
    want = torch.autograd.grad(slow, parameters, materialize_grads=True, allow_unused=True)
    log, gradient = plain_step(case)
    assert log.loss == pytest.approx(slow.item(), rel=1e-6, abs=1e-6)
    norm = math.sqrt(sum(float(g.square().sum()) for g in want))
    assert norm > 1e-3
    assert log.gradient_norm == pytest.approx(norm, rel=1e-5)
    torch.testing.assert_close(gradient, list(want), rtol=1e-4, atol=1e-5 * max(1.0, norm))


@every_case
@pytest.mark.parametrize("size", [2, 3])
def test_micro_batches_give_the_same_gradient(case: str, size: int) -> None:
    here = world(case)
    sizes = {len(rows) for rows in here.views.values()}
    trainer = here.trainer(micro_batch_size=size)
    assert trainer.micro_batches == math.ceil(max(sizes) / size) > 1
    assert_same(case, here.step(micro_batch_size=size))


@every_case
def test_the_order_of_rows_in_a_batch_does_not_matter(case: str) -> None:
    # Each step sees all rows here, so another seed is another order and nothing else.
    assert_same(case, world(case).step(seed=1))


@every_case
@pytest.mark.parametrize(("overhead", "pad_id"), [(0, 0), (10**6, 0), (10**6, 17)])
def test_padding_does_not_matter(case: str, overhead: int, pad_id: int) -> None:
    assert_same(case, world(case).step(overhead=overhead, pad_id=pad_id))


@every_case
def test_descending_lowers_the_loss(case: str) -> None:
    here = World(make(case), dtype=torch.float32)
    losses: list[float] = []
    before = Slow(here.model, here.target, here.views).logps("forget") if "forget" in here.views else []
    here.trainer(steps=4, lr=3e-4).run(on_step=lambda log: losses.append(log.loss))
    assert len(losses) == 4 and all(math.isfinite(x) for x in losses)
    if CASES[case][0] in CONSTANT_WEIGHTS:
        after = Slow(here.model, here.target, here.views).logps("forget")
        assert token_mean(after) < token_mean(before)
    else:
        assert losses[-1] < losses[0]


# --- terms ---------------------------------------------------------------------------------------------------------


def weighted_terms(case: str) -> list[str]:
    names: list[str] = []

    def note(terms: Terms) -> Terms:
        names.extend(name for name, term in terms.items() if term.weight)
        return terms

    world(case).step(objective=Altered(inner=make(case), change=note))
    return names


@every_case
@pytest.mark.parametrize("value", [1.0, math.inf, math.nan])
def test_a_term_of_weight_0_is_as_good_as_absent_whatever_its_value(case: str, value: float) -> None:
    here, names = world(case), weighted_terms(case)
    for name in names:

        def silence(terms: Terms, name: str = name) -> Terms:
            silent = dataclasses.replace(terms[name], weight=0.0, sum=terms[name].sum * value)
            return {**terms, name: silent}

        def drop(terms: Terms, name: str = name) -> Terms:
            return {other: term for other, term in terms.items() if other != name}

        silenced = Altered(inner=make(case), change=silence)
        if len(names) == 1:
            with pytest.raises(InputError, match="nothing to minimize"):
                here.step(objective=silenced)
            continue
        (log, gradient), (other_log, other) = (
            here.step(objective=silenced),
            here.step(objective=Altered(inner=make(case), change=drop)),
        )
        assert log is not None and other_log is not None
        assert log.loss == other_log.loss
        assert all(torch.equal(a, b) for a, b in zip(gradient, other, strict=True))
        assert name in log.terms and name not in other_log.terms


@every_case
def test_a_weighted_term_that_is_not_finite_stops_the_run_with_the_weights_as_they_were(case: str) -> None:
    here, names = World(make(case)), weighted_terms(case)
    before = [p.detach().clone() for p in here.model.parameters()]
    for value in (math.inf, math.nan):

        def spoil(terms: Terms, value: float = value) -> Terms:
            return {**terms, names[0]: dataclasses.replace(terms[names[0]], sum=terms[names[0]].sum * value)}

        result = here.trainer(objective=Altered(inner=make(case), change=spoil), steps=3).run()
        assert (result.ended, result.steps) == ("non-finite", 0)
    assert all(torch.equal(a, b) for a, b in zip(before, here.model.parameters(), strict=True))


@every_case
def test_terms_are_named_alike_in_every_micro_batch_and_counted_in_a_known_unit(case: str) -> None:
    here = world(case)
    seen: list[dict[str, tuple[str, str, float]]] = []

    def note(terms: Terms) -> Terms:
        seen.append({name: (term.view, term.unit, term.weight) for name, term in terms.items()})
        assert all(term.sum.shape == () for term in terms.values())
        return terms

    here.step(objective=Altered(inner=make(case), change=note), micro_batch_size=2)
    assert len(seen) > 1 and all(terms == seen[0] for terms in seen)
    indices = {view.partition(":")[0]: list(range(len(rows))) for view, rows in here.views.items()}
    counts = count_units(here.trainer().data, indices)
    assert all((view, unit) in counts for view, unit, _ in seen[0].values())


# --- needs ---------------------------------------------------------------------------------------------------------


def leaf_step(objective: Objective, value: float | None = None, reference: float | None = None) -> Step:
    """A step with every value of every view that is declared anywhere, and of the usual views besides."""
    views = objective.needs().views | {"forget", "forget:target", "forget:idk", "retain"}

    def leaves(fill: float | None, sign: float) -> dict[str, LeafView]:
        return {
            view: LeafView(
                [[sign * (0.5 + at) if fill is None else fill for at in range(r.labels)] for r in rows_of(view)]
            )
            for view in views
        }

    def depths(wanted: Iterable[tuple[str, int]], fill: float) -> dict[tuple[str, int], Tensor]:
        counts = {view: sum(row.labels for row in rows_of(view)) for view in views}
        return {
            depth: torch.full((counts[depth[0]], 4), fill, dtype=torch.float64, requires_grad=True) for depth in wanted
        }

    return step_of(
        leaves(value, -1.0),
        leaves(reference, -0.7),
        leaves(None if value is None else abs(value), 0.3),
        depths(objective.needs().hidden, -1.0 if value is None else value),
        depths(objective.needs().reference_hidden, -0.7 if reference is None else reference),
        {
            quantity: leaves(None if value is None else abs(value), 0.3)[quantity.view]
            for quantity in objective.needs().of_model
            if quantity.function is not None
        },
    )


@every_case
def test_only_and_all_of_what_is_declared_is_asked_for(case: str) -> None:
    objective = make(case)
    needs, step = objective.needs(), leaf_step(objective)
    objective.terms(step)
    assert isinstance(step.store, Store)
    assert step.store.read == needs.quantities


@every_case
@given(value=st.sampled_from([-1e4, -1e2, -1e-30, 0.0]), reference=st.sampled_from([-1e4, -1e2, 0.0]))
def test_the_gradient_is_finite_at_extreme_log_probabilities(case: str, value: float, reference: float) -> None:
    objective = make(case)
    step = leaf_step(objective, value, reference)
    total = loss(objective.terms(step), step)
    total.backward()
    assert math.isfinite(total.item())
    gradients = [leaf.grad for leaf in step.store.values() if leaf.grad is not None]
    assert gradients and all(torch.isfinite(g).all() for g in gradients)


# --- papers and documentation --------------------------------------------------------------------------------------


@every_name
def test_source_and_docstring(name: str) -> None:
    entry = OBJECTIVES.get(name)
    assert re.fullmatch(r"arXiv:\d{4}\.\d{5}|https?://\S+", entry.paper or ""), "which paper?"
    assert entry.equation, "which equation or section of it?"
    assert entry.plugin.__doc__ and entry.plugin.__doc__ != Objective.__doc__
    assert entry.summary.endswith(".") and len(entry.summary) <= 120
    assert inspect.getmodule(entry.plugin).__doc__  # type: ignore[union-attr]


@every_name
def test_every_setting_is_documented_in_the_json_schema(name: str) -> None:
    schema = OBJECTIVES.get(name).plugin.model_json_schema()
    json.dumps(schema)
    assert schema["additionalProperties"] is False
    for field, description in schema.get("properties", {}).items():
        assert description.get("description", "").endswith("."), f"say in a docstring what {field!r} is"
        assert "default" in description, f"{field!r} needs a default, so that the method runs by its name alone"


@every_case
def test_settings_survive_json_and_are_frozen(case: str) -> None:
    objective = make(case)
    assert type(objective).model_validate_json(objective.model_dump_json()) == objective
    for field in type(objective).model_fields:
        with pytest.raises(ValueError, match="frozen"):
            setattr(objective, field, 1)
