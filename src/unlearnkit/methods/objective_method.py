"""The method that trains a model to minimize an objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import SerializeAsAny

from unlearnkit.methods.base import Method, MethodContext
from unlearnkit.methods.composition import keeping_doubtful
from unlearnkit.methods.objective import Needs, Objective, View

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor

    from unlearnkit.data.encoding import Encoded
    from unlearnkit.models.reference import ReferenceValues
    from unlearnkit.subjects.base import Subject
    from unlearnkit.training.loop import Trainer, TrainResult


class ObjectiveMethod(Method):
    """A method that trains the model to minimize an objective."""

    can_be_masked: ClassVar[bool] = True
    data_parallel: ClassVar[bool] = True
    augmented: ClassVar[bool] = True

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
    views = context.views(objective.needs())
    context.check_unchanged(views)
    if any(row.doubtful for row in views.get("retain", ())):
        objective = keeping_doubtful(objective)
    needs = objective.needs()
    reference = drawn_reference(context, needs, views)
    mask = context.mask if masked else None
    kept = None if mask is None else mask.kept
    with context.joined(objective, views, kept) as accelerator:
        return context.run_trainer(make_trainer(context, objective, views, reference, accelerator, kept))


def drawn_reference(
    context: MethodContext, needs: Needs, views: Mapping[View, Sequence[Encoded]]
) -> ReferenceValues | None:
    """Compute the reference values that the training reads.

    These are the values of the rows that its steps draw; see `MethodContext.reference`.
    """
    from unlearnkit.training.step import TrainData, drawn_rows

    data = TrainData(views, context.pad_id, context.composed_share)
    return context.reference(needs, views, drawn_rows(data, context.train_settings, context.seed))


def make_trainer(
    context: MethodContext,
    objective: Objective,
    views: Mapping[View, Sequence[Encoded]],
    reference: ReferenceValues | None,
    accelerator: Accelerator,
    mask: Mapping[str, Tensor] | None,
) -> Trainer:
    """Return a trainer of the run's model; for the arguments, see `Trainer`."""
    from unlearnkit.training.loop import Trainer
    from unlearnkit.training.step import TrainData

    return Trainer(
        context.engine,
        objective,
        TrainData(views, context.pad_id, context.composed_share),
        context.train_settings,
        seed=context.seed,
        reference=reference,
        accelerator=accelerator,
        mask=mask,
    )
