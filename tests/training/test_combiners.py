"""Combiners: formulas against numbers worked out by hand, and steps of the loop against another implementation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from accelerate import Accelerator, DistributedType
from numpy.typing import NDArray
from torch import Tensor

from tests.conformance.harness import Altered, World, make
from tests.tiny import PAD, random_rows, tiny_model
from unlearnkit.core.errors import InputError
from unlearnkit.methods.objective import Objective, Terms
from unlearnkit.methods.objectives.finetune import Finetune
from unlearnkit.methods.objectives.forget.ga import GA
from unlearnkit.methods.objectives.graddiff import GradDiff
from unlearnkit.methods.objectives.tru import TRU
from unlearnkit.models.engine import Engine
from unlearnkit.models.parameter_vectors import dot
from unlearnkit.training.checkpoints import Checkpoints
from unlearnkit.training.combination import tasks_of
from unlearnkit.training.combiner import COMBINERS, Combiner, Gradient, Task, TaskGradients, forgets
from unlearnkit.training.combiners.gru import FORGET, GRU, RETAIN
from unlearnkit.training.combiners.pcgrad import PCGrad
from unlearnkit.training.loop import StepLog, Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

Vector = NDArray[np.float64]
DRAW: Any = np.random.default_rng(0)
SECTIONS: dict[str, dict[str, Any]] = {
    "gru": {"name": "gru"},
    "gru, no average": {"name": "gru", "gamma": 1.0},
    "gru, retain added": {"name": "gru", "add_retain": True},
    "pcgrad": {"name": "pcgrad"},
}
every_section = pytest.mark.parametrize("section", SECTIONS.values(), ids=list(SECTIONS))


def gradient(*parts: list[float]) -> Gradient:
    """A gradient of parameters `0`, `1` …"""
    return {str(number): torch.tensor(part, dtype=torch.float64) for number, part in enumerate(parts)}


def given(gradients: dict[Task, Gradient]) -> TaskGradients:
    return TaskGradients(gradients, {(a, b): dot(x, y) for a, x in gradients.items() for b, y in gradients.items()})


def values(found: Gradient) -> list[float]:
    return [value for name in sorted(found) for value in found[name].flatten().tolist()]


# Formulas


def test_gru_takes_out_what_opposes_the_retain_gradient() -> None:
    # <u, r> = -2, |r|^2 = 4: u + r / 2
    found = GRU(gamma=1.0).combine(given({FORGET: gradient([3, -1]), RETAIN: gradient([0, 2])}), {}, DRAW)
    assert values(found.gradient) == pytest.approx([3, 0]) and found.projected


def test_gru_looks_at_all_parameters_together() -> None:
    # <u, r> = 2 - 3 over both; parameter by parameter, the first would be let be and the second emptied.
    u, r = gradient([1, 2], [-3]), gradient([0, 1], [1])
    found = GRU(gamma=1.0).combine(given({FORGET: u, RETAIN: r}), {}, DRAW)
    assert values(found.gradient) == pytest.approx([1, 2.5, -2.5])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_gradient_too_short_to_change_a_digit_takes_nothing_out(dtype: torch.dtype) -> None:
    def kept(*parts: list[float]) -> Gradient:
        return {name: part.to(dtype) for name, part in gradient(*parts).items()}

    eps = torch.finfo(dtype).eps
    for length, factor in ((eps / 4, 0.0), (8 * eps, 1.0)):
        made: dict[Task, Gradient] = {FORGET: kept([3, -1]), RETAIN: kept([0, length])}
        found = GRU(gamma=1.0).combine(given(made), {}, DRAW)
        assert values(found.gradient) == pytest.approx([3, -1 + factor]) and found.projected is bool(factor)
        made = {FORGET: kept([3, -1]), RETAIN: kept([0, length])}
        found = PCGrad().combine(given(made), {}, DRAW)
        # The short one loses what opposes the long one, all the same: what is left of it is shorter still.
        assert values(found.gradient) == pytest.approx([3, -1 + factor], abs=20 * eps)


def test_gru_where_a_parameter_has_one_gradient_alone() -> None:
    u, r = {"a": torch.tensor([-1.0]), "b": torch.tensor([5.0])}, {"a": torch.tensor([1.0]), "c": torch.tensor([1.0])}
    found = GRU(gamma=1.0).combine(given({FORGET: u, RETAIN: r}), {}, DRAW)  # u + r / 2
    assert {name: value.item() for name, value in found.gradient.items()} == {"a": -0.5, "b": 5.0, "c": 0.5}


def test_gru_leaves_alone_what_does_not_oppose() -> None:
    for r in ([1, 0], [0, 1], [0, 0]):
        found = GRU(gamma=1.0).combine(given({FORGET: gradient([3, 0]), RETAIN: gradient(r)}), {}, DRAW)
        assert values(found.gradient) == [3, 0] and not found.projected


def test_gru_adds_the_retain_gradient_after_projection() -> None:
    made = GRU(gamma=1.0, add_retain=True)
    found = made.combine(given({FORGET: gradient([3, -1]), RETAIN: gradient([0, 2])}), {}, DRAW)
    assert values(found.gradient) == pytest.approx([3, 2])


def test_gru_holds_the_step_against_a_moving_average() -> None:
    made, memory = GRU(gamma=0.8), gradient()
    made.combine(given({FORGET: gradient([1, 1]), RETAIN: gradient([1, 0])}), memory, DRAW)
    assert values(memory) == pytest.approx([0.8, 0])
    found = made.combine(given({FORGET: gradient([-1, -1]), RETAIN: gradient([0, 1])}), memory, DRAW)
    assert values(memory) == pytest.approx([0.16, 0.8])
    # <u, s> = -0.96, |s|^2 = 0.6656: u + 1.4423 s
    assert values(found.gradient) == pytest.approx([-10 / 13, 2 / 13]) and found.projected
    assert dot(found.gradient, memory) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("order", "expected"), [([0, 1], [0.5, 1.5]), ([1, 0], [0.5, 1.5])])
def test_pcgrad_of_two(order: list[int], expected: list[float]) -> None:
    # (1, 0) becomes (1/2, 1/2) and (-1, 1) becomes (0, 1), whatever the order.
    tasks = {Task("a", True): gradient([1, 0]), Task("b", False): gradient([-1, 1])}
    draw: Any = SimpleNamespace(permutation=lambda number: np.array(order[:number]))
    found = PCGrad().combine(given(tasks), {}, draw)
    assert values(found.gradient) == pytest.approx(expected) and found.projected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([0, 1, 2], [-1.0, -1.0]),  # (0.4, -0.2) + (-0.4, 0.2) + (-1, -1)
        ([2, 1, 0], [0.4, -0.5]),  # (0.4, 0.4) + (0, 0.6) + (0, -1.5)
    ],
)
def test_pcgrad_of_three_depends_on_the_order(order: list[int], expected: list[float]) -> None:
    vectors = {"a": [2, 0], "b": [-1, 1], "c": [-1, -2]}
    tasks = {Task(name, True): gradient(vector) for name, vector in vectors.items()}
    draw: Any = SimpleNamespace(permutation=lambda number: np.array(order[:number]))
    assert values(PCGrad().combine(given(tasks), {}, draw).gradient) == pytest.approx(expected)


def test_pcgrad_of_what_does_not_conflict_is_the_sum() -> None:
    tasks = {Task("a", True): gradient([1, 0]), Task("b", False): gradient([0, 2]), Task("c", True): gradient([0, 0])}
    found = PCGrad().combine(given(tasks), {}, DRAW)
    assert values(found.gradient) == [1, 2] and not found.projected


def test_the_cosine_is_between_the_sums_of_both_sides() -> None:
    tasks = {
        Task("a", True): gradient([1, 0]),
        Task("b", True): gradient([0, 1]),
        Task("c", False): gradient([-2, 0]),
    }
    assert given(tasks).cosine == pytest.approx(-1 / math.sqrt(2))
    assert given({FORGET: gradient([1.0]), RETAIN: gradient([0.0])}).cosine is None
    assert given({FORGET: gradient([1.0])}).cosine is None


def test_a_dot_product_is_taken_in_float64() -> None:
    # In bfloat16 256 + 1 is 256, and in float32 the square of 1e-30 is 0.
    one = {"a": torch.tensor([16.0, 1.0, -16.0], dtype=torch.bfloat16)}
    other = {"a": torch.tensor([16.0, 1.0, 16.0], dtype=torch.bfloat16)}
    assert dot(one, other) == 1.0
    tiny = {"a": torch.tensor([1e-30])}
    assert dot(tiny, tiny) == pytest.approx(1e-60)
    with mock.patch("unlearnkit.models.parameter_vectors.CHUNK_ELEMENTS", 2):
        assert dot(one, other) == 1.0


def test_what_belongs_to_forgetting() -> None:
    assert all(map(forgets, ("forget", "forget:target", "forget:idk", "taught:target")))
    assert not forgets("retain") and not forgets("retain:target")


# Steps of the loop


def weighing(objective: Objective, *names: str) -> Objective:
    """The objective with these terms alone."""

    def change(terms: Terms) -> Terms:
        return {name: replace(term, weight=term.weight * (name in names)) for name, term in terms.items()}

    return Altered(inner=objective, change=change)


def signed(objective: Objective, **signs: float) -> Objective:
    """The objective with some terms' weights multiplied."""

    def change(terms: Terms) -> Terms:
        return {name: replace(term, weight=term.weight * signs.get(name, 1.0)) for name, term in terms.items()}

    return Altered(inner=objective, change=change)


