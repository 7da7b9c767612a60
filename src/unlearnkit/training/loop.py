"""The training loop, for one process or several."""

from __future__ import annotations

import atexit
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from accelerate.utils import GradientAccumulationPlugin
from torch import Tensor, distributed, nn

from unlearnkit.core import processes
from unlearnkit.core.errors import Interrupted
from unlearnkit.data.batching import Labels, pack
from unlearnkit.methods.composition import weighted
from unlearnkit.methods.objective import Needs, Objective, Quantity, Step, Terms, View
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import ReferenceValues
from unlearnkit.training.checkpoints import Checkpoints, Progress
from unlearnkit.training.combination import Combining, Outcome, tasks_of
from unlearnkit.training.control import FORGET_TERM, Steering
from unlearnkit.training.optimizer import adamw
from unlearnkit.training.settings import TrainSettings, learning_rate
from unlearnkit.training.step import (
    TrainData,
    count_units,
    number_of_steps,
    objective_value,
    of_own_rows,
    portion,
    portions_per_process,
    split_of,
    step_indices,
    with_borrowed_rows,
)


@dataclass(frozen=True)
class StepLog:
    """Log entry of one optimizer step.

    The loss and the terms are computed over the rows of the whole step, before the weights are updated.
    """

    step: int
    """Number of completed steps, including this step."""
    of: int
    """Total number of steps in the training."""
    loss: float
    terms: dict[str, float]
    """Mean of each term, not multiplied by the term's weight."""
    gradient_norm: float
    """Norm of the gradient before clipping."""
    lr: float
    cosine: float | None = None
    """Cosine of the angle between the forget gradient and the retain gradient. The value is None without a combiner, or
    if one of the two gradients is 0."""
    projected: bool | None = None
    """Whether the combiner projected a gradient. The value is None without a combiner."""


@dataclass(frozen=True)
class TrainResult:
    """The outcome of a training run."""

    ended: Literal["finished", "non-finite", "harmful"]
    """`finished`: all steps were done. `non-finite`: a loss or gradient was not finite; the step in which this happened
    did not change the weights. `harmful`: a watch (see `Trainer.run`) ended the training, because the harm to other
    knowledge outweighed the forgetting."""
    steps: int
    """Number of completed optimizer steps."""
    seconds: float
    """Training time in seconds, including the time before any interruption."""


def accelerator_for(needs: Needs, *, cpu: bool = False) -> Accelerator:
    """Return the accelerator for a training run.

    If an objective reads only hidden states, the head and the layers above these states get no gradient. Data-parallel
    training waits for the gradient of every weight, unless it searches for unused weights in each step. The search is
    enabled for an objective that reads only hidden states.

    A launcher's own settings of precision and of gradient accumulation are ignored: a recipe has settings for these.

    Args:
        needs: the quantities that the objective reads.
        cpu: whether to run on the CPU even if a GPU is available.
    """
    accelerator = Accelerator(
        cpu=cpu,
        mixed_precision="no",
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=not needs.reads_head)],
    )
    if accelerator.num_processes > 1:
        _leave_group_at_exit()
    return accelerator


@contextmanager
def joint_accelerator(needs: Needs) -> Iterator[Accelerator]:
    """Yield the accelerator of one training of all processes.

    If this process belongs to a job, all processes of the job must enter this context. They meet first, however long
    that takes, so that the time-outs of collective operations begin only now.

    Raises:
        ProcessLost: another process of the job has ended.
    """
    job = processes.current()
    if job is None:
        yield accelerator_for(needs)
        return
    job.meet()
    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        with job.environment():
            accelerator = accelerator_for(needs)
            if accelerator.num_processes != job.count:  # without a GPU, accelerate must be asked for the CPU
                AcceleratorState._reset_state(reset_partial_state=True)
                accelerator = accelerator_for(needs, cpu=True)
            yield accelerator
    except BaseException as error:
        if isinstance(error, RuntimeError) and job.is_loss(error):
            raise job.loss() from error
        job.reports(error)  # before the other processes notice that this process leaves
        raise
    finally:
        _leave_group()
        AcceleratorState._reset_state(reset_partial_state=True)


def _leave_group() -> None:
    """Leave the process group, if any.

    After the last collective operation is reported as finished, a thread of gloo frees the tensors of this operation.
    The thread needs the interpreter's lock to do so. If the interpreter is already shutting down, the thread aborts the
    process.
    """
    if distributed.is_initialized():
        distributed.destroy_process_group()
        time.sleep(0.2)  # sleeping releases the lock; freeing a few tensors takes microseconds


@cache
def _leave_group_at_exit() -> None:
    atexit.register(_leave_group)


