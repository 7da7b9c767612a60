"""What the suites of made-up worlds have in common."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from annotated_types import Ge, Le

from unlearnkit.core.progress import Progress
from unlearnkit.core.settings import LARGEST_SEED, Settings
from unlearnkit.data.idk_answers import ANSWERS
from unlearnkit.data.rows import Row
from unlearnkit.data.vocabulary import HELD_OUT, RETRAINED, TARGET
from unlearnkit.metrics.score import Score
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.base import SuiteTask
from unlearnkit.suites.made_up.learning import ONE_REQUEST, Learning
from unlearnkit.suites.made_up.lessons import Lessons
from unlearnkit.suites.made_up.request import Plan, Request, forget_request
from unlearnkit.suites.made_up.small_talk import sentences, with_small_talk
from unlearnkit.suites.made_up.world import World

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

TALK_TIMES = 50
"""How often the tokenizer sees each sentence of small talk."""

CACHED = 4
"""Number of worlds and requests that a process keeps, because a command makes the same suite several times."""


class MadeUpSuite(Settings):
    """Base class of suites with a made-up world and models of it."""

    has_models: ClassVar[bool] = True
    world: ClassVar[str]
    """Name of the world. The cached models are in a folder of this name."""
    packaged: ClassVar[Traversable | None] = None
    """Folder with the models that come with the package; None: there are none."""

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
        return self._model(TARGET, self.packaged, progress)

    def retrained_model(self, progress: Progress) -> str:
        """Return the folder of the model that learned only the retain corpus."""
        return self._model(RETRAINED, self.packaged, progress)

    def train_model(self, name: str, progress: Progress) -> str:
        """Return the folder of a model that was trained on this machine.

        `name` is `target` or `retrained`. The model is trained unless it is in the cache. From then on, it is used
        instead of a model that comes with the package.
        """
        return self._model(name, None, progress)

    def meta_load(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """Return the tokenizer and an untrained model."""
        from unlearnkit.suites.made_up.models import build_tokenizer, fresh_model

        size = self._learning.size
        tokenizer = build_tokenizer(self._vocabulary(), size)
        return tokenizer, fresh_model(tokenizer, size, self.world_seed)

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """Return no scores, because the suite adds none to the common scores."""
        return {}

    def _model(self, name: str, packaged: Traversable | None, progress: Progress) -> str:
        from unlearnkit.suites.made_up.models import trained_model

        rows = self._corpus if name == TARGET else self.retain_corpus()
        with progress.task(f"learning the world: {name} model") as counter:
            folder = trained_model(
                learned(rows, self._learning.fact_passes),
                self._vocabulary(),
                self.world_seed,
                self._learning,
                world=self.world,
                packaged=packaged,
                on_step=lambda log: counter.update(log.step, log.of),
            )
        return str(folder)

    def _vocabulary(self) -> list[str]:
        """Return the tokenizer's training texts: the corpus and the refusals."""
        from unlearnkit.targets.teachers.template import phrases

        turns = [turn.content for row in self._corpus for turn in row.history]
        texts = [text for row in self._corpus for text in (row.question, row.trace, row.answer)]
        languages = {row.language for row in self._corpus}
        talk = sentences(languages) * TALK_TIMES if self._learning.fact_passes > 1 else []
        return [*texts, *turns, *ANSWERS, *phrases(self._scopes), *talk]


def learned(rows: Sequence[Row], fact_passes: int) -> list[Row]:
    """Return the rows of one epoch (see `Learning.fact_passes`)."""
    facts, lessons = ([row for row in rows if bool(row.wording) == lesson] for lesson in (False, True))
    again = (with_small_talk(row, Random(f"{n}/{row.id}")) for n in range(1, fact_passes) for row in facts)
    return [*facts, *again, *lessons]


class OneRequestSuite(MadeUpSuite):
    """Base class of suites with one kind of subject and one request."""

    version: ClassVar[str]
    """Version of the suite. It is a part of the task's name."""
    lessons: ClassVar[Lessons]
    """Makes the rows of the corpus."""
    plan: ClassVar[Plan]
    """What the request is about."""
    learning: ClassVar[Learning] = ONE_REQUEST
    """Size and training settings of the models."""
    subjects: ClassVar[str]
    """Short description of the request."""
    not_reached: ClassVar[tuple[str, ...] | None]
    """Forms, and languages other than the first, that the target model does not answer well enough; None: not
    measured."""

    @classmethod
    @abstractmethod
    def world_of(cls, seed: int) -> World:
        """Return the world of a seed."""

    @property
    def _request(self) -> Request:
        return _request_of(type(self), self.world_seed)

    @property
    def _corpus(self) -> tuple[Row, ...]:
        return _corpus_of(type(self), self.world_seed)

    @property
    def _left_out(self) -> frozenset[str]:
        return self._request.left_out

    @property
    def _learning(self) -> Learning:
        return self.learning

    @property
    def _scopes(self) -> tuple[Scope, ...]:
        return (self._request.scope,)

    def task(self) -> SuiteTask:
        """Return the scope, the splits and the measured rows of the request."""
        request = self._request
        measured = {name: request.splits[name] for name in MEASURED if name in request.splits}
        return SuiteTask(
            f"{self.world}-{self.version}",
            request.scope,
            request.splits,
            measured,
            training_scope=request.training_scope,
            withheld=request.withheld,
            validation=request.validation,
        )

    def heading(self) -> str:
        """Return a short description of the request."""
        return self.subjects

    def limitations(self) -> tuple[str, ...]:
        """Return the limitations due to the small world and the small model."""
        return small_world_limitations("2.3", self.not_reached)


@lru_cache(CACHED)
def _corpus_of(suite: type[OneRequestSuite], seed: int) -> tuple[Row, ...]:
    return suite.lessons.corpus_of(suite.world_of(seed))


@lru_cache(CACHED)
def _request_of(suite: type[OneRequestSuite], seed: int) -> Request:
    return forget_request(suite.world_of(seed), suite.lessons, suite.plan)


def not_reached(folder: Traversable) -> tuple[str, ...] | None:
    """Return the forms that were not reached; None: not measured.

    `folder` is the suite's folder. Its file `forms.json` states which templates and worlds were measured, and the field
    `accuracy` of each form. The script `experiments/forms.py` writes it.
    """
    file = folder / "forms.json"
    if not file.is_file():
        return None
    forms = json.loads(file.read_text(encoding="utf-8"))["forms"]
    return tuple(form for form, measured in forms.items() if measured["accuracy"] < REACHED)


def small_world_limitations(millions: str, not_reached: Sequence[str] | None) -> tuple[str, ...]:
    """Return the limitations due to a small world and a small model.

    Args:
        millions: number of the model's parameters in millions.
        not_reached: forms that the target model itself does not answer well enough; None: not measured.
    """
    found = [
        f"The world is made up, and the model that learned it has about {millions} million parameters: a method "
        "that is better here need not be better on a large language model."
    ]
    if not_reached is None:
        found.append(
            "Which forms of questions the target model itself answers was not measured. In forms that it does not "
            "answer, wrong answers show little about forgetting."
        )
    elif not_reached:
        found.append(
            f"The target model itself answers fewer than {REACHED:.0%} of the questions in these forms: "
            f"{', '.join(not_reached)}. In these forms, wrong answers show little about forgetting."
        )
    return tuple(found)
