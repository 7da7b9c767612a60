"""The work of every process of a job except the main process."""

from __future__ import annotations

import warnings
from contextlib import suppress

import torch

from unlearnkit.core.environment import device_errors, quiet_libraries
from unlearnkit.core.processes import Dismissed, Job, prefers_cpu
from unlearnkit.core.progress import Progress
from unlearnkit.methods.objective_method import drawn_reference, make_trainer
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.joint_training import Assignment, received_rows
from unlearnkit.runs.folder import RunFolder
from unlearnkit.training.loop import joint_accelerator


def help_main_process(job: Job) -> None:
    """Train with the main process until it dismisses this process.

    Nothing is shown and nothing is written, because the main process does both.

    Raises:
        UnlearnError: this process cannot train, or another process has ended.
        Interrupted: the user stopped the training.
    """
    warnings.simplefilter("ignore")  # the main process shows the same warnings
    quiet_libraries()
    if torch.accelerator.is_available() and not prefers_cpu():
        torch.accelerator.set_device_index(job.local_rank)
    with suppress(Dismissed), device_errors():
        while True:
            _train(job.receive())


def _train(assignment: Assignment) -> None:
    context = RunContext(assignment.recipe, folder=RunFolder(assignment.folder), progress=Progress(quiet=True))
    context.source, context.fingerprint = assignment.source, assignment.fingerprint
    objective = assignment.objective
    _ = context.engine  # the model is loaded before the processes meet, because this may take long
    with joint_accelerator(objective.needs()) as accelerator:
        views, mask = received_rows()
        reference = drawn_reference(context, objective.needs(), views)
        context.run_trainer(make_trainer(context, objective, views, reference, accelerator, mask))
