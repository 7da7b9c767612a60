import copy
import math
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor

from tests.conformance.harness import World
from tests.tiny import PAD, random_rows, tiny_model
from unlearnkit.core.errors import Interrupted
from unlearnkit.methods.objectives.forget.ga import GA
from unlearnkit.methods.objectives.graddiff import GradDiff
from unlearnkit.methods.objectives.retain.nll import NLL
from unlearnkit.methods.objectives.tru import TRU
from unlearnkit.models.engine import Engine
from unlearnkit.training import loop
from unlearnkit.training.loop import StepLog, Trainer, objective_value
from unlearnkit.training.settings import TrainSettings, learning_rate
from unlearnkit.training.step import TrainData


def trainer(
    objective: Any = None, *, model: Any = None, seed: int = 0, composed: int = 0, share: float = 0.3, **settings: Any
) -> Trainer:
    """A trainer on 9 retain rows, and on 6 rows of each other view; and on this many composed ones of each."""
    objective = objective or GradDiff()
    views = {view: random_rows(9 if view == "retain" else 6, seed=len(view)) for view in objective.needs().views}
    for view, rows in views.items():
        rows += [replace(row, composed=True) for row in random_rows(composed, seed=100 + len(view))]
    chosen = {"epochs": None, "steps": 4, "batch_size": 4, "retain_batch_size": 6, "lr": 1e-3, **settings}
    engine = Engine(model or tiny_model("llama_tied"))
    return Trainer(engine, objective, TrainData(views, PAD, share), TrainSettings(**chosen), seed=seed)


def weights(trainer: Trainer) -> list[Tensor]:
    return [p.detach().clone() for p in trainer.parameters]


def run(made: Trainer) -> tuple[list[StepLog], list[Tensor]]:
    logs: list[StepLog] = []
    assert made.run(on_step=logs.append).ended == "finished"
    return logs, weights(made)


def test_a_run_is_that_of_plain_adamw() -> None:
    """The whole loop against one written out: plain logits, torch's own AdamW, clipping and schedule."""
    made = trainer(NLL(), steps=5, schedule="linear", warmup=0.4, clip=0.5, weight_decay=0.1)
    model = copy.deepcopy(made.engine.model).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.1)
    logs, after = run(made)
    for step in range(5):
        rows = loop.step_indices(made.data, made.settings, 0, step)["retain"]
        chosen = [made.data.views["retain"][i] for i in rows]
        logps = [
            model(input_ids=torch.tensor([row.ids])).logits[0, at - 1].log_softmax(-1)[row.ids[at]]
            for row in chosen
            for at in range(row.prompt, len(row.ids))
        ]
        loss = -torch.stack(logps).mean()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.param_groups[0]["lr"] = rate = learning_rate(made.settings, step, 5)
        optimizer.step()
        optimizer.zero_grad()
        assert logs[step].loss == pytest.approx(loss.item(), abs=1e-5)
        assert logs[step].gradient_norm == pytest.approx(float(norm), rel=1e-4)
        assert (logs[step].lr, logs[step].step, logs[step].of) == (rate, step + 1, 5)
        assert norm > 0.5  # so clipping took part
    torch.testing.assert_close(after, [p.detach() for p in model.parameters()], rtol=0, atol=2e-5)


def test_the_same_seed_gives_the_same_run_and_another_another() -> None:
    (logs, after), (again, after_again), (other, _) = (run(trainer(seed=seed)) for seed in (3, 3, 4))
    assert logs == again and all(torch.equal(a, b) for a, b in zip(after, after_again, strict=True))
    assert logs != other


@pytest.mark.parametrize("objective", [GradDiff(), TRU()])
@pytest.mark.parametrize("composed", [0, 5])
def test_micro_batches_end_in_the_same_weights(objective: Any, composed: int) -> None:
    # float64: on some processors float32's rounding hangs on the number of rows.
    def made(**settings: Any) -> Trainer:
        model = tiny_model("llama_tied", dtype=torch.float64)
        return trainer(objective, model=model, composed=composed, steps=6, **settings)

    (logs, after), (parts, after_parts) = run(made()), run(made(micro_batch_size=2))
    assert [log.loss for log in logs] == pytest.approx([log.loss for log in parts], abs=1e-5)
    assert [log.terms for log in logs] == [pytest.approx(log.terms, abs=1e-5) for log in parts]
    # Adam divides by the gradient's size, so rounding shows where that is nearly nothing.
    torch.testing.assert_close(after, after_parts, rtol=0, atol=2e-4)


def test_a_step_clips_to_the_norm_and_logs_the_one_before() -> None:
    for clip, largest in ((None, math.inf), (0.01, 0.01), (1e9, math.inf)):
        made, seen = trainer(clip=clip), []

        def note(made: Trainer = made, seen: list[float] = seen) -> None:
            seen.append(float(torch.nn.utils.get_total_norm([p.grad for p in made.parameters])))

        with mock.patch.object(made.optimizer, "step", note):
            log = made._step(0)
        assert log is not None and log.gradient_norm > 0.01
        assert seen == [pytest.approx(min(log.gradient_norm, largest), rel=1e-4)]