def flat(tensors: list[Tensor]) -> Vector:
    return torch.cat([tensor.flatten() for tensor in tensors]).double().numpy()


def stepped(world: World, objective: Objective, **settings: Any) -> tuple[StepLog, Vector]:
    log, found = world.step(objective=objective, **settings)
    assert log is not None
    return log, flat(found)


def of_terms(world: World, objective: Objective, names: list[str]) -> list[Vector]:
    """The gradient of each term, by the plain sum of an objective of that term alone."""
    return [stepped(world, weighing(objective, name))[1] for name in names]


def projected(vector: Vector, others: list[Vector]) -> Vector:
    for other in others:
        if vector @ other < 0:
            vector = vector - (vector @ other) / (other @ other) * other
    return vector


AGREE = ["graddiff", "npo + kl", "rmu, inner layer", "po + kl"]


@pytest.mark.parametrize("case", AGREE)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_step_agrees_with_vectors_written_out(case: str, sign: float) -> None:
    objective = signed(make(case), forget=sign)
    world = World(objective)
    u, r = of_terms(world, objective, ["forget", "retain"])
    cosine = float(u @ r / np.linalg.norm(u) / np.linalg.norm(r))
    rectified = projected(u, [r])
    want = {
        "gru": rectified,  # the first step's average is a multiple of its gradient
        "gru, no average": rectified,
        "gru, retain added": rectified + r,
        "pcgrad": rectified + projected(r, [u]),
    }
    for name, section in SECTIONS.items():
        log, found = stepped(world, objective, combiner=section)
        np.testing.assert_allclose(found, want[name], rtol=0, atol=1e-11 * np.abs(want[name]).max())
        assert log.cosine == pytest.approx(cosine, rel=1e-9) and log.projected is (cosine < 0)
        assert log.gradient_norm == pytest.approx(np.linalg.norm(want[name]), rel=1e-9)
        plain, summed = stepped(world, objective)
        assert (log.loss, log.terms) == (pytest.approx(plain.loss), pytest.approx(plain.terms))
        assert (plain.cosine, plain.projected) == (None, None)
        if cosine >= 0 and name not in ("gru", "gru, no average"):
            np.testing.assert_allclose(found, summed, rtol=0, atol=1e-12 * np.abs(summed).max())
        if name in ("gru", "gru, no average"):
            assert found @ r >= -1e-12 * np.linalg.norm(found) * np.linalg.norm(r)


