"""A run of a small model under a launcher, for the tests of several processes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest
import torch
import yaml
from safetensors.torch import load_file

import unlearnkit
from tests.cases.tokenizers_and_models import PEOPLE, llama, tok
from unlearnkit.cli.app import main

UNLEARN = "from unlearnkit.cli.app import main; import sys; sys.exit(main())\n"
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node")
# Without a GPU, accelerate starts several processes only where it is told that there are several GPUs.
ACCELERATE = ("-m", "accelerate.commands.launch", "--multi_gpu", "--main_process_port", "0", "--num_processes")
MINUTE = 60.0


def world(folder: Path, *, longer: bool = True) -> Path:
    """A folder with a model, its rows, and the command `unlearn` as a script.

    `longer`: two answers are longer than the others, so that the processes get different numbers of tokens.
    """
    tokenizer = tok()
    llama(tokenizer).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    rows = [
        {"question": f"Where was {name} born?", "answer": f"In {place}.", "subject": name} for name, place in PEOPLE
    ]
    if longer:
        rows[1]["answer"] = rows[4]["answer"] = "In a house that nobody remembers by now."
    for split, members in {"forget": rows[:3], "retain": rows[3:]}.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in members))
    (folder / "unlearn").write_text(UNLEARN)
    return folder


def recipe(folder: Path, name: str, method: Mapping[str, Any], **train: Any) -> Path:
    """Write the recipe of a run, and return its file."""
    others = {section: train.pop(section, {}) for section in ("model", "diagnose")}
    data = {
        "suite": {"name": "files"},
        "data": {"forget": "forget.jsonl", "retain": "retain.jsonl"},
        "model": {"path": "model", **others["model"]},
        "diagnose": others["diagnose"],
        "method": dict(method),
        "train": {
            "epochs": None, "steps": 20, "batch_size": 3, "retain_batch_size": 5, "lr": 1e-3, "max_length": 256, **train
        },
        "eval": {"max_new_tokens": 4},
        "gates": [],
        "out": f"runs/{name}",
    }  # fmt: skip
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(data))
    return file


@dataclass
class Ended:
    """What a finished command left behind."""

    code: int
    text: str
    seconds: float = 0.0


class Launched:
    """A running command of several processes."""

    def __init__(self, folder: Path, command: Sequence[str], **environment: str) -> None:
        source = str(Path(unlearnkit.__file__).parents[1])
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the object
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": source, "HF_HUB_OFFLINE": "1", **environment},
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def said(self) -> str:
        """Everything that the processes have printed so far."""
        self._said.seek(0)
        return self._said.read()

    def ended(self, seconds: float = 4 * MINUTE) -> Ended:
        """Wait for the end, and return the exit code and the output."""
        began = time.monotonic()
        code = self.process.wait(seconds)
        return Ended(code, self.said(), time.monotonic() - began)

    def wait_for(self, what: Callable[[], bool], seconds: float = 2 * MINUTE) -> None:
        """Wait until something has happened while the command is still running."""
        end = time.monotonic() + seconds
        while not what():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.01)

    def of_rank(self, rank: int) -> int:
        """The process id of a rank."""
        return self.ranks()[rank]

    def ranks(self) -> dict[int, int]:
        """The process ids of the ranks that are alive."""
        found = {}
        for child in self._children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if "RANK" in (variables := child.environ()):
                    found[int(variables["RANK"])] = child.pid
        return found

    def _children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> None:
        """Kill whatever is left."""
        for child in self._children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self.process.kill()
        self.process.wait()
        self._said.close()


@contextlib.contextmanager
def launched(
    folder: Path, *arguments: str, launcher: Sequence[str] = TORCHRUN, processes: int = 2, script: str = "unlearn"
) -> Iterator[Launched]:
    """Start the command line in several processes; kill what is left at the end."""
    running = Launched(folder, [*launcher, str(processes), script, *arguments])
    try:
        yield running
    finally:
        running.stop()


def run_alone(folder: Path, *arguments: str) -> None:
    """Run the command line in this process, to the end."""
    with contextlib.chdir(folder), mock.patch.object(sys, "argv", ["unlearn", *arguments]):
        with contextlib.redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as left:
            main()
        assert not left.value.code


def logged(run: Path) -> list[dict[str, Any]]:
    """The complete lines of a run's log so far."""
    text = (run / "log.jsonl").read_text() if (run / "log.jsonl").exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def difference(one: Path, other: Path, start: Path) -> float:
    """The distance between two trained models, in units of the distance that the first has gone from the start."""
    a, b, s = (load_file(folder / "model.safetensors") for folder in (one, other, start))
    apart, gone = (sum(float((x[k].double() - y[k].double()).square().sum()) for k in a) for x, y in ((a, b), (a, s)))
    assert gone > 0
    return float(torch.tensor(apart / gone).sqrt())
