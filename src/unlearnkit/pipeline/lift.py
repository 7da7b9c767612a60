"""Measure the lift of a run's targets.

Lift is the amount by which a target's trace raises a model's log-probability of the answer.
"""

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
    """Measures the lift of targets, each target once.

    A target consists of a trace and a response. The lift of a target is the amount by which its trace raises a model's
    log-probability of the answer. Lift is measured with a model that should not know the answers. The model is
    in memory only during a measurement.
    """

    find: Callable[[], str]
    """Function that returns the folder or Hub id of the model that measures lift. The function is called only when lift
    must be measured."""
    retrained: bool
    """Whether the model that measures lift is the suite's retrained model."""
    at_most: float | None
    """Maximum lift in nats per token of the answer. A target with a higher lift helps too much. None: no maximum."""
    dtype: Dtype
    """Data type of the weights."""
    answered: frozenset[str]
    """Ids of the rows that have an answer. Lift is defined only for the targets of these rows."""
    progress: Progress
    _known: dict[Target, float] = field(default_factory=dict)

    def above(self, targets: Sequence[Target], rows: Sequence[Row]) -> list[bool]:
        """Return, for each target, whether its lift exceeds the maximum."""
        if self.at_most is None:
            return [False] * len(targets)
        known = self._measured(targets, rows)
        return [known.get(target, 0.0) > self.at_most for target in targets]

    def noted(self, targets: Sequence[Target], rows: Sequence[Row]) -> Lifted | None:
        """Summarize the lift of targets.

        Returns None if lift is defined for none of the targets.
        """
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
    """Create the lift evaluator of a recipe.

    Args:
        recipe: the recipe.
        suite: the suite, which may provide the retrained model.
        rows: the rows that have an answer.
        progress: reports progress.

    Returns:
        The evaluator; None if the recipe names no model that measures lift.
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
    """Raise an error if the recipe's lift model is missing or unusable.

    This function loads no weights. Call this function before a teacher writes targets.
    """
    named = recipe.targets.lift_model
    if named is None or (named == RETRAINED and suite.has_models):  # the suite's own retrained model is always usable
        return
    load_tokenizer(find_model(_source(named, suite, progress), where=_FIELD))


def _source(named: str, suite: Suite, progress: Progress) -> str:
    """Return the folder or Hub id of the model that measures lift.

    If the model is the suite's retrained model, the suite may build the model during this call.
    """
    source = suite.retrained_model(progress) if named == RETRAINED else named
    if source is None:
        raise InputError(
            "lift cannot be measured with the retrained model, because the suite has no retrained model",
            where=_FIELD,
            value=RETRAINED,
            fix="set suite.retrained=DIR; or set targets.lift_model=DIR to measure with another model that does not "
            "know the answers (weaker evidence); or set targets.lift_model=null to measure no lift",
        )
    return source
