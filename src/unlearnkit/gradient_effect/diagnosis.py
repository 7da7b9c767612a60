"""A diagnosis: which objectives, rows and risks are measured, and measuring them at a model as it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from unlearnkit.data.encoding import Encoded
from unlearnkit.gradient_effect.effects import effect_rows, instance_rows
from unlearnkit.gradient_effect.measurement import Measurement, Risk, measure, objective_gradient
from unlearnkit.gradient_effect.settings import DiagnoseSettings
from unlearnkit.gradient_effect.table import EffectRow, EffectTable, InstanceRow
from unlearnkit.methods.objective import Needs, Objective, View
from unlearnkit.models.engine import Engine
from unlearnkit.models.parameter_vectors import Vector
from unlearnkit.models.reference import ReferenceValues


@dataclass(frozen=True)
class Diagnosis:
    """Everything that is measured, again and again, of one model."""

    engine: Engine
    objectives: Mapping[str, Objective]
    """By the name under which they stand in the table."""
    views: Mapping[View, Sequence[Encoded]]
    risks: Mapping[Risk, Sequence[Encoded]]
    pad_id: int
    settings: DiagnoseSettings
    reference: ReferenceValues | None = field(default=None, repr=False)

    def measure(self) -> Measurement:
        """Outputs and slopes at the weights as they are."""
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

    def table(self, found: Measurement, step: int, scale: Callable[[Vector], Vector] | None = None) -> EffectTable:
        """Every objective's effects in a measurement.

        Args:
            found: at the weights as they still are: the objectives' own gradients are taken too.
            step: optimizer steps done.
            scale: makes the optimizer's update of a gradient, where there is an optimizer.
        """
        effects: list[EffectRow] = []
        instances: list[InstanceRow] = []
        for label, objective in self.objectives.items():
            terms = found.terms(objective)
            gradient = objective_gradient(
                self.engine, found, terms, self.views, pad_id=self.pad_id, over=self.settings.over
            )
            effects += effect_rows(found, label, terms, step=step, gradient=gradient, scale=scale)
            if self.settings.instances:
                instances += instance_rows(found, label, terms, step=step)
        return EffectTable(effects, instances, mode=found.mode)


def needs_of(objectives: Iterable[Objective]) -> Needs:
    """What all of them need together."""
    needs = Needs()
    for objective in objectives:
        needs = needs | objective.needs()
    return needs
