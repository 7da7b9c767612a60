"""What must hold of G-effects exactly, on tiny models in float64, against explicit gradients."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.tiny import CONFIGS, PAD, adapted, random_rows, tiny_model
from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.gradient_effect.measurement import Measurement, measure, objective_gradient
from unlearnkit.methods.objective import OBJECTIVES, Needs, Quantity
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import reference_values

FORGET, RETAIN = random_rows(5, seed=1), random_rows(7, seed=2)
RISKS = {"forget": FORGET, "near": RETAIN}
ASCENT = Needs(logps=frozenset({"forget"}))


def engine_of(family: str = "llama_tied", **changed: Any) -> Engine:
    return Engine(tiny_model(family, dtype=torch.float64, **changed))


def logps(engine: Engine, rows: list[Encoded]) -> Tensor:
    want = Quantity("rows", "logps")
    values: Tensor = engine(pack({"rows": rows}, PAD), [want])[want]
    return values


def explicit(engine: Engine, value: Tensor) -> Tensor:
    """The gradient by all trained parameters, flat."""
    parameters = [p for p in engine.parameters() if p.requires_grad]
    parts = torch.autograd.grad(value, parameters, allow_unused=True)
    return torch.cat(
        [torch.zeros_like(p).flatten() if g is None else g.flatten() for p, g in zip(parameters, parts, strict=True)]
    )


def measured(engine: Engine, needs: Needs = ASCENT, **options: Any) -> Measurement:
    return measure(engine, needs, {"forget": FORGET}, RISKS, pad_id=PAD, **options)


def effect(found: Measurement, name: str, risk: str, group: str | None = None, **settings: Any) -> float:
    terms = found.terms(OBJECTIVES.get(name).plugin(**settings))
    return sum(found.effect(term, risk, group).value for term in terms)


def test_ascent_raises_the_risk_by_the_squared_length_of_its_gradient() -> None:
    found = measured(engine_of())
    assert effect(found, "ga", "forget") == pytest.approx(-(found.norms["forget"] ** 2), rel=1e-6)


@pytest.mark.parametrize("family", CONFIGS)
def test_every_family_has_a_forward_mode_and_it_is_right(family: str) -> None:
    engine = engine_of(family)
    found = measured(engine)
    assert found.mode == "forward"
    by_hand = explicit(engine, logps(engine, FORGET).mean()) @ explicit(engine, -logps(engine, RETAIN).mean())
    # Norms and rotations of some families are float32 whatever the weights are.
    assert effect(found, "ga", "near") == pytest.approx(float(by_hand), rel=1e-4)


def test_instances_are_explicit_gradients_of_single_rows() -> None:
    engine = engine_of()
    found = measured(engine)
    risk = explicit(engine, -logps(engine, RETAIN).mean())
    tokens = sum(row.labels for row in FORGET)
    by_hand = [float(explicit(engine, logps(engine, [row]).sum()) @ risk) for row in FORGET]
    (term,) = found.terms(OBJECTIVES.get("ga").plugin())
    rows = found.effect(term, "near").rows
    assert rows.tolist() == pytest.approx([value / tokens for value in by_hand], rel=1e-4)
    assert found.row_slopes("forget", "near").tolist() == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.parametrize("name", ["ga", "npo", "rmu"])
def test_tokens_sum_to_instances_and_instances_to_the_set(name: str) -> None:
    engine = engine_of()
    objective = OBJECTIVES.get(name).plugin(retain=None)
    reference = reference_values(engine, objective.needs(), {"forget": FORGET}, pad_id=PAD)
    found = measured(engine, objective.needs(), reference=reference)
    (term,) = found.terms(objective)
    whole = found.effect(term, "near")
    by_token = sum((c.double() * found.slopes["near", "all"][output].double()).sum() for output, c in term.of.items())
    assert float(by_token) == pytest.approx(whole.value, rel=1e-9)
    assert float(whole.rows.sum()) == pytest.approx(whole.value, rel=1e-9)
    assert whole.low <= whole.value <= whole.high


@pytest.mark.parametrize("family", ["llama", "llama_tied", "gpt2"])
@pytest.mark.parametrize("grouping", ["layers", "parts"])
def test_groups_sum_to_the_whole(family: str, grouping: Any) -> None:
    engine = engine_of(family)
    whole, split = measured(engine), measured(engine, grouping=grouping)
    assert split.groups[0] == "embedding"
    assert split.groups[-1] == "head"
    parts = [effect(split, "ga", "near", group) for group in split.groups]
    assert len(parts) == (5 if grouping == "layers" else 9)
    assert sum(parts) == pytest.approx(effect(whole, "ga", "near"), rel=1e-6)
    assert min(map(abs, parts)) > 0


def test_a_group_is_the_effect_of_that_part_of_the_gradients() -> None:
    engine = engine_of("llama")
    found = measured(engine, grouping="layers")

    def part(value: Tensor, inside: str) -> Tensor:
        chosen = [p for name, p in engine.named_parameters() if inside in name]
        return torch.cat([g.flatten() for g in torch.autograd.grad(value, chosen)])

    for group, inside in (("block 1", "layers.1."), ("embedding", "embed_tokens"), ("final norm", "model.norm")):
        by_hand = part(logps(engine, FORGET).mean(), inside) @ part(-logps(engine, RETAIN).mean(), inside)
        assert effect(found, "ga", "near", group) == pytest.approx(float(by_hand), rel=1e-4)


def test_one_group_at_a_time_gives_the_same() -> None:
    engine = engine_of()
    at_once, one_by_one = measured(engine, grouping="layers"), measured(engine, grouping="layers", group_by_group=True)
    for group in at_once.groups:
        assert effect(one_by_one, "ga", "near", group) == pytest.approx(effect(at_once, "ga", "near", group), rel=1e-9)
    assert one_by_one.norms["near"] == pytest.approx(at_once.norms["near"], rel=1e-9)


def test_blocks_are_grouped_by_boundaries() -> None:
    found = measured(engine_of("llama", num_hidden_layers=4), grouping="layers", boundaries=(1, 3))
    assert found.groups == ("embedding", "block 0", "blocks 1-2", "block 3", "final norm", "head")


def test_at_the_reference_the_effect_of_npo_hangs_on_no_beta_and_its_value_is_2_over_beta_ln_2() -> None:
    engine = engine_of()
    needs = OBJECTIVES.get("npo").plugin().needs()
    found = measured(engine, needs, reference=reference_values(engine, needs, {"forget": FORGET}, pad_id=PAD))
    effects = [effect(found, "npo", "near", beta=beta) for beta in (0.05, 1.0, 4.0)]
    assert effects == pytest.approx([effects[0]] * 3, rel=1e-6)
    for beta in (0.05, 1.0, 4.0):
        (term,) = found.terms(OBJECTIVES.get("npo").plugin(beta=beta))
        assert term.value == pytest.approx(2 / beta * math.log(2), rel=1e-6)


def test_a_tiny_step_of_descent_changes_the_risk_as_predicted() -> None:
    engine = engine_of("gpt2")  # whose every operation is float64, so that a step of a millionth shows
    found = measured(engine)
    (term,) = found.terms(OBJECTIVES.get("wga").plugin(alpha=0.5))
    predicted = found.effect(term, "near").value
    gradient = objective_gradient(engine, found, [term], {"forget": FORGET}, pad_id=PAD)
    moved, rate = copy.deepcopy(engine), 1e-6
    with torch.no_grad():
        for name, parameter in moved.named_parameters():
            parameter -= rate * gradient[name]
        change = float(logps(engine, RETAIN).mean() - logps(moved, RETAIN).mean())
    assert change / rate == pytest.approx(-predicted, rel=1e-3)


def test_an_adapter_is_looked_at_itself_or_through_the_weights_it_stands_for() -> None:
    engine = Engine(adapted(tiny_model("llama", dtype=torch.float64)))
    own, stood_for = measured(engine), measured(engine, over="adapted")
    by_hand = explicit(engine, logps(engine, FORGET).mean()) @ explicit(engine, -logps(engine, RETAIN).mean())
    assert effect(own, "ga", "near") == pytest.approx(float(by_hand), rel=1e-4)
    merged = copy.deepcopy(engine.model).merge_and_unload()
    plain = Engine(merged)
    under = {name.replace(".base_layer", "").rpartition("layers.")[2] for name in stood_for.gradients["near"]}
    for name, parameter in plain.named_parameters():
        parameter.requires_grad_(name.rpartition("layers.")[2] in under)
    assert effect(stood_for, "ga", "near") == pytest.approx(effect(measured(plain), "ga", "near"), rel=1e-4)


def test_a_bfloat16_model_is_measured_in_float32() -> None:
    narrow = tiny_model("llama_tied", dtype=torch.bfloat16)
    same = Engine(copy.deepcopy(narrow).float())
    found, want = measured(Engine(narrow)), measured(same)
    assert found.outputs[Quantity("forget", "logps")].dtype == torch.float32
    assert effect(found, "ga", "near") == pytest.approx(effect(want, "ga", "near"), rel=1e-5)


def test_central_differences_agree_with_forward_mode() -> None:
    engine = Engine(tiny_model("llama_tied"))  # float32, as in use
    exact, close = measured(engine, grouping="layers"), measured(engine, grouping="layers", mode="differences")
    assert close.mode == "differences"
    for place, slopes in exact.slopes.items():
        want, got = slopes[Quantity("forget", "logps")], close.slopes[place][Quantity("forget", "logps")]
        assert float((got - want).norm() / want.norm()) < 0.005


def test_measuring_leaves_the_engine_as_it_was() -> None:
    engine = engine_of()
    engine.train()
    before = {name: p.detach().clone() for name, p in engine.named_parameters()}
    measured(engine)
    assert engine.training
    assert all(torch.equal(before[name], p) and p.grad is None for name, p in engine.named_parameters())


class _WithoutForwardMode(torch.autograd.Function):
    """Square, by somebody who wrote no rule for forward mode."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return values.square()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return 2 * ctx.saved_tensors[0] * gradients[0]


def squares(logits: Tensor) -> Tensor:
    return logits.log_softmax(-1).square().mean(-1)


def squares_without_forward_mode(logits: Tensor) -> Tensor:
    return _WithoutForwardMode.apply(logits.log_softmax(-1)).mean(-1)  # type: ignore[no-any-return]


def test_a_function_of_the_distribution_without_forward_mode_is_measured_by_differences() -> None:
    engine = engine_of()
    exact = measured(engine, Needs(distribution={("forget", squares)}))
    with pytest.warns(UserWarning, match="central differences"):
        close = measured(engine, Needs(distribution={("forget", squares_without_forward_mode)}))
    assert (exact.mode, close.mode) == ("forward", "differences")
    for place, slopes in exact.slopes.items():
        (want,), (got,) = slopes.values(), close.slopes[place].values()
        assert float((got - want).norm() / want.norm()) < 1e-3
