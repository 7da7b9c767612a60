"""What each of two processes runs for `test_two_processes.py`: `python -m tests.training.two_processes OUT`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from accelerate import Accelerator
from safetensors.torch import save_file

from tests.tiny import PAD, random_rows, tiny_model
from unlearnkit.core.errors import Interrupted
from unlearnkit.methods.objective import OBJECTIVES
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import reference_values
from unlearnkit.training import loop
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

STEPS = 20
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "graddiff": ("graddiff", {}, {}),
    "graddiff_kl": ("graddiff", {"retain": "kl"}, {"micro_batch_size": 3, "clip": 0.1}),
    "tru": ("tru", {}, {"micro_batch_size": 2}),
    # Reads the first of two layers: the weights of the second get no gradient.
    "rmu": ("rmu", {"layer": 0, "retain_weight": 1.0}, {"micro_batch_size": 3}),
    "gru": ("graddiff", {}, {"combiner": {"name": "gru"}, "micro_batch_size": 3}),
    "gru_rmu": ("rmu", {"layer": 0, "retain_weight": 1.0}, {"combiner": {"name": "gru", "add_retain": True}}),
    "pcgrad": ("tru", {}, {"combiner": {"name": "pcgrad"}, "micro_batch_size": 2}),
}


def trainer(case: str, *, cpu: bool = False) -> Trainer:
    """The same global batch whatever the number of processes."""
    name, options, settings = CASES[case]
    objective = OBJECTIVES.get(name).plugin(**options)
    views = {
        view: random_rows(10, seed=len(view), trace=5 if view.endswith("target") else 0)
        for view in sorted(objective.needs().views)
    }
    # float64: on some processors float32's rounding hangs on the number of rows, which differs between the two sides.
    engine = Engine(tiny_model("llama_tied", dtype=torch.float64))
    engine.freeze_reference_head()
    reference = reference_values(engine, objective.needs(), views, pad_id=PAD)
    chosen = TrainSettings(
        **{"epochs": None, "steps": STEPS, "batch_size": 7, "retain_batch_size": 9, "lr": 5e-4, **settings}
    )
    accelerator = loop.accelerator_for(objective.needs(), cpu=cpu)
    return Trainer(
        engine, objective, TrainData(views, PAD), chosen, seed=0, reference=reference, accelerator=accelerator
    )


def run(made: Trainer) -> dict[str, Any]:
    logs: list[loop.StepLog] = []
    made.run(on_step=logs.append)
    return {"losses": [log.loss for log in logs], "terms": [log.terms for log in logs], "norm": logs[0].gradient_norm}


def main(out: Path) -> None:
    accelerator = Accelerator(cpu=True)
    assert (accelerator.num_processes, torch.distributed.get_backend()) == (2, "gloo")
    rank = accelerator.process_index
    found: dict[str, Any] = {}

    def keep(name: str, made: Trainer) -> None:
        weights = {key: p.detach().clone() for key, p in made.engine.named_parameters()}
        save_file(weights, out / f"{name}.{rank}.safetensors")

    for case in CASES:
        made = trainer(case, cpu=True)
        found[case] = run(made)
        keep(case, made)
    # The loop with the synchronizing backward pass left out: the last one runs like those before it.
    made = trainer("graddiff", cpu=True)
    with mock.patch.object(loop, "nullcontext", lambda: made.accelerator.no_sync(made.wrapped)):
        found["unsynced"] = run(made)
    keep("unsynced", made)
    # One process is told to stop: both do, after the same step.
    made, steps = trainer("graddiff", cpu=True), 0

    def count(_: loop.StepLog) -> None:
        nonlocal steps
        steps += 1

    try:
        made.run(on_step=count, stopped=lambda: rank == 1 and steps == 3)
    except Interrupted:
        found["stopped_after"] = steps
    (out / f"{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
