"""What the suites of made-up worlds have in common."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from annotated_types import Ge, Le

from unlearnkit.core.progress import Progress
from unlearnkit.core.settings import LARGEST_SEED, Settings
from unlearnkit.data.idk_answers import ANSWERS
from unlearnkit.data.rows import Row
from unlearnkit.data.vocabulary import HELD_OUT
from unlearnkit.metrics.score import Score
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.made_up.learning import Learning

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MEASURED = (
    "forget",
    "forget.paraphrased",
    "forget.translated",
    "forget.reverse",
    "forget.multihop",
    "forget.asked",
    "near",
    "near.asked",
    "near.half_name",
    "far",
    HELD_OUT,
    "retain",
    "unknown.asked",
    "nobody.asked",
)
"""Names of the measured row sets of made-up worlds. Those that a request does not have are left out."""

REACHED = 0.8
"""Smallest accuracy of the target model on the questions of a form, from which on the form counts as reached."""


class MadeUpSuite(Settings):
    """Base class of suites with a made-up world and models of it."""

    has_models: ClassVar[bool] = True
    world: ClassVar[str]
    """Name of the world. The cached models are in a folder of this name."""

    world_seed: Annotated[int, Ge(0), Le(LARGEST_SEED)] = 0
    """Seed of the made-up world, which determines all its subjects."""

    @property
    @abstractmethod
    def _corpus(self) -> tuple[Row, ...]:
        """Every row that the target model learns."""

    @property
    @abstractmethod
    def _left_out(self) -> frozenset[str]:
        """Ids of the rows that the retrained model must not see."""

    @property
    @abstractmethod
    def _learning(self) -> Learning:
        """Size and training settings of the models."""

    @property
    @abstractmethod
    def _scopes(self) -> Sequence[Scope]:
        """The scopes of all requests.

        The tokenizer learns the words of their refusals.
        """

    def prepare(self, target: str, folder: Path, *, seed: int, max_length: int, progress: Progress) -> Self:
        """Return the suite unchanged, because it needs nothing from the target model."""
        return self

    def retain_corpus(self) -> Sequence[Row]:
        """Return the corpus without the rows that state a forgotten fact."""
        left_out = self._left_out
        return [row for row in self._corpus if row.id not in left_out]

    def target_model(self, progress: Progress) -> str:
        """Return the folder of the model that learned the whole corpus."""
        return self._build(self._corpus, "target model", progress)

    def retrained_model(self, progress: Progress) -> str:
        """Return the folder of the model that learned only the retain corpus."""
        return self._build(self.retain_corpus(), "retrained model", progress)

    def meta_load(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """Return the tokenizer and an untrained model."""
        from unlearnkit.suites.made_up.models import build_tokenizer, fresh_model

        size = self._learning.size
        tokenizer = build_tokenizer(self._vocabulary(), size)
        return tokenizer, fresh_model(tokenizer, size, self.world_seed)

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """Return no scores, because the suite adds none to the common scores."""
        return {}

    def _build(self, rows: Sequence[Row], name: str, progress: Progress) -> str:
        from unlearnkit.suites.made_up.models import trained_model

        with progress.task(f"learning the world: {name}") as counter:
            folder = trained_model(
                rows,
                self._vocabulary(),
                self.world_seed,
                self._learning,
                world=self.world,
                on_step=lambda log: counter.update(log.step, log.of),
            )
        return str(folder)

    def _vocabulary(self) -> list[str]:
        """Return the tokenizer's training texts: the corpus and the refusals."""
        from unlearnkit.targets.teachers.template import phrases

        turns = [turn.content for row in self._corpus for turn in row.history]
        texts = [text for row in self._corpus for text in (row.question, row.trace, row.answer)]
        return [*texts, *turns, *ANSWERS, *phrases(self._scopes)]


def not_reached(folder: Traversable) -> tuple[str, ...]:
    """Return the forms that count as not reached.

    `folder` is the suite's folder. Its file `forms.json` states which templates and worlds were measured, and the field
    `accuracy` of each form. The script `experiments/forms.py` writes it.
    """
    forms = json.loads((folder / "forms.json").read_text(encoding="utf-8"))["forms"]
    return tuple(form for form, measured in forms.items() if measured["accuracy"] < REACHED)


def small_world_limitations(millions: str, not_reached: Sequence[str]) -> tuple[str, ...]:
    """Return the limitations due to a small world and a small model.

    Args:
        millions: number of the model's parameters in millions.
        not_reached: forms that the target model itself does not answer well enough.
    """
    found = [
        f"The world is made up, and the model that learned it has about {millions} million parameters: a method "
        "that is better here need not be better on a large language model."
    ]
    if not_reached:
        found.append(
            f"The target model itself answers fewer than {REACHED:.0%} of the questions in these forms: "
            f"{', '.join(not_reached)}. In these forms, wrong answers show little about forgetting."
        )
    return tuple(found)
