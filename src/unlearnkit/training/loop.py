"""The training loop: short, explicit, the same for one process and many."""

from __future__ import annotations

import atexit
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
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
from unlearnkit.training.combination import Combining, tasks_of
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
    """What is logged of one optimizer step. Values are means over the whole step's rows, before the update."""

    step: int
    """Steps done, this one included."""
    of: int
    loss: float
    terms: dict[str, float]
    """Each term's mean, without its weight."""
    gradient_norm: float
    """Before clipping."""
    lr: float
    cosine: float | None = None
    """Between the gradients of forgetting and of what is retained; None without a combiner, or where one is 0."""
    projected: bool | None = None
    """Whether the combiner took anything out of a gradient; None without one."""

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name, as the step log keeps them."""
        return asdict(self)


Ended = Literal["finished", "non-finite", "harmful"]


@dataclass(frozen=True)
class TrainResult:
    """How training ended. `non-finite`: a loss or gradient was not finite, and the weights are those before it.
    `harmful`: a watch ended it, for the objective did more harm than it forgot."""

    ended: Ended
    steps: int
    seconds: float


def accelerator_for(needs: Needs, *, cpu: bool = False) -> Accelerator:
    """The accelerator of a training run. `cpu`: leave GPUs alone.

    What only reads hidden states gives no gradient to the weights above them, nor to the head. Data-parallel training
    waits for every weight's gradient unless it is told to look which of them there will be, in every step.
    """
    kwargs = DistributedDataParallelKwargs(find_unused_parameters=not needs.reads_head)
    accelerator = Accelerator(cpu=cpu, kwargs_handlers=[kwargs])
    if accelerator.num_processes > 1:
        _leave_group_at_exit()
    return accelerator


@cache
def _leave_group_at_exit() -> None:
    """Have the process leave its group before it ends, and let the group's threads come to their end.

    A thread of gloo drops the tensors of the last collective after it told that this is done, and needs the
    interpreter's lock for it. Where the interpreter is being taken down by then, the thread aborts the process.
    """

    def leave() -> None:
        PartialState().destroy_process_group()
        time.sleep(0.2)  # gives the lock away; dropping a few tensors takes microseconds

    atexit.register(leave)


class Trainer:
    """Trains the parameters of an engine that require a gradient."""

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
        """`mask`: booleans by parameter name, True where the weight may change; None: every trained weight may."""
        self.objective, self.data, self.settings = objective, data, settings
        self.seed, self.reference = seed, reference
        self.needs: Needs = objective.needs()
        self.accelerator = accelerator or accelerator_for(self.needs)
        self.engine = engine
        trained = {name: p for name, p in engine.named_parameters() if p.requires_grad}
        self.parameters = list(trained.values())
        self.mask = None if mask is None else {name: allowed.to(trained[name].device) for name, allowed in mask.items()}
        self.steering = Steering()
        """Changed by whoever watches."""
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
        """Train to the end, from the newest checkpoint where there is one.

        Args:
            checkpoints: where to keep checkpoints; None keeps none.
            on_step: called after each step.
            stopped: asked after each step; when it says True, a checkpoint is written and `Interrupted` raised.
            watches: called before each step, and after the last, with the number of steps done; they may look at the
                weights. When one says True, training ends there.
        """
        torch.manual_seed(self.seed)
        optimizer = getattr(self.optimizer, "optimizer", self.optimizer)
        memory = self.combining.memory if self.combining else None
        done = (checkpoints.load(self.engine, optimizer, memory) if checkpoints else None) or Progress(0, 0.0)
        began, before = time.monotonic(), done.seconds
        self.wrapped.train()
        while sum(watch(done.step) for watch in watches) == 0:  # each looks, whatever another says
            if done.step == self.total:
                return TrainResult("finished", done.step, done.seconds)
            log = self._step(done.step)
            if log is None:
                return TrainResult("non-finite", done.step, done.seconds)
            done = Progress(done.step + 1, before + time.monotonic() - began)
            on_step(log)
            # One process that is told to stop takes the others with it, at the same step.
            told = self._sum_over_processes(torch.tensor([float(stopped())]))[0] > 0
            stop = told and done.step < self.total
            due = done.step % self.settings.checkpoint_every == 0 and done.step < self.total
            if checkpoints and (stop or due) and self.accelerator.is_main_process:
                checkpoints.save(done, self.engine, optimizer, memory)
            if stop:
                raise Interrupted(
                    f"stopped after step {done.step} of {self.total}",
                    fix="go on with --resume" if checkpoints else None,
                )
        return TrainResult("harmful", done.step, done.seconds)

    def _step(self, number: int) -> StepLog | None:
        """One optimizer step; None, with the weights untouched, when loss or gradient is not finite."""
        indices = step_indices(self.data, self.settings, self.seed, number)
        counts = count_units(self.data, indices)
        sums: dict[str, Tensor] = {}
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        loss = torch.zeros((), dtype=torch.float64)
        for part in range(self.micro_batches):
            rows = portion(indices, rank * self.micro_batches + part, self.micro_batches * processes)
            last = part == self.micro_batches - 1
            # Gradients of earlier micro-batches stay in the process; the last backward pass sums over processes. A
            # combiner's are summed when all are there, task by task.
            with nullcontext() if last and not self.combining else self.accelerator.no_sync(self.wrapped):
                terms = self._forward(rows)
                partial = objective_value(terms, counts)
                if self.combining:
                    self.combining.backward(terms, counts)
                else:
                    # Data-parallel training averages over processes; the counts are those of all of them already.
                    self.accelerator.backward(partial * processes)
            loss += partial.detach().double().cpu()
            for name, term in terms.items():
                mean = term.sum.detach().double().cpu() / max(counts[term.view, term.unit], 1)
                sums[name] = sums.get(name, torch.zeros((), dtype=torch.float64)) + mean
        values = self._sum_over_processes(torch.stack([loss, *sums.values()]))
        met = self.combining.finish(number) if self.combining else None
        self._restrict()
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        if not (math.isfinite(values[0]) and math.isfinite(float(norm)) and (met is None or met.finite)):
            self.optimizer.zero_grad()
            return None
        if self.settings.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.settings.clip, norm)
        rate = learning_rate(self.settings, number, self.total)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        before = self._weights_that_decay()
        self.optimizer.step()
        self._restore(before)
        self.optimizer.zero_grad()
        named = dict(zip(sums, values[1:], strict=True))
        told = (None, None) if met is None else (met.cosine, met.projected)
        return StepLog(number + 1, self.total, values[0], named, float(norm), rate, *told)

    def _restrict(self) -> None:
        """Remove the gradients of weights that may not change: the optimizer leaves these as they are."""
        if self.steering.frozen:
            for name, parameter in self.engine.named_parameters(remove_duplicate=False):
                if name in self.steering.frozen:
                    parameter.grad = None
        if self.mask is not None:
            for name, parameter in self.engine.named_parameters():
                if parameter.grad is not None and name in self.mask:
                    parameter.grad.mul_(self.mask[name])

    def _weights_that_decay(self) -> dict[str, Tensor]:
        """Copy the masked weights if weight decay would move them without a gradient."""
        if self.mask is None or not self.settings.weight_decay:
            return {}
        return {name: p.detach().clone() for name, p in self.engine.named_parameters() if name in self.mask}

    @torch.no_grad()
    def _restore(self, before: Mapping[str, Tensor]) -> None:
        """Undo what weight decay did to elements that may not change."""
        for name, parameter in self.engine.named_parameters():
            if name in before and self.mask is not None:
                parameter.copy_(torch.where(self.mask[name], parameter, before[name]))

    def _forward(self, rows: Mapping[str, Sequence[int]]) -> Terms:
        # Sorted, because a set's order, and with it the last bits of every sum, differs from process to process.
        rows_of = {view: rows[split_of(view)] for view in sorted(self.needs.views)}
        encoded = {view: [self.data.views[view][i] for i in chosen] for view, chosen in rows_of.items()}
        device, store = self.accelerator.device, dict[Quantity, Tensor]()
        if self.reference is not None:
            store |= self.reference.store(self.needs.of_reference | self.needs.reference_states, rows_of, device)
        reference = dict(store)
        layouts: dict[View, Labels] = {}
        # All views together where that is faster; one by one for a combiner, so that no task's backward pass goes
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
    """The autocast context of a precision setting."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()
