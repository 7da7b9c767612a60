"""Suite `pocket`: a small synthetic world with four requests to forget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from random import Random
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from unlearnkit.data.rows import Row, Splits
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.base import SuiteTask, suite
from unlearnkit.suites.made_up.base import MEASURED, MadeUpSuite, not_reached, small_world_limitations
from unlearnkit.suites.made_up.learning import Learning
from unlearnkit.suites.made_up.request import Request
from unlearnkit.suites.pocket.learning import LEARNING
from unlearnkit.suites.pocket.lessons import corpus_of
from unlearnkit.suites.pocket.requests import forget_request, request_scope
from unlearnkit.suites.pocket.wordings import WORDINGS
from unlearnkit.suites.pocket.world import pocket_world

NOT_REACHED = not_reached(files("unlearnkit.suites.pocket"))
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
class Pocket(MadeUpSuite):
    """A made-up world that a small Llama memorizes in a minute."""

    version: ClassVar[str] = "2"
    world: ClassVar[str] = "pocket"
    max_new_tokens: ClassVar[int] = 72
    demo: ClassVar[Traversable] = files("unlearnkit.suites.pocket")
    packaged: ClassVar[Traversable | None] = files("unlearnkit.suites.pocket") / "models"
    tuning_grid: ClassVar[Traversable] = files("unlearnkit.suites.pocket") / "grid.json"

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
    asked: Literal["validation", "test"] = "test"
    """Which of the questions that other people wrote are asked, in edition 2. Choose settings on `validation`, and
    report `test`."""

    @property
    def _request(self) -> Request:
        return _request_of(self.world_seed, self.edition, self.request)

    @property
    def _corpus(self) -> tuple[Row, ...]:
        return _corpus_of(self.world_seed, self.edition)

    @property
    def _left_out(self) -> frozenset[str]:
        return self._request.left_out

    @property
    def _learning(self) -> Learning:
        return LEARNING[self.edition]

    @property
    def _scopes(self) -> tuple[Scope, ...]:
        world = pocket_world(self.world_seed, self.edition)
        return tuple(request_scope(world, name) for name in WORDINGS)

    def task(self) -> SuiteTask:
        """Return the scope, the splits and the measured rows of the request."""
        request, splits = self._request, self._request.splits
        others = request.validation
        if self.asked == "validation":
            splits = Splits({**splits, **request.validation})
            others = {name: request.splits[name] for name in request.validation}
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
            validation=others,
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

    def heading(self) -> str:
        """Return the name of the request."""
        return self.request

    def limitations(self) -> tuple[str, ...]:
        """Return the limitations due to the small world and the small model."""
        if self.edition == 1:
            return small_world_limitations("1.6", ())
        return small_world_limitations("2.3", NOT_REACHED)

    def _vocabulary(self) -> list[str]:
        """Return the tokenizer's training texts.

        In edition 2, they also have everybody's name in lower and upper case, so often that each half becomes one
        token.
        """
        texts = super()._vocabulary()
        if self.edition == 1:
            return texts
        people = pocket_world(self.world_seed, self.edition).known
        cased = [text for person in people for text in (person.name.lower(), person.name.upper())]
        return [*texts, *([f"({name}) {name}" for name in cased] * NAME_TIMES)]
