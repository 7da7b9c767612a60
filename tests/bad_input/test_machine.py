"""The machine: a full disk, no right to write, no memory.

What the system would say is said for it, since the tests may run as root and on a disk with room; but for one case, in
which the system itself limits how large a file may become.
"""

from __future__ import annotations

import errno
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from tests.bad_input.place import (
    OWN,
    RESUME,
    RUN,
    Case,
    Place,
    assert_mended,
    assert_readable,
    assert_told,
    unlearn,
)
from unlearnkit.training import checkpoints
from unlearnkit.training.loop import Trainer

FULL = "No space left on device"
EVAL = ("eval", "./model", "--suite", "tofu", "--data", "tofu", "--split", "forget01", "--out", "measured")
INIT = ("init", "--model", "./model", "--forget", "forget.jsonl", "--out", "new")


def no_room_for(name: str, number: int = 1) -> Callable[[Place], None]:
    """The disk is full when a text of that name is written for the n-th time."""

    def breaks(place: Place) -> None:
        real, seen = Path.write_text, []

        def write(self: Path, *arguments: Any, **options: Any) -> int:
            if self.name == f".{name}.partial":
                seen.append(self)
                if len(seen) == number:
                    real(self, "half of it")
                    raise OSError(errno.ENOSPC, FULL, str(self))
            return real(self, *arguments, **options)

        place.patch.setattr(Path, "write_text", write)

    return breaks


def no_room_for_tensors(number: int) -> Callable[[Place], None]:
    """The disk is full when checkpoints save tensors, three files each, for the n-th time."""

    def breaks(place: Place) -> None:
        real, seen = checkpoints.save_file, []

        def save(tensors: Any, file: Any, **options: Any) -> None:
            seen.append(file)
            if len(seen) == number:
                Path(file).write_bytes(b"half of it")
                raise SafetensorError(f"Error while serializing: I/O error: {FULL} (os error 28)")
            real(tensors, file, **options)

        place.patch.setattr(checkpoints, "save_file", save)

    return breaks


def no_room_for_the_model(place: Place) -> None:
    from transformers import PreTrainedModel

    def save(self: PreTrainedModel, folder: Path, **_: object) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "model.safetensors").write_bytes(b"half of it")
        raise SafetensorError(f"Error while serializing: I/O error: {FULL} (os error 28)")

    place.patch.setattr(PreTrainedModel, "save_pretrained", save)


def no_room_for_the_log(place: Place) -> None:
    """The disk is full at the fourth line."""
    real, lines = Path.open, []

    def opened(self: Path, mode: str = "r", **options: Any) -> Any:
        if self.name == "log.jsonl" and mode == "a":
            lines.append(self)
            if len(lines) == 4:
                raise OSError(errno.ENOSPC, FULL)
        return real(self, mode, **options)

    place.patch.setattr(Path, "open", opened)


def no_room_for_a_report_without_secrets(place: Place) -> None:
    """The report shows what is to be forgotten, and a purge writes it again."""
    place.change(f"{OWN}/recipe.yaml", "show_forget_text: false", "show_forget_text: true")
    no_room_for("report.html")(place)


def fails_in_step(error: Exception, step: int = 4) -> Callable[[Place], None]:
    def breaks(place: Place) -> None:
        real = Trainer._step

        def one(self: Trainer, number: int) -> Any:
            if number == step:
                raise error
            return real(self, number)

        place.patch.setattr(Trainer, "_step", one)

    return breaks