def test_both_sides_of_the_condition_were_met_above() -> None:
    signs = set()
    for sign in (1.0, -1.0):
        objective = signed(make("graddiff"), forget=sign)
        log, _ = stepped(World(objective), objective, combiner=SECTIONS["gru"])
        signs.add(log.projected)
    assert signs == {True, False}


@pytest.mark.parametrize("seed", [0, 3])
def test_pcgrad_of_three_terms_agrees_with_vectors_written_out(seed: int) -> None:
    objective = make("tru")
    world, names = World(objective), ["target", "forget", "retain"]
    vectors = of_terms(world, objective, names)
    draw = np.random.default_rng([seed, 0])
    orders = [[other for other in draw.permutation(3) if other != own] for own in range(3)]
    want = sum(projected(vectors[own], [vectors[other] for other in orders[own]]) for own in range(3))
    _, found = stepped(world, objective, combiner=SECTIONS["pcgrad"], seed=seed)
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-11 * np.abs(want).max())


@every_section
@pytest.mark.parametrize("case", ["graddiff", "tru with npo"])
def test_a_step_does_not_depend_on_micro_batches(case: str, section: dict[str, Any]) -> None:
    world = World(make(case))
    whole, gradient = stepped(world, world.objective, combiner=section)
    for size in (2, 4):
        log, found = stepped(world, world.objective, combiner=section, micro_batch_size=size)
        np.testing.assert_allclose(found, gradient, rtol=0, atol=1e-11 * np.abs(gradient).max())
        assert log.cosine == pytest.approx(whole.cosine, rel=1e-9) and log.projected is whole.projected


