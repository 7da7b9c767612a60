"""A suite: splits, scope and the models that belong to them, ready to be unlearned and measured."""

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
    """What a suite asks to be forgotten, and everything to do and judge it with."""

    suite: str
    """Name and version of the suite: `pocket-1`."""
    scope: Scope
    splits: Splits
    measured: Mapping[str, tuple[Row, ...]]
    """Rows that are measured, by the name of their set, in the order in which the sets are shown."""
    unspoken: frozenset[str] = frozenset()
    """Measured sets whose rows are only read, with nothing generated from them."""
    gradients: frozenset[str] = frozenset()
    """Measured sets on whose rows the norms of the gradient are measured."""
    to_be_written: frozenset[str] = frozenset()
    """Splits that are empty now, and whose rows the target model will write when the run begins."""


class GridRow(Value):
    """One setting that was tried while tuning."""

    method: str
    settings: dict[str, object]
    scores: dict[str, float | None]
    """Scores on the validation share, never on the reported rows."""
    chosen: bool = False


class GridReport(Value):
    """A tuning grid: the same number of settings for every method."""

    rows: tuple[GridRow, ...]
    note: str = ""
    """How the choice was made, and on which rows."""


class Suite(Protocol):
    """A benchmark. Its fields are what a recipe may set under `suite`, and those of its field `data` under `data`.

    A suite may have two more class attributes: `score_docs`, the docs of its own scores (see `declared_docs`), and
    `tuning_grid`, a file with the grid by which the settings of its methods were chosen (see `tuning_grid`).
    """

    version: ClassVar[str]
    has_models: ClassVar[bool]
    """Whether the suite builds its target model; without one a recipe names the model."""
    max_new_tokens: ClassVar[int]
    """Most tokens of an output, where the recipe does not say."""

    def prepare(self, target: str, folder: Path, *, seed: int, max_length: int, progress: Progress) -> Suite:
        """The suite with everything made that it needs of the target model; itself where it needs nothing.

        Args:
            target: folder or hub id of the target model.
            folder: where to write it; the owner's alone.
            seed: of what is drawn.
            max_length: most tokens of a row.
            progress: tells what is being done.
        """
        ...

    def task(self) -> SuiteTask:
        """Scope and splits. Fast; needs no model."""
        ...

    def target_model(self, progress: Progress) -> str | None:
        """Folder of the target model, built on the first call; None for a suite without models."""
        ...

    def retrained_model(self, progress: Progress) -> str | None:
        """Folder or hub id of the retrained model, where there is one."""
        ...

    def meta_load(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """The target model's tokenizer and an untrained model of its shape: what a dry run looks at. Fast.

        Asked only of a suite that has models.
        """
        ...

    def retain_corpus(self) -> Sequence[Row]:
        """Everything that the retrained model learned."""
        ...

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """The suite's own scores, beside those that every suite has; no model is needed.

        Args:
            records: what was measured of the subject.
            retrained: what was measured of the retrained model; empty where there is none.
        """
        ...

    def heading(self) -> str:
        """What is asked to be forgotten, in a few words that end the title of a report; nothing secret."""
        ...

    def limitations(self) -> tuple[str, ...]:
        """What a reader must know of figures made on this suite, in whole sentences; nothing secret. Reads no file."""
        ...


class UserModelSuite(Settings):
    """What suites have in common whose models the user brings."""

    model_config = ConfigDict(ignored_types=(cached_property,))

    has_models: ClassVar[bool] = False

    against_retrained: ClassVar[tuple[str, ...]] = ("PrivLeak", "the reference attack")
    """The suite's own scores that need a retrained model, in words."""

    retrained: Place | None = None
    """Folder or hub id of a model that learned everything but what is to be forgotten; null where there is none."""

    def prepare(self, target: str, folder: Path, *, seed: int, max_length: int, progress: Progress) -> Self:
        """Nothing is needed of the model."""
        return self

    def target_model(self, progress: Progress) -> None:
        """None: a recipe names the model."""

    def retrained_model(self, progress: Progress) -> str | None:
        """The one that the user has named."""
        return self.retrained

    def limitations(self) -> tuple[str, ...]:
        """What is left unmeasured where there is no retrained model."""
        if self.retrained is not None:
            return ()
        return (
            "The recipe names no retrained model (suite.retrained), one that learned everything but what is to be "
            f"forgotten. Without one these stay unmeasured: {', '.join(self.against_retrained)}, and every comparison "
            "with a model that never learned it. So nothing here says how much of what is left any model could guess.",
        )

    def meta_load(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """Asked only of a suite that has models."""
        raise InputError("the suite has no model of its own", where="model.path", fix="name the model")


SUITES: Registry[type[Suite]] = Registry("suite", "unlearnkit.suites", module="suite")
suite = SUITES.register


def declared_docs(name: str) -> Docs:
    """Return the docs that a suite declares of its own scores; none if it is not registered."""
    docs: Docs = getattr(SUITES.get(name).plugin, "score_docs", {}) if name in SUITES.names() else {}
    return docs


def tuning_grid(name: str) -> GridReport | None:
    """Return the tuning grid that a suite offers; None for a suite without one."""
    file = getattr(SUITES.get(name).plugin, "tuning_grid", None)
    return None if file is None else GridReport.model_validate_json(file.read_text(encoding="utf-8"))
