"""A reported fault: a run in two processes failed, and both processes did the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.launched import difference, launched, logged, recipe, run_alone, world
from unlearnkit.runs.folder import RunFolder

IMPATIENT = """
import sys, time
from datetime import timedelta
from torch import distributed
from unlearnkit.cli import app
from unlearnkit.pipeline import run

SECONDS, begin = 6, distributed.init_process_group
distributed.init_process_group = lambda *a, **k: begin(*a, **{**k, "timeout": timedelta(seconds=SECONDS)})

def slow(work):
    def later(*a, **k):
        time.sleep(SECONDS + 2)
        return work(*a, **k)
    return later

for name in ("measure_references", "measure_subject"):
    setattr(run, name, slow(getattr(run, name)))
sys.exit(app.main())
"""
"""The command line, with measurements that take longer than the time-out of collective operations."""


def same_in_one_process(folder: Path, name: str, *, tolerance: float = 1e-3) -> None:
    """Run the recipe in one process, and compare it with the run in two."""
    alone = run_alone(folder, "run", f"{name}.yaml", f"out=runs/{name}-alone")
    assert alone.code == 0, alone.text
    two, one = RunFolder(folder / "runs" / name), RunFolder(folder / "runs" / f"{name}-alone")
    ours, theirs = logged(two.path), logged(one.path)
    assert len(ours) == len(theirs) == 20
    for step, other in zip(ours, theirs, strict=True):
        assert step["loss"] == pytest.approx(other["loss"], abs=1e-5)
        assert step["terms"] == pytest.approx(other["terms"], abs=1e-5)
    losses = [step["loss"] for step in ours]
    assert max(losses) - min(losses) > 0.01  # so the weights moved enough to tell
    assert difference(one.model, two.model, folder / "model") < tolerance
    # The longest answers have few tokens here, so any row that changes its score would show.
    assert two.scores().keys() == one.scores().keys()
    for score, value in two.scores().items():
        if score.endswith(("accuracy", "probability")) and value.value is not None:
            assert value.value == pytest.approx(one.scores()[score].value, abs=0.01), score


def test_two_processes_run_from_recipe_to_report(tmp_path: Path) -> None:
    """Rows are split unevenly, and measuring takes longer than the processes may wait for one another in training."""
    folder = world(tmp_path)
    (folder / "impatient").write_text(IMPATIENT)
    recipe(folder, "two", {"name": "npo", "retain": "kl"}, micro_batch_size=2)
    with launched(folder, "run", "two.yaml", script="impatient") as running:
        ended = running.ended()
    assert ended.code == 0, ended.text
    run = RunFolder(folder / "runs/two")
    assert run.state().done
    assert run.state().environment["processes"] == "2"
    assert run.report_file.exists()
    # Everything is printed once.
    assert [ended.text.count(word) for word in ("Accuracy", "run: ", "report: ")] == [1, 1, 1], ended.text
    same_in_one_process(folder, "two")