def test_projecting_micro_batches_one_by_one_would_be_something_else() -> None:
    """So that the test above can fail: the sum of two halves' rectified gradients is not the rectified sum."""
    u, r = [np.array([-1.0, 1.0]), np.array([1.0, 1.0])], [np.array([1.0, 0.0]), np.array([1.0, 0.0])]
    parts = projected(u[0], [r[0]]) + projected(u[1], [r[1]])
    assert not np.allclose(parts, projected(u[0] + u[1], [r[0] + r[1]]))


@every_section
def test_clipping_and_the_logged_norm_are_of_the_combined_gradient(section: dict[str, Any]) -> None:
    world = World(make("graddiff"))
    plain, free = stepped(world, world.objective, combiner=section)
    log, clipped = stepped(world, world.objective, combiner=section, clip=0.01)
    assert log.gradient_norm == plain.gradient_norm == pytest.approx(np.linalg.norm(free)) and plain.gradient_norm > 0.1
    assert np.linalg.norm(clipped) == pytest.approx(0.01, rel=1e-3)


def test_weights_that_no_term_reads_have_no_gradient() -> None:
    """They are left out of the optimizer's step, as without a combiner: weight decay does not touch them."""
    for section in (None, *SECTIONS.values()):
        world = World(make("rmu, inner layer"))
        trainer = world.trainer(combiner=section, weight_decay=0.5)
        before = {name: p.detach().clone() for name, p in world.engine.named_parameters()}
        assert trainer._step(0) is not None
        moved = {name for name, p in world.engine.named_parameters() if not torch.equal(p, before[name])}
        assert moved and not any("layers.1." in name for name in moved), section


@every_section
def test_a_gradient_of_one_task_that_is_not_finite_stops_the_run(section: dict[str, Any]) -> None:
    """Though the loss is finite and, with gru, so would the rectified gradient be."""
    parameters: list[Tensor] = []

    def spoil(terms: Terms) -> Terms:
        flat_there = parameters[0].sum() - parameters[0].sum().detach()
        return {**terms, "retain": replace(terms["retain"], sum=terms["retain"].sum + flat_there.sqrt())}

    world = World(Altered(inner=GradDiff(), change=spoil))
    parameters += list(world.engine.parameters())
    trainer = world.trainer(combiner=section)
    before = [p.detach().clone() for p in trainer.parameters]
    assert trainer.run().ended == "non-finite"
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.parameters, strict=True))
    assert all(p.grad is None for p in trainer.parameters)


def test_bfloat16_autocast_shares_cast_weights_between_tasks() -> None:
    world = World(make("graddiff"), dtype=torch.float32)
    _, exact = stepped(world, world.objective, combiner=SECTIONS["gru"])
    _, found = stepped(world, world.objective, combiner=SECTIONS["gru"], precision="bfloat16")
    assert found @ exact / np.linalg.norm(found) / np.linalg.norm(exact) > 0.98


# Whole runs

ROWS = {
    "forget": random_rows(6, seed=1),
    "forget:target": random_rows(6, seed=2, trace=4),
    "retain": random_rows(9, seed=3),
}
STEPS = 5


def trainer(section: dict[str, Any] | None, *, seed: int = 5) -> Trainer:
    settings = TrainSettings(
        epochs=None, steps=STEPS, batch_size=4, micro_batch_size=2, lr=3e-3, checkpoint_every=2, combiner=section
    )
    return Trainer(Engine(tiny_model("llama_tied")), TRU(), TrainData(ROWS, PAD), settings, seed=seed)


def ended(made: Trainer, kept: Checkpoints | None = None) -> tuple[list[StepLog], list[Tensor]]:
    logs: list[StepLog] = []
    assert made.run(checkpoints=kept, on_step=logs.append).ended == "finished"
    return logs, [p.detach().clone() for p in made.parameters]


class Killed(BaseException):
    """Stands in for the end of the process."""


def kill_after(step: int) -> Callable[[StepLog], None]:
    def on_step(log: StepLog) -> None:
        if log.step == step:
            raise Killed

    return on_step


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@every_section
@pytest.mark.parametrize("killed", [1, 4])
def test_a_killed_run_ends_in_the_weights_of_the_unbroken_one(
    tmp_path: Path, section: dict[str, Any], killed: int
) -> None:
    logs, after = ended(trainer(section))
    kept = Checkpoints(tmp_path, {})
    with pytest.raises(Killed):
        trainer(section).run(checkpoints=kept, on_step=kill_after(killed))
    again, weights = ended(trainer(section), kept)
    assert again == logs[-len(again) :] and len(again) == {1: 5, 4: 3}[killed]
    assert same(weights, after)


def checkpointed(folder: Path, section: dict[str, Any]) -> Checkpoints:
    kept = Checkpoints(folder, {})
    with pytest.raises(Killed):
        trainer(section).run(checkpoints=kept, on_step=kill_after(4))
    return kept


