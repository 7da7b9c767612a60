"""A suite: splits, scope and the models that belong to them, ready to be unlearned and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from unlearnkit.data.rows import Row, Splits
from unlearnkit.progress import Progress
from unlearnkit.registry import Registry
from unlearnkit.scope import Scope

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Task:
    """What a suite asks to be forgotten, and everything to do and judge it with."""

    suite: str
    """Name and version of the suite: `pocket-1`."""
    scope: Scope
    splits: Splits
    measured: tuple[str, ...]
    """Splits that are measured, in the order in which they are shown."""


class Suite(Protocol):
    """A benchmark. Its fields are what a recipe may set under `suite`."""

    version: ClassVar[str]

    def task(self) -> Task:
        """Scope and splits. Fast; needs no model."""
        ...

    def target(self, progress: Progress) -> str:
        """Folder of the target model; built on the first call where the suite builds it."""
        ...

    def retrained(self, progress: Progress) -> str | None:
        """Folder of the retrained model, where there is one."""
        ...

    def outline(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """The target model's tokenizer and an untrained model of its shape: what a dry run looks at. Fast."""
        ...

    def kept(self) -> Sequence[Row]:
        """Everything that the retrained model learned."""
        ...


SUITES: Registry[type[Suite]] = Registry("suite", "unlearnkit.suites", besides=("contract",))
suite = SUITES.register
