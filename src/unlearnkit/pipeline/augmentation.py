"""Scope augmentation of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from unlearnkit.core.environment import device_errors
from unlearnkit.core.errors import InputError
from unlearnkit.core.files import reading
from unlearnkit.data.augment import AugmentSettings, ComposedRow, draw_evenly, read_composed, write_composed
from unlearnkit.data.encoding import ChatEncoder, TooLong
from unlearnkit.data.rows import Row
from unlearnkit.methods.composition import keeping_doubtful
from unlearnkit.methods.quantities import Quantity
from unlearnkit.runs.state import Composed
from unlearnkit.scope.questions.compose import mentions
from unlearnkit.scope.questions.context import words_of
from unlearnkit.scope.questions.forms import form_names
from unlearnkit.scope.questions.question import ADAPTED, EXCHANGED, GENERAL, ScopeQuestion
from unlearnkit.scope.questions.wordings import LANGUAGES
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.files.suite import AUTO
from unlearnkit.targets.compose import composed_rows
from unlearnkit.training.settings import FORGOTTEN
from unlearnkit.training.step import split_of
from unlearnkit.training.views import IDK, TARGET, taught_splits

if TYPE_CHECKING:
    from unlearnkit.pipeline.context import RunContext

COST = 2.0
"""Number of trained rows that take as long as one composed question, whose answer must be generated."""
FEWEST = 64
"""Number of questions that `amount: auto` composes at least, however short the training is."""


class Augmentation:
    """Composes rows from the scope for a run's training.

    A composed row in scope is a forget row. Its answer is the target model's own output, so it means the same to each
    method as any forget row: objectives push away from the answer, or teach a target or "I don't know" instead. A
    composed row out of scope is a retain row.

    Args:
        context: the run's context. The target model is loaded only when its outputs are needed.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context

    @property
    def settings(self) -> AugmentSettings | None:
        """The settings; None if no rows are composed."""
        method = self._context.method
        return self._context.recipe.augment if method.augmented and not method.from_scratch else None

    @property
    def share(self) -> float:
        """Share of composed rows in a step; 0 without composed rows."""
        return 0.0 if self.settings is None else self.settings.share

    @cached_property
    def questions(self) -> tuple[ScopeQuestion, ...]:
        """The composed questions, for training.

        Questions on which the model is measured are not among them.
        """
        if self.settings is None:
            return ()
        context, task, splits = self._context, self._context.task, self._context.training_splits
        scope, forms = context.scope, self.settings.forms
        _refuse_unknown("languages", self.settings.languages, LANGUAGES)
        _refuse_unknown("forms", forms, form_names())
        if self.settings.languages is not None:
            scope = scope.model_copy(update={"languages": self.settings.languages})
        measured = [row for sets in (task.measured, task.validation) for rows in sets.values() for row in rows]
        questions = mentions(scope, splits["forget"], splits.get("retain", ()), measured, task.withheld)
        if forms is not None:
            questions = tuple(each for each in questions if each.row.wording in forms)
        if "retain" not in self._needed:
            questions = tuple(each for each in questions if not each.stays)
        if not taught_splits(context.needs):
            # Only a taught trace begins with a note. Other methods need each question once, with the model's own note.
            questions = tuple({each.row.prompt: each.with_own_note() for each in questions}.values())
        return tuple(draw_evenly(questions, _drawn_by(scope), self._amount(), context.seed))

    def _amount(self) -> int:
        """Return the maximum number of questions."""
        settings, context = self.settings, self._context
        assert settings is not None
        if settings.amount != "auto":
            return settings.amount
        train, forget = context.train_settings, len(context.training_splits["forget"])
        steps = train.total_steps(forget, train.rows("forget"))
        passes = steps * sum(train.rows(split_of(view)) for view in context.needs.views)
        longer = 1 / (1 - settings.share) if train.epochs is not None else 1.0
        return max(FEWEST, int((2 - longer) * passes / COST))

    @cached_property
    def rows(self) -> list[ComposedRow]:
        """The composed rows.

        They are made on first access and kept in the run's folder.
        """
        if not self.questions:
            return []
        folder, context = self._context.folder, self._context
        if folder.state().composed is not None:
            with reading(folder.composed_file):
                return read_composed(folder.composed_file)
        began = time.monotonic()
        with device_errors():
            rows = composed_rows(
                context.scope,
                self.questions,
                context.generate,
                context.training_splits.get("retain", ()),
                context.task.withheld,
                answered=self._answered,
            )
        rows = fitting(rows, context.encoder)
        if not rows:
            context.progress.log("no row is composed: the target model gave no usable answer to a composed question")
        write_composed(folder.composed_file, rows)
        made = Composed(
            seconds=time.monotonic() - began,
            questions=len(self.questions),
            forget=sum(any(self._is_in(split, row) for split in FORGOTTEN) for row in rows),
            retain=sum(self._is_in("retain", row) for row in rows),
        )
        folder.update(composed=made)
        return rows

    @property
    def _needed(self) -> set[str]:
        return {split_of(view) for view in self._context.needs.views}

    @property
    def _answered(self) -> bool:
        """Whether the method reads own answers to questions in scope."""
        views = (view.partition(":") for view in self._context.needs.views)
        return any(split in FORGOTTEN and variant not in (TARGET, IDK) for split, _, variant in views)

    def placeholders(self) -> list[ComposedRow]:
        """Return the composed questions without outputs."""
        return [
            ComposedRow(row=each.row, stays=each.stays, note=each.note(""), given=each.topic is not None)
            for each in self.questions
        ]

    def added(self, splits: Mapping[str, Sequence[Row]], composed: Sequence[ComposedRow]) -> dict[str, Sequence[Row]]:
        """Return the splits, with composed rows at their ends.

        If the answers of a split are only unlearned and not replaced, composed rows whose answers tell nothing are left
        out: unlearning them would damage other knowledge.
        """
        rows = dict(splits)
        for split in self._needed & {*FORGOTTEN, "retain"}:
            rows[split] = [*splits.get(split, ()), *(each.row for each in composed if self._is_in(split, each))]
        return rows

    def _is_in(self, split: str, each: ComposedRow) -> bool:
        """Return whether the method trains on a composed row in this split."""
        if split not in self._needed:
            return False
        if split in FORGOTTEN:
            return not each.stays and (each.tells or split in self._replaced)
        # A method that can only learn labels does not get doubtful ones.
        return each.stays and not (each.doubtful and self._learns_labels)

    @cached_property
    def _replaced(self) -> set[str]:
        """Splits of which some view has replacement answers."""
        views = (view.partition(":") for view in self._context.needs.views)
        return {split for split, _, variant in views if variant in (TARGET, IDK)}

    @cached_property
    def _learns_labels(self) -> bool:
        """Whether the method would learn doubtful labels.

        Other methods keep the target model's distribution there.
        """
        objective = getattr(self._context.method, "objective", None)
        needs = self._context.needs if objective is None else keeping_doubtful(objective).needs()
        return {Quantity("retain", "logps")} == needs.quantities & {
            Quantity("retain", kind) for kind in ("logps", "kl")
        }

    def origins(self, splits: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, int]]:
        """Return the number of trained rows, by split and origin."""
        written = {name for name, file in self._context.recipe.data.items() if file == AUTO}
        doubts = sum(each.doubtful and self._is_in("retain", each) for each in self.rows)
        found: dict[str, dict[str, int]] = {}
        for split in sorted(self._needed & set(splits)):
            given, doubtful = len(self._context.training_splits.get(split, ())), doubts * (split == "retain")
            counts = {
                "written" if split in written else "given": given,
                "composed": len(splits[split]) - given - doubtful,
                "doubtful": doubtful,
            }
            found[split] = {origin: count for origin, count in counts.items() if count}
        return found


