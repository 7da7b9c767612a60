"""Conformance checks for suites, i.e. benchmarks for unlearning.

Each check takes a `Suite`, or a `Suite` class that has a default for every setting.
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
"""Maximum processor time of one call to `task`, in seconds."""
FEW = 4
"""Number of rows per set in the made-up records."""


@CHECKS.add
def the_task_is_fast_and_the_same_each_time(plugin: Any) -> None:
    """The method `task` is fast and always returns the same task.

    A second suite with the same settings must also return this task.
    """
    suite: Suite = made(plugin)
    began = time.process_time()
    first = suite.task()
    ensure(time.process_time() - began < MOST_SECONDS, f"`task` takes more than {MOST_SECONDS:g} s of processor time")
    again = suite.task()
    ensure(first == again or _parts(first) == _parts(again), "repeated calls of `task` return different tasks")
    assert isinstance(suite, Settings)
    other: Any = type(suite).model_validate_json(suite.model_dump_json())
    ensure(_parts(other.task()) == _parts(first), "a suite with the same settings returns a different task")


def _parts(task: Any) -> tuple[Any, ...]:
    measured = {name: tuple(rows) for name, rows in task.measured.items()}
    own = (task.unspoken, task.gradients, task.to_be_written, task.training_scope, task.withheld, dict(task.validation))
    return (task.suite, task.scope, dict(task.splits), measured, *own)


@CHECKS.add
def the_forget_rows_are_trained_on_and_measured(plugin: Any) -> None:
    """There are forget rows for training and forget rows for measurement.

    There must also be a retain split, which may be empty.
    """
    task = made(plugin).task()
    ensure(task.splits.get("forget"), "there are no forget rows for training")
    ensure("retain" in task.splits, "there is no split 'retain'; an empty split is enough")
    ensure(task.measured.get("forget"), "the set 'forget' is not measured")
    for name in task.to_be_written:
        ensure(not task.splits[name], f"the split {name!r} is in `to_be_written`, but already has rows")


@CHECKS.add
def row_ids_are_unique_and_mean_one_row(plugin: Any) -> None:
    """Row ids are unique within each measured set.

    If an id occurs in several splits or sets, the row must be the same everywhere.
    """
    task = made(plugin).task()
    rows = {row.id: row for split in task.splits.values() for row in split}
    for name, members in task.measured.items():
        ids = [row.id for row in members]
        ensure(len(ids) == len(set(ids)), f"two rows of the measured set {name!r} have the same id")
        for row in members:
            ensure(rows.setdefault(row.id, row) == row, f"a row of the set {name!r} has the id of a different row")


@CHECKS.add
def what_is_retained_is_not_forgotten(plugin: Any) -> None:
    """The retain corpus contains no forget row.

    Measured sets contain no forget row either, except for sets whose names begin with `forget`.
    """
    suite = made(plugin)
    task = suite.task()
    forget = {row.id for row in task.splits["forget"]}
    ensure(forget.isdisjoint(row.id for row in suite.retain_corpus()), "the retain corpus contains a forget row")
    for name, members in task.measured.items():
        if name.partition(".")[0] != "forget":
            ensure(forget.isdisjoint(row.id for row in members), f"the set {name!r} contains a forget row")


@CHECKS.add
def the_scope_covers_the_forget_rows(plugin: Any) -> None:
    """The scope covers the subject of every forget row.

    Forget rows without a subject are not checked. No neighbor in the scope may have the name of a subject.
    """
    task = made(plugin).task()
    for row in task.splits["forget"]:
        ensure(row.subject is None or task.scope.covers(row.subject), "the scope lacks the subject of a forget row")
    both = any(task.scope.covers(neighbor.name) for neighbor in task.scope.neighbors)
    ensure(not both, "a neighbor of the scope is also a subject of the scope")


@CHECKS.add
def scores_are_a_pure_function_of_records(plugin: Any) -> None:
    """Repeated calls of `scores` return the same scores.

    Every score must be finite or not measured. The calls must not change the records.
    """
    suite = made(plugin)
    found = _records(suite.task())
    before = [each.model_copy(deep=True) for each in found]
    first = suite.scores(found, [])
    ensure(suite.scores(found, []) == first, "repeated calls of `scores` return different scores")
    ensure(found == before, "`scores` changed the records")
    for name, score in first.items():
        ensure(score.value is None or math.isfinite(score.value), f"the score {name!r} is not finite")


def _records(task: Any) -> list[Record]:
    """Return made-up records of a few rows per measured set.

    The outputs are the correct answers.
    """
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
    """The heading and the limitations contain no secret.

    Both appear in reports, and a report may be shown to anyone.
    """
    suite = made(plugin)
    forms = [form for secret in suite.task().scope.secrets for form in secret.forms]
    ensure(suite.heading().strip(), "the heading is empty")
    for text in (suite.heading(), *suite.limitations()):
        ensure(not any(contains(text, form) for form in forms), "the heading or a limitation contains a secret")
    ensure(all(text.endswith(".") for text in suite.limitations()), "each limitation must end with a period")


@CHECKS.add
def it_says_what_it_has(plugin: Any) -> None:
    """The suite declares `version`, `has_models` and `max_new_tokens`."""
    suite = made(plugin)
    ensure(isinstance(suite.version, str) and suite.version, "`version` must be a string that is not empty")
    ensure(isinstance(suite.has_models, bool), "`has_models` must be a boolean")
    ensure(isinstance(suite.max_new_tokens, int) and suite.max_new_tokens > 0, "`max_new_tokens` must be positive")


@CHECKS.add
def it_is_registered_and_documented(plugin: Any) -> None:
    """The suite is registered, and its class has a docstring.

    If the suite has no field `data`, every setting must also have a docstring and a default.
    """
    ensure_documented(entry_of(SUITES, plugin))
    schema_owner = class_of(plugin)
    if "data" not in schema_owner.model_fields:
        ensure_settings_documented(plugin)


@CHECKS.add
def settings_are_frozen_and_survive_json(plugin: Any) -> None:
    """Settings are frozen and can be restored from JSON.

    Run folders store settings as JSON.
    """
    suite = made(plugin)
    ensure(isinstance(suite, Settings), "a suite's class must inherit from `Settings`")
    ensure_settings_frozen(suite)
