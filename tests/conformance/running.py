"""Runs of a small recipe, whole or stopped by Ctrl-C, for the conformance of methods that are no objectives."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from unlearnkit.core.errors import Interrupted
from unlearnkit.core.progress import Progress
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.open_run import open_run
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.runs.folder import RunFolder


def changed(data: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """The recipe with settings changed: whole fields, or settings of a section."""
    return {**data, **{k: {**data.get(k, {}), **v} if isinstance(v, dict) else v for k, v in sections.items()}}


def begun(data: dict[str, Any], name: str, **sections: Any) -> Any:
    """The context of a run whose folder is there."""
    recipe = make_recipe(changed(data, **{**sections, "out": f"{data['out']}-{name}"}))
    context = RunContext(recipe, progress=Progress(quiet=True))
    open_run(context, resume=False)
    context.prepare()
    return context


def made(data: dict[str, Any], name: str, **sections: Any) -> RunFolder:
    """A run that made its model and measured nothing."""
    recipe = make_recipe(changed(data, **{**sections, "out": f"{data['out']}-{name}"}))
    return run(recipe, measured=False, progress=Progress(quiet=True))


def stopped_and_resumed(data: dict[str, Any], name: str, **sections: Any) -> RunFolder:
    """The same, stopped after its first step and taken up again."""
    recipe = make_recipe(changed(data, **{**sections, "out": f"{data['out']}-{name}"}))
    log = RunFolder(recipe.folder).log_file

    def interrupt() -> None:
        while not log.exists() or not log.read_text("utf-8"):
            time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(Interrupted, match="--resume"):
        run(recipe, measured=False, progress=Progress(quiet=True))
    thread.join()
    assert list(RunFolder(recipe.folder).checkpoints.glob("step-*"))
    return run(recipe, resume=True, measured=False, progress=Progress(quiet=True))


def saved(folder: RunFolder) -> bytes:
    """The bytes of the model of a run."""
    return (folder.model / "model.safetensors").read_bytes()


def weights(source: str | Path) -> dict[str, Tensor]:
    """Weights of a model by name, as transformers alone loads it."""
    return dict(AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).named_parameters())


def same_bits(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same, signs of zeros included."""
    return torch.equal(one.contiguous().view(torch.int32), other.contiguous().view(torch.int32))
