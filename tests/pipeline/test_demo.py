"""The demo, with a world that is hardly learned: what it leaves, and how it goes on."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from pathlib import Path

import pytest

from unlearnkit.cli.demo import demo_command
from unlearnkit.core.errors import InputError, Interrupted
from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.metrics.default_gates import with_defaults
from unlearnkit.pipeline import demo as demo_module
from unlearnkit.pipeline import evaluate as evaluation
from unlearnkit.pipeline.demo import Demo, demo
from unlearnkit.recipe import EvalSettings
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import PACKAGED_FILE

QUIET = Progress(quiet=True)


@pytest.fixture
def here(small_world: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Work is done in this process, quickly; gives the names of what was done."""
    done: list[str] = []

    def in_turn(jobs: Sequence[Job], progress: Progress, *, at_once: int) -> None:
        for job in jobs:
            done.append(job.name)
            job.work(*job.arguments, progress)

    train = {"epochs": None, "steps": 3, "batch_size": 4, "max_length": 192, "lr": 1e-4}
    quick = EvalSettings(max_new_tokens=2)
    sections = {"train": train, "eval": quick.model_dump()}
    monkeypatch.setattr(demo_module, "run_all", in_turn)
    monkeypatch.setattr(demo_module, "method_settings", lambda name: {"method": {"name": name}, **sections})
    monkeypatch.setattr(evaluation, "EvalSettings", lambda: quick)
    return done


def test_the_command_and_the_function_have_the_same_methods() -> None:
    assert inspect.signature(demo_command).parameters["methods"].default.split(",") == [*demo_module.METHODS]


def test_the_demo_leaves_a_folder_a_subject_and_a_report(here: list[str], tmp_path: Path) -> None:
    plan = Demo(methods=("tru", "ga"), out=tmp_path / "d")
    runs, report = demo(plan, QUIET)
    references = {name: plan.folder / name for name in ("target", "retrained")}
    gates = with_defaults(demo_module.demo_gates(), {name: RunFolder(at).scores() for name, at in references.items()})
    assert here == ["target", "retrained", "tru", "ga"] == [run.name for run in runs]
    assert [s.title for s in report.subjects] == ["Target model", "Retrained model", "TRU", "GA"]
    assert report.show_forget_text and report.request == "authors" and len(report.gates) == 2 * len(gates)
    assert {g.outcome for g in report.gates} <= {"met", "missed", "not measured"}
    assert [s.scores["cost.seconds"].value is None for s in report.subjects] == [True, False, False, False]
    assert (plan.folder / "report.html").stat().st_size > 100_000
    assert any("1.6 million" in caveat for caveat in report.limitations)
    assert "cost" not in (plan.folder / "tru" / "recipe.yaml").read_text("utf-8")


def test_a_demo_that_was_stopped_goes_on(here: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, whole = Demo(methods=("graddiff", "npo"), out=tmp_path / "d"), demo_module.run_all

    def stopped(jobs: Sequence[Job], progress: Progress, *, at_once: int) -> None:
        whole([job for job in jobs if job.name != "npo"], progress, at_once=at_once)
        if any(job.name == "npo" for job in jobs):
            raise Interrupted("stopped")

    monkeypatch.setattr(demo_module, "run_all", stopped)
    with pytest.raises(Interrupted):
        demo(plan, QUIET)
    monkeypatch.setattr(demo_module, "run_all", whole)
    kept = RunFolder(plan.folder / "graddiff").records_file.stat().st_mtime_ns
    demo(plan, QUIET)
    assert RunFolder(plan.folder / "graddiff").records_file.stat().st_mtime_ns == kept
    assert RunFolder(plan.folder / "npo").state().done
    with pytest.raises(InputError, match="on a different world or request"):
        demo(dataclasses.replace(plan, request="pii"), QUIET)
    with pytest.raises(InputError, match="field seed"):
        demo(dataclasses.replace(plan, seed=5), QUIET)


class Lines(Progress):
    """Keeps what is printed."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


def test_packaged_models_are_used_unless_training_is_asked_for(
    packaged_small_world: Path, here: list[str], tmp_path: Path
) -> None:
    plan, progress = Demo(methods=("ga",), out=tmp_path / "d"), Lines()
    runs, _ = demo(plan, progress)
    assert all(Path(run.subject_path(), PACKAGED_FILE).exists() for run in runs if run.name in REFERENCES)
    (said,) = [line for line in progress.lines if "come with the package" in line]
    assert "target, retrained" in said and "unlearn demo --retrain --out DIR" in said
    assert runs[1].scores()["cost.seconds"].value is None, "the cost on another machine"
    with pytest.raises(InputError, match="another model of the same world"):
        demo(dataclasses.replace(plan, retrain=True), QUIET)

    own = dataclasses.replace(plan, retrain=True, out=tmp_path / "own")
    for name in REFERENCES:
        demo_module._reference(name, own, QUIET)
        assert not Path(RunFolder(own.folder / name).subject_path(), PACKAGED_FILE).exists()
        demo_module._reference(name, dataclasses.replace(own, retrain=False), QUIET)  # now, they come first
    assert RunFolder(own.folder / "retrained").scores()["cost.seconds"].value is not None
    with pytest.raises(InputError, match="another model of the same world"):
        demo(plan, QUIET)


@pytest.mark.parametrize("methods", [(), ("tru", "tru")])
def test_methods_are_named_once(methods: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="contains a method twice"):
        demo(Demo(methods=methods, out=tmp_path / "d"), QUIET)


def test_what_cannot_be_done_is_said_before_any_work(tmp_path: Path) -> None:
    for plan in (Demo(methods=("nppo",)), Demo(request="people")):
        with pytest.raises(InputError):
            demo(dataclasses.replace(plan, out=tmp_path / "d"), QUIET)
        assert not (tmp_path / "d").exists()
