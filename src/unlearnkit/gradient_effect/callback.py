"""Measuring G-effects while a run trains, and having it go by them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor
from torch.optim import Optimizer

from unlearnkit.core.errors import InputError
from unlearnkit.gradient_effect.diagnosis import Diagnosis
from unlearnkit.gradient_effect.effects import adam_update
from unlearnkit.gradient_effect.gradients import risk_value
from unlearnkit.gradient_effect.measurement import Measurement
from unlearnkit.gradient_effect.rules import forget_factor, harmed, harmless_groups
from unlearnkit.gradient_effect.settings import Use
from unlearnkit.gradient_effect.table import EffectTable, StepRow
from unlearnkit.gradient_effect.weights import Weights
from unlearnkit.models.parameter_vectors import Vector, dot
from unlearnkit.training.control import Steering, frozen_names


@dataclass
class GEffectWatch:
    """Looks at the weights before every step: measures at each `every`-th, and holds the step after it to its word.

    What it found is written at once, so that nothing is lost when a run is killed; a run that goes on measures again
    from its checkpoint.
    """

    diagnosis: Diagnosis
    folder: Path
    """For the table."""
    every: int
    total: int
    """Optimizer steps of the whole run: measured after the last, too."""
    optimizer: Optimizer
    own: str
    """The objective that is trained, by its name in the table."""
    steering: Steering
    """Of the loop that trains."""
    use: frozenset[Use] = frozenset()
    """What is made of a measurement: `stop` ends the run where what that objective forgets is too dear."""
    table: EffectTable = field(default_factory=lambda: EffectTable([]))
    _before: _Before | None = None

    def __call__(self, step: int) -> bool:
        """Before the step after `step` steps. Returns whether to end here."""
        if self._before is not None:
            self.table = replace(self.table, steps=[*self.table.steps, *self._held_to_word(self._before)])
            self._before = None
            self.table.write(self.folder)
        if step % self.every and step != self.total:
            self._steer(max((row.step for row in self.table.effects if row.step < step), default=None))
            return False
        found = self.diagnosis.measure()
        update = adam_update(*self._moments()) if step else None
        self.table = self.table.before(step) + self.diagnosis.table(found, step, update)
        self.table.write(self.folder)
        share = self.diagnosis.settings.max_harm_ratio
        if step and "stop" in self.use and harmed(self.table.effects, self.own, step, share):
            return True
        self._steer(step)
        if step < self.total and found.gradients and self.diagnosis.settings.over == "trained":
            self._before = _Before(step, found, self._weights())
        return False

    def go_on(self) -> None:
        """Take up the table of an earlier sitting; what it holds of steps that are made again is measured again."""
        try:
            self.table = EffectTable.read(self.folder)
        except InputError:
            return  # there is none, or it was cut off while it was written

    def _steer(self, step: int | None) -> None:
        """Have the loop go by what was measured at that step: a function of the table, so that a run that goes on from
        a checkpoint between two measurements does as it would have done."""
        if not self.use & {"weaken", "mask"} or step is None:
            return
        rows = self.table.chosen(objective=self.own, step=step)
        if "weaken" in self.use:
            self.steering.forget_factor = forget_factor(rows)
        if "mask" in self.use:
            engine, settings = self.diagnosis.engine, self.diagnosis.settings
            groups = Weights(engine).groups(settings.groups, settings.boundaries)
            self.steering.frozen = frozen_names(groups, harmless_groups(rows))

    def _weights(self) -> dict[str, Tensor]:
        named = self.diagnosis.engine.named_parameters(remove_duplicate=False)
        return {name: p.detach().clone() for name, p in named if p.requires_grad}

    def _held_to_word(self, before: _Before) -> list[StepRow]:
        now, diagnosis = self._weights(), self.diagnosis
        moved: Vector = {name: now[name].float() - old.float() for name, old in before.weights.items()}
        weights = Weights(diagnosis.engine)
        once = weights.once(moved)
        return [
            StepRow(
                before.step,
                risk,
                predicted=dot(before.found.gradients[risk], moved, once),
                measured=risk_value(weights, risk, rows, diagnosis.pad_id) - before.found.risks[risk],
            )
            for risk, rows in diagnosis.risks.items()
        ]

    def _moments(self) -> tuple[dict[str, Tensor], float]:
        """What Adam scales gradients by now: second moments by name, and eps."""
        group = self.optimizer.param_groups[0]
        named = self.diagnosis.engine.named_parameters(remove_duplicate=False)
        states = {name: self.optimizer.state[p] for name, p in named if p in self.optimizer.state}
        left = {name: 1 - group["betas"][1] ** float(state["step"]) for name, state in states.items()}
        return {name: state["exp_avg_sq"] / left[name] for name, state in states.items()}, group["eps"]


@dataclass(frozen=True)
class _Before:
    """What was measured before a step, and the weights then."""

    step: int
    found: Measurement
    weights: dict[str, Tensor]
