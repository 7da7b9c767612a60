"""Checkpoints, from which a killed run can resume.

A checkpoint is a folder of safetensors and JSON files. The folder is written under a temporary name next to its final
path, synced and renamed, so a checkpoint is either complete or absent. A checkpoint contains neither the row order nor
the learning rate, because both are computed from the step number. A resumed run reaches the same final weights as an
uninterrupted run.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import sync, writing
from unlearnkit.training.combiner import Gradient


@dataclass(frozen=True)
class Progress:
    """The progress of a training run."""

    step: int
    """Number of completed optimizer steps."""
    seconds: float
    """Training time in seconds, including the time before any interruption."""


class Checkpoints:
    """The checkpoints of one training run; only the newest one is kept."""

    def __init__(self, folder: Path, fingerprint: dict[str, Any]) -> None:
        """Set the folder of the checkpoints and the fingerprint of the run.

        `fingerprint` identifies the run's settings and data. A checkpoint is loaded only if it was written with the
        same fingerprint.
        """
        self.folder, self.fingerprint = folder, fingerprint

    def newest(self) -> Path | None:
        """Return the folder of the newest complete checkpoint, if any."""
        found = sorted(self.folder.glob("step-*"))
        return found[-1] if found else None

    def save(self, progress: Progress, model: nn.Module, optimizer: Optimizer, memory: Gradient | None = None) -> None:
        """Write a checkpoint, then remove older checkpoints.

        `memory` is the state of the combiner. It is None if the run has no combiner.

        Raises:
            WriteError: the checkpoint cannot be written. In this case, older checkpoints are kept.
        """
        final = self.folder / f"step-{progress.step:08d}"
        partial = self.folder / f".{final.name}.partial"
        state = {"step": progress.step, "seconds": progress.seconds, "fingerprint": self.fingerprint}
        tensors = {"weights": _trainable(model), "optimizer": _optimizer_tensors(optimizer)}
        tensors["random"] = {"cpu": torch.get_rng_state()}
        if memory is not None:
            tensors["combiner"] = {name: values.contiguous() for name, values in memory.items()}
        with writing(final):
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            try:
                for name, values in tensors.items():
                    save_file(values, partial / f"{name}.safetensors")
                (partial / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
                for path in (*partial.iterdir(), partial):
                    sync(path)
                if final.exists():
                    shutil.rmtree(final)
                partial.rename(final)
                sync(self.folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)  # it exists if writing failed, perhaps on a full disk
        for old in self.folder.glob("step-*"):
            if old != final:
                shutil.rmtree(old)

    def load(self, model: nn.Module, optimizer: Optimizer, memory: Gradient | None = None) -> Progress | None:
        """Load the newest checkpoint; return None if there is none.

        This method restores the trained weights, the optimizer's state, the random state and `memory`.

        Raises:
            InputError: the checkpoint is damaged, or was written by a run with other settings or data. In this case,
                nothing is loaded.
        """
        folder = self.newest()
        if folder is None:
            return None
        try:
            state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            done, fingerprint = Progress(int(state["step"]), float(state["seconds"])), dict(state["fingerprint"])
            names = ("weights", "optimizer", "random")
            weights, moments, drawn = (load_file(folder / f"{name}.safetensors") for name in names)
            kept = {} if memory is None else load_file(folder / "combiner.safetensors")
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise _damaged(folder, f"{type(error).__name__}: {error}") from error
        differing = [k for k, v in self.fingerprint.items() if fingerprint.get(k) != v]
        if differing:
            raise InputError(
                "the checkpoint was written by a different run; these inputs differ: " + ", ".join(differing),
                where=str(folder),
                fix="restore the original inputs of the run; or start again in another folder: out=...; or, to train "
                f"from the beginning here, delete {self.folder}",
            )
        trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        if {n: w.shape for n, w in trained.items()} != {n: w.shape for n, w in weights.items()} or "cpu" not in drawn:
            raise _damaged(folder, "its weights do not match the trained weights, or its random state is missing")
        if any(name not in trained or trained[name].shape != values.shape for name, values in kept.items()):
            raise _damaged(folder, "the combiner's state does not match the trained weights")
        with torch.no_grad():
            for name, parameter in trained.items():
                parameter.copy_(weights[name])
        if memory is not None:
            memory |= {name: values.to(trained[name].device) for name, values in kept.items()}
        _load_optimizer(optimizer, moments)
        torch.set_rng_state(drawn["cpu"])
        return done


class KeptWeights:
    """Callback that permanently saves the trained weights every `every` steps."""

    def __init__(self, folder: Path, model: nn.Module, every: int, total: int) -> None:
        """Create the callback.

        `total` is the number of steps of the run. The weights are always saved after the last step.
        """
        self.folder, self.model, self.every, self.total = folder, model, every, total

    def __call__(self, step: int) -> bool:
        """Save the weights after step `step`, if a save is due.

        Weights are saved every `every` steps and after the last step. The result is always False, so this
        callback never ends the training.
        """
        path = self.folder / f"step-{step:08d}.safetensors"
        if step and (step % self.every == 0 or step == self.total) and not path.exists():
            partial = path.with_suffix(".partial")
            with writing(path):
                self.folder.mkdir(exist_ok=True)
                try:
                    save_file(_trainable(self.model), partial)
                    partial.replace(path)
                finally:
                    partial.unlink(missing_ok=True)
        return False


def _damaged(folder: Path, why: str) -> InputError:
    return InputError(
        f"the checkpoint is damaged: {why.splitlines()[0]}",
        where=str(folder),
        fix=f"delete {folder.parent} and continue with --resume: "
        "the training starts from the beginning, and nothing else is lost",
    )


def _trainable(model: nn.Module) -> dict[str, Tensor]:
    # named_parameters yields a tied parameter once, as safetensors requires.
    return {name: p.detach().contiguous() for name, p in model.named_parameters() if p.requires_grad}


def _optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    states = optimizer.state_dict()["state"]
    return {f"{i}/{key}": value.contiguous() for i, state in states.items() for key, value in state.items()}


def _load_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    states: dict[int, dict[str, Tensor]] = defaultdict(dict)
    for name, value in tensors.items():
        number, _, key = name.partition("/")
        states[int(number)][key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": dict(states)})
