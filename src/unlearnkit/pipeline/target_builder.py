"""Write the targets of a run with its teacher, once, before training."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.files import reading
from unlearnkit.core.progress import Progress
from unlearnkit.data.encoding import ChatEncoder, TooLong
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target, read_targets, write_targets
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.methods.objective import Needs
from unlearnkit.models.generate import generate
from unlearnkit.pipeline.lift import LiftEvaluator, lift_evaluator
from unlearnkit.recipe import Recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import Lifted, Taught
from unlearnkit.scope.questions.question import ScopeQuestion
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.base import Suite
from unlearnkit.targets.base import Teacher
from unlearnkit.targets.compose import forget_targets, scope_targets
from unlearnkit.targets.llm_teacher import ChatTeacher, LLMTargetWriter, Usage
from unlearnkit.targets.prompts import VERSION
from unlearnkit.targets.retain_trace import with_trace
from unlearnkit.targets.review import read_review
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.training.views import TAUGHT, taught_splits, training_renderer


@dataclass
class TargetBuilder:
    """What the targets of a run need, and are needed for."""

    recipe: Recipe
    suite: Suite
    folder: RunFolder
    progress: Progress
    permission: Permission
    _: KW_ONLY
    needs: Needs
    """Of the method."""
    scope: Scope
    splits: Mapping[str, Sequence[Row]]
    """The rows that the method may train on."""
    questions: Sequence[ScopeQuestion]
    """Questions composed from the scope; none if the method does not train on them."""
    tokenizer: PreTrainedTokenizerBase
    """Of the target model."""
    model: Callable[[], PreTrainedModel]
    """Returns the target model; called only if it has to answer itself."""

    def targets(self) -> list[Target]:
        """The texts taught in place of answers, written once.

        Empty if the method needs no targets.
        """
        splits = taught_splits(self.needs)
        if not splits:
            return []
        if self.folder.state().targets is not None:
            with reading(self.folder.targets_file):
                return read_targets(self.folder.targets_file)
        began, seed, usage = time.monotonic(), self.recipe.seed, Usage()
        targets: list[Target] = []
        with ExitStack() as shown:
            teacher = self._teacher(usage, shown)
            if splits & {"forget", TAUGHT}:
                targets += forget_targets(self.splits["forget"], self.scope, teacher, seed)
            if "scope" in splits:
                targets += scope_targets(
                    self.scope, self.questions, teacher, seed, self._say, self.splits.get("retain", ())
                )
        write_targets(self.folder.targets_file, targets)
        noted = self._noted(usage, len(targets), time.monotonic() - began)
        self.folder.update(targets=noted.model_copy(update={"lift": self._lift(targets)}))
        return targets

    def taught_rows(self, targets: Sequence[Target]) -> dict[str, Sequence[Row]]:
        """Return the rows that are trained on.

        Of the questions that are composed from the scope, only those with a target are returned.
        """
        known = {target.id: target for target in targets}
        named = self.questions if "scope" in taught_splits(self.needs) else ()
        scope = {"scope": [m.with_prefix(known[m.row.id].trace) for m in named if m.row.id in known]} if named else {}
        rows = {**self.splits, **scope}
        if "retain" in rows and taught_splits(self.needs):
            rows["retain"] = with_trace(rows["retain"], self.recipe.targets.retain_trace)
        return rows

    def replace(self, file: Path, targets: Sequence[Target]) -> list[Target]:
        """Replace targets by those of a file that a person edited.

        Targets that the file does not name stay as they are. An `InputError` names file and line.
        """
        own, retain = self._own_words, self.splits.get("retain", ())
        edited = read_review(file, targets, self.rows, self.scope, self._fits, own_words=own, retain=retain)
        new = [edited.get(target.id, target) for target in targets]
        changed = sum(old != now for old, now in zip(targets, new, strict=True))
        noted = self.folder.state().targets
        assert noted is not None  # they were written, or there would be none to edit
        write_targets(self.folder.targets_file, new)
        changes = {"edited": noted.edited + changed, "lift": self._lift(new) if changed else noted.lift}
        self.folder.update(targets=noted.model_copy(update=changes))
        self.progress.log(f"{changed} of {len(new)} targets were edited")
        return new

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The rows that may have a target, by their id."""
        named = [mention.row for mention in self.questions] if "scope" in taught_splits(self.needs) else []
        return {row.id: row for row in (*self.splits["forget"], *named)}

    @cached_property
    def _own_words(self) -> frozenset[str]:
        """Ids of the questions whose target is the model's own answer."""
        stays = "scope" in taught_splits(self.needs)
        return frozenset(mention.row.id for mention in self.questions if mention.stays) if stays else frozenset()

    @cached_property
    def _lift_evaluator(self) -> LiftEvaluator | None:
        return lift_evaluator(self.recipe, self.suite, self.splits["forget"], self.progress)

    def _lift(self, targets: Sequence[Target]) -> Lifted | None:
        """Measure how much the final targets help; None if not requested."""
        return (
            None
            if self._lift_evaluator is None
            else self._lift_evaluator.noted(targets, [self.rows[t.id] for t in targets])
        )

    @cached_property
    def _encoder(self) -> ChatEncoder:
        return training_renderer(self.tokenizer, self.recipe.train)

    def _fits(self, row: Row, target: Target) -> bool:
        try:
            self._encoder.answer(row.question, target.response, history=row.history, trace=target.trace, where=row.id)
        except TooLong:
            return False
        return True

    def _teacher(self, usage: Usage, shown: ExitStack) -> Teacher:
        """Return the recipe's teacher, with everything that a chat model needs."""
        teacher = self.recipe.make_teacher()
        if not isinstance(teacher, ChatTeacher):
            return teacher
        chat_model = teacher.chat_model(self.permission, ResponseCache(self.folder.replies), self.progress.log)

        def count(name: str, rows: int) -> Callable[[int], None]:
            return shown.enter_context(self.progress.task(name, rows)).advance

        lifting = None if self._lift_evaluator is None else self._lift_evaluator.above
        return LLMTargetWriter(teacher, chat_model, TemplateTeacher(), self._fits, count, usage, lifting)

    def _noted(self, usage: Usage, targets: int, seconds: float) -> Taught:
        name, teacher = self.recipe.targets.teacher, self.recipe.make_teacher()
        if not isinstance(teacher, ChatTeacher):
            return Taught(seconds=seconds, teacher=name, written=targets)
        price = teacher.prices
        return Taught(
            seconds=seconds,
            teacher=name,
            prompts=VERSION,
            written=usage.written,
            replaced=usage.replaced,
            turned_down=dict(usage.turned_down),
            tokens_in=usage.tokens_in,
            tokens_out=usage.tokens_out,
            cost=None if price is None else price(usage.tokens_in, usage.tokens_out),
        )

    @cached_property
    def _say(self) -> Callable[[Sequence[Row]], list[Generation]]:
        """Return a function that generates the untrained model's outputs for rows.

        Where a row has a trace, the output continues it.
        """
        model: Any = self.model()
        return partial(self._said, model.eval())

    def _said(self, model: PreTrainedModel, rows: Sequence[Row]) -> list[Generation]:
        return generate(
            model,
            self.tokenizer,
            [self._encoder.prompt(row.question, row.history) for row in rows],
            begun=[self._encoder.open_trace(row.trace) for row in rows],
            max_new_tokens=self.recipe.eval.max_new_tokens or self.suite.max_new_tokens,
        )
