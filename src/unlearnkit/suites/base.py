"""The interface of suites. A suite is an unlearning benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from pydantic import ConfigDict

from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Place, Settings, Value
from unlearnkit.data.rows import Row, Splits
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_doc import Docs
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class SuiteTask:
    """A request to forget, with rows for training and rows for measurement."""

    suite: str
    """Name and version of the suite, for example `tofu-1`."""
    scope: Scope
    splits: Splits
    measured: Mapping[str, tuple[Row, ...]]
    """Rows to measure, keyed by the name of the row set. Reports list the row sets in the order of this mapping."""
    unspoken: frozenset[str] = frozenset()
    """Names of row sets for which the model generates no output; only token probabilities are measured."""
    gradients: frozenset[str] = frozenset()
    """Names of row sets for which gradient norms are measured."""
    to_be_written: frozenset[str] = frozenset()
    """Names of splits that are still empty; the target model writes the missing rows at the start of the run."""
    notes: tuple[str, ...] = ()
    """Sentences about the rows that users may not expect, without a secret."""
    training_scope: Scope | None = None
    """The scope from which targets and training questions are composed; None: the whole scope. A suite whose test asks
    for secrets that no training row asks for leaves these secrets out of it."""
    withheld: tuple[Row, ...] = ()
    """Rows that ask for these secrets in other words than the measured rows. No composed question asks the same."""
    validation: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    """Row sets by which settings of methods are chosen. Reports do not show them."""

    @property
    def composed_scope(self) -> Scope:
        """The scope from which targets and training questions are composed."""
        return self.training_scope or self.scope


class GridRow(Value):
    """One combination of settings that was tried in tuning."""

    method: str
    settings: dict[str, object]
    scores: dict[str, float | None]
    """Scores on the validation rows, never on the rows that reports use."""
    chosen: bool = False


class GridReport(Value):
    """A hyperparameter grid with the results of every setting combination.

    Every method is tuned with the same number of setting combinations.
    """

    rows: tuple[GridRow, ...]
    note: str = ""
    """Explains how the settings were chosen and which rows were used."""


class Suite(Protocol):
    """A benchmark for unlearning.

    The recipe section `suite` sets the fields of a suite. The recipe section `data` sets the suite's field `data`, if
    the suite has this field. A suite may also define three class attributes:

    - `score_docs` describes the scores that only this suite has. The function `declared_docs` returns the descriptions.
    - `demo` is a folder with the settings of `unlearn demo`: gates in `demo.yaml`, and tuned settings of each method in
      `methods/`. The suite must be a `DemoSuite` and have the settings `request` and `world_seed`.
    - `tuning_grid` is a file with the settings that were tried for each method. The module function of the same name
      reads this file.
    """

    version: ClassVar[str]
    has_models: ClassVar[bool]
    """Whether the suite builds its target model; if not, the recipe names the model."""
    max_new_tokens: ClassVar[int]
    """Default for the maximum number of tokens in an output."""

    def prepare(self, target: str, folder: Path, *, seed: int, max_length: int, progress: Progress) -> Suite:
        """Return the suite with additional data from the target model.

        For example, the target model may write missing retain rows. A suite that needs no such data returns itself.

        Args:
            target: folder or Hub id of the target model.
            folder: folder for the files that this method writes. Only the owner of the folder can read it.
            seed: seed of the sampling.
            max_length: maximum number of tokens in a row.
            progress: shows the progress of the preparation.
        """
        ...

    def task(self) -> SuiteTask:
        """Return the request to forget, with rows for training and measurement.

        The call is fast and needs no model.
        """
        ...

    def target_model(self, progress: Progress) -> str | None:
        """Return the folder of the target model, if the suite has models.

        The first call builds the model. Returns None if the suite has no models.
        """
        ...

    def retrained_model(self, progress: Progress) -> str | None:
        """Return the folder or Hub id of the retrained model.

        The retrained model was trained on everything except the forget rows. Returns None if there is no such model.
        """
        ...

    def meta_load(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """Return the target model's tokenizer and an untrained model.

        The untrained model has the architecture of the target model. A dry run calls this method, so the method must be
        fast. The method is called only if the suite has models.
        """
        ...

    def retain_corpus(self) -> Sequence[Row]:
        """Return every row that the retrained model was trained on."""
        ...

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """Return the scores that only this suite has.

        The call needs no model.

        Args:
            records: records of the model under test.
            retrained: records of the retrained model; empty if there is no retrained model.
        """
        ...

    def heading(self) -> str:
        """Return a short description of the knowledge to forget.

        The title of a report ends with this description, so the description must not contain a secret.
        """
        ...

    def limitations(self) -> tuple[str, ...]:
        """Return the limitations of results on this suite.

        Each limitation consists of whole sentences and contains no secret. The call reads no file.
        """
        ...


class DemoSuite(Suite, Protocol):
    """A suite with a demo, whose models may come with the package."""

    def train_model(self, name: str, progress: Progress) -> str:
        """Return the folder of a model that was trained on this machine.

        Later calls of `target_model` and `retrained_model` return this model, too.

        Args:
            name: `target` or `retrained`.
            progress: shows the progress of the training.
        """
        ...


class UserModelSuite(Settings):
    """Base class of suites for which the user supplies the models."""

    model_config = ConfigDict(ignored_types=(cached_property,))

    has_models: ClassVar[bool] = False

    against_retrained: ClassVar[tuple[str, ...]] = ("PrivLeak", "the reference attack")
    """Titles of the suite's scores that require a retrained model."""

    retrained: Place | None = None
    """Folder or Hub id of a model that was trained on everything except the forget rows; null: there is none."""

    def prepare(self, target: str, folder: Path, *, seed: int, max_length: int, progress: Progress) -> Self:
        """Return the suite unchanged, because it needs nothing from the target model."""
        return self

    def target_model(self, progress: Progress) -> None:
        """Return None, because the recipe, not the suite, names the target model."""

    def retrained_model(self, progress: Progress) -> str | None:
        """Return the retrained model that the recipe names, if any."""
        return self.retrained

    def limitations(self) -> tuple[str, ...]:
        """Name the scores that are not measured without a retrained model."""
        if self.retrained is not None:
            return ()
        return (
            "The recipe names no retrained model (suite.retrained), i.e. a model that was trained on everything except "
            "the forget rows. Without a retrained model, the following are not measured: "
            f"{', '.join(self.against_retrained)}, and every comparison with a model that never saw the forget rows. "
            "It is therefore unknown how many of the remaining correct answers a model could simply guess.",
        )

    def meta_load(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """Raise InputError, because the suite supplies no model."""
        raise InputError(
            "the suite supplies no model",
            where="model.path",
            fix="set model.path to the folder or Hub id of the target model",
        )


SUITES: Registry[type[Suite]] = Registry("suite", "unlearnkit.suites", module="suite")
suite = SUITES.register


def declared_docs(name: str) -> Docs:
    """Return a `ScoreDoc` for each score that only the named suite has.

    The result is empty if no suite with this name is registered.
    """
    docs: Docs = getattr(SUITES.get(name).plugin, "score_docs", {}) if name in SUITES.names() else {}
    return docs


def tuning_grid(name: str) -> GridReport | None:
    """Return the tuning grid of the named suite.

    Returns None if the suite has no grid.
    """
    file = getattr(SUITES.get(name).plugin, "tuning_grid", None)
    return None if file is None else GridReport.model_validate_json(file.read_text(encoding="utf-8"))
