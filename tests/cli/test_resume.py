"""A run that is killed at any moment goes on and ends in the same weights, bit for bit."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from unlearnkit.core import subprocesses
from unlearnkit.core.progress import Progress
from unlearnkit.pipeline.subprocess_jobs import unlearn as run_in_child
from unlearnkit.runs.folder import RunFolder

UNLEARN = [sys.executable, "-c", "import sys; from unlearnkit.cli.app import main; sys.exit(main())"]


def weights(folder: RunFolder) -> bytes:
    return (folder.model / "model.safetensors").read_bytes()


def logged(folder: RunFolder) -> int:
    return folder.log_file.read_text("utf-8").count("\n") if folder.log_file.exists() else 0


def run_quietly(recipe: dict[str, Any]) -> None:
    run_in_child(recipe, Progress(quiet=True))


def killed_after(recipe: dict[str, Any], steps: int) -> bool:
    """Run in a child and kill it once so many steps are logged; False where it ended first."""
    process = multiprocessing.get_context("forkserver").Process(target=run_quietly, args=(recipe,))
    process.start()
    while process.is_alive() and logged(RunFolder(recipe["out"])) < steps:
        time.sleep(0.001)
    process.kill()
    process.join()
    return bool(process.exitcode == -signal.SIGKILL)


KILLS = 10
"""Number of random moments at which each run is killed. Every kill costs the start of another process."""
MASK = {"name": "gradient_saliency", "share": 0.3}


@pytest.mark.parametrize(
    ("method", "augment"),
    [
        ({"name": "npo", "retain": "kl"}, None),
        ({"name": "npo", "retain": "kl", "mask": MASK}, None),
        ({"name": "task_arithmetic"}, None),
        ({"name": "tru"}, {"amount": 20}),
    ],
    ids=["npo", "npo-masked", "task_arithmetic", "tru-augmented"],
)
def test_killed_at_chosen_steps(
    method: dict[str, Any], augment: dict[str, Any] | None, recipe_data: dict[str, Any], tmp_path: Path
) -> None:
    train = {**recipe_data["train"], "steps": 10, "checkpoint_every": 3}
    data = {**recipe_data, "train": train, "method": method, "data": {"augment": augment}}
    whole = {**data, "out": str(tmp_path / "whole")}
    subprocesses.run_in_subprocess("whole", run_in_child, whole)
    folder = RunFolder(data["out"])
    # Before the first checkpoint; right after one; between two.
    assert [killed_after(data, steps) for steps in (2, 3, 8)] == [True] * 3
    subprocesses.run_in_subprocess("rest", run_in_child, data)
    assert weights(folder) == weights(RunFolder(whole["out"]))
    assert folder.curve() == RunFolder(whole["out"]).curve()
    assert folder.scores().keys() == RunFolder(whole["out"]).scores().keys()


def test_weights_do_not_hang_on_the_order_of_sets(recipe_data: dict[str, Any], tmp_path: Path) -> None:
    made = set()
    for seed in ("0", "1"):  # views in another order, when taken from a set
        recipe = {**recipe_data, "method": {"name": "tru"}, "out": str(tmp_path / seed)}
        Path(recipe["out"] + ".yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        arguments = [*UNLEARN, "run", recipe["out"] + ".yaml"]
        subprocess.run(arguments, check=True, capture_output=True, env=environment)
        made.add(weights(RunFolder(recipe["out"])))
    assert len(made) == 1


@pytest.mark.extended
@pytest.mark.parametrize("method", ["tru", "npo"])
def test_killed_at_random_moments(method: str, recipe_data: dict[str, Any], tmp_path: Path) -> None:
    train = {**recipe_data["train"], "steps": 80, "batch_size": 16, "checkpoint_every": 10}
    data = {**recipe_data, "train": train, "method": {"name": method, "retain": "kl"}}
    whole, broken = ({**data, "out": str(tmp_path / name)} for name in ("whole", "broken"))
    for recipe in (whole, broken):
        Path(recipe["out"] + ".yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    began = time.monotonic()
    subprocess.run([*UNLEARN, "run", whole["out"] + ".yaml"], check=True, capture_output=True)
    took = time.monotonic() - began
    draw, killed, folder = random.Random(method), 0, RunFolder(broken["out"])
    while killed < KILLS:
        process = subprocess.Popen(
            [*UNLEARN, "run", broken["out"] + ".yaml", "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        # Imports take a good part of a sitting, and nothing can go wrong in them: most moments are later.
        time.sleep(draw.uniform(0.3, 1.0) * took * draw.choice((0.5, 1.0)))
        if process.poll() is not None:
            # It ended before it was to be killed: begin again with the kills that are left.
            assert process.returncode == 0, process.stderr.read().decode() if process.stderr else ""
            assert weights(folder) == weights(RunFolder(whole["out"]))
            subprocess.run(["rm", "-r", broken["out"]], check=True)
            continue
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        killed += 1
    subprocess.run([*UNLEARN, "run", broken["out"] + ".yaml", "--resume"], check=True, capture_output=True)
    assert weights(folder) == weights(RunFolder(whole["out"]))
    assert folder.curve() == RunFolder(whole["out"]).curve()
