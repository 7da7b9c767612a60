"""Let a run's teacher write the run's targets, once, before training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnkit.core.files import reading
from unlearnkit.data.encoding import TooLong
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target, read_targets, write_targets
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.pipeline.lift import LiftEvaluator, lift_evaluator
from unlearnkit.runs.state import Lifted, Taught
from unlearnkit.targets.base import Teacher
from unlearnkit.targets.compose import forget_targets
from unlearnkit.targets.llm_teacher import ChatTeacher, LLMTargetWriter, Usage
from unlearnkit.targets.prompts import VERSION
from unlearnkit.targets.review import read_review
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.training.views import taught_splits

if TYPE_CHECKING:
    from unlearnkit.pipeline.context import RunContext


class TargetBuilder:
    """Writes a run's targets to a file, and reads them back later.

    Args:
        context: the run's context. The target model is loaded only if some targets are outputs of the target model.
    """

    def __init__(self, context: RunContext) -> None:
        self.context, self.recipe, self.folder, self.scope = context, context.recipe, context.folder, context.scope
        self.taught_splits, self.splits = taught_splits(context.needs), context.training_splits

    def targets(self) -> list[Target]:
        """Return the run's targets, which replace answers in training.

        The targets are written on the first call, and later read from the run's folder. The list is empty if the method
        needs no targets.
        """
        if not self.taught_splits:
            return []
        if self.folder.state().targets is not None:
            with reading(self.folder.targets_file):
                return read_targets(self.folder.targets_file)
        began, seed, usage = time.monotonic(), self.recipe.seed, Usage()
        targets: list[Target] = []
        with ExitStack() as shown:
            teacher = self._teacher(usage, shown)
            for rows in (self.splits["forget"], self._to_refuse):
                targets += forget_targets(rows, self.scope, teacher, seed)
        if usage.replaced:
            self.context.progress.log(usage.failures)
        write_targets(self.folder.targets_file, targets)
        summary = self._summary(usage, len(targets), time.monotonic() - began)
        self.folder.update(targets=summary.model_copy(update={"lift": self._lift(targets)}))
        return targets

    @property
    def _to_refuse(self) -> list[Row]:
        """The composed rows in scope, each with its note as its trace."""
        return [each.to_refuse for each in self.context.augmentation.rows if not each.stays]

    def replace(self, file: Path, targets: Sequence[Target]) -> list[Target]:
        """Replace targets with their edited versions from a file.

        Targets whose id is not in the file are kept.

        Args:
            file: the edited file, in the format of `write_review`.
            targets: the run's current targets.

        Raises:
            InputError: a target in the file is invalid. The message names the file and the line.
        """
        edited = read_review(file, targets, self.rows, self.scope, self._fits)
        new = [edited.get(target.id, target) for target in targets]
        changed = sum(old != now for old, now in zip(targets, new, strict=True))
        summary = self.folder.state().targets
        assert summary is not None  # set when the targets were written, and targets are edited only later
        write_targets(self.folder.targets_file, new)
        changes = {"edited": summary.edited + changed, "lift": self._lift(new) if changed else summary.lift}
        self.folder.update(targets=summary.model_copy(update=changes))
        self.context.progress.log(f"targets: {changed} of {len(new)} were changed by the imported file")
        return new

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The rows that may have a target, by row id."""
        return {row.id: row for row in (*self.splits["forget"], *self._to_refuse)}

    @cached_property
    def _lift_evaluator(self) -> LiftEvaluator | None:
        return lift_evaluator(self.recipe, self.context.suite, self.splits["forget"], self.context.progress)

    def _lift(self, targets: Sequence[Target]) -> Lifted | None:
        """Measure how much the targets' traces help to guess the answers.

        Returns:
            A summary of the lift; None if the recipe does not request a measurement of lift.
        """
        if self._lift_evaluator is None:
            return None
        return self._lift_evaluator.noted(targets, [self.rows[target.id] for target in targets])

    def _fits(self, row: Row, target: Target) -> bool:
        encode = self.context.encoder.answer
        try:
            encode(row.question, target.response, history=row.history, trace=target.trace, where=row.id)
        except TooLong:
            return False
        return True

    def _teacher(self, usage: Usage, shown: ExitStack) -> Teacher:
        """Create the recipe's teacher, ready to write targets.

        A chat-model teacher is wrapped in an `LLMTargetWriter`, which applies the permission, the response cache and
        the maximum lift, and reports progress.
        """
        teacher, progress = self.recipe.make_teacher(), self.context.progress
        if not isinstance(teacher, ChatTeacher):
            return teacher
        chat_model = teacher.chat_model(self.context.permission, ResponseCache(self.folder.replies), progress.log)

        def count(name: str, rows: int) -> Callable[[int], None]:
            return shown.enter_context(progress.task(name, rows)).advance

        lifting = None if self._lift_evaluator is None else self._lift_evaluator.above
        return LLMTargetWriter(teacher, chat_model, TemplateTeacher(), self._fits, count, usage, lifting)

    def _summary(self, usage: Usage, targets: int, seconds: float) -> Taught:
        """Summarize how the targets were written, for the run's state."""
        teacher, name = self.recipe.make_teacher(), self.recipe.targets.teacher
        if not isinstance(teacher, ChatTeacher):
            return Taught(seconds=seconds, teacher=name, written=targets)
        cost = None if teacher.prices is None else teacher.prices(usage.tokens_in, usage.tokens_out)
        return Taught(seconds=seconds, teacher=name, prompts=VERSION, cost=cost, **vars(usage))