def test_the_average_matters_to_a_run_that_goes_on(tmp_path: Path) -> None:
    section = SECTIONS["gru"]
    _, after = ended(trainer(section))
    kept, made = checkpointed(tmp_path, section), trainer(section)

    class Forgetful(Checkpoints):
        def load(self, *arguments: Any) -> Any:
            progress = super().load(*arguments)
            arguments[2].clear()
            return progress

    _, weights = ended(made, Forgetful(kept.folder, {}))
    assert not same(weights, after)


@pytest.mark.parametrize("how", ["gone", "of other weights"])
def test_a_damaged_average_is_told_and_nothing_is_loaded(tmp_path: Path, how: str) -> None:
    kept = checkpointed(tmp_path, SECTIONS["gru"])
    newest = kept.newest()
    assert newest is not None
    file = newest / "combiner.safetensors"
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes((newest / "random.safetensors").read_bytes())
    made = trainer(SECTIONS["gru"])
    before = [p.detach().clone() for p in made.parameters]
    with pytest.raises(InputError, match="the checkpoint is damaged"):
        made.run(checkpoints=kept)
    assert same(before, made.parameters) and made.combining is not None and not made.combining.memory


def test_a_run_without_a_combiner_keeps_nothing_of_one(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, {})
    with pytest.raises(Killed):
        trainer(None).run(checkpoints=kept, on_step=kill_after(3))
    newest = kept.newest()
    assert newest is not None and not (newest / "combiner.safetensors").exists()


def test_pcgrads_order_is_the_seeds() -> None:
    (logs, after), (again, after_again) = (ended(trainer(SECTIONS["pcgrad"])) for _ in range(2))
    assert logs == again and same(after, after_again)
    assert any(log.projected for log in logs)


# What does not fit


def test_the_tasks_are_the_terms_that_count() -> None:
    assert {task.name for task in tasks_of(PCGrad(), TRU())} == {"target", "forget", "retain"}
    assert {task.name for task in tasks_of(PCGrad(), TRU(response_weight=0.0))} == {"target", "forget", "retain"}
    assert tasks_of(GRU(), TRU()) == {FORGET, RETAIN}


@pytest.mark.parametrize("case", ["rmu, inner layer", "idkdpo + nll", "simnpo + margin", "graddiff + representation"])
def test_tasks_are_found_without_a_model(case: str) -> None:
    assert tasks_of(GRU(), make(case)) == {FORGET, RETAIN}


@pytest.mark.parametrize(
    ("combiner", "objective", "told"),
    [
        (GRU(), GA(), "gru needs the gradient of a retain term, but the method has no retain term"),
        (GRU(), GradDiff(retain_weight=0.0), "no retain term with a weight above 0"),
        (GRU(), TRU(alpha=0.0), "no retain term with a weight above 0"),
        (GRU(), Finetune(), "no forget term with a weight above 0"),
        (PCGrad(), GA(), "fewer than two terms with a weight above 0"),
        (PCGrad(), GradDiff(retain_weight=0.0), "fewer than two terms with a weight above 0"),
    ],
)
def test_what_a_combiner_cannot_combine_is_refused(combiner: Combiner, objective: Objective, told: str) -> None:
    with pytest.raises(InputError, match=told):
        tasks_of(combiner, objective)


def test_a_trainer_refuses_it_too() -> None:
    world = World(GA())
    with pytest.raises(InputError, match="no retain term with a weight above 0"):
        world.trainer(combiner=SECTIONS["gru"])


def test_gradients_in_shards_are_refused() -> None:
    world = World(GradDiff())
    sharded = mock.PropertyMock(return_value=DistributedType.FSDP)
    with (
        mock.patch.object(Accelerator, "distributed_type", sharded),
        pytest.raises(InputError, match="whole gradients") as raised,
    ):
        world.trainer(combiner=SECTIONS["gru"])
    assert raised.value.value == "FSDP"


def test_every_combiner_is_registered_under_its_files_name_and_says_its_paper() -> None:
    assert set(COMBINERS.names()) == {"gru", "pcgrad"}
    for name in COMBINERS.names():
        entry = COMBINERS.get(name)
        assert issubclass(entry.plugin, Combiner) and entry.plugin.__module__.rpartition(".")[2] == name
        assert (
            entry.paper is not None and entry.paper.startswith("arXiv:") and "Memory:" in (entry.plugin.__doc__ or "")
        )


def test_copies_of_the_gradient() -> None:
    assert (GRU().copies(2), GRU(gamma=1.0).copies(2), PCGrad().copies(3)) == (3, 2, 3)
