"""A diagnosis, which measures the G-effects of several objectives on one model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from unlearnkit.data.encoding import Encoded
from unlearnkit.gradient_effect.effects import effect_rows, instance_rows
from unlearnkit.gradient_effect.measurement import Measurement, Risk, measure, objective_gradient
from unlearnkit.gradient_effect.settings import DiagnoseSettings
from unlearnkit.gradient_effect.table import EffectTable
from unlearnkit.methods.objective import Needs, Objective, View
from unlearnkit.models.engine import Engine
from unlearnkit.models.parameter_vectors import Vector
from unlearnkit.models.reference import ReferenceValues


@dataclass(frozen=True)
class Diagnosis:
    """The model, objectives and rows that a series of measurements uses."""

    engine: Engine
    objectives: Mapping[str, Objective]
    """Objectives, by their names in the table."""
    views: Mapping[View, Sequence[Encoded]]
    risks: Mapping[Risk, Sequence[Encoded]]
    pad_id: int
    settings: DiagnoseSettings
    reference: ReferenceValues | None = field(default=None, repr=False)

    def measure(self) -> Measurement:
        """Measure outputs and slopes at the current weights."""
        return measure(
            self.engine,
            needs_of(self.objectives.values()),
            self.views,
            self.risks,
            pad_id=self.pad_id,
            reference=self.reference,
            grouping=self.settings.groups,
            boundaries=self.settings.boundaries,
            over=self.settings.over,
        )

    def table(
        self, measurement: Measurement, step: int, scale: Callable[[Vector], Vector] | None = None
    ) -> EffectTable:
        """Return the effects of all objectives, computed from a measurement.

        Args:
            measurement: a measurement of the current weights. The weights must not have changed since the measurement,
                because this method computes the objectives' gradients at the current weights.
            step: number of optimizer steps done.
            scale: function that returns the optimizer's update for a gradient; None if there is no optimizer.
        """
        table = EffectTable([], mode=measurement.mode)
        for label, objective in self.objectives.items():
            terms = measurement.terms(objective)
            gradient = objective_gradient(
                self.engine, measurement, terms, self.views, pad_id=self.pad_id, over=self.settings.over
            )
            effects = effect_rows(measurement, label, terms, step=step, gradient=gradient, scale=scale)
            instances = instance_rows(measurement, label, terms, step=step) if self.settings.instances else ()
            table += EffectTable(list(effects), list(instances), mode=measurement.mode)
        return table


def needs_of(objectives: Iterable[Objective]) -> Needs:
    """Return all quantities that at least one of the objectives requires."""
    return reduce(or_, (objective.needs() for objective in objectives), Needs())
