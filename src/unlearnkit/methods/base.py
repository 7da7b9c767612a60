"""Base classes of unlearning methods.

A method makes a model forget: `Method.fit` returns the model that has forgotten. The section `method` of a recipe names
one method. There are four kinds of methods:

- an objective is a loss that training minimizes; `ObjectiveMethod` turns an objective into a method;
- an edit computes a change to the weights;
- a guard applies rules around the model and leaves the weights unchanged;
- a scheme has its own training loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from unlearnkit.core.progress import Progress
from unlearnkit.core.registry import Registry, UnionRegistry
from unlearnkit.core.settings import Settings
from unlearnkit.data.rows import Row
from unlearnkit.methods.objective import OBJECTIVES, Needs, Objective, View
from unlearnkit.scope.scope import Scope
from unlearnkit.training.settings import TrainSettings

if TYPE_CHECKING:  # reading a recipe imports this module and must not import torch
    from accelerate import Accelerator
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from unlearnkit.data.encoding import ChatEncoder, Encoded
    from unlearnkit.localization.base import WeightMask
    from unlearnkit.models.engine import Engine
    from unlearnkit.models.reference import ReferenceValues
    from unlearnkit.models.settings import Dtype, LoraSettings
    from unlearnkit.subjects.base import Subject
    from unlearnkit.subjects.local import LocalSubject
    from unlearnkit.training.loop import Trainer, TrainResult


class MethodContext(Protocol):
    """The part of a run that a method may use.

    `pipeline.context.RunContext` implements this protocol. Each property is computed on first access.
    """

    @property
    def seed(self) -> int:
        """Seed of every random draw in the run."""

    @property
    def train_settings(self) -> TrainSettings:
        """The settings in the recipe's section `train`."""

    @property
    def dtype(self) -> Dtype:
        """Data type of the model's weights."""

    @property
    def lora(self) -> LoraSettings | None:
        """Settings of the LoRA adapter; None if there is no adapter."""

    @property
    def scope(self) -> Scope:
        """The knowledge to forget, and similar knowledge to keep."""

    @property
    def splits(self) -> Mapping[str, Sequence[Row]]:
        """The rows that the method may train on, by split."""

    @property
    def source(self) -> str:
        """Folder or Hub id of the target model."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The target model's tokenizer, including the tokens that mark a reasoning trace."""

    @property
    def encoder(self) -> ChatEncoder:
        """Converts rows to tokens for training."""

    @property
    def pad_id(self) -> int:
        """Id of the padding token."""

    @property
    def model(self) -> PreTrainedModel:
        """The model that `engine` runs."""

    @property
    def engine(self) -> Engine:
        """Runs the model that is trained.

        The model starts as the target model or, for a method that trains from scratch, as a newly initialized model.
        """

    @property
    def composed_share(self) -> float:
        """Share of composed rows in a training step; 0 without composed rows."""

    @property
    def mask(self) -> WeightMask | None:
        """Weights that may change; None if every trained weight may change."""

    @property
    def model_folder(self) -> Path:
        """Folder in which the run's model is saved.

        A method with its own training loop (`Scheme`) saves its adapters there.
        """

    @property
    def private(self) -> Path:
        """Folder for files that contain text to be forgotten.

        Only the owner of the folder can read these files.
        """

    @property
    def progress(self) -> Progress:
        """Shows the progress of the run."""

    @property
    def results(self) -> list[TrainResult]:
        """The results of all training runs, from which the cost is computed.

        `run_trainer` appends to this list. A method that trains several times must correct the list at the end: it adds
        training runs that were finished before an interruption, and removes training runs that must not count toward
        the cost.
        """

    def target(self) -> LocalSubject:
        """Load the unchanged target model as a `Subject`."""

    def views(self, needs: Needs) -> Mapping[View, list[Encoded]]:
        """Encode every row of the views that `needs` names.

        A view consists of the rows of a split, with one kind of answers (see `quantities.View`).
        """

    def retrained(self) -> str | None:
        """Return the folder or Hub id of the retrained model, if any.

        Returns None if the suite has no retrained model. The suite may build the retrained model during this call.
        """

    def check_unchanged(self, views: Mapping[View, Sequence[Encoded]]) -> None:
        """Raise `InputError` if the model or rows changed since the run started.

        Fingerprints of the target model and of the encoded rows are compared with those recorded at the start of the
        run. Call this method before training.
        """

    def reference(
        self,
        needs: Needs,
        views: Mapping[View, Sequence[Encoded]],
        rows: Mapping[View, Collection[int]] | None = None,
    ) -> ReferenceValues | None:
        """Compute the reference model's values that an objective reads.

        Call this method before the first update of the weights. `rows` contains, for each view, the indices of the rows
        that training draws. If it is None, the values of all rows are computed.
        """

    def joined(
        self, objective: Objective, views: Mapping[View, Sequence[Encoded]], mask: Mapping[str, Tensor] | None
    ) -> AbstractContextManager[Accelerator]:
        """Return a context in which all processes train the model together.

        The other processes get the objective, the rows and the mask from here, and build the same trainer.
        """

    def run_trainer(self, trainer: Trainer, *, name: str | None = None) -> TrainResult:
        """Run a trainer to the end, or until the user presses Ctrl-C.

        The progress of the training is shown, and checkpoints are written.

        Args:
            trainer: the trainer to run.
            name: name of this training run, and of the folder with its checkpoints. A method that trains several times
                gives each training run a name. A method that trains only once passes None. If there is a name, no steps
                are logged, no weights are kept for the G-effect, and the G-effect is not measured during the training.

        Raises:
            Interrupted: the user stopped the training; the next call continues the training.
        """


