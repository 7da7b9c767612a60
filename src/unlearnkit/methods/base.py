"""Base classes of methods, which make a model forget.

A method returns the model under test. There are four kinds: an objective that is trained (`ObjectiveMethod` wraps it),
an edit that is computed, a guard that leaves the weights alone, and a scheme that owns the training loop. A recipe's
`method` names one of any kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from unlearnkit.core.progress import Progress
from unlearnkit.core.registry import Registry, UnionRegistry
from unlearnkit.core.settings import Settings
from unlearnkit.data.rows import Row
from unlearnkit.methods.objective import OBJECTIVES, Needs, View
from unlearnkit.scope.scope import Scope
from unlearnkit.training.settings import TrainSettings

if TYPE_CHECKING:  # a recipe names methods, and reading one does not wait for torch
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

    `pipeline.context.RunContext` implements it. Each property is created on first access.
    """

    @property
    def seed(self) -> int:
        """Seed of everything that is drawn."""

    @property
    def train_settings(self) -> TrainSettings:
        """The recipe's section `train`."""

    @property
    def dtype(self) -> Dtype:
        """Data type of the weights."""

    @property
    def lora(self) -> LoraSettings | None:
        """The recipe's adapter; None: whole weights are trained."""

    @property
    def scope(self) -> Scope:
        """What must be forgotten, and what is near it and must stay."""

    @property
    def splits(self) -> Mapping[str, Sequence[Row]]:
        """The rows that may be trained on, by split."""

    @property
    def source(self) -> str:
        """Folder or Hub id of the target model."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The target model's tokenizer, with the marks of a trace."""

    @property
    def encoder(self) -> ChatEncoder:
        """How rows are laid out for training."""

    @property
    def pad_id(self) -> int:
        """Token id that fills up rows."""

    @property
    def model(self) -> PreTrainedModel:
        """The model in `engine`."""

    @property
    def engine(self) -> Engine:
        """The model that is trained; before its first update, the target model."""

    @property
    def mask(self) -> WeightMask | None:
        """Weights that may change, chosen by `method.mask`; None: all that are trained."""

    @property
    def model_folder(self) -> Path:
        """Folder of the run's model; a scheme writes its adapters here."""

    @property
    def private(self) -> Path:
        """A folder that only its owner may read, for text to forget."""

    @property
    def progress(self) -> Progress:
        """Shows what is being done."""

    @property
    def results(self) -> list[TrainResult]:
        """Results of the run's trainings, from which its cost follows.

        `run_trainer` appends to it. A method that runs several trainings adds those of earlier sessions and removes
        those that are not part of it.
        """

    def target(self) -> LocalSubject:
        """Load the target model, unchanged, as a subject."""

    def views(self, needs: Needs) -> Mapping[View, list[Encoded]]:
        """Encode every row of the views that are needed."""

    def retrained(self) -> str | None:
        """Return folder or Hub id of the suite's retrained model, if any.

        A suite may build the model during this call.
        """

    def check_unchanged(self, views: Mapping[View, Sequence[Encoded]]) -> None:
        """Raise `InputError` if the run began with another model or rows.

        Call it before training.
        """

    def reference(self, needs: Needs, views: Mapping[View, Sequence[Encoded]]) -> ReferenceValues | None:
        """Compute what an objective compares with. Call it before the first update."""

    def run_trainer(self, trainer: Trainer, *, name: str | None = None) -> TrainResult:
        """Train to the end, with progress, checkpoints and a stop at Ctrl-C.

        Args:
            trainer: what to run.
            name: name of the training, if a method runs several; its checkpoints get a folder of that name. None: the
                only training of the run. Only that one writes the step log and is watched.

        Raises:
            Interrupted: the user stopped it; the next call continues.
        """


class Method(Settings, ABC):
    """Makes a model forget. Its fields are its settings."""

    can_be_masked: ClassVar[bool] = False
    """Whether `method.mask` may choose the weights that it changes."""
    unused: ClassVar[tuple[str, ...]] = ()
    """Sections and fields of a recipe that it does not read. A run warns if a recipe sets them."""

    @property
    def from_scratch(self) -> bool:
        """Whether it trains new weights, on everything that the suite keeps."""
        return False

    def needs(self) -> Needs:
        """Return what the method reads of the training rows; by default nothing."""
        return Needs()

    def check(self, context: MethodContext) -> None:
        """Raise `InputError` if the method cannot run.

        It is called before the run's folder is created. Do not load weights here.
        """
        del context

    @abstractmethod
    def fit(self, context: MethodContext) -> Subject:
        """Make the model forget, and return it as the model under test."""


class Edit(Method):
    """A change of weights that is computed, reversible, and saved as weights."""

    can_be_masked: ClassVar[bool] = True

    @abstractmethod
    def delta(self, context: MethodContext) -> Mapping[str, Tensor]:
        """Compute the change.

        Returns:
            Tensor of the shape of each weight that changes, float32, by the name of the parameter in the engine of
            the target model with whole weights (see `weight_change.whole_target`).
        """

    def fit(self, context: MethodContext) -> Subject:
        """Add the masked change to the target model."""
        from unlearnkit.methods.weight_change import apply_delta, masked_delta, whole_target

        mask = context.mask  # first, because it is computed from weights that the edit may train
        delta = masked_delta(self.delta(context), mask)
        subject = whole_target(context)
        apply_delta(subject.engine, delta)
        return subject


class Guard(Method):
    """A rule around the model at inference time.

    The weights do not change, and nothing is erased.
    """

    unused: ClassVar[tuple[str, ...]] = ("train", "diagnose", "model.lora", "model.merge", "model.parameters")

    @abstractmethod
    def wrap(self, subject: Subject, scope: Scope) -> Subject:
        """Return the guarded subject, which offers only what the guard can protect."""

    def fit(self, context: MethodContext) -> Subject:
        """Guard the target model."""
        return self.wrap(context.target(), context.scope)


class Scheme(Method):
    """A method that owns its training loop; it may return an ensemble."""


EDITS: Registry[type[Edit]] = Registry("edit", "unlearnkit.methods.edits")
GUARDS: Registry[type[Guard]] = Registry("guard", "unlearnkit.methods.guards")
SCHEMES: Registry[type[Scheme]] = Registry("scheme", "unlearnkit.methods.schemes")
METHODS: UnionRegistry[Any] = UnionRegistry("method", OBJECTIVES, EDITS, GUARDS, SCHEMES)
edit, guard, scheme = EDITS.register, GUARDS.register, SCHEMES.register