def fails_in(name: str, error: Exception) -> Callable[[Place], None]:
    """A function, by its dotted name, raises this."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return lambda place: place.patch.setattr(name, fail)


def forbidden(name: str) -> Callable[[Place], None]:
    """No folder of that name may be made."""

    def breaks(place: Place) -> None:
        real = Path.mkdir

        def make(self: Path, *arguments: Any, **options: Any) -> None:
            if self.name == name:
                raise PermissionError(errno.EACCES, "Permission denied", str(self))
            real(self, *arguments, **options)

        place.patch.setattr(Path, "mkdir", make)

    return breaks


def out(path: str) -> Callable[[Place], None]:
    return lambda place: place.recipe(out=path)


def nothing(_: Place) -> None:
    """Only what is typed is wrong."""


OOM = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee documentation\n" + "x\n" * 40)
CPU_OOM = RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")
BROKEN = torch.AcceleratorError("CUDA error: an illegal memory access was encountered\nCompile with ...")

DENIED = PermissionError(errno.EACCES, "Permission denied", f"{OWN}/private")
NO_MEMORY = ["not enough memory", "train.micro_batch_size", "checkpoint was kept"]

# While a run goes on: what it has by then stays, and it finishes when the machine can again.
DURING = [
    Case(
        "disk-full-at-the-targets-records",
        no_room_for("records.jsonl"),
        [FULL, "references/target/private/records.jsonl", "--resume"],
        RUN,
        1,
    ),
    Case(
        "disk-full-at-the-targets-scores", no_room_for("scores.json"), [FULL, "references/target/scores.json"], RUN, 1
    ),
    Case(
        "disk-full-at-the-taught-targets", no_room_for("targets.jsonl"), [FULL, f"{OWN}/private/targets.jsonl"], RUN, 1
    ),
    Case("disk-full-at-the-log", no_room_for_the_log, [FULL, f"{OWN}/log.jsonl"], RUN, 1),
    Case(
        "disk-full-at-the-first-checkpoint",
        no_room_for_tensors(1),
        [FULL, "checkpoints/step-00000002", "free some space", "--resume"],
        RUN,
        1,
    ),
    Case("disk-full-at-the-next-checkpoint", no_room_for_tensors(5), [FULL, "checkpoints/step-00000004"], RUN, 1),
    Case("disk-full-at-the-model", no_room_for_the_model, [FULL, f"{OWN}/model"], RUN, 1),
    Case("disk-full-at-the-subject", no_room_for("subject.json", 2), [FULL, f"{OWN}/subject.json"], RUN, 1),
    Case("disk-full-at-the-state", no_room_for("run.json", 5), [FULL, "run.json"], RUN, 1),
    Case("disk-full-at-the-records", no_room_for("records.jsonl", 2), [FULL, f"{OWN}/private/records.jsonl"], RUN, 1),
    Case("disk-full-at-the-scope", no_room_for("scope.json", 2), [FULL, f"{OWN}/private/scope.json"], RUN, 1),
    Case("disk-full-at-the-scores", no_room_for("scores.json", 2), [FULL, f"{OWN}/scores.json"], RUN, 1),
    Case("disk-full-at-the-card", no_room_for("README.md"), [FULL, f"{OWN}/README.md"], RUN, 1),
    Case("disk-full-at-the-report", no_room_for("report.html"), [FULL, f"{OWN}/report.html"], RUN, 1),
    Case("no-memory-in-a-step", fails_in_step(OOM), NO_MEMORY, RUN, 1),
    Case("no-memory-on-the-cpu", fails_in_step(CPU_OOM), NO_MEMORY, RUN, 1),
    Case("no-memory-for-python", fails_in_step(MemoryError()), NO_MEMORY, RUN, 1),
    Case("no-memory-to-measure", fails_in("unlearnkit.pipeline.evaluate.measure", OOM), ["not enough memory"], RUN, 1),
    Case(
        "device-fails-in-a-step",
        fails_in_step(BROKEN),
        ["the device failed: CUDA error: an illegal memory", "CUDA_VISIBLE_DEVICES"],
        RUN,
        1,
    ),
]

# Before a run, or beside one: nothing comes into being, and nothing is written over.
BEFORE = [
    Case(
        "out-not-writable", forbidden("own"), ["folder cannot be used: Permission denied", "'runs/own'", "out=..."], RUN
    ),
    Case(
        "out-is-a-file",
        out("forget.jsonl"),
        ["folder cannot be used: Not a directory", "'forget.jsonl'", "out=..."],
        RUN,
    ),
    Case("out-below-a-file", out("forget.jsonl/own"), ["folder cannot be used", "'forget.jsonl/own'"], RUN),
    Case("out-of-300-letters", out("x" * 300), ["folder cannot be used: File name too long", "out=..."], RUN),
    Case("out-with-a-nul", out("runs/\0"), ["folder cannot be used", "null"], RUN),
    Case("out-not-empty", out("tofu"), ["do not belong to a run", "tofu", "out=..."], RUN),
    Case("out-not-empty-with-resume", out("tofu"), ["do not belong to a run", "tofu"], RESUME),
    Case("init-below-a-file", nothing, ["cannot be written", "forget.jsonl/new"], (*INIT[:-1], "forget.jsonl/new"), 1),
]

AFTER = [
    Case(
        "no-permission-to-purge",
        fails_in("unlearnkit.pipeline.purge.shutil.rmtree", DENIED),
        ["the operating system reports: Permission denied", f"where:   {OWN}/private", "permissions"],
        ("purge", OWN),
        1,
    ),
    Case("disk-full-in-score", no_room_for("scores.json"), [FULL, f"{OWN}/scores.json"], ("score", OWN), 1),
    Case("disk-full-in-report", no_room_for("r.html"), [FULL, "r.html"], ("report", OWN, "-o", "r.html"), 1),
    Case("disk-full-in-purge", no_room_for_a_report_without_secrets, [FULL, f"{OWN}/report.html"], ("purge", OWN), 1),
    Case("disk-full-in-eval", no_room_for("records.jsonl"), [FULL, f"{OWN}/private/records.jsonl"], ("eval", OWN), 1),
]


@pytest.mark.parametrize("case", DURING, ids=str)
def test_a_run_that_the_machine_breaks_goes_on(
    case: Case, place: Place, ended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.recipe(method={"name": "tru"})
    before = place.snapshot()
    case.breaks(place)
    capsys.readouterr()
    code = unlearn(case.call, place.patch)
    said = capsys.readouterr().err
    place.patch.undo()
    error = said[said.index("error: ") :]
    assert code == case.code, said
    assert_readable(error)
    for words in case.says:
        assert words in error, f"{words!r} is not in\n{error}"
    after = place.snapshot()
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if "partial" in name], "what was half written is removed: it takes room"
    kept = {file.name for file in (place.root / OWN / "checkpoints").glob("step-*")}
    if case.id in ("disk-full-at-the-next-checkpoint", "disk-full-at-the-log"):
        assert kept == {"step-00000002"}
    if case.id.startswith(("no-memory-in", "device", "disk-full-at-the-model")):
        assert kept == {"step-00000004"}
    assert_mended(Case("", case.breaks, (), mend=lambda _: None), place, ended, capsys)
    assert not (place.root / OWN / "checkpoints").exists()


@pytest.mark.parametrize("case", BEFORE, ids=str)
def test_a_machine_that_says_no_is_told(case: Case, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, place, capsys)


@pytest.mark.parametrize("case", AFTER, ids=str)
def test_a_run_that_ended_keeps_what_it_has(case: Case, after_a_run: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, after_a_run, capsys)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to let a file grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_limit_of_the_system_itself(place: Place, ended: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place.recipe(method={"name": "tru"})
    with files_of_at_most((place.root / "model" / "model.safetensors").stat().st_size - 1):
        assert unlearn(RUN, place.patch) == 1
    said = capsys.readouterr().err
    error = said[said.index("error: ") :]
    assert_readable(error)
    assert "File too large" in error and "checkpoints/step-00000002" in error
    assert_mended(Case("", lambda _: None, (), mend=lambda _: None), place, ended, capsys)


def test_eval_goes_on_where_the_disk_was_full(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    no_room_for("records.jsonl")(place)
    assert unlearn(EVAL, place.patch) == 1
    place.patch.undo()
    assert FULL in capsys.readouterr().err
    assert unlearn(EVAL, place.patch) == 0, capsys.readouterr().err


@pytest.mark.parametrize("name", ["scope.yaml", "recipe.yaml"])
def test_half_a_start_is_none(name: str, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    no_room_for(name)(place)
    assert unlearn(INIT, place.patch) == 1
    place.patch.undo()
    assert FULL in capsys.readouterr().err
    assert not list((place.root / "new").iterdir())
    assert unlearn(INIT, place.patch) == 0, capsys.readouterr().err
