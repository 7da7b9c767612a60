import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor

from tests.tiny import PAD, random_rows, tiny_model
from unlearnkit.core.errors import InputError, Interrupted
from unlearnkit.methods.objectives.tru import TRU
from unlearnkit.models.engine import Engine
from unlearnkit.models.load import add_lora
from unlearnkit.models.settings import LoraSettings
from unlearnkit.training import checkpoints as room
from unlearnkit.training.checkpoints import Checkpoints, Progress
from unlearnkit.training.loop import StepLog, Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

OBJECTIVE = TRU()
VIEWS = {
    "forget": random_rows(6, seed=1),
    "forget:target": random_rows(6, seed=2, trace=4),
    "retain": random_rows(9, seed=3),
}
STEPS = 7


class Killed(BaseException):
    """Stands in for the end of the process: nobody may catch it."""


def trainer(*, lora: bool = False, every: int = 2) -> Trainer:
    # Dropout draws from the random state, which a resumed run must have back.
    model = tiny_model(
        "gpt2" if not lora else "llama", **({} if lora else {"attn_pdrop": 0.3, "resid_pdrop": 0.3, "embd_pdrop": 0.3})
    )
    if lora:
        model = add_lora(model, LoraSettings(r=2))
    settings = TrainSettings(
        epochs=None, steps=STEPS, batch_size=4, micro_batch_size=2, lr=3e-3, warmup=0.3, checkpoint_every=every
    )
    return Trainer(Engine(model), OBJECTIVE, TrainData(VIEWS, PAD), settings, seed=5)


def weights(made: Trainer) -> list[Tensor]:
    return [p.detach().clone() for p in made.parameters]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module", params=[False, True], ids=["full", "lora"])
def unbroken(request: pytest.FixtureRequest) -> tuple[bool, list[StepLog], list[Tensor]]:
    made, logs = trainer(lora=request.param), []
    made.run(on_step=logs.append)
    return request.param, logs, weights(made)


def kill_after(step: int) -> Any:
    def on_step(log: StepLog) -> None:
        if log.step == step:
            raise Killed

    return on_step


def test_the_random_state_matters_here() -> None:
    losses = []
    for seed in (1, 2):
        made = trainer()
        made.wrapped.train()
        torch.manual_seed(seed)
        log = made._step(0)
        assert log is not None
        losses.append(log.loss)
    assert losses[0] != losses[1]


@pytest.mark.parametrize("killed", range(1, STEPS + 1))
def test_a_killed_run_ends_in_the_weights_of_the_unbroken_one(tmp_path: Path, unbroken: Any, killed: int) -> None:
    lora, logs, after = unbroken
    kept = Checkpoints(tmp_path / "c", {"recipe": "r"})
    with pytest.raises(Killed):
        trainer(lora=lora).run(checkpoints=kept, on_step=kill_after(killed))
    again: list[StepLog] = []
    made = trainer(lora=lora)
    torch.manual_seed(12345)  # a new process has another random state
    assert made.run(checkpoints=kept, on_step=again.append).ended == "finished"
    # Killed in step k, before its own checkpoint: it goes on from the newest even step below k.
    assert again[0].step == (killed - 1) // 2 * 2 + 1
    assert again == logs[again[0].step - 1 :]
    assert same(weights(made), after)


def test_killed_again_and_again(tmp_path: Path, unbroken: Any) -> None:
    lora, _, after = unbroken
    kept = Checkpoints(tmp_path, {})
    for killed in (2, 3, 4, 6, 7, 7):
        with pytest.raises(Killed):
            trainer(lora=lora, every=1).run(checkpoints=kept, on_step=kill_after(killed))
    made = trainer(lora=lora, every=1)
    made.run(checkpoints=kept)
    assert same(weights(made), after)


