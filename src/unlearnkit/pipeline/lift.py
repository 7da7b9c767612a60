"""Measure the lift of a run's targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.data.vocabulary import RETRAINED
from unlearnkit.models.folder import find_model
from unlearnkit.models.load import load_tokenizer
from unlearnkit.models.settings import Dtype
from unlearnkit.recipe import Recipe
from unlearnkit.runs.state import Lifted
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.suites.base import Suite
from unlearnkit.targets.lift import measured_lift

_FIELD = "targets.lift_model"


@dataclass
class LiftEvaluator:
    """Measures how much targets' traces help to guess the answers.

    It does so under a model that should not know the answers. The model is in memory only while it measures, and the
    lift of a target is measured only once.
    """

    find: Callable[[], str]
    """Returns the model's folder or Hub id; called when something must be measured."""
    retrained: bool
    """Whether it is the suite's retrained model."""
    at_most: float | None
    """Limit in nats per token, above which a target helps too much; None for no limit."""
    dtype: Dtype
    """Data type of the weights."""
    answered: frozenset[str]
    """Ids of the rows that have an answer. No other row's target has a lift."""
    progress: Progress
    _known: dict[Target, float] = field(default_factory=dict)

    def above(self, targets: Sequence[Target], rows: Sequence[Row]) -> list[bool]:
        """Return whether each target helps too much with its row."""
        if self.at_most is None:
            return [False] * len(targets)
        known = self._measured(targets, rows)
        return [known.get(target, 0.0) > self.at_most for target in targets]

    def noted(self, targets: Sequence[Target], rows: Sequence[Row]) -> Lifted | None:
        """Summarize the lift of targets; None if no row has an answer."""
        known = self._measured(targets, rows)
        values = [known[target] for target in targets if target in known]
        if not values:
            return None
        return Lifted(
            retrained=self.retrained,
            targets=len(values),
            mean=sum(values) / len(values),
            highest=max(values),
            at_most=self.at_most,
            above=0 if self.at_most is None else sum(value > self.at_most for value in values),
        )

    def _measured(self, targets: Sequence[Target], rows: Sequence[Row]) -> dict[Target, float]:
        asked = {t: row for t, row in zip(targets, rows, strict=True) if row.id in self.answered}
        missing = {target: row for target, row in asked.items() if target not in self._known}
        if missing:
            with self.progress.task("measuring lift"):
                subject = LocalSubject.load(self.find(), self.dtype, where=_FIELD)
                pairs = list(missing), list(missing.values())
                lifts = measured_lift(subject.model, subject.tokenizer, *pairs, max_length=subject.positions)
            self._known |= zip(missing, lifts, strict=True)
        return {target: self._known[target] for target in asked}


def lift_evaluator(recipe: Recipe, suite: Suite, rows: Sequence[Row], progress: Progress) -> LiftEvaluator | None:
    """Return the recipe's lift evaluator; None if it requests none.

    `rows` are those with an answer.
    """
    named = recipe.targets.lift_model
    if named is None:
        return None
    return LiftEvaluator(
        find=partial(_source, named, suite, progress),
        retrained=named == RETRAINED,
        at_most=recipe.targets.lift_at_most,
        dtype=recipe.model.dtype,
        answered=frozenset(row.id for row in rows),
        progress=progress,
    )


def refuse_unusable_lift_model(recipe: Recipe, suite: Suite, progress: Progress) -> None:
    """Raise if lift cannot be measured under the recipe's model.

    It is called before any teacher is asked, and loads no weights.
    """
    named = recipe.targets.lift_model
    if named is None or (named == RETRAINED and suite.has_models):  # the suite's own retrained model fits
        return
    load_tokenizer(find_model(_source(named, suite, progress), where=_FIELD))


def _source(named: str, suite: Suite, progress: Progress) -> str:
    """Return the folder or Hub id of the model.

    A suite may build its retrained model now.
    """
    source = suite.retrained_model(progress) if named == RETRAINED else named
    if source is None:
        raise InputError(
            "lift should be measured under the retrained model, and there is none",
            where=_FIELD,
            value=RETRAINED,
            fix="name it: suite.retrained=DIR; or another model that does not know the answers, which is weaker "
            "evidence: targets.lift_model=DIR; or none: targets.lift_model=null",
        )
    return source
