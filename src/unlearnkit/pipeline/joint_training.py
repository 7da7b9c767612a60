"""Let the other processes of a job train with the main process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accelerate import Accelerator
from torch import Tensor, distributed

from unlearnkit.core import processes
from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.objective import Objective, View
from unlearnkit.recipe import Recipe
from unlearnkit.training.loop import joint_accelerator

if TYPE_CHECKING:
    from unlearnkit.pipeline.context import RunContext

Views = Mapping[View, Sequence[Encoded]]
Mask = Mapping[str, Tensor] | None


@dataclass(frozen=True)
class Assignment:
    """The message that asks a helper to train with the main process.

    The rows follow later, because they are too large for the launcher's store.
    """

    recipe: Recipe
    folder: Path
    source: str
    """Folder or Hub id of the target model, which exists by now."""
    fingerprint: str
    """Hash of the target model's weights."""
    objective: Objective


@contextmanager
def joined(context: RunContext, objective: Objective, views: Views, mask: Mask) -> Iterator[Accelerator]:
    """Ask all helpers to train with this process.

    The result is the accelerator of this training. The helpers read the model and the reference values from the disk.
    They get the rows and the mask from this process, so that no row can differ.

    Raises:
        ProcessLost: another process has ended.
    """
    job = processes.current()
    if job is not None:
        job.send(Assignment(context.recipe, context.folder.path, context.source, context.fingerprint, objective))
    with joint_accelerator(objective.needs()) as accelerator:
        if job is not None:
            distributed.broadcast_object_list([views, mask])
        yield accelerator


def received_rows() -> tuple[Views, Mask]:
    """Return the rows and the mask that the main process sends."""
    received: list[object] = [None, None]
    distributed.broadcast_object_list(received)
    views, mask = received
    return views, mask  # type: ignore[return-value]


def refuse_several_processes(context: RunContext) -> None:
    """Raise `InputError` if the run cannot use the processes that were started.

    This check comes before anything is written.
    """
    processes.refuse_unusable_launch()
    if processes.process_count() > 1 and not context.method.data_parallel:
        raise InputError(
            f"the method {context.recipe.method['name']} does not share its work among several processes",
            where="method.name",
            value=f"{processes.process_count()} processes",
            allowed="several processes for a method that minimizes an objective, and for task_arithmetic",
            fix="start the run in one process: unlearn run RECIPE, without torchrun or accelerate launch",
        )
