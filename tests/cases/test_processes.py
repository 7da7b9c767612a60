"""A reported fault: a run in two processes failed, and both processes did the whole of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cases.launched import ACCELERATE, MINUTE, TORCHRUN, difference, launched, logged, recipe, run_alone, world
from unlearnkit.runs.folder import RunFolder

SLOW = """
import os, sys, time
from datetime import timedelta
from pathlib import Path
from torch import distributed
from unlearnkit.cli import app
from unlearnkit.pipeline import run

SECONDS, begin = 6, distributed.init_process_group
distributed.init_process_group = lambda *a, **k: begin(*a, **{**k, "timeout": timedelta(seconds=SECONDS)})

def slow(work):
    def later(*a, **k):
        Path("measuring").touch()
        time.sleep(SECONDS + 1)
        return work(*a, **k)
    return later

setattr(run, os.environ["SLOW"], slow(getattr(run, os.environ["SLOW"])))
sys.exit(app.main())
"""
"""The command line, with a measurement that takes longer than the time-out of collective operations."""
GRU = {"name": "gru"}
SALIENT = {"name": "gradient_saliency", "share": 0.3}


def same_in_one_process(folder: Path, name: str) -> None:
    """Run the recipe in one process, too, and compare the two runs."""
    run_alone(folder, "run", f"{name}.yaml", f"out=runs/{name}-alone")
    two, one = RunFolder(folder / "runs" / name), RunFolder(folder / "runs" / f"{name}-alone")
    ours, theirs = logged(two.path), logged(one.path)
    assert len(ours) == len(theirs) == 20
    for step, other in zip(ours, theirs, strict=True):
        # RMU's loss is a squared length: float32 has fewer digits after the point.
        assert step["loss"] == pytest.approx(other["loss"], rel=1e-6, abs=1e-5)
        assert step["terms"] == pytest.approx(other["terms"], rel=1e-6, abs=1e-5)
    losses = [step["loss"] for step in ours]
    assert max(losses) - min(losses) > 0.01  # so the weights moved enough to tell
    assert difference(one.model, two.model, folder / "model") < 1e-3
    assert two.scores().keys() == one.scores().keys()
    for score, value in two.scores().items():
        if score.endswith("accuracy") and value.value is not None:
            assert value.value == pytest.approx(one.scores()[score].value, abs=0.01), score


@pytest.mark.extended
def test_25_two_processes(tmp_path: Path) -> None:
    folder = world(tmp_path, longer=False)
    train = {"steps": 4, "batch_size": 3, "retain_batch_size": None, "lr": 1.0e-4}
    recipe(folder, "recipe", {"name": "npo", "retain": "nll"}, **train)
    with launched(folder, "run", "recipe.yaml", "out=runs/two") as running:
        ended = running.ended()
    assert ended.code == 0, ended.text
    assert ended.text.count("Refusal rate") <= 1


def test_two_processes_run_from_recipe_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are split unevenly, and measuring takes longer than the processes wait for one another in training."""
    folder = world(tmp_path)
    (folder / "slow").write_text(SLOW)
    monkeypatch.setenv("SLOW", "measure_references")
    recipe(folder, "two", {"name": "npo", "retain": "kl"}, micro_batch_size=2)
    with launched(folder, "run", "two.yaml", script="slow") as running:
        ended = running.ended()
    assert ended.code == 0, ended.text
    run = RunFolder(folder / "runs/two")
    assert run.state().done
    assert run.state().environment["processes"] == "2"
    assert run.report_file.exists()
    # Everything is printed once.
    assert [ended.text.count(word) for word in ("Refusal rate", "run: ", "report: ")] == [1, 1, 1], ended.text
    same_in_one_process(folder, "two")


