"""The interface of suites: benchmarks with splits, a scope and perhaps models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """A request to forget, with rows to train on and measure."""

    suite: str
    """Name and version of the suite: `pocket-1`."""
    scope: Scope
    splits: Splits
    measured: Mapping[str, tuple[Row, ...]]
    """Rows that are measured, by the name of their set, in the order in which the sets are shown."""
    unspoken: frozenset[str] = frozenset()
    """Measured sets for whose rows nothing is generated; only their tokens are measured."""
    gradients: frozenset[str] = frozenset()
    """Measured sets on whose rows gradient norms are measured."""
    to_be_written: frozenset[str] = frozenset()
    """Splits that are still empty; the target model writes their rows at the start of the run."""


class GridRow(Value):
    """One setting that was tried while tuning."""

    method: str
    settings: dict[str, object]
    scores: dict[str, float | None]
    """Scores on the validation part, never on the reported rows."""
    chosen: bool = False


class GridReport(Value):
    """A tuning grid: the same number of settings for every method."""

    rows: tuple[GridRow, ...]
    note: str = ""
    """How the choice was made, and on which rows."""


class Suite(Protocol):
    """A benchmark.

    Its fields are the keys of the recipe section `suite`, and those of its field `data` the keys of the section `data`.
    A suite may have two more class attributes: `score_docs`, the docs of its own scores (see `declared_docs`), and
    `tuning_grid`, a file with the grid by which the settings of its methods were chosen (see `tuning_grid`).
    """

    version: ClassVar[str]
    has_models: ClassVar[bool]
    """Whether the suite builds its target model; if not, the recipe names the model."""
    max_new_tokens: ClassVar[int]
    """Default of the largest number of tokens of an output."""

    def prepare(self, target: str, folder: Path, *, seed: int, max_length: int, progress: Progress) -> Suite:
        """Return the suite with everything that it needs from the target model.

        The suite itself, if it needs nothing.

        Args:
            target: folder or Hub id of the target model.
            folder: private folder for the files that are written.
            seed: of the sampling.
            max_length: largest number of tokens of a row.
            progress: reports the steps.
        """
        ...

    def task(self) -> SuiteTask:
        """Return scope and splits. Fast; needs no model."""
        ...

    def target_model(self, progress: Progress) -> str | None:
        """Return the folder of the target model, if the suite has models.

        The first call builds the model.
        """
        ...

    def retrained_model(self, progress: Progress) -> str | None:
        """Return the folder or Hub id of the retrained model, if any."""
        ...

    def meta_load(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """Return the target model's tokenizer and an untrained model of its architecture.

        Fast, for a dry run. Called only for a suite that has models.
        """
        ...

    def retain_corpus(self) -> Sequence[Row]:
        """Return everything that the retrained model learned."""
        ...

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """Return the scores that only this suite has. Needs no model.

        Args:
            records: of the model under test.
            retrained: records of the retrained model; empty if there is none.
        """
        ...

    def heading(self) -> str:
        """Return in a few words what is to be forgotten.

        They end the title of a report, so they contain nothing secret.
        """
        ...

    def limitations(self) -> tuple[str, ...]:
        """Return what a reader must know about results on this suite.

        In sentences that contain nothing secret. Reads no file.
        """
        ...


class UserModelSuite(Settings):
    """Base class of suites whose models the user brings."""

    model_config = ConfigDict(ignored_types=(cached_property,))

    has_models: ClassVar[bool] = False

    against_retrained: ClassVar[tuple[str, ...]] = ("PrivLeak", "the reference attack")
    """Titles of the suite's own scores that need a retrained model."""

    retrained: Place | None = None
    """Folder or Hub id of a model that learned everything but what is to be forgotten; null if there is none."""

    def prepare(self, target: str, folder: Path, *, seed: int, max_length: int, progress: Progress) -> Self:
        """Return the suite itself, which needs nothing from the model."""
        return self

    def target_model(self, progress: Progress) -> None:
        """Return None: the recipe names the model."""

    def retrained_model(self, progress: Progress) -> str | None:
        """Return the model that the user has named."""
        return self.retrained

    def limitations(self) -> tuple[str, ...]:
        """Return what is not measured without a retrained model."""
        if self.retrained is not None:
            return ()
        return (
            "The recipe names no retrained model (suite.retrained), one that learned everything but what is to be "
            f"forgotten. Without one these stay unmeasured: {', '.join(self.against_retrained)}, and every comparison "
            "with a model that never learned it. So it is unknown how much of what remains any model could guess.",
        )

    def meta_load(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """Raise InputError: the suite has no model."""
        raise InputError("the suite has no model of its own", where="model.path", fix="name the model")


SUITES: Registry[type[Suite]] = Registry("suite", "unlearnkit.suites", module="suite")
suite = SUITES.register


def declared_docs(name: str) -> Docs:
    """Return the docs of a suite's own scores; empty if not registered."""
    docs: Docs = getattr(SUITES.get(name).plugin, "score_docs", {}) if name in SUITES.names() else {}
    return docs


def tuning_grid(name: str) -> GridReport | None:
    """Return the tuning grid that a suite offers, if any."""
    file = getattr(SUITES.get(name).plugin, "tuning_grid", None)
    return None if file is None else GridReport.model_validate_json(file.read_text(encoding="utf-8"))