class Trainer:
    """Trains every parameter of an engine for which `requires_grad` is true.

    Args:
        engine: runs the model.
        objective: the objective to minimize.
        data: all rows of the views that the objective needs.
        settings: steps, learning rate and batches.
        seed: seed of the row order and of dropout.
        reference: values of the reference model, if the objective needs any.
        accelerator: manages the processes and the device. If None, a new accelerator is created.
        mask: a boolean tensor for each masked parameter, by the parameter's name. The tensor is True for elements that
            may change. If None, every trained weight may change.

    Raises:
        InputError: a trained weight is narrower than float32 without stochastic rounding.
    """

    def __init__(
        self,
        engine: Engine,
        objective: Objective,
        data: TrainData,
        settings: TrainSettings,
        *,
        seed: int,
        reference: ReferenceValues | None = None,
        accelerator: Accelerator | None = None,
        mask: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.objective, self.data, self.settings = objective, data, settings
        self.seed, self.reference = seed, reference
        self.needs: Needs = objective.needs()
        self.accelerator = accelerator or accelerator_for(self.needs)
        self.engine = engine
        trained = {name: p for name, p in engine.named_parameters() if p.requires_grad}
        self.parameters = list(trained.values())
        self._masked = [(trained[name], allowed.to(trained[name].device)) for name, allowed in (mask or {}).items()]
        self.steering = Steering()
        """Controls that the `watches` of `run` may change between steps."""
        self.combining: Combining | None = None
        if combiner := settings.make_combiner():
            tasks_of(combiner, objective)
            self.combining = Combining(combiner, trained, self.accelerator, seed)
        optimizer = adamw(trained, settings, seed)
        self._job = processes.of_group() if self.accelerator.num_processes > 1 else None
        self.wrapped: nn.Module = self.accelerator.prepare(engine)
        self.optimizer: Any = self.accelerator.prepare(optimizer)
        sizes = data.sizes()
        self.total = number_of_steps(settings, sizes, data.composed(), data.share)
        self.micro_batches = portions_per_process(settings, sizes, self.accelerator.num_processes)

    def run(
        self,
        *,
        checkpoints: Checkpoints | None = None,
        on_step: Callable[[StepLog], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
        watches: Sequence[Callable[[int], bool]] = (),
    ) -> TrainResult:
        """Train to the end, resuming from the newest checkpoint, if any.

        Args:
            checkpoints: the checkpoints to resume from and to write. If None, no checkpoints are read or written.
            on_step: called with the log entry of each step, after the step.
            stopped: called after each step; if it returns True, a checkpoint is written and `Interrupted` is raised.
            watches: functions that the main process calls with the number of completed steps, before each step and
                after the last step. A watch may read the weights. If a watch returns True, the training ends.

        Raises:
            Interrupted: `stopped` returned True.
        """
        torch.manual_seed(self.seed)
        optimizer = getattr(self.optimizer, "optimizer", self.optimizer)
        memory = self.combining.memory if self.combining else None
        done = (checkpoints.load(self.engine, optimizer, memory) if checkpoints else None) or Progress(0, 0.0)
        began, before = time.monotonic(), done.seconds
        self.wrapped.train(self.settings.dropout)
        if self.accelerator.process_index:  # no two processes drop the same elements
            torch.manual_seed(self.seed + 1_000_003 * self.accelerator.process_index + done.step)
        while not self._watched(done.step, watches):
            if done.step == self.total:
                return TrainResult("finished", done.step, done.seconds)
            log = self._step(done.step)
            if log is None:
                return TrainResult("non-finite", done.step, done.seconds)
            done = Progress(done.step + 1, before + time.monotonic() - began)
            on_step(log)
            # If one process must stop, all processes stop at the same step.
            requested = self._sum_over_processes(torch.tensor([float(stopped())]))[0] > 0
            stop = requested and done.step < self.total
            due = done.step % self.settings.checkpoint_every == 0 and done.step < self.total
            if checkpoints and (stop or due) and self.accelerator.is_main_process:
                checkpoints.save(done, self.engine, optimizer, memory)
            if stop:
                self._same_everywhere(True)  # no process leaves before the checkpoint is written
                raise Interrupted(
                    f"the training was stopped after step {done.step} of {self.total}",
                    fix="continue with --resume" if checkpoints else None,
                )
        return TrainResult("harmful", done.step, done.seconds)

    def _watched(self, step: int, watches: Sequence[Callable[[int], bool]]) -> bool:
        """Call the watches in the main process; return whether to stop.

        All processes then have the same controls.
        """
        ended = False
        if self.accelerator.is_main_process:
            ended = sum(watch(step) for watch in watches) > 0  # `any` would not call every watch
        controls = self._same_everywhere((ended, self.steering.forget_factor, self.steering.frozen))
        ended, self.steering.forget_factor, self.steering.frozen = controls
        return bool(ended)

    def _same_everywhere(self, value: Any) -> Any:
        """Return the main process's value, however long it takes."""
        if self._job is None:
            return value
        if not self.accelerator.is_main_process:
            return self._job.receive()
        self._job.send(value)
        return value

    def _step(self, number: int) -> StepLog | None:
        """Do one optimizer step.

        If the loss or the gradient is not finite, the weights stay unchanged and the result is None.
        """
        indices = step_indices(self.data, self.settings, self.seed, number)
        counts = count_units(self.data, indices)
        sums: dict[str, Tensor] = {}
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        loss = torch.zeros((), dtype=torch.float64)
        for part in range(self.micro_batches):
            rows = portion(indices, rank * self.micro_batches + part, self.micro_batches * processes)
            last = part == self.micro_batches - 1
            # Only the last micro-batch's backward pass sums gradients over processes. With a combiner, gradients are
            # summed over processes after all micro-batches, task by task.
            with nullcontext() if last and not self.combining else self.accelerator.no_sync(self.wrapped):
                terms = of_own_rows(self._forward(with_borrowed_rows(rows, indices)), rows)
                partial = objective_value(terms, counts)
                if self.combining:
                    self.combining.backward(terms, counts)
                else:
                    # Data-parallel training averages over processes, but the counts already include all processes.
                    self.accelerator.backward(partial * processes)
            loss += partial.detach().double().cpu()
            for name, term in terms.items():
                mean = term.sum.detach().double().cpu() / max(counts[term.view, term.unit], 1)
                sums[name] = sums.get(name, torch.zeros((), dtype=torch.float64)) + mean
        values = self._sum_over_processes(torch.stack([loss, *sums.values()]))
        outcome = self.combining.finish(number) if self.combining else Outcome()
        self._restrict()
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        if not (math.isfinite(values[0]) and math.isfinite(float(norm)) and outcome.finite):
            self.optimizer.zero_grad()
            return None
        if self.settings.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.settings.clip, norm)
        rate = learning_rate(self.settings, number, self.total)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._update()
        self.optimizer.zero_grad()
        named = dict(zip(sums, values[1:], strict=True))
        return StepLog(number + 1, self.total, values[0], named, float(norm), rate, outcome.cosine, outcome.projected)

    def _restrict(self) -> None:
        """Remove the gradients of weights that must not change.

        The optimizer does not update parameters without a gradient. In a masked parameter, the gradient is set to 0 for
        those elements that must not change.
        """
        if self.steering.frozen:
            for name, parameter in self.engine.named_parameters(remove_duplicate=False):
                if name in self.steering.frozen:
                    parameter.grad = None
        for parameter, allowed in self._masked:
            if parameter.grad is not None:
                parameter.grad.mul_(allowed)

    @torch.no_grad()
    def _update(self) -> None:
        """Update the weights, except for elements that must not change.

        These elements are restored after the update, because weight decay changes even elements whose gradient is 0.
        """
        decayed = self._masked if self.settings.weight_decay else []
        before = [parameter.clone() for parameter, _ in decayed]
        self.optimizer.step()
        for (parameter, allowed), values in zip(decayed, before, strict=True):
            parameter.copy_(torch.where(allowed, parameter, values))

    def _forward(self, rows: Mapping[str, Sequence[int]]) -> Terms:
        # The views are sorted: the order of a set differs between processes, and the order affects rounding errors.
        rows_of = {view: rows[split_of(view)] for view in sorted(self.needs.views)}
        encoded = {view: [self.data.views[view][i] for i in chosen] for view, chosen in rows_of.items()}
        device, store = self.accelerator.device, dict[Quantity, Tensor]()
        if self.reference is not None:
            store |= self.reference.store(self.needs.of_reference | self.needs.reference_states, rows_of, device)
        reference = dict(store)
        layouts: dict[View, Labels] = {}
        # Without a combiner, all views run together, which is faster. With a combiner, each view runs separately, so
        # that no task's backward pass goes through all rows.
        for together in [[view] for view in encoded] if self.combining else [list(encoded)]:
            batch = pack({view: encoded[view] for view in together}, self.data.pad_id).to(device)
            with autocast(device, self.settings.precision):
                store |= self.wrapped(batch, self.needs.of_model, reference)
            layouts |= batch.labels
        terms = self.objective.terms(Step(store, layouts))
        factor = self.steering.forget_factor
        if factor != 1.0 and FORGET_TERM in terms:
            terms |= weighted({FORGET_TERM: terms[FORGET_TERM]}, factor)
        return terms

    def _sum_over_processes(self, values: Tensor) -> list[float]:
        if self.accelerator.num_processes > 1:
            values = self.accelerator.reduce(values.to(self.accelerator.device), "sum")
        return [float(value) for value in values]


def autocast(device: torch.device, precision: str) -> Any:
    """Return the autocast context for a precision setting."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()