def test_only_trained_parameters_move() -> None:
    model = tiny_model()
    frozen = [name for name, _ in model.named_parameters() if "layers.0" in name]
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    run(trainer(model=model))
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved == set(before) - set(frozen)


def test_rows_that_are_taught_apart_come_in_an_order_of_their_own() -> None:
    made = trainer(TRU(paired=False), batch_size=2, steps=3)
    drawn = [loop.step_indices(made.data, made.settings, 0, step) for step in range(3)]
    forget, taught = ([at for rows in drawn for at in rows[split]] for split in ("forget", "taught"))
    assert sorted(forget) == sorted(taught) == list(range(6)) and forget != taught
    assert trainer(TRU(paired=False), epochs=2.0, steps=None).total == 3  # of forget rows


def test_epochs_are_passes_over_the_forget_split_or_over_retain_where_there_is_none() -> None:
    assert trainer(epochs=2.0, steps=None).total == 3  # 6 rows, 4 a step
    assert trainer(NLL(), epochs=2.0, steps=None).total == 3  # 9 rows, 6 a step


def test_epochs_are_passes_over_the_given_rows() -> None:
    # Of the 4 forget rows of a step, 1.2 are composed and 2.8 are given: 2 * 6 / 2.8 is 4.3, which is rounded.
    assert trainer(composed=50, epochs=2.0, steps=None).total == 4
    assert trainer(composed=50, share=0.5, epochs=2.0, steps=None).total == 6
    assert trainer(composed=0, epochs=2.0, steps=None).total == 3
    # Of the 6 retain rows of a step, half are composed; there are 9 others.
    assert trainer(NLL(), composed=50, share=0.5, epochs=2.0, steps=None).total == 6
    assert trainer(composed=50, steps=4).total == 4


def test_every_step_has_its_share_of_composed_rows() -> None:
    made = trainer(composed=50, share=0.25, steps=8)
    drawn = [loop.step_indices(made.data, made.settings, 0, step) for step in range(8)]
    assert [sum(at >= 6 for at in rows["forget"]) for rows in drawn] == [1] * 8
    assert [sum(at >= 9 for at in rows["retain"]) for rows in drawn] == [1, 2] * 4
    assert {len(rows["forget"]) for rows in drawn} == {4} and {len(rows["retain"]) for rows in drawn} == {6}


def test_a_share_changes_nothing_without_composed_rows() -> None:
    (logs, after), (with_share, after_share) = run(trainer(share=0.0)), run(trainer(share=0.9))
    assert logs == with_share and all(torch.equal(a, b) for a, b in zip(after, after_share, strict=True))


def test_stopping_raises_interrupted_after_the_step() -> None:
    made, seen = trainer(), []
    with pytest.raises(Interrupted, match="stopped after step 2 of 4") as raised:
        made.run(on_step=seen.append, stopped=lambda: len(seen) == 2)
    assert raised.value.exit_code == 130
    assert len(seen) == 2
    # Told to stop when all is done, it has finished.
    made, seen = trainer(), []
    assert made.run(on_step=seen.append, stopped=lambda: len(seen) == 4).ended == "finished"


def test_a_run_that_diverges_stops_at_the_last_finite_weights() -> None:
    made = trainer(GA(), steps=50)
    seen: list[list[Tensor]] = []
    true_value = objective_value

    def value(terms: Any, counts: Any) -> Tensor:
        loss = true_value(terms, counts)
        return loss * math.inf if len(seen) == 3 else loss

    with mock.patch.object(loop, "objective_value", value):
        result = made.run(on_step=lambda _: seen.append(weights(made)))
    assert (result.ended, result.steps, len(seen)) == ("non-finite", 3, 3)
    assert all(torch.equal(a, b) for a, b in zip(weights(made), seen[-1], strict=True))
    assert all(torch.isfinite(p).all() for p in made.parameters)


def test_a_gradient_that_is_not_finite_stops_the_run_though_the_loss_is() -> None:
    made = trainer()
    before = weights(made)
    made.parameters[0].register_hook(lambda gradient: gradient * math.nan)
    assert made.run().ended == "non-finite"
    assert all(torch.equal(a, b) for a, b in zip(before, weights(made), strict=True))


def test_bfloat16_autocast_keeps_weights_in_float32_and_trains() -> None:
    made = trainer(NLL(), precision="bfloat16", steps=12, lr=3e-3)
    logs, after = run(made)
    exact, _ = run(trainer(NLL(), steps=12, lr=3e-3))
    assert all(p.dtype == torch.float32 for p in after)
    assert logs[0].loss == pytest.approx(exact[0].loss, rel=0.05) and logs[0].loss != exact[0].loss
    assert logs[-1].loss < logs[0].loss


def test_kl_against_the_target_model_starts_at_0() -> None:
    here = World(GradDiff(retain="kl"))
    with torch.no_grad():  # back to the target model
        for ours, theirs in zip(here.model.parameters(), here.target.parameters(), strict=True):
            ours.copy_(theirs)
    log, _ = here.step()
    assert log is not None and log.terms["retain"] == pytest.approx(0.0, abs=1e-9)