@pytest.mark.extended
@pytest.mark.parametrize(
    ("name", "method", "train"),
    [
        ("one-row", {"name": "graddiff", "retain": "nll"}, {"batch_size": 1, "retain_batch_size": 1, "steps": 20}),
        ("tru", {"name": "tru"}, {"micro_batch_size": 2}),
        ("rmu", {"name": "rmu", "layer": 0, "retain_weight": 1.0}, {"micro_batch_size": 2}),
        ("gru", {"name": "graddiff", "retain": "nll"}, {"combiner": GRU, "micro_batch_size": 2}),
        ("masked", {"name": "npo", "retain": "kl", "mask": SALIENT}, {"weight_decay": 0.1}),
        ("adapter", {"name": "npo", "retain": "nll"}, {"model": {"lora": {"r": 4}, "merge": True}}),
        ("edit", {"name": "task_arithmetic", "strength": 0.5}, {"keep_weights_every": 5}),
        (
            "watched",
            {"name": "graddiff", "retain": "nll"},
            {"diagnose": {"g_effect_every": 4, "use": ["weaken", "mask"]}},
        ),
        ("scratch", {"name": "retrain"}, {}),
    ],
)
def test_each_kind_of_method(name: str, method: dict[str, Any], train: dict[str, Any], tmp_path: Path) -> None:
    folder = world(tmp_path)
    recipe(folder, name, method, **train)
    launcher = ACCELERATE if name == "tru" else TORCHRUN
    with launched(folder, "run", f"{name}.yaml", launcher=launcher) as running:
        ended = running.ended()
    assert ended.code == 0, ended.text
    assert ended.text.count("Refusal rate") == 1
    same_in_one_process(folder, name)


@pytest.mark.extended
def test_accelerate_starts_one_process_on_a_cpu_and_the_run_says_so(tmp_path: Path) -> None:
    folder = world(tmp_path)
    recipe(folder, "cpu", {"name": "npo"}, steps=2)
    launcher = ("-m", "accelerate.commands.launch", "--cpu", "--num_processes")
    with launched(folder, "run", "cpu.yaml", launcher=launcher) as running:
        ended = running.ended()
    assert ended.code == 0, ended.text
    assert ended.text.count("started only one process") == ended.text.count("Refusal rate") == 1


@pytest.mark.extended
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    ("launcher", "moment"),
    [(TORCHRUN, "measure_references"), (TORCHRUN, "training"), (ACCELERATE, "training")],
    ids=["torchrun-measuring", "torchrun-training", "accelerate-training"],
)
def test_a_killed_process_ends_the_job(
    launcher: Sequence[str], moment: str, rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run = world(tmp_path), tmp_path / "runs/killed"
    (folder / "slow").write_text(SLOW.replace("SECONDS + 1", "600"))
    training = moment == "training"
    monkeypatch.setenv("SLOW", "open_run" if training else moment)
    recipe(folder, "killed", {"name": "npo", "retain": "kl"}, steps=400 if training else 20, checkpoint_every=5)
    script = "unlearn" if training else "slow"
    with launched(folder, "run", "killed.yaml", launcher=launcher, script=script) as running:
        running.wait_for(lambda: len(logged(run)) > 12 if training else (folder / "measuring").exists())
        os.kill(running.of_rank(rank), signal.SIGKILL)
        ended = running.ended(MINUTE)
    assert ended.code != 0
    assert ended.text.count("error: another process of the job has ended") == 1, ended.text
    assert f"process {rank} of 2" in ended.text
    before = len(logged(run))
    # One process goes on from the last checkpoint, and leaves the work of two to nobody.
    run_alone(folder, "run", "killed.yaml", "--resume")
    assert RunFolder(run).state().done
    assert len(logged(run)) == (400 if training else 20) > before


@pytest.mark.extended
def test_the_main_process_killed_while_it_measures_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, run = world(tmp_path), tmp_path / "runs/killed"
    (folder / "slow").write_text(SLOW.replace("SECONDS + 1", "600"))
    monkeypatch.setenv("SLOW", "measure_subject")
    recipe(folder, "killed", {"name": "npo", "retain": "kl"})
    with launched(folder, "run", "killed.yaml", script="slow") as running:
        running.wait_for((folder / "measuring").exists)
        running.wait_for(lambda: len(running.ranks()) == 1)  # the other process is not kept for nothing
        os.kill(running.of_rank(0), signal.SIGKILL)
        ended = running.ended(MINUTE)
    assert ended.code != 0
    assert "Signal 9 (SIGKILL)" in ended.text  # the launcher's own message: no other process is left
    with launched(folder, "run", "killed.yaml", "--resume") as running:
        ended = running.ended()
    assert ended.code == 0, ended.text
    assert RunFolder(run).state().done and len(logged(run)) == 20


@pytest.mark.extended
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_keeps_a_checkpoint_for_any_number_of_processes(asked: signal.Signals, tmp_path: Path) -> None:
    folder, run = world(tmp_path), tmp_path / "runs/stopped"
    recipe(folder, "stopped", {"name": "npo", "retain": "kl"}, steps=300, checkpoint_every=1000)
    with launched(folder, "run", "stopped.yaml") as running:
        running.wait_for(lambda: len(logged(run)) > 5)
        running.process.send_signal(asked)
        ended = running.ended(MINUTE)
    assert ended.code != 0
    assert ended.text.count("error: the training was stopped after step") == 1, ended.text
    done = len(logged(run))
    assert (run / f"checkpoints/step-{done:08d}").is_dir()
    with launched(folder, "run", "stopped.yaml", "--resume", processes=3) as running:
        ended = running.ended()
    assert ended.code == 0, ended.text
    assert "processes was 2, is now 3" in ended.text
    assert [step["step"] for step in logged(run)] == list(range(1, 301))
    run_alone(folder, "run", "stopped.yaml", "out=runs/whole")
    whole = [step["loss"] for step in logged(folder / "runs/whole")]
    assert [step["loss"] for step in logged(run)][: done + 5] == pytest.approx(whole[: done + 5], abs=1e-4)


@pytest.mark.extended
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "missing.yaml"], 2, "the recipe cannot be read"),
        (["run", "sisa.yaml"], 2, "the method sisa does not share its work"),
        (["run", "guard.yaml"], 2, "the method refusal_prompt does not share its work"),
        (["run"], 2, "Missing argument"),
    ],
)
def test_a_mistake_is_told_once_and_nothing_is_written(
    arguments: list[str], code: int, message: str, tmp_path: Path
) -> None:
    folder = world(tmp_path)
    recipe(folder, "sisa", {"name": "sisa", "base": "./model", "kept": "retain"})
    recipe(folder, "guard", {"name": "refusal_prompt"})
    before = sorted(folder.rglob("*"))
    with launched(folder, *arguments) as running:
        ended = running.ended(MINUTE)
    assert ended.code != 0
    assert f"exitcode  : {code}" in ended.text  # of the main process; the launcher's own code is always 1
    assert ended.text.count(message) == 1, ended.text
    assert sorted(folder.rglob("*")) == before


