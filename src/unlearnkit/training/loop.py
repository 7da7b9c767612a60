"""The training loop, the same for one process and for many."""

from __future__ import annotations

import atexit
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
from torch import Tensor, nn

from unlearnkit.core.errors import Interrupted
from unlearnkit.data.batching import Labels, pack
from unlearnkit.methods.composition import weighted
from unlearnkit.methods.objective import Needs, Objective, Quantity, Step, Terms, View
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import ReferenceValues
from unlearnkit.training.checkpoints import Checkpoints, Progress
from unlearnkit.training.combination import Combining, Outcome, tasks_of
from unlearnkit.training.control import FORGET_TERM, Steering
from unlearnkit.training.settings import FORGOTTEN, TrainSettings, learning_rate
from unlearnkit.training.step import (
    TrainData,
    count_units,
    objective_value,
    portion,
    portions_per_process,
    split_of,
    step_indices,
)


@dataclass(frozen=True)
class StepLog:
    """What is logged of one optimizer step.

    Values are means over the rows of the whole step, before the update.
    """

    step: int
    """Number of steps done, including this one."""
    of: int
    """Number of steps of the training."""
    loss: float
    terms: dict[str, float]
    """Mean of each term, without its weight."""
    gradient_norm: float
    """Before clipping."""
    lr: float
    cosine: float | None = None
    """Cosine of the forget gradient and the retain gradient; None without a combiner, or if one of them is 0."""
    projected: bool | None = None
    """Whether the combiner projected a gradient; None without a combiner."""


@dataclass(frozen=True)
class TrainResult:
    """The end of a training."""

    ended: Literal["finished", "non-finite", "harmful"]
    """`non-finite`: a loss or gradient was not finite, and the weights are those before that step. `harmful`: a watch
    ended the training, because the objective did more harm than it forgot."""
    steps: int
    """Optimizer steps done."""
    seconds: float
    """Training time of all sessions."""


def accelerator_for(needs: Needs, *, cpu: bool = False) -> Accelerator:
    """Return the accelerator of a training run.

    An objective that reads hidden states only gives no gradient to the head and the weights above those states.
    Data-parallel training waits for every weight's gradient, unless it searches for unused weights in each step.

    Args:
        needs: of the objective.
        cpu: whether to use no GPU.
    """
    kwargs = DistributedDataParallelKwargs(find_unused_parameters=not needs.reads_head)
    accelerator = Accelerator(cpu=cpu, kwargs_handlers=[kwargs])
    if accelerator.num_processes > 1:
        _leave_group_at_exit()
    return accelerator


@cache
def _leave_group_at_exit() -> None:
    """Make the process leave its group before it exits.

    A thread of gloo frees the tensors of the last collective after it reports the end of that, and needs the
    interpreter's lock to do so. If the interpreter is shutting down by then, the thread aborts the process.
    """

    @atexit.register
    def leave() -> None:
        PartialState().destroy_process_group()
        time.sleep(0.2)  # releases the lock; freeing a few tensors takes microseconds