def _refuse_unknown(setting: str, given: Sequence[str] | None, allowed: Sequence[str]) -> None:
    """Raise `InputError` if a setting lists something without templates."""
    if unknown := next((name for name in given or () if name not in allowed), None):
        raise InputError(
            f"there are no questions of this kind, so no rows can be composed ({setting})",
            where=f"data.augment.{setting}",
            value=unknown,
            allowed=", ".join(allowed),
            fix=f"correct the name, or set data.augment.{setting} to null for all {setting}",
        )


def fitting(rows: Iterable[ComposedRow], encoder: ChatEncoder) -> list[ComposedRow]:
    """Return the rows that leave enough room for an answer.

    A question may take half of the maximum length, so that a target fits, too. The model's own answer must fit.
    """

    def fits(row: Row) -> bool:
        if 2 * len(encoder.prompt(row.question, row.history)) > encoder.max_length:
            return False
        try:
            encoder.answer(row.question, row.answer, history=row.history, where=row.id)
        except TooLong:
            return False
        return True

    return [each for each in rows if fits(each.row)]


def _drawn_by(scope: Scope) -> Sequence[Callable[[ScopeQuestion], Hashable]]:
    """Return what equally many questions are drawn of.

    The first function returns a question's largest group, and the last its smallest.
    """
    listed = {subject.name for subject in (*scope.subjects, *scope.neighbors)}
    known = {word for subject in scope.subjects for word in words_of(subject.name)}

    def kind(question: ScopeQuestion) -> tuple[bool, bool, bool]:
        subject = question.row.subject or ""
        return subject in listed, not known.isdisjoint(words_of(subject)), question.row.wording == EXCHANGED

    return (
        lambda question: question.stays,
        # Who is listed, whose name shares a word with a subject's name, and who is neither.
        kind,
        lambda question: question.row.subject,
        # Half of the questions about a subject contain its whole name. The others ask through aliases, short forms of
        # the name, and secrets.
        lambda question: question.name == question.row.subject,
        lambda question: question.name,
        # Half of them are in usual words, and half in the other forms.
        lambda question: question.row.wording in (GENERAL, ADAPTED),
        lambda question: (question.row.wording, question.row.language),
        lambda question: question.topic,
    )
