"""Gradient saliency against a gradient written out, and training under its mask."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.tiny import PAD, adapted, random_rows, tiny_model
from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import Encoded
from unlearnkit.localization.gradients import loss_gradient
from unlearnkit.localization.plugins.gradient_saliency import GradientSaliency
from unlearnkit.methods.objective import Needs, View
from unlearnkit.methods.objectives.forget.npo import NPO
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import reference_values
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

ROWS = {"forget": random_rows(7, seed=1), "retain": random_rows(6, seed=2)}


@dataclass
class Context:
    """What a localizer sees."""

    engine: Engine
    pad_id: int = PAD
    seed: int = 0

    def views(self, needs: Needs) -> Mapping[View, list[Encoded]]:
        return {view: ROWS[view] for view in needs.views}


def written_out(model: nn.Module, rows: list[Encoded]) -> dict[str, Tensor]:
    """Plain logits of one row after the other, one mean over all labeled tokens."""
    logps = [
        model(input_ids=torch.tensor([row.ids])).logits[0, at - 1].log_softmax(-1)[row.ids[at]]
        for row in rows
        for at in range(row.prompt, len(row.ids))
    ]
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    gradients = torch.autograd.grad(-torch.stack(logps).mean(), [weight for _, weight in named])
    return {f"model.{name}": gradient for (name, _), gradient in zip(named, gradients, strict=True)}


def test_the_gradient_is_that_of_the_mean_over_all_tokens_however_rows_are_batched() -> None:
    model = tiny_model("llama_tied", dtype=torch.float64)
    want, engine = written_out(model, ROWS["forget"]), Engine(model)
    for batch in (1, 3, 16):
        got = loss_gradient(engine, ROWS["forget"], PAD, batch_rows=batch)
        assert set(got) == set(want)  # a tied weight once
        for name, gradient in want.items():
            # transformers' norms compute in float32 even in a float64 model.
            torch.testing.assert_close(got[name], gradient, rtol=1e-5, atol=1e-7)


def test_nothing_is_left_behind() -> None:
    engine = Engine(tiny_model("llama_tied")).train()
    frozen = next(iter(dict(engine.named_parameters())))
    dict(engine.named_parameters())[frozen].requires_grad_(False)
    before = copy.deepcopy(engine.state_dict())
    mask = GradientSaliency(share=0.2).mask(Context(engine))
    assert engine.training and all(weight.grad is None for weight in engine.parameters())
    assert all(torch.equal(before[name], value) for name, value in engine.state_dict().items())
    assert frozen not in mask.kept and set(mask.kept) == {n for n, p in engine.named_parameters() if p.requires_grad}
    sum(p.sum() for p in engine.parameters()).backward()  # no hook is left
    assert any(weight.grad is not None for weight in engine.parameters())


@pytest.mark.parametrize("share", [0.001, 0.1, 0.37, 1.0])
def test_exactly_the_share_of_all_elements_is_kept_and_those_of_largest_gradient(share: float) -> None:
    engine = Engine(tiny_model("llama_tied"))
    gradient = loss_gradient(engine, ROWS["forget"], PAD)
    mask = GradientSaliency(share=share).mask(Context(engine))
    sizes = torch.cat([g.abs().flatten() for g in gradient.values()])
    kept = torch.cat([mask.kept[name].flatten() for name in gradient])
    assert int(kept.sum()) == round(share * len(sizes))
    assert share == 1 or sizes[kept].min() >= sizes[~kept].max()
    assert mask.share == pytest.approx(share, abs=1 / len(sizes))


def test_a_share_of_each_tensor() -> None:
    engine = Engine(tiny_model("llama_tied"))
    mask = GradientSaliency(share=0.25, per_tensor=True).mask(Context(engine))
    assert all(int(kept.sum()) == round(0.25 * kept.numel()) for kept in mask.kept.values())
    together = GradientSaliency(share=0.25).mask(Context(engine))
    assert any(int(kept.sum()) != round(0.25 * kept.numel()) for kept in together.kept.values())


def test_a_share_of_no_element_is_refused() -> None:
    with pytest.raises(InputError, match="no element may change"):
        GradientSaliency(share=1e-9).mask(Context(Engine(tiny_model("llama_tied"))))


def test_a_gradient_that_is_not_finite_is_refused() -> None:
    model = tiny_model("llama_tied")
    engine = Engine(model)
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(InputError, match="not finite"):
        GradientSaliency().mask(Context(engine))


def trained(
    share: float | None, *, lora: bool = False, combiner: bool = False, weight_decay: float = 0.0
) -> tuple[dict[str, Tensor], dict[str, Tensor], Mapping[str, Tensor]]:
    """Weights before and after four steps of NPO, and the mask."""
    model: Any = tiny_model("llama_tied")
    engine = Engine(adapted(model) if lora else model)
    objective = NPO(retain="nll", beta=0.5)
    mask = None if share is None else GradientSaliency(share=share).mask(Context(engine)).kept
    before = {name: weight.detach().clone() for name, weight in engine.named_parameters()}
    settings = TrainSettings(
        epochs=None, steps=4, batch_size=4, lr=1e-2, clip=1.0, weight_decay=weight_decay,
        combiner={"name": "gru"} if combiner else None,
    )  # fmt: skip
    reference = reference_values(engine, objective.needs(), ROWS, pad_id=PAD)
    data = TrainData({view: ROWS[view] for view in objective.needs().views}, PAD)
    Trainer(engine, objective, data, settings, seed=0, reference=reference, mask=mask).run()
    return before, {name: weight.detach().clone() for name, weight in engine.named_parameters()}, mask or {}


OPTIONS = [
    pytest.param({}, id="plain"),
    pytest.param({"weight_decay": 0.1}, id="weight-decay"),
    pytest.param({"lora": True}, id="lora"),
    pytest.param({"lora": True, "weight_decay": 0.1}, id="lora-weight-decay"),
    pytest.param({"combiner": True}, id="combiner"),
    pytest.param({"combiner": True, "weight_decay": 0.1}, id="combiner-weight-decay"),
]


def bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.int32)


@pytest.mark.parametrize("options", OPTIONS)
def test_elements_outside_the_mask_keep_their_bits(options: dict[str, Any]) -> None:
    before, after, mask = trained(0.1, **options)
    moved = 0
    for name, weight in before.items():
        kept = mask.get(name, torch.zeros_like(weight, dtype=torch.bool))
        assert torch.equal(bits(weight)[~kept], bits(after[name])[~kept]), name
        moved += int((weight != after[name]).sum())
    assert moved > 0.5 * sum(int(kept.sum()) for kept in mask.values())
    if "lora" in options:
        assert mask and all("lora_" in name for name in mask)


@pytest.mark.parametrize("options", OPTIONS)
def test_a_share_of_1_is_no_mask_bit_for_bit(options: dict[str, Any]) -> None:
    _, masked, mask = trained(1.0, **options)
    _, free, _ = trained(None, **options)
    assert all(bool(kept.all()) for kept in mask.values())
    assert all(torch.equal(bits(masked[name]), bits(weight)) for name, weight in free.items())
