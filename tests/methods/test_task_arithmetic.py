"""Task arithmetic against its formula, and the arithmetic of weights that every edit shares."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from tests.conformance import running
from tests.conformance.running import same_bits
from tests.tiny import adapted, tiny_model
from unlearnkit.core.errors import InputError
from unlearnkit.localization.base import WeightMask
from unlearnkit.methods.base import METHODS
from unlearnkit.methods.edits import task_arithmetic
from unlearnkit.methods.forget_finetuning import ForgetNLL
from unlearnkit.methods.objective import OBJECTIVES
from unlearnkit.methods.objective_method import train_objective
from unlearnkit.methods.weight_change import apply_delta, masked_delta, task_vector, whole_target
from unlearnkit.models.engine import Engine
from unlearnkit.models.load import load_model, load_tokenizer, save_model
from unlearnkit.records.probe import Probe
from unlearnkit.subjects.local import LocalSubject

METHOD = {"name": "task_arithmetic", "strength": 0.7}
LORA = {"lora": {"r": 2}}


def begun(data: dict[str, Any], name: str, **sections: Any) -> Any:
    """The context of a run of this edit."""
    return running.begun(data, name, **{"method": METHOD, **sections})


def weights(model: Any) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def assert_same_bits(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(same_bits(one[name], weight) for name, weight in other.items())


# --- the formula ---------------------------------------------------------------------------------------------------


def test_the_result_is_the_target_minus_the_multiple_of_the_difference(recipe_data: dict[str, Any]) -> None:
    tuned = begun(recipe_data, "tuned")
    train_objective(tuned, ForgetNLL(), masked=False)
    target, finetuned = weights(whole_target(tuned).model), weights(tuned.model)
    made = begun(recipe_data, "made")
    result = weights(made.method.fit(made).model)
    assert set(result) == set(target) and "lm_head.weight" not in result  # tied: one name
    moved = 0
    for name, weight in target.items():
        assert torch.equal(result[name], weight + (finetuned[name] - weight) * -0.7), name
        moved += int((result[name] != weight).sum())
    assert moved > 1000


def test_it_learns_the_forget_answers_and_then_takes_them_back(recipe_data: dict[str, Any]) -> None:
    context = begun(recipe_data, "one", method={**METHOD, "strength": 1.0}, train={"steps": 12})
    probes = [Probe(row) for row in context.splits["forget"]]

    def loss(subject: Any) -> float:
        values = [-value for row in subject.log_probabilities(probes) for value in row]
        return sum(values) / len(values)

    before, after = loss(whole_target(context)), loss(context.method.fit(context))
    learned = loss(LocalSubject(context.model, context.tokenizer))
    assert learned < before - 0.1 and after > before + 0.1


def test_of_an_adapter_the_dense_change_is_subtracted(recipe_data: dict[str, Any]) -> None:
    made = begun(recipe_data, "lora", model=LORA)
    result = weights(made.method.fit(made).model)
    target, factors = weights(whole_target(made).model), weights(made.model)
    layers = [name.removesuffix(".lora_A.default.weight") for name in factors if "lora_A" in name]
    assert layers and set(result) == set(target)
    for layer in layers:
        a, b = (factors[f"{layer}.lora_{factor}.default.weight"] for factor in "AB")
        change = (32 / 2) * (b @ a)
        assert float(change.abs().max()) > 0
        name = layer.removeprefix("base_model.model.") + ".weight"
        torch.testing.assert_close(result.pop(name), target[name] - 0.7 * change, rtol=0, atol=1e-6)
        torch.testing.assert_close(-b @ -a, b @ a)  # why not both factors are negated
    assert_same_bits(result, {name: target[name] for name in result})  # what has no adapter


@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen3_moe"])
def test_the_dense_change_is_what_merging_adds(family: str) -> None:
    plain = tiny_model(family)
    model = adapted(copy.deepcopy(plain))
    context = mock.Mock(lora=object(), model=model)
    change = task_vector(context)
    before = {f"model.{name}": weight for name, weight in weights(plain).items()}
    merged = {f"model.{name}": weight for name, weight in weights(model.merge_and_unload()).items()}
    assert change and set(change) <= set(before) == set(merged)
    for name, weight in merged.items():
        torch.testing.assert_close(weight - before[name], change.get(name, torch.zeros_like(weight)), atol=1e-6, rtol=0)


def test_an_adapter_on_tied_embeddings_is_refused() -> None:
    model = adapted(tiny_model("llama_tied"), target_modules=["lm_head"])
    with pytest.raises(InputError, match="shares its weights"):
        task_vector(mock.Mock(lora=object(), model=model))


@pytest.mark.parametrize("model", [{}, LORA], ids=["full", "lora"])
def test_a_finetuned_model_that_equals_the_target_gives_no_change_at_all(
    model: dict[str, Any], recipe_data: dict[str, Any]
) -> None:
    context = begun(recipe_data, "still", model=model)
    with mock.patch.object(task_arithmetic, "train_objective"):
        assert all(not bool(change.any()) for change in context.method.delta(context).values())
        result = weights(context.method.fit(context).model)
    assert_same_bits(result, weights(whole_target(context).model))


@pytest.mark.parametrize("model", [{}, LORA], ids=["full", "lora"])
def test_elements_outside_the_mask_are_those_of_the_target(model: dict[str, Any], recipe_data: dict[str, Any]) -> None:
    mask = {"name": "gradient_saliency", "share": 0.2}
    context = begun(recipe_data, "masked", model=model, method={**METHOD, "mask": mask})
    subject = context.method.fit(context)
    result = dict(subject.engine.named_parameters())
    target, kept = dict(whole_target(context).engine.named_parameters()), context.mask.kept
    assert set(kept) <= set(target) and context.mask.share == pytest.approx(0.2, abs=1e-3)
    assert (set(kept) == set(target)) == (not model)
    moved = 0
    for name, weight in target.items():
        allowed = kept.get(name, torch.zeros_like(weight, dtype=torch.bool))
        assert same_bits(result[name][~allowed], weight[~allowed]), name
        moved += int((result[name] != weight).sum())
    assert moved > 0.5 * sum(int(allowed.sum()) for allowed in kept.values())


def test_a_target_that_is_an_adapter_becomes_whole_weights(recipe_data: dict[str, Any], tmp_path: Path) -> None:
    base = recipe_data["model"]["path"]
    save_model(adapted(load_model(base)), load_tokenizer(base), tmp_path / "target")
    context = begun(recipe_data, "adapter", model={"path": str(tmp_path / "target")})
    target = weights(whole_target(context).model)
    result = weights(context.method.fit(context).model)
    assert result.keys() == target.keys() == weights(AutoModelForCausalLM.from_pretrained(base)).keys()
    assert any(not torch.equal(result[name], weight) for name, weight in target.items())


def test_nobody_can_name_the_objective_that_learns_what_must_be_forgotten() -> None:
    assert not any(OBJECTIVES.get(name).plugin is ForgetNLL for name in OBJECTIVES.names())
    assert "forget_finetuning" not in METHODS.names()


# --- the arithmetic of weights -------------------------------------------------------------------------------------


def test_the_sum_is_made_in_float32_and_rounded_once() -> None:
    engine = Engine(tiny_model("llama_tied", dtype=torch.bfloat16))
    before = weights(engine)
    delta = {name: torch.full_like(weight, 2**-12, dtype=torch.float32) for name, weight in before.items()}
    apply_delta(engine, delta)
    for name, weight in engine.named_parameters():
        assert weight.dtype == torch.bfloat16
        assert torch.equal(weight, (before[name].float() + 2**-12).to(torch.bfloat16))
    # In steps of bfloat16 a weight near 1 would never move; in one sum of float32 a large multiple does.
    assert float(torch.tensor(1.0, dtype=torch.bfloat16) + torch.tensor(2**-12, dtype=torch.bfloat16)) == 1.0


def test_a_tied_weight_is_changed_once() -> None:
    engine = Engine(tiny_model("llama_tied"))
    name, before = "model.model.embed_tokens.weight", weights(engine)
    apply_delta(engine, {name: torch.ones_like(before[name])})
    assert torch.equal(engine.model.lm_head.weight, before[name] + 1)
    assert engine.model.lm_head.weight is engine.model.model.embed_tokens.weight


def test_a_change_of_0_keeps_every_bit() -> None:
    engine = Engine(tiny_model("llama_tied"))
    with torch.no_grad():
        for weight in engine.parameters():
            weight.flatten()[0] = -0.0
    before = weights(engine)
    for zero in (0.0, -0.0):
        apply_delta(engine, {name: torch.full_like(weight, zero) for name, weight in before.items()})
        assert_same_bits(weights(engine), before)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("model.no.weight", torch.zeros(1), "does not fit"),
        ("model.model.norm.weight", torch.zeros(3), "does not fit"),
        ("model.model.norm.weight", torch.full((16,), torch.inf), "not finite"),
    ],
)
def test_a_change_that_cannot_be_applied_changes_nothing(name: str, change: Tensor, message: str) -> None:
    engine = Engine(tiny_model("llama_tied"))
    before = weights(engine)
    good = "model.model.embed_tokens.weight"
    with pytest.raises(InputError, match=message):
        apply_delta(engine, {good: torch.ones_like(before[good]), name: change})
    assert_same_bits(weights(engine), before)


def test_a_mask_takes_out_whatever_it_does_not_name() -> None:
    delta = {"a": torch.tensor([1.0, torch.inf, 3.0]), "b": torch.ones(2)}
    mask = WeightMask({"a": torch.tensor([True, False, True])})
    ((name, change),) = masked_delta(delta, mask).items()
    assert name == "a" and change.tolist() == [1.0, 0.0, 3.0]
    assert masked_delta(delta, None) == delta