FAILING = """
import os, sys
from unlearnkit.cli import app
from unlearnkit.core.errors import InputError
from unlearnkit.models.reference import ReferenceValues
from unlearnkit.training.checkpoints import Checkpoints

rank, count = int(os.environ["RANK"]), 0

def fail(*a, **k):
    global count
    count += 1
    if count > 3:
        raise InputError("this process has failed")
    return work(*a, **k)

where, name = {0: (Checkpoints, "save"), 1: (ReferenceValues, "store")}[rank]
work = getattr(where, name)
if rank == int(sys.argv.pop()):
    setattr(where, name, fail)
sys.exit(app.main())
"""
"""The command line, with an error in one of the processes, in the middle of the training."""


@pytest.mark.extended
@pytest.mark.parametrize("rank", [0, 1])
def test_an_error_in_one_process_is_told_once_and_ends_the_job(rank: int, tmp_path: Path) -> None:
    folder = world(tmp_path)
    (folder / "failing").write_text(FAILING)
    recipe(folder, "failed", {"name": "npo", "retain": "kl"}, checkpoint_every=1, steps=400)
    with launched(folder, "run", "failed.yaml", str(rank), script="failing") as running:
        ended = running.ended(2 * MINUTE)
    assert ended.code != 0
    assert "exitcode  : 2" in ended.text
    assert ended.text.count("error: this process has failed") == ended.text.count("error: ") == 1, ended.text


@pytest.mark.extended
def test_every_other_command_runs_once(tmp_path: Path) -> None:
    folder = world(tmp_path)
    recipe(folder, "alone", {"name": "npo"}, steps=2)
    run_alone(folder, "run", "alone.yaml")
    (folder / "runs/alone/scores.json").unlink()
    with launched(folder, "eval", "runs/alone") as running:
        ended = running.ended()
    assert ended.code == 0, ended.text
    assert ended.text.count("Refusal rate") == 1
    assert RunFolder(folder / "runs/alone").scores()
