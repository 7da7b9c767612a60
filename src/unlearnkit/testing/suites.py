"""Checks of suites.

They take a `Suite`, or a class of suites that has a default for every setting.
"""

from __future__ import annotations

import math
import time
from typing import Any

from unlearnkit.core.settings import Settings
from unlearnkit.records.schema import Record
from unlearnkit.suites.base import SUITES, Suite
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
from unlearnkit.testing.example import record
from unlearnkit.text.normalize import contains

CHECKS = Checks()
MOST_SECONDS = 60.0
"""Processor time that `task` may take."""
FEW = 4
"""Rows of a set that made-up records are of."""


@CHECKS.add
def the_task_is_fast_and_the_same_each_time(plugin: Any) -> None:
    """Another object with the same settings has the same task."""
    suite: Suite = made(plugin)
    began = time.process_time()
    first = suite.task()
    ensure(time.process_time() - began < MOST_SECONDS, f"`task` takes more than {MOST_SECONDS:g} s of processor time")
    again = suite.task()
    ensure(first == again or _parts(first) == _parts(again), "the task differs from call to call")
    assert isinstance(suite, Settings)
    other: Any = type(suite).model_validate_json(suite.model_dump_json())
    ensure(_parts(other.task()) == _parts(first), "a suite of the same settings has another task")


def _parts(task: Any) -> tuple[Any, ...]:
    measured = {name: tuple(rows) for name, rows in task.measured.items()}
    return (task.suite, task.scope, dict(task.splits), measured, task.unspoken, task.gradients, task.to_be_written)


@CHECKS.add
def the_forget_rows_are_trained_on_and_measured(plugin: Any) -> None:
    """The splits have forget and retain rows.

    The forget rows are measured unchanged.
    """
    task = made(plugin).task()
    ensure(task.splits.get("forget"), "there are no forget rows")
    ensure("retain" in task.splits, "there is no retain split; it may be empty")
    ensure(task.measured.get("forget"), "the set 'forget' is not measured")
    for name in task.to_be_written:
        ensure(not task.splits[name], f"the split {name!r} is to be written, and has rows")


@CHECKS.add
def row_ids_are_unique_and_mean_one_row(plugin: Any) -> None:
    """Within a set, and between sets and splits."""
    task = made(plugin).task()
    rows = {row.id: row for split in task.splits.values() for row in split}
    for name, members in task.measured.items():
        ids = [row.id for row in members]
        ensure(len(ids) == len(set(ids)), f"two rows of the measured set {name!r} have the same id")
        for row in members:
            ensure(rows.setdefault(row.id, row) == row, f"a row of the set {name!r} has the id of another row")


@CHECKS.add
def what_is_retained_is_not_forgotten(plugin: Any) -> None:
    """No retain corpus or retained set contains a forget row."""
    suite = made(plugin)
    task = suite.task()
    forget = {row.id for row in task.splits["forget"]}
    ensure(forget.isdisjoint(row.id for row in suite.retain_corpus()), "the retain corpus holds a forget row")
    for name, members in task.measured.items():
        if name.partition(".")[0] != "forget":
            ensure(forget.isdisjoint(row.id for row in members), f"the set {name!r} holds a forget row")


@CHECKS.add
def the_scope_covers_the_forget_rows(plugin: Any) -> None:
    """Forget rows are about subjects of the scope, never about neighbors."""
    task = made(plugin).task()
    for row in task.splits["forget"]:
        ensure(row.subject is None or task.scope.covers(row.subject), "the scope lacks the subject of a forget row")
    ensure(not any(task.scope.covers(one.name) for one in task.scope.neighbors), "a neighbor is a subject, too")


@CHECKS.add
def scores_are_a_pure_function_of_records(plugin: Any) -> None:
    """Scores are the same each time, and finite or not measured.

    The records are not changed.
    """
    suite = made(plugin)
    found = _records(suite.task())
    before = [each.model_copy(deep=True) for each in found]
    first = suite.scores(found, [])
    ensure(suite.scores(found, []) == first, "scores differ from call to call")
    ensure(found == before, "the records were changed")
    for name, score in first.items():
        ensure(score.value is None or math.isfinite(score.value), f"the score {name!r} is not finite")


def _records(task: Any) -> list[Record]:
    """Return records of a few rows, with the answers as outputs."""
    found = []
    for name, rows in task.measured.items():
        for row in rows[:FEW]:
            made_up = record(name, row, row.answers[0])
            spoken = bool(row.question) and name not in task.unspoken
            norms = [0.5, 1.5] if name in task.gradients else None
            generation = made_up.generation if spoken else None
            found.append(made_up.model_copy(update={"generation": generation, "gradient_norms": norms}))
    return found


@CHECKS.add
def heading_and_limitations_hold_no_secret(plugin: Any) -> None:
    """Both are in reports that may be shown to anyone."""
    suite = made(plugin)
    forms = [form for secret in suite.task().scope.secrets for form in secret.forms]
    ensure(suite.heading().strip(), "the heading is empty")
    for text in (suite.heading(), *suite.limitations()):
        ensure(not any(contains(text, form) for form in forms), "heading or limitations hold a secret")
    ensure(all(text.endswith(".") for text in suite.limitations()), "limitations must be whole sentences")


@CHECKS.add
def it_says_what_it_has(plugin: Any) -> None:
    """Version, models, and the limit of an output."""
    suite = made(plugin)
    ensure(isinstance(suite.version, str) and suite.version, "`version` must be a text")
    ensure(isinstance(suite.has_models, bool), "`has_models` must be a boolean")
    ensure(isinstance(suite.max_new_tokens, int) and suite.max_new_tokens > 0, "`max_new_tokens` must be above 0")


@CHECKS.add
def it_is_registered_and_documented(plugin: Any) -> None:
    """The class has a docstring.

    So has every setting of a suite without a section `data`.
    """
    ensure_documented(entry_of(SUITES, plugin))
    schema_owner = class_of(plugin)
    if "data" not in schema_owner.model_fields:
        ensure_settings_documented(plugin)


@CHECKS.add
def settings_are_frozen_and_survive_json(plugin: Any) -> None:
    """Settings are written to run folders and read back."""
    suite = made(plugin)
    ensure(isinstance(suite, Settings), "a suite must be a class of `Settings`")
    ensure_settings_frozen(suite)
