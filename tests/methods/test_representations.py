"""RMU and the representation retain term: numbers by hand, and training that moves what it should."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.methods.steps import loss, mean, step_of
from tests.tiny import PAD, random_rows, tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row
from unlearnkit.methods.objectives.forget.rmu import RMU, unit_vector
from unlearnkit.methods.objectives.graddiff import GradDiff
from unlearnkit.methods.objectives.retain.representation import Representation
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.engine import Engine
from unlearnkit.models.load import set_trainable
from unlearnkit.models.reference import reference_values
from unlearnkit.pipeline.preflight import _refuse_untouched_weights
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData
from unlearnkit.training.views import encode_views


def states(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64, requires_grad=True)


def test_the_direction_is_one_positive_unit_vector() -> None:
    """Uniform on [0, 1), not Gaussian, and the same whenever it is asked for."""
    first, again = unit_vector(64, 3), unit_vector(64, 3)
    assert torch.equal(first, again) and (first >= 0).all()
    assert first.norm().item() == pytest.approx(1.0)
    assert not torch.equal(first, unit_vector(64, 4))


def test_rmu_by_hand() -> None:
    u = unit_vector(2, 0).double()
    forget, retain, before = states([1.0, 2.0], [0.0, -1.0]), states([3.0, 4.0]), states([3.0, 2.0])
    step = step_of(hidden={("forget", 1): forget, ("retain", 1): retain}, reference_hidden={("retain", 1): before})
    terms = RMU(layer=1, coefficient=2.0, retain_weight=0.5).terms(step)
    want = [(h - 2 * u).square().sum().item() for h in forget.detach()]
    assert mean(terms, "forget", step) == pytest.approx(sum(want) / 2)
    assert mean(terms, "retain", step) == pytest.approx(4.0)
    loss(terms, step).backward()
    # 2 (h - c u) / tokens, and 0.5 * 2 (h - h_before) / tokens.
    torch.testing.assert_close(forget.grad, (forget.detach() - 2 * u))
    assert retain.grad is not None and retain.grad.tolist() == [[0.0, 2.0]]


def test_rmu_reads_model_and_reference_at_its_own_layer() -> None:
    needs = RMU(layer=3).needs()
    forget, retain = Quantity("forget", "hidden", 3), Quantity("retain", "hidden", 3)
    assert needs.of_model == {forget, retain} and needs.of_reference == {replace(retain, of_reference=True)}
    assert needs.views == {"forget", "retain"}
    assert RMU(layer=3, retain="nll").needs().of_model == {forget, Quantity("retain", "logps")}
    of_reference = GradDiff(retain="representation").needs().of_reference
    assert of_reference == {Quantity("retain", "hidden", -1, of_reference=True)}


def test_rmu_reads_the_prompt_too_if_it_is_told_to() -> None:
    objective = RMU(layer=1, coefficient=2.0, retain_weight=1.0, positions="all")
    assert objective.needs().views == {"forget:whole", "retain:whole"}
    assert Representation(positions="all").needs().views == {"retain:whole"}
    forget, retain, before = states([1.0, 2.0], [0.0, -1.0]), states([3.0, 4.0]), states([3.0, 2.0])
    step = step_of(
        hidden={("forget:whole", 1): forget, ("retain:whole", 1): retain},
        reference_hidden={("retain:whole", 1): before},
    )
    u = unit_vector(2, 0).double()
    want = [(h - 2 * u).square().sum().item() for h in forget.detach()]
    assert mean(objective.terms(step), "forget", step) == pytest.approx(sum(want) / 2)
    assert mean(objective.terms(step), "retain", step) == pytest.approx(4.0)


def test_a_whole_view_labels_every_token_but_the_first() -> None:
    rows = [
        Row(id="a", question="Where was Ada born?", answer="Oslo"),
        Row(id="b", question="", answer="Ada Oslo Kyiv"),
    ]
    encoder = ChatEncoder(tiny_tokenizer(), 64)
    views = encode_views(["forget", "forget:whole"], {"forget": rows}, encoder, targets=[], seed=0)
    for part, whole in zip(views["forget"], views["forget:whole"], strict=True):
        assert whole.ids == part.ids and whole.prompt == 1 and whole.labels == len(part.ids) - 1
    assert views["forget"][0].prompt > 1


def test_representation_is_zero_at_the_reference_model() -> None:
    there = {("retain", -1): states([3.0, 4.0])}
    step = step_of(hidden=there, reference_hidden=there)
    assert mean(Representation().terms(step), "retain", step) == 0.0


def test_rmu_steers_forget_states_and_trains_the_chosen_weights_alone() -> None:
    views = {"forget": random_rows(6, seed=1), "retain": random_rows(6, seed=2)}
    pattern = r"layers\.0\.mlp\.down_proj"
    model = set_trainable(tiny_model(), parameters=pattern)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    engine = Engine(model)
    objective = RMU(layer=0, coefficient=4.0, retain_weight=1.0)
    reference = reference_values(engine, objective.needs(), views, pad_id=PAD)
    logs = []
    Trainer(
        engine,
        objective,
        TrainData(views, PAD),
        TrainSettings(epochs=None, steps=40, batch_size=6, lr=3e-2, schedule="constant", clip=None),
        seed=0,
        reference=reference,
    ).run(on_step=logs.append)
    assert logs[0].terms["retain"] == pytest.approx(0.0, abs=1e-8)
    assert logs[-1].terms["forget"] < 0.8 * logs[0].terms["forget"]
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed and all("layers.0.mlp.down_proj" in name for name in changed)


@pytest.mark.parametrize(
    ("layer", "pattern", "moved"),
    [
        (0, r"layers\.0\.mlp", True),
        (0, r"mlp\.down_proj", True),
        (0, r"layers\.1\.|lm_head", False),
        (1, r"layers\.1\.mlp", True),
        (-1, r"layers\.1\.mlp", True),
        (-1, r"lm_head", False),
    ],
)
def test_weights_after_the_layer_that_is_read_are_refused(layer: int, pattern: str, moved: bool) -> None:
    objective, model = RMU(layer=layer, retain=None), set_trainable(tiny_model(), parameters=pattern)
    engine = Engine(model)
    views = {"forget": random_rows(2)}
    steps = TrainSettings(epochs=None, steps=1, batch_size=2)
    trainer = Trainer(engine, objective, TrainData(views, PAD), steps, seed=0)
    if moved:
        _refuse_untouched_weights(objective.needs(), model)
        trainer.run()
        return
    with pytest.raises(InputError, match="cannot change the trained weights"):
        _refuse_untouched_weights(objective.needs(), model)
    with pytest.raises(RuntimeError, match="does not require grad"):  # it is as the refusal says
        trainer.run()


@pytest.mark.parametrize(
    ("family", "pattern", "retain"), [("llama", "lm_head", "nll"), ("llama_tied", "embed_tokens", None)]
)
def test_no_weight_is_refused_that_a_gradient_reaches(family: str, pattern: str, retain: str | None) -> None:
    objective, model = RMU(layer=0, retain=retain), set_trainable(tiny_model(family), parameters=pattern)
    _refuse_untouched_weights(objective.needs(), model)
    (trained,) = (parameter for parameter in model.parameters() if parameter.requires_grad)
    before = trained.detach().clone()
    data = TrainData({name: random_rows(2) for name in ("forget", "retain")}, PAD)
    Trainer(Engine(model), objective, data, TrainSettings(epochs=None, steps=1, batch_size=2, lr=1e-2), seed=0).run()
    assert not torch.equal(trained, before)


def test_micro_batches_change_nothing() -> None:
    views = {"forget": random_rows(6, seed=1), "retain": random_rows(6, seed=2)}
    norms = []
    for size in (None, 2):
        engine = Engine(tiny_model())
        objective = RMU(layer=1, retain_weight=3.0)
        reference = reference_values(engine, objective.needs(), views, pad_id=PAD)
        with torch.no_grad():
            for parameter in engine.parameters():
                parameter.mul_(1.1)  # away from the reference model, where the retain term has no gradient
        logs = []
        settings = TrainSettings(epochs=None, steps=1, batch_size=6, micro_batch_size=size)
        Trainer(engine, objective, TrainData(views, PAD), settings, seed=0, reference=reference).run(
            on_step=logs.append
        )
        norms.append((logs[0].loss, logs[0].gradient_norm))
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)


def test_reference_states_of_any_rows_are_those_of_a_forward_pass() -> None:
    rows, engine = random_rows(6, seed=2), Engine(tiny_model())
    values = reference_values(engine, Representation(layer=0).needs(), {"retain": rows}, pad_id=PAD)
    with torch.no_grad():
        direct = engine(pack({"retain": [rows[4], rows[1]]}, PAD), [Quantity("retain", "hidden", 0)])
    for quantity, expected in direct.items():
        torch.testing.assert_close(values.of(replace(quantity, of_reference=True), [4, 1]), expected)