@pytest.mark.parametrize("operation", ["mkdir", "save_file", "dumps", "sync", "rename", "rmtree"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_killed_while_a_checkpoint_is_written(tmp_path: Path, unbroken: Any, operation: str, at: int) -> None:
    """Whatever the moment, the checkpoint is there whole or the one before it is."""
    lora, _, after = unbroken
    holder: Any = {"mkdir": Path, "rename": Path, "dumps": json, "rmtree": room.shutil}.get(operation, room)
    true, calls = getattr(holder, operation), []

    def killing(*arguments: Any, **options: Any) -> Any:
        calls.append(operation)
        if len(calls) == at + 1:
            raise Killed
        return true(*arguments, **options)

    class Dying(Checkpoints):
        def save(self, progress: Progress, *rest: Any) -> None:
            with mock.patch.object(holder, operation, killing) if progress.step == 4 else nullcontext():
                super().save(progress, *rest)

    died = False
    try:
        trainer(lora=lora).run(checkpoints=Dying(tmp_path / "c", {}))
    except Killed:
        died = True
    assert calls and died == (len(calls) > at)
    if not died:
        return  # there are fewer such operations in a save
    kept = Checkpoints(tmp_path / "c", {})
    newest = kept.newest()
    assert newest is not None and newest.name in ("step-00000002", "step-00000004")
    made, first = trainer(lora=lora), []
    made.run(checkpoints=kept, on_step=first.append)
    assert first[0].step == int(newest.name[-1]) + 1
    assert same(weights(made), after)
    assert [path.name for path in kept.folder.iterdir() if not path.name.startswith(".")] == ["step-00000006"]


def test_a_partial_folder_is_no_checkpoint(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, {})
    (tmp_path / ".step-00000009.partial").mkdir()
    (tmp_path / ".step-00000009.partial" / "state.json").write_text('{"step": 9}')
    assert kept.newest() is None
    made = trainer()
    before = weights(made)
    assert kept.load(made.engine, made.optimizer.optimizer) is None
    assert same(before, weights(made))


def test_interrupted_writes_a_checkpoint_of_that_step(tmp_path: Path, unbroken: Any) -> None:
    lora, logs, after = unbroken
    kept = Checkpoints(tmp_path, {})
    seen: list[StepLog] = []
    with pytest.raises(Interrupted, match="stopped after step 3 of 7") as raised:
        trainer(lora=lora, every=100).run(checkpoints=kept, on_step=seen.append, stopped=lambda: len(seen) == 3)
    assert raised.value.fix == "continue with --resume"
    made, rest = trainer(lora=lora, every=100), []
    made.run(checkpoints=kept, on_step=rest.append)
    assert rest == logs[3:]
    assert same(weights(made), after)


def test_what_a_checkpoint_holds_comes_back(tmp_path: Path) -> None:
    made, kept = trainer(), Checkpoints(tmp_path, {"seed": 5})
    for step in range(3):
        made._step(step)
    torch.manual_seed(77)
    kept.save(Progress(3, 1.5), made.engine, made.optimizer.optimizer)
    drawn = torch.rand(4)
    other = trainer()
    assert not other.optimizer.state_dict()["state"]
    torch.manual_seed(1)
    assert kept.load(other.engine, other.optimizer.optimizer) == Progress(3, 1.5)
    assert torch.equal(torch.rand(4), drawn)
    assert same(weights(made), weights(other))
    ours, theirs = (t.optimizer.state_dict()["state"] for t in (made, other))
    assert ours.keys() == theirs.keys() and len(ours) > 5
    for number in ours:
        assert ours[number].keys() == theirs[number].keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(ours[number][key], theirs[number][key]) for key in ours[number])
        assert float(theirs[number]["step"]) == 3
    # Nothing in the folder can run code when it is read.
    (folder,) = tmp_path.iterdir()
    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ".json"}


def test_only_the_newest_is_kept(tmp_path: Path) -> None:
    made, kept = trainer(), Checkpoints(tmp_path, {})
    for step in (2, 10, 11):
        kept.save(Progress(step, 0.0), made.engine, made.optimizer.optimizer)
        assert [path.name for path in tmp_path.iterdir()] == [f"step-{step:08d}"]
    kept.save(Progress(11, 9.0), made.engine, made.optimizer.optimizer)  # the same step again
    assert kept.load(made.engine, made.optimizer.optimizer) == Progress(11, 9.0)


def test_a_checkpoint_of_another_run_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    made = trainer()
    before = weights(made)
    Checkpoints(tmp_path, {"recipe": "a", "data": "d"}).save(Progress(2, 0.0), made.engine, made.optimizer.optimizer)
    made._step(0)
    after = weights(made)
    for fingerprint, name in (
        ({"recipe": "b", "data": "d"}, "recipe"),
        ({"recipe": "a", "data": "d", "seed": 1}, "seed"),
    ):
        with pytest.raises(InputError, match=f"a different run; these inputs differ: {name}\n") as raised:
            Checkpoints(tmp_path, fingerprint).load(made.engine, made.optimizer.optimizer)
        assert f"delete {tmp_path}" in (raised.value.fix or "")
        assert same(weights(made), after)
    Checkpoints(tmp_path, {"recipe": "a", "data": "d"}).load(made.engine, made.optimizer.optimizer)
    assert same(weights(made), before)


def test_a_run_that_became_non_finite_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    made, kept = trainer(), Checkpoints(tmp_path, {})
    handles: list[Any] = []

    def spoil(log: StepLog) -> None:
        if log.step == 5:
            handles.append(made.parameters[0].register_hook(lambda gradient: gradient * float("nan")))

    assert made.run(checkpoints=kept, on_step=spoil).ended == "non-finite"
    other = trainer()
    progress = kept.load(other.engine, other.optimizer.optimizer)
    assert progress is not None and progress.step == 4
    assert all(torch.isfinite(p).all() for p in other.parameters)


def test_time_is_counted_over_all_sittings(tmp_path: Path) -> None:
    kept, seen = Checkpoints(tmp_path, {}), []
    with pytest.raises(Interrupted):
        trainer().run(checkpoints=kept, on_step=seen.append, stopped=lambda: len(seen) == 3)
    newest = kept.newest()
    assert newest is not None
    state = json.loads((newest / "state.json").read_text())
    state["seconds"] = 1000.0
    (newest / "state.json").write_text(json.dumps(state))
    assert 1000.0 < trainer().run(checkpoints=kept).seconds < 1100.0
