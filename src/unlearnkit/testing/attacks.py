"""Conformance checks for attacks.

Each check takes an `Attack`, or an `Attack` class that has a default for every setting.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import torch

from unlearnkit.attacks.base import ATTACKED_SETS, ATTACKS, Attack, Attempt, PromptAttack
from unlearnkit.attacks.target import SubjectUnderAttack
from unlearnkit.metrics.leakage import find_leaks
from unlearnkit.records.measure import measure
from unlearnkit.records.schema import Record, by_set
from unlearnkit.subjects.base import ALL
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.testing.check import (
    Checks,
    ensure,
    ensure_documented,
    ensure_settings_documented,
    ensure_settings_frozen,
    entry_of,
    made,
)
from unlearnkit.testing.example import FORGET, NEAR, scope_of
from unlearnkit.testing.tiny import tiny_model, tiny_tokenizer

Plugin = Attack | type[Attack]
CHECKS = Checks()
NEW_TOKENS = 3
AT_MOST = 4
"""Maximum number of rows that the checks let an attack use from each set of rows, such as `forget`."""


def _subject() -> LocalSubject:
    return LocalSubject(tiny_model(), tiny_tokenizer())


@lru_cache(maxsize=1)
def _records() -> tuple[Record, ...]:
    return tuple(measure(_subject(), {"forget": FORGET, "near": NEAR}, max_new_tokens=NEW_TOKENS))


def _target() -> SubjectUnderAttack:
    return SubjectUnderAttack(
        _subject, list(_records()), scope_of(), at_most=AT_MOST, max_new_tokens=NEW_TOKENS, seed=0
    )


def _attempts(plugin: Plugin) -> list[Attempt]:
    attempts: list[Attempt] = made(plugin).attempt(_target())
    ensure(attempts, "the attack makes no attempt on a model that has every capability")
    return attempts


@CHECKS.add
def it_says_what_it_needs_and_may_spend(plugin: Plugin) -> None:
    """The attack states its name, its required capabilities and its budget."""
    attack = made(plugin)
    ensure(attack.needs <= ALL, f"`needs` names unknown capabilities: {', '.join(sorted(attack.needs - ALL))}")
    budget = attack.budget()
    ensure(isinstance(budget, str) and budget.strip(), "`budget` must state in words what the attacker may spend")
    ensure(attack.name(), "the attack has no name")


@CHECKS.add
def it_asks_rows_of_the_forget_sets_alone(plugin: Plugin) -> None:
    """An attack uses only the rows that `SubjectUnderAttack.chosen` returns.

    Within one attempt, each row is used at most once. Rows to which the attack does not apply are counted in
    `left_out`.
    """
    target, name = _target(), made(plugin).name()
    for attempt in _attempts(plugin):
        named = attempt.name == name or attempt.name.startswith(f"{name}.")
        ensure(named, f"the name of an attempt must be {name!r} or begin with '{name}.'")
        ensure(attempt.records, "an attempt has no records")
        for split, members in by_set(attempt.records).items():
            ensure(split in ATTACKED_SETS, f"the attack uses the set {split!r}, which is not a forget set")
            ids = [record.row.id for record in members]
            chosen = {row.id for row in target.chosen(split)}
            ensure(len(ids) == len(set(ids)), "a row is used twice in one attempt")
            ensure(set(ids) <= chosen, "the attack uses rows that were not chosen")
            count = len(ids) + attempt.left_out.get(split, 0)
            ensure(count <= len(chosen), "more rows are used or left out than were chosen")


@CHECKS.add
def records_hold_output_and_log_probabilities(plugin: Plugin) -> None:
    """Every record has an output and log-probabilities.

    The scores of an attack are computed from the output and the log-probabilities.
    """
    for attempt in _attempts(plugin):
        for record in attempt.records:
            ensure(record.generation is not None, "a record has no output")
            ensure(record.tokens is not None and record.tokens.logps, "a record has no log-probabilities")


@CHECKS.add
def it_is_the_same_each_time(plugin: Plugin) -> None:
    """Repeated calls give the same attempts.

    Random choices may depend only on `SubjectUnderAttack.seed`.
    """
    ensure(_attempts(plugin) == _attempts(plugin), "repeated calls give different attempts")


@CHECKS.add
def it_leaves_the_subject_as_it_is(plugin: Plugin) -> None:
    """The attack changes neither the attacked model's weights nor the records.

    An attack may train only copies of the model. `SubjectUnderAttack.trained` creates these copies.
    """
    target, records = _target(), [record.model_copy(deep=True) for record in _records()]
    subject = target.subject
    assert isinstance(subject, LocalSubject)
    before = {name: value.clone() for name, value in subject.model.state_dict().items()}
    made(plugin).attempt(target)
    after: dict[str, Any] = subject.model.state_dict()
    same = before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    ensure(same, "the attack changed the weights of the attacked model")
    ensure(list(_records()) == records, "the attack changed the records")


@CHECKS.add
def no_question_holds_a_secret(plugin: Plugin) -> None:
    """No question contains a secret.

    If a question contained a secret, finding the secret in the output would prove nothing.
    """
    scope, plain = scope_of(), {row.id: row for row in FORGET}
    # The original row is passed to `find_leaks`, because a secret in the question of that row does not count as a leak.
    # If the attack's row were passed, no secret in the rewritten question would be found.
    for attempt in _attempts(plugin):
        for record in attempt.records:
            leaked = find_leaks(record.row.question, plain[record.row.id], scope)
            ensure(not leaked, "a question contains a secret")
    attack = made(plugin)
    if isinstance(attack, PromptAttack):
        for row in FORGET:
            put = attack.rewrite(row, random.Random(row.id))
            if put is not None:
                ensure(put.row.id == row.id, "`rewrite` must keep the row's id")
                ensure(put.row.answers == row.answers, "`rewrite` must keep the row's answers")
                ensure(not find_leaks(put.row.question, row, scope), "a question contains a secret")


@CHECKS.add
def it_is_registered_and_documented(plugin: Plugin) -> None:
    """The attack is registered, and its class and settings have docstrings."""
    ensure_documented(entry_of(ATTACKS, plugin))
    ensure_settings_documented(plugin)


@CHECKS.add
def settings_are_frozen_and_survive_json(plugin: Plugin) -> None:
    """Settings are frozen and can be restored from JSON.

    Run folders store settings as JSON.
    """
    ensure_settings_frozen(made(plugin))
