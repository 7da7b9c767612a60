"""Let a run's teacher write the run's targets, once, before training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnkit.core.files import reading
from unlearnkit.data.encoding import TooLong
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target, read_targets, write_targets
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.models.generate import generate
from unlearnkit.pipeline.lift import LiftEvaluator, lift_evaluator
from unlearnkit.runs.state import Lifted, Taught
from unlearnkit.targets.base import Teacher
from unlearnkit.targets.compose import forget_targets, scope_targets
from unlearnkit.targets.llm_teacher import ChatTeacher, LLMTargetWriter, Usage
from unlearnkit.targets.prompts import VERSION
from unlearnkit.targets.retain_trace import with_trace
from unlearnkit.targets.review import read_review
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.training.views import TAUGHT, taught_splits

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
        self.questions = context.scope_questions  # empty if the method does not train on scope questions

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
            if self.taught_splits & {"forget", TAUGHT}:
                targets += forget_targets(self.splits["forget"], self.scope, teacher, seed)
            if "scope" in self.taught_splits:
                retain = self.splits.get("retain", ())
                withheld = self.context.task.withheld
                targets += scope_targets(self.scope, self.questions, teacher, seed, self._generate, retain, withheld)
        write_targets(self.folder.targets_file, targets)
        summary = self._summary(usage, len(targets), time.monotonic() - began)
        self.folder.update(targets=summary.model_copy(update={"lift": self._lift(targets)}))
        return targets

    def taught_rows(self, targets: Sequence[Target]) -> dict[str, Sequence[Row]]:
        """Return the rows to train on, by split.

        The split `scope` contains the scope questions. Scope questions without a target are omitted.
        """
        traces, rows = {target.id: target.trace for target in targets}, {**self.splits}
        if self.questions:
            known = [question for question in self.questions if question.row.id in traces]
            rows["scope"] = [question.with_prefix(traces[question.row.id]) for question in known]
        if "retain" in rows and self.taught_splits:
            rows["retain"] = with_trace(rows["retain"], self.recipe.targets.retain_trace)
        return rows

    def replace(self, file: Path, targets: Sequence[Target]) -> list[Target]:
        """Replace targets with their edited versions from a file.

        Targets whose id is not in the file are kept.

        Args:
            file: the edited file, in the format of `write_review`.
            targets: the run's current targets.

        Raises:
            InputError: a target in the file is invalid. The message names the file and the line.
        """
        own_words = frozenset(question.row.id for question in self.questions if question.stays)
        retain = self.splits.get("retain", ())
        edited = read_review(file, targets, self.rows, self.scope, self._fits, own_words=own_words, retain=retain)
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
        return {row.id: row for row in (*self.splits["forget"], *(question.row for question in self.questions))}

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

    def _generate(self, rows: Sequence[Row]) -> list[Generation]:
        """Generate the target model's outputs for rows.

        If a row has a trace, the output continues the trace. The context's model is still the target model, because
        targets are written before training.
        """
        model: Any = self.context.model
        encoder = self.context.encoder
        starts = [
            encoder.begin(row.question, row.history, trace=row.trace, closed=False)
            if row.trace
            else (encoder.prompt(row.question, row.history), ())
            for row in rows
        ]
        return generate(
            model.eval(),
            self.context.tokenizer,
            [prompt for prompt, _ in starts],
            begun=[begun for _, begun in starts],
            max_new_tokens=self.recipe.eval.max_new_tokens or self.context.suite.max_new_tokens,
        )
