"""The targets of a run: written once, before anything is trained, by the recipe's teacher; reviewed by a person or not.

The method learns from them what to say in place of the answers. A teacher that is a chat model is asked within the
user's permission, and what it answers is kept in the run's folder; where it fails, the template teacher writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.environment import device_errors
from unlearnkit.core.errors import InputError
from unlearnkit.core.files import reading
from unlearnkit.core.progress import Progress
from unlearnkit.data.encoding import ChatEncoder, TooLong
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target, read_targets, write_targets
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.methods.objective import Objective
from unlearnkit.models.folder import find_model
from unlearnkit.models.generate import generate
from unlearnkit.models.load import load_model, load_tokenizer
from unlearnkit.pipeline.lift import LiftEvaluator, lift_evaluator
from unlearnkit.pipeline.open_run import open_run, prepared
from unlearnkit.pipeline.preflight import scope_mentions, training_splits
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
from unlearnkit.targets.review import read_review, write_review
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.training.views import TAUGHT, taught_splits, training_renderer


def teach(
    recipe: Recipe,
    *,
    permission: Permission | None = None,
    take_from: str | Path | None = None,
    give_to: str | Path | None = None,
    progress: Progress | None = None,
) -> RunFolder:
    """Write the targets of a run before it is trained, in its folder; `run` with `resume` then trains on them.

    What is there already is not written again. Called again after a stop, it goes on.

    Args:
        recipe: whose targets.
        permission: what a teacher that is asked may be sent, and may spend; nothing is sent without it.
        take_from: a file of targets that a person edited, as `give_to` writes it; they take the place of those there.
        give_to: file for the targets, with their questions, for a person to read and edit.
        progress: tells what is being done.

    Raises:
        InputError: the method is taught no targets, or was trained already; or an edited target cannot be used.
        Interrupted, UnlearnError: the teacher did not come to an end; what it wrote is kept.
    """
    progress, permission = progress or Progress(), permission or Permission()
    if not taught_splits(recipe.make_objective()):
        raise InputError(
            "the method is taught no targets",
            where="method.name",
            value=recipe.method["name"],
            fix="take one that is: method.name=tru",
        )
    folder = open_run(recipe, resume=True, progress=progress, permission=permission)
    if take_from is not None and folder.state().fingerprints:
        raise InputError(
            "the run was trained on its targets already, or is being trained",
            where=str(folder.path),
            fix="begin anew in another folder, and give the edited targets to that: out=...",
        )
    if folder.state().purged:
        where, fix = str(folder.path), "begin anew in another folder: out=..."
        raise InputError("the run was purged, and its targets with it", where=where, fix=fix)
    if folder.state().targets is not None and take_from is None and give_to is None:
        return folder
    suite, source = prepared(recipe, folder, progress)
    found = find_model(source)

    def model() -> PreTrainedModel:
        loaded: Any = load_model(found, recipe.model.dtype)
        return loaded.cuda() if torch.cuda.is_available() else loaded  # type: ignore[no-any-return]

    target_builder = TargetBuilder(recipe, suite, folder, load_tokenizer(found), progress, permission, model)
    with device_errors():
        targets = target_builder.targets()
    if take_from is not None:
        targets = target_builder.take(Path(take_from), targets)
    if give_to is not None:
        write_review(Path(give_to), targets, target_builder.rows)
    return folder


@dataclass
class TargetBuilder:
    """What the targets of a run need, and are needed for."""

    recipe: Recipe
    suite: Suite
    folder: RunFolder
    tokenizer: PreTrainedTokenizerBase
    """The target model's."""
    progress: Progress
    permission: Permission
    model: Callable[[], PreTrainedModel]
    """Gives the target model; called only where it has to say something itself."""

    def targets(self) -> list[Target]:
        """What is taught in place of answers; written once. None where the method is taught nothing."""
        splits = taught_splits(self._objective)
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
                targets += forget_targets(self._splits["forget"], self._scope, teacher, seed)
            if "scope" in splits:
                targets += scope_targets(
                    self._scope, self._mentions, teacher, seed, self._say, self._splits.get("retain", ())
                )
        write_targets(self.folder.targets_file, targets)
        noted = self._noted(usage, len(targets), time.monotonic() - began)
        self.folder.update(targets=noted.model_copy(update={"lift": self._lift(targets)}))
        return targets

    def taught_rows(self, targets: Sequence[Target]) -> dict[str, Sequence[Row]]:
        """The rows that are trained on; of the questions composed from the scope those that have a target."""
        known = {target.id: target for target in targets}
        named = self._mentions if "scope" in taught_splits(self._objective) else ()
        scope = {"scope": [m.with_prefix(known[m.row.id].trace) for m in named if m.row.id in known]} if named else {}
        rows = {**self._splits, **scope}
        if "retain" in rows and taught_splits(self._objective):
            rows["retain"] = with_trace(rows["retain"], self.recipe.targets.retain_trace)
        return rows

    def take(self, file: Path, targets: Sequence[Target]) -> list[Target]:
        """Replace targets by those that a person edited. Raises `InputError` with file and line.

        Those that the file does not name stay as they are.
        """
        own, retain = self._own_words, self._splits.get("retain", ())
        edited = read_review(file, targets, self.rows, self._scope, self._fits, own_words=own, retain=retain)
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
        named = [mention.row for mention in self._mentions] if "scope" in taught_splits(self._objective) else []
        return {row.id: row for row in (*self._splits["forget"], *named)}

    @cached_property
    def _own_words(self) -> frozenset[str]:
        """Ids of the questions to which the model's own answers are to stay."""
        stays = "scope" in taught_splits(self._objective)
        return frozenset(mention.row.id for mention in self._mentions if mention.stays) if stays else frozenset()

    @cached_property
    def _meter(self) -> LiftEvaluator | None:
        return lift_evaluator(self.recipe, self.suite, self._splits["forget"], self.progress)

    def _lift(self, targets: Sequence[Target]) -> Lifted | None:
        """How much all targets help, as they stand in the end; None where that is not to be measured."""
        return None if self._meter is None else self._meter.noted(targets, [self.rows[t.id] for t in targets])

    @cached_property
    def _objective(self) -> Objective:
        return self.recipe.make_objective()

    @cached_property
    def _scope(self) -> Scope:
        return self.suite.task().scope

    @cached_property
    def _splits(self) -> dict[str, Sequence[Row]]:
        return training_splits(self.suite, self._objective)

    @cached_property
    def _mentions(self) -> tuple[ScopeQuestion, ...]:
        return scope_mentions(self.suite.task(), self._splits)

    @cached_property
    def _renderer(self) -> ChatEncoder:
        return training_renderer(self.tokenizer, self.recipe.train)

    def _fits(self, row: Row, target: Target) -> bool:
        try:
            self._renderer.answer(row.question, target.response, history=row.history, trace=target.trace, where=row.id)
        except TooLong:
            return False
        return True

    def _teacher(self, usage: Usage, shown: ExitStack) -> Teacher:
        """The recipe's teacher; one that is a chat model, at a desk where all is ready for it to write."""
        teacher = self.recipe.make_teacher()
        if not isinstance(teacher, ChatTeacher):
            return teacher
        chat_model = teacher.chat_model(self.permission, ResponseCache(self.folder.replies), self.progress.log)

        def count(name: str, rows: int) -> Callable[[int], None]:
            return shown.enter_context(self.progress.task(name, rows)).advance

        lifting = None if self._meter is None else self._meter.above
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
        """What the model says to rows before it is trained, going on from a row's trace where there is one."""
        model: Any = self.model()
        return partial(self._said, model.eval())

    def _said(self, model: PreTrainedModel, rows: Sequence[Row]) -> list[Generation]:
        return generate(
            model,
            self.tokenizer,
            [self._renderer.prompt(row.question, row.history) for row in rows],
            begun=[self._renderer.open_trace(row.trace) for row in rows],
            max_new_tokens=self.recipe.eval.max_new_tokens or self.suite.max_new_tokens,
        )
