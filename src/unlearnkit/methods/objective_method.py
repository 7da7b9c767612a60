"""The method that trains a model to minimize an objective."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import SerializeAsAny

from unlearnkit.methods.base import Method, MethodContext
from unlearnkit.methods.objective import Needs, Objective

if TYPE_CHECKING:
    from unlearnkit.subjects.base import Subject
    from unlearnkit.training.loop import TrainResult


class ObjectiveMethod(Method):
    """A method that trains the model to minimize an objective."""

    can_be_masked: ClassVar[bool] = True

    objective: SerializeAsAny[Objective]
    """The objective to minimize."""

    @property
    def from_scratch(self) -> bool:
        """Whether training starts from newly initialized weights."""
        return self.objective.from_scratch

    def needs(self) -> Needs:
        """Return the quantities that the objective reads."""
        return self.objective.needs()

    def fit(self, context: MethodContext) -> Subject:
        """Train the run's model and return the trained model."""
        # Imported here, so that reading a recipe does not import torch.
        from unlearnkit.subjects.local import LocalSubject

        train_objective(context, self.objective, masked=True)
        return LocalSubject(context.model, context.tokenizer)


def train_objective(context: MethodContext, objective: Objective, *, masked: bool) -> TrainResult:
    """Train the run's model to minimize an objective.

    The settings are those in the recipe's section `train`.

    Args:
        context: the run's context.
        objective: the objective to minimize.
        masked: whether `method.mask` restricts the weights that are trained.
    """
    from unlearnkit.training.loop import Trainer, accelerator_for
    from unlearnkit.training.step import TrainData

    needs = objective.needs()
    accelerator = accelerator_for(needs)
    views = context.views(needs)
    context.check_unchanged(views)
    reference = context.reference(needs, views)
    mask = context.mask if masked else None
    trainer = Trainer(
        context.engine,
        objective,
        TrainData(views, context.pad_id),
        context.train_settings,
        seed=context.seed,
        reference=reference,
        accelerator=accelerator,
        mask=None if mask is None else mask.kept,
    )
    return context.run_trainer(trainer)
