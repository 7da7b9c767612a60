"""Suite `pocket`: a small synthetic world with four requests to forget."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from annotated_types import Ge, Le

from unlearnkit.core.progress import Progress
from unlearnkit.core.settings import LARGEST_SEED, Settings
from unlearnkit.data.idk_answers import ANSWERS
from unlearnkit.data.rows import Row, Splits
from unlearnkit.data.vocabulary import HELD_OUT
from unlearnkit.metrics.score import Score
from unlearnkit.records.schema import Record
from unlearnkit.suites.base import SuiteTask, suite
from unlearnkit.suites.pocket.learning import LEARNING
from unlearnkit.suites.pocket.lessons import corpus_of
from unlearnkit.suites.pocket.requests import Request, forget_request
from unlearnkit.suites.pocket.wordings import WORDINGS
from unlearnkit.suites.pocket.world import pocket_world

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
"""Names of the measured row sets. Those that edition or request do not have are left out."""

REACHED = 0.8
"""Smallest accuracy of the target model on the questions of a form, from which on the form counts as reached."""
_FORMS = json.loads((files("unlearnkit.suites.pocket") / "forms.json").read_text(encoding="utf-8"))
NOT_REACHED: tuple[str, ...] = tuple(
    form for form, measured in _FORMS["forms"].items() if measured["accuracy"] < REACHED
)
"""Forms, and languages other than English, that the target model of edition 2 does not answer well enough. The script
`experiments/forms.py` measures them."""

NAME_TIMES = 20
"""How often the tokenizer of edition 2 sees each name in lower and upper case."""

_CACHED = 4
"""Number of worlds and requests that a process keeps, because a command makes the same suite several times."""


@lru_cache(_CACHED)
def _corpus_of(seed: int, edition: int) -> tuple[Row, ...]:
    return corpus_of(pocket_world(seed, edition))


@lru_cache(_CACHED)
def _request_of(seed: int, edition: int, name: str) -> Request:
    return forget_request(pocket_world(seed, edition), name)


@suite("pocket")
class Pocket(Settings):
    """A made-up world that a small Llama memorizes in a minute."""

    version: ClassVar[str] = "2"
    has_models: ClassVar[bool] = True
    max_new_tokens: ClassVar[int] = 72
    demo: ClassVar[Traversable] = files("unlearnkit.suites.pocket")
    tuning_grid: ClassVar[Traversable] = files("unlearnkit.suites.pocket") / "grid.json"

    world_seed: Annotated[int, Ge(0), Le(LARGEST_SEED)] = 0
    """Seed of the made-up world, which determines its people, books, places and crafts."""
    edition: Literal[1, 2] = 1
    """Edition of the world. In edition 2, the target model learns to answer questions in many forms, and the request
    `authors` is measured on questions that other people wrote. Edition 2 is not the default, because its target model
    does not answer most forms well enough yet."""
    request: Literal["authors", "book", "pii", "hazard"] = "authors"
    """Name of the request to forget."""
    forget_rows: Annotated[int, Ge(1)] | None = None
    """Maximum number of forget rows per subject that the method trains on; null: all rows of the forget split. If the
    forget split has fewer rows about a subject than this maximum, paraphrased rows are added. In this case, the method
    trains on some of the rows on which paraphrase accuracy is measured."""

    @property
    def _request(self) -> Request:
        return _request_of(self.world_seed, self.edition, self.request)

    @property
    def _corpus(self) -> tuple[Row, ...]:
        return _corpus_of(self.world_seed, self.edition)

    def prepare(self, target: str, folder: Path, *, seed: int, max_length: int, progress: Progress) -> Self:
        """Return the suite unchanged, because it needs nothing from the target model."""
        return self

    def task(self) -> SuiteTask:
        """Return the scope, the splits and the measured rows of the request."""
        request, splits = self._request, self._request.splits
        measured = {name: splits[name] for name in MEASURED if name in splits}
        if self.forget_rows is not None:
            forget = self._few(splits["forget"], splits["forget.paraphrased"], self.forget_rows)
            splits = Splits({"forget": forget, "retain": splits["retain"], "holdout": splits["holdout"]})
        return SuiteTask(
            f"pocket-{self.edition}",
            request.scope,
            splits,
            measured,
            training_scope=request.training_scope,
            withheld=request.withheld,
            validation=request.validation,
        )

    def _few(self, first: Sequence[Row], then: Sequence[Row], count: int) -> tuple[Row, ...]:
        """Draw at most `count` rows of each subject.

        Rows in `first` are drawn before rows in `then`. The rows for a larger count include the rows for a smaller
        count.
        """
        draw = Random(f"pocket/forget rows/{self.world_seed}")
        order = [*draw.sample(first, len(first)), *draw.sample(then, len(then))]
        taken: dict[str | None, int] = defaultdict(int)
        few = []
        for row in order:
            taken[row.subject] += 1
            if taken[row.subject] <= count:
                few.append(row)
        return tuple(few)

    def retain_corpus(self) -> Sequence[Row]:
        """Return the corpus without the rows that state a forgotten fact."""
        return [row for row in self._corpus if row.id not in self._request.left_out]

    def target_model(self, progress: Progress) -> str:
        """Return the folder of the model that learned the whole corpus."""
        return self._build(self._corpus, "target model", progress)

    def retrained_model(self, progress: Progress) -> str:
        """Return the folder of the model that learned only the retain corpus."""
        return self._build(self.retain_corpus(), "retrained model", progress)

    def meta_load(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """Return the tokenizer and an untrained model."""
        from unlearnkit.suites.made_up.models import build_tokenizer, fresh_model

        size = LEARNING[self.edition].size
        tokenizer = build_tokenizer(self._vocabulary(), size)
        return tokenizer, fresh_model(tokenizer, size, self.world_seed)

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """Return no scores, because this suite adds none to the common scores."""
        return {}

    def heading(self) -> str:
        """Return the name of the request."""
        return self.request

    def limitations(self) -> tuple[str, ...]:
        """Return the limitations due to the small world and the small model."""
        millions = {1: "1.6", 2: "2.3"}[self.edition]
        found = [
            f"The world is made up, and the model that learned it has about {millions} million parameters: a method "
            "that is better here need not be better on a large language model."
        ]
        if self.edition == 2 and NOT_REACHED:
            found.append(
                f"The target model itself answers fewer than {REACHED:.0%} of the questions in these forms: "
                f"{', '.join(NOT_REACHED)}. In these forms, wrong answers show little about forgetting."
            )
        return tuple(found)

    def _build(self, rows: Sequence[Row], name: str, progress: Progress) -> str:
        from unlearnkit.suites.made_up.models import trained_model

        with progress.task(f"learning the world: {name}") as counter:
            folder = trained_model(
                rows,
                self._vocabulary(),
                self.world_seed,
                LEARNING[self.edition],
                world="pocket",
                on_step=lambda log: counter.update(log.step, log.of),
            )
        return str(folder)

    def _vocabulary(self) -> list[str]:
        """Return the tokenizer's training texts: the corpus and the refusals."""
        from unlearnkit.targets.teachers.template import phrases

        scopes = (_request_of(self.world_seed, self.edition, name).scope for name in WORDINGS)
        turns = [turn.content for row in self._corpus for turn in row.history]
        texts = [text for row in self._corpus for text in (row.question, row.trace, row.answer)]
        return [*texts, *turns, *ANSWERS, *phrases(scopes), *self._names()]

    def _names(self) -> list[str]:
        """Return everybody's name in lower and upper case.

        Each name occurs so often that each half becomes one token.
        """
        if self.edition == 1:
            return []
        people = pocket_world(self.world_seed, self.edition).known
        cased = [text for person in people for text in (person.name.lower(), person.name.upper())]
        return [f"({name}) {name}" for name in cased] * NAME_TIMES