class Method(Settings, ABC):
    """Base class of methods, which make a model forget.

    The fields of a subclass are the settings of the method.
    """

    can_be_masked: ClassVar[bool] = False
    """Whether `method.mask` may restrict the weights that the method changes."""
    data_parallel: ClassVar[bool] = False
    """Whether several processes may share the work. `train_objective` divides the rows of each step among them; a
    method may train in no other way."""
    augmented: ClassVar[bool] = False
    """Whether the method can train on rows composed from the scope (`data.augment`)."""
    unused: ClassVar[tuple[str, ...]] = ()
    """Sections and fields of a recipe that the method does not read. A run logs a warning if the recipe sets any of
    them."""

    @property
    def from_scratch(self) -> bool:
        """Whether the method trains newly initialized weights on the whole retain corpus."""
        return False

    def needs(self) -> Needs:
        """Return the quantities that the method reads; by default, none."""
        return Needs()

    def check(self, context: MethodContext) -> None:
        """Raise `InputError` if the method cannot run.

        This check runs before the run's folder is created. An implementation must not load weights.
        """
        del context

    @abstractmethod
    def fit(self, context: MethodContext) -> Subject:
        """Make the model forget, and return the resulting model."""


class Edit(Method):
    """A method that computes a change to the weights.

    Subtracting the change from the new weights restores the original weights, up to rounding errors. The changed model
    is saved as a full set of weights, not as an adapter.
    """

    can_be_masked: ClassVar[bool] = True

    @abstractmethod
    def delta(self, context: MethodContext) -> Mapping[str, Tensor]:
        """Compute the change to each weight.

        Returns:
            One float32 tensor for each weight that changes, in the shape of the weight. The keys are the parameter
            names in the engine of the target model. If the target model has an adapter, the adapter is merged into the
            weights first, and the keys are the names in the merged model (see `weight_change.whole_target`).
        """

    def fit(self, context: MethodContext) -> Subject:
        """Change the target model's weights, and return the changed model.

        Elements that the mask freezes do not change.
        """
        from unlearnkit.methods.weight_change import apply_delta, masked_delta, whole_target

        mask = context.mask  # read first: `delta` may train the model from which the mask is computed
        delta = masked_delta(self.delta(context), mask)
        subject = whole_target(context)
        apply_delta(subject.engine, delta)
        return subject


class Guard(Method):
    """A method that applies rules to the model's inputs and outputs.

    The rules apply at inference time. The weights do not change, so nothing is erased from the model.
    """

    unused: ClassVar[tuple[str, ...]] = ("train", "diagnose", "model.lora", "model.merge", "model.parameters")

    @abstractmethod
    def wrap(self, subject: Subject, scope: Scope) -> Subject:
        """Return the model `subject` with the guard applied.

        The returned model offers only operations whose inputs and outputs the guard can check.
        """

    def fit(self, context: MethodContext) -> Subject:
        """Return the target model with the guard applied."""
        return self.wrap(context.target(), context.scope)


class Scheme(Method):
    """A method with its own training loop; `fit` may return an ensemble."""


EDITS: Registry[type[Edit]] = Registry("edit", "unlearnkit.methods.edits")
GUARDS: Registry[type[Guard]] = Registry("guard", "unlearnkit.methods.guards")
SCHEMES: Registry[type[Scheme]] = Registry("scheme", "unlearnkit.methods.schemes")
METHODS: UnionRegistry[Any] = UnionRegistry("method", OBJECTIVES, EDITS, GUARDS, SCHEMES)
edit, guard, scheme = EDITS.register, GUARDS.register, SCHEMES.register
