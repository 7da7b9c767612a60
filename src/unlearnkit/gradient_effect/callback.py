"""Measure G-effects during training, and use them to control the run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor
from torch.optim import Optimizer

from unlearnkit.core.errors import InputError
from unlearnkit.gradient_effect.derivatives import risk_value
from unlearnkit.gradient_effect.diagnosis import Diagnosis
from unlearnkit.gradient_effect.effects import adam_update
from unlearnkit.gradient_effect.measurement import Measurement
from unlearnkit.gradient_effect.rules import forget_factor, harmed, harmless_groups
from unlearnkit.gradient_effect.settings import Use
from unlearnkit.gradient_effect.table import EffectTable, StepRow
from unlearnkit.gradient_effect.weights import Weights
from unlearnkit.models.parameter_groups import grouped
from unlearnkit.models.parameter_vectors import Vector, dot
from unlearnkit.training.control import Steering, frozen_names


@dataclass
class GEffectWatch:
    """Training callback that measures G-effects at regular intervals.

    The training loop calls the callback before every step and after the last step. Each measurement predicts how much
    each risk will change in the next step; after that step, the callback compares the prediction with the actual
    change. The table is written after every measurement, so that no measurement is lost if the run is killed. A resumed
    run repeats the measurements that were made after its checkpoint.
    """

    diagnosis: Diagnosis
    folder: Path
    """Folder in which the table is stored."""
    every: int
    """Number of steps between two measurements."""
    total: int
    """Number of optimizer steps of the whole run. The model is also measured after the last step."""
    optimizer: Optimizer
    own: str
    """Name of the objective that the run optimizes, as in the table's column `objective`."""
    steering: Steering
    """The training loop's controls, which this callback sets."""
    use: frozenset[Use] = frozenset()
    """Ways in which the run uses the measurements, see `DiagnoseSettings.use`."""
    table: EffectTable = field(default_factory=lambda: EffectTable([]))
    _before: tuple[int, Measurement, Vector] | None = None
    """State before the next step: number of steps done, measurement, and weights. After the step, the
    predicted and the measured changes are computed from this state. None: there is no prediction to check."""

    def __call__(self, step: int) -> bool:
        """Measure if a measurement is due; return whether to stop training.

        Args:
            step: number of optimizer steps done.
        """
        if self._before is not None:
            self.table = replace(self.table, steps=[*self.table.steps, *self._checked(*self._before)])
            self._before = None
            self.table.write(self.folder)
        settings = self.diagnosis.settings
        if step % self.every and step != self.total:
            self._steer(max((row.step for row in self.table.effects if row.step < step), default=None))
            return False
        measurement = self.diagnosis.measure()
        update = adam_update(*self._moments()) if step else None
        self.table = self.table.before(step) + self.diagnosis.table(measurement, step, update)
        self.table.write(self.folder)
        if step and "stop" in self.use and harmed(self.table.effects, self.own, step, settings.max_harm_ratio):
            return True
        self._steer(step)
        if step < self.total and measurement.gradients and settings.over == "trained":
            self._before = step, measurement, self._weights()
        return False

    def resume(self) -> None:
        """Read the table of an interrupted run.

        Steps that are repeated after resuming are also measured again.
        """
        try:
            self.table = EffectTable.read(self.folder)
        except InputError:
            return  # the table does not exist, or was not written completely

    def _steer(self, step: int | None) -> None:
        """Set the training loop's controls from the measurement at a step.

        The controls depend only on the table. Therefore a run that is killed and resumed between two measurements ends
        with the same weights as a run that was not killed.
        """
        if not self.use & {"weaken", "mask"} or step is None:
            return
        rows = self.table.chosen(objective=self.own, step=step)
        if "weaken" in self.use:
            self.steering.forget_factor = forget_factor(rows)
        if "mask" in self.use:
            engine, settings = self.diagnosis.engine, self.diagnosis.settings
            groups = grouped(engine, Weights(engine).chosen, settings.groups, settings.boundaries)
            self.steering.frozen = frozen_names(groups, harmless_groups(rows))

    def _weights(self) -> Vector:
        named = self.diagnosis.engine.named_parameters(remove_duplicate=False)
        return {name: p.detach().clone() for name, p in named if p.requires_grad}

    def _checked(self, step: int, measurement: Measurement, weights: Vector) -> list[StepRow]:
        """Return each risk's predicted and measured change since `step`."""
        now, current = self._weights(), Weights(self.diagnosis.engine)
        change: Vector = {name: now[name].float() - old.float() for name, old in weights.items()}
        once = current.once(change)
        return [
            StepRow(
                step,
                risk,
                predicted=dot(measurement.gradients[risk], change, once),
                measured=risk_value(current, risk, rows, self.diagnosis.pad_id) - measurement.risks[risk],
            )
            for risk, rows in self.diagnosis.risks.items()
        ]

    def _moments(self) -> tuple[dict[str, Tensor], float]:
        """Return Adam's bias-corrected second moments, by weight name, and `eps`."""
        group = self.optimizer.param_groups[0]
        named = self.diagnosis.engine.named_parameters(remove_duplicate=False)
        states = {name: self.optimizer.state[p] for name, p in named if p in self.optimizer.state}
        corrections = {name: 1 - group["betas"][1] ** float(state["step"]) for name, state in states.items()}
        return {name: state["exp_avg_sq"] / corrections[name] for name, state in states.items()}, group["eps"]
