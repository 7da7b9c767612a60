"""Conformance checks for teachers, which write the targets of forget rows.

A target is the reasoning trace and the refusal that a model learns to give in place of a forget row's answer.

Each check takes a teacher, or the class of a teacher. Such a class must have a default for every setting. A teacher is
either a `ChatTeacher`, or any object with a method `write`. The checks never query a chat model. Therefore, the prompts
of a `ChatTeacher` are checked, but not its targets.
"""

from __future__ import annotations

from typing import Any

from unlearnkit.core.settings import Settings
from unlearnkit.data.target import Target
from unlearnkit.metrics.leakage import find_leaks
from unlearnkit.scope.leak_scan.scan import scanner
from unlearnkit.scope.scope import Scope
from unlearnkit.targets.base import TEACHERS
from unlearnkit.targets.llm_teacher import ChatTeacher
from unlearnkit.testing.check import (
    Checks,
    class_of,
    ensure,
    ensure_documented,
    ensure_settings_documented,
    ensure_settings_frozen,
    entry_of,
    made,
)
from unlearnkit.testing.example import FORGET, scope_of
from unlearnkit.text.language import other_language

CHECKS = Checks()
SCOPES: tuple[Scope, ...] = tuple(scope_of(task) for task in ("profile", "copyright", "privacy", "hazard"))


def _written(plugin: Any, scope: Scope, seed: int = 0) -> list[Target]:
    """Return the targets that the teacher writes for the example's forget rows.

    The list is empty for a `ChatTeacher`, because no chat model is queried.
    """
    teacher = made(plugin)
    return [] if isinstance(teacher, ChatTeacher) else teacher.write(FORGET, scope, seed)


@CHECKS.add
def there_is_one_target_for_each_row_in_order(plugin: Any) -> None:
    """The teacher writes one target for each row.

    The targets are in the order of the rows, and have the ids of the rows.
    """
    if isinstance(made(plugin), ChatTeacher):
        return
    for scope in SCOPES:
        ids = [target.id for target in _written(plugin, scope)]
        ensure(ids == [row.id for row in FORGET], "there must be one target for each row, in order, with the row's id")
    ensure(made(plugin).write([], SCOPES[0], 0) == [], "without rows there must be no targets")


@CHECKS.add
def no_target_leaks(plugin: Any) -> None:
    """The leak scanner finds nothing in any trace or response."""
    for scope in SCOPES:
        for row, target in zip(FORGET, _written(plugin, scope), strict=False):
            findings = "; ".join(map(str, scanner(scope).scan(target, row)))
            ensure(not findings, f"a target leaks: {findings}")


@CHECKS.add
def every_response_says_something_in_the_language_of_the_question(plugin: Any) -> None:
    """Responses are not empty, and are in the question's language or English.

    A teacher that does not know the question's language may respond in English.
    """
    for scope in SCOPES:
        for row, target in zip(FORGET, _written(plugin, scope), strict=False):
            ensure(target.response.strip(), "a response is empty")
            other = other_language(target.response, (row.language, "en"))
            ensure(other is None, f"the language of the question is {row.language!r}, but the response is in {other!r}")


@CHECKS.add
def targets_are_a_function_of_row_and_seed(plugin: Any) -> None:
    """A target depends only on its row and on the seed."""
    if isinstance(made(plugin), ChatTeacher):
        return
    scope = SCOPES[0]
    first = _written(plugin, scope, 3)
    ensure(_written(plugin, scope, 3) == first, "repeated calls with the same seed give different targets")
    alone = [made(plugin).write([row], scope, 3)[0] for row in FORGET]
    ensure(alone == first, "a target depends on the other rows")


@CHECKS.add
def prompts_hold_the_question_and_no_secret(plugin: Any) -> None:
    """A prompt contains the question, but no secret and no answer."""
    teacher = made(plugin)
    if not isinstance(teacher, ChatTeacher):
        return
    for scope in SCOPES:
        for row in FORGET:
            for fault in (None, "leak in the response"):
                prompt = teacher.prompt_for(row, scope, "0", fault)
                texts = [message.content for message in prompt.messages]
                ensure(any(row.question in text for text in texts), "a prompt does not contain the row's question")
                leaked = any(find_leaks(text, row, scope) or row.answer in text for text in texts)
                ensure(not leaked, "a prompt contains a secret or the row's answer")


@CHECKS.add
def it_is_registered_and_documented(plugin: Any) -> None:
    """The teacher is registered, and its class and settings have docstrings."""
    ensure_documented(entry_of(TEACHERS, plugin))
    if issubclass(class_of(plugin), Settings):
        required = [name for name, field in class_of(plugin).model_fields.items() if field.is_required()]
        ensure_settings_documented(plugin, required=required)


@CHECKS.add
def settings_are_frozen_and_survive_json(plugin: Any) -> None:
    """Settings are frozen and can be restored from JSON.

    Run folders store settings as JSON.
    """
    teacher = made(plugin)
    ensure(isinstance(teacher, Settings), "a teacher's class must inherit from `Settings`")
    ensure_settings_frozen(teacher)