class Trainer:
    """Trains the parameters of an engine that require a gradient.

    Args:
        engine: the model.
        objective: what to minimize.
        data: all rows of the views that the objective needs.
        settings: steps, learning rate and batches.
        seed: of the order of rows, and of dropout.
        reference: values of the reference model, if the objective needs any.
        accelerator: processes and device; None creates one.
        mask: booleans by parameter name, True where the weight may change; None: every trained weight may.
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
        """Controls that watches may change between steps."""
        self.combining: Combining | None = None
        if combiner := settings.make_combiner():
            tasks_of(combiner, objective)
            self.combining = Combining(combiner, trained, self.accelerator, seed)
        optimizer = torch.optim.AdamW(
            self.parameters, lr=0.0, eps=settings.adam_eps, weight_decay=settings.weight_decay, fused=True
        )
        self.wrapped: nn.Module = self.accelerator.prepare(engine)
        self.optimizer: Any = self.accelerator.prepare(optimizer)
        sizes = data.sizes()
        anchor = next((split for split in FORGOTTEN if split in sizes), next(iter(sizes)))
        self.total = settings.total_steps(sizes[anchor], settings.rows(anchor))
        self.micro_batches = portions_per_process(settings, sizes, self.accelerator.num_processes)

    def run(
        self,
        *,
        checkpoints: Checkpoints | None = None,
        on_step: Callable[[StepLog], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
        watches: Sequence[Callable[[int], bool]] = (),
    ) -> TrainResult:
        """Train to the end, from the newest checkpoint if there is one.

        Args:
            checkpoints: where to keep checkpoints; None keeps none.
            on_step: called after each step.
            stopped: called after each step; if it returns True, a checkpoint is written and `Interrupted` is raised.
            watches: called with the number of steps done, before each step and after the last one; they may read the
                weights. If one returns True, the training ends.

        Raises:
            Interrupted: `stopped` returned True.
        """
        torch.manual_seed(self.seed)
        optimizer = getattr(self.optimizer, "optimizer", self.optimizer)
        memory = self.combining.memory if self.combining else None
        done = (checkpoints.load(self.engine, optimizer, memory) if checkpoints else None) or Progress(0, 0.0)
        began, before = time.monotonic(), done.seconds
        self.wrapped.train()
        while sum(watch(done.step) for watch in watches) == 0:  # every watch is called
            if done.step == self.total:
                return TrainResult("finished", done.step, done.seconds)
            log = self._step(done.step)
            if log is None:
                return TrainResult("non-finite", done.step, done.seconds)
            done = Progress(done.step + 1, before + time.monotonic() - began)
            on_step(log)
            # If one process must stop, all stop at the same step.
            requested = self._sum_over_processes(torch.tensor([float(stopped())]))[0] > 0
            stop = requested and done.step < self.total
            due = done.step % self.settings.checkpoint_every == 0 and done.step < self.total
            if checkpoints and (stop or due) and self.accelerator.is_main_process:
                checkpoints.save(done, self.engine, optimizer, memory)
            if stop:
                raise Interrupted(
                    f"stopped after step {done.step} of {self.total}",
                    fix="continue with --resume" if checkpoints else None,
                )
        return TrainResult("harmful", done.step, done.seconds)

    def _step(self, number: int) -> StepLog | None:
        """Do one optimizer step.

        Return None, with unchanged weights, if the loss or the gradient is not finite.
        """
        indices = step_indices(self.data, self.settings, self.seed, number)
        counts = count_units(self.data, indices)
        sums: dict[str, Tensor] = {}
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        loss = torch.zeros((), dtype=torch.float64)
        for part in range(self.micro_batches):
            rows = portion(indices, rank * self.micro_batches + part, self.micro_batches * processes)
            last = part == self.micro_batches - 1
            # Gradients of earlier micro-batches stay in the process; the last backward pass sums over processes. Those
            # of a combiner are summed at the end, task by task.
            with nullcontext() if last and not self.combining else self.accelerator.no_sync(self.wrapped):
                terms = self._forward(rows)
                partial = objective_value(terms, counts)
                if self.combining:
                    self.combining.backward(terms, counts)
                else:
                    # Data-parallel training averages over processes; the counts are already those of all processes.
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
        """Remove the gradients of weights that may not change.

        The optimizer does not update a weight without a gradient.
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
        """Update the weights, except for elements that may not change.

        Weight decay would move those without a gradient too.
        """
        decayed = self._masked if self.settings.weight_decay else []
        before = [parameter.clone() for parameter, _ in decayed]
        self.optimizer.step()
        for (parameter, allowed), values in zip(decayed, before, strict=True):
            parameter.copy_(torch.where(allowed, parameter, values))

    def _forward(self, rows: Mapping[str, Sequence[int]]) -> Terms:
        # Sorted, because a set's order, and with it the last bits of every sum, differs between processes.
        rows_of = {view: rows[split_of(view)] for view in sorted(self.needs.views)}
        encoded = {view: [self.data.views[view][i] for i in chosen] for view, chosen in rows_of.items()}
        device, store = self.accelerator.device, dict[Quantity, Tensor]()
        if self.reference is not None:
            store |= self.reference.store(self.needs.of_reference | self.needs.reference_states, rows_of, device)
        reference = dict(store)
        layouts: dict[View, Labels] = {}
        # All views together where that is faster; separately for a combiner, so that no task's backward pass goes
        # through all rows.
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
    """Return the autocast context of a precision setting."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()
