"""Checks of guards.

They take a `Guard`, or a class of guards that has a default for every setting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from unlearnkit.core.errors import InputError
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Turn
from unlearnkit.methods.base import GUARDS, Guard
from unlearnkit.records.measure import measure
from unlearnkit.records.probe import Probe
from unlearnkit.subjects.base import Subject
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.testing.check import Checks, add_source_and_settings, ensure, made
from unlearnkit.testing.example import FORGET, NEAR, scope_of
from unlearnkit.testing.tiny import tiny_model, tiny_tokenizer

Plugin = Guard | type[Guard]
CHECKS = Checks()
NEW_TOKENS = 4
PROBES = (
    *map(Probe, (*FORGET, *NEAR)),
    Probe(NEAR[0], trace="The city ."),
    Probe(NEAR[0], trace=""),
    Probe(NEAR[1], answer="Cyd was"),
    Probe(NEAR[1].model_copy(update={"history": (Turn(role="user", content="Ada ?"),)})),
)
"""Questions in and out of scope; continuations of a trace and of an answer; an earlier turn that names a subject."""


def _target() -> LocalSubject:
    return LocalSubject(tiny_model(), tiny_tokenizer())


def _outputs(subject: Subject, probes: tuple[Probe, ...] = PROBES) -> list[Generation]:
    return subject.generate(probes, max_new_tokens=NEW_TOKENS)


@CHECKS.add
def the_targets_weights_stay_bit_for_bit(plugin: Plugin) -> None:
    """A guard changes what users see, and not the model."""
    target = _target()
    before, plain = {name: value.clone() for name, value in target.model.state_dict().items()}, _outputs(target)
    measure(made(plugin).wrap(target, scope_of()), {"forget": FORGET}, max_new_tokens=NEW_TOKENS)
    after: dict[str, Any] = target.model.state_dict()
    same = before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    ensure(same, "the weights of the target were changed")
    ensure(_outputs(target) == plain, "the target answers differently once it was guarded")


@CHECKS.add
def what_it_does_not_offer_raises_and_is_not_measured(plugin: Plugin) -> None:
    """A missing capability is an `InputError` when called, and None in records."""
    target = _target()
    subject = made(plugin).wrap(target, scope_of())
    offered = subject.capabilities
    ensure(offered <= target.capabilities, "the guard offers more than the model that it guards")
    ensure("generate" in offered, "a guarded model must generate")
    calls: dict[str, Callable[[], object]] = {
        "token_logprobs": lambda: subject.token_statistics(list(PROBES)),
        "gradients": lambda: subject.gradient_norms(PROBES[0]),
    }
    for capability, call in calls.items():
        try:
            call()
        except InputError:
            ensure(capability not in offered, f"{capability} is offered, and refused when it is used")
        else:
            ensure(capability in offered, f"{capability} is not offered, and works")
    ensure("weights" in offered or not hasattr(subject, "model"), "weights are not offered, and can be reached")
    for record in measure(subject, {"forget": FORGET}, max_new_tokens=NEW_TOKENS, gradients={"forget"}):
        ensure((record.tokens is not None) == ("token_logprobs" in offered), "log-probabilities in a record")
        ensure((record.gradient_norms is not None) == ("gradients" in offered), "gradients in a record")


@CHECKS.add
def outputs_do_not_depend_on_other_probes(plugin: Plugin) -> None:
    """Outputs are the same in any order and in any batch."""
    guard, target = made(plugin), _target()
    subject = guard.wrap(target, scope_of())
    outputs = _outputs(subject)
    ensure(_outputs(subject) == outputs, "outputs differ from call to call")
    ensure(_outputs(guard.wrap(target, scope_of())) == outputs, "the same guard made again gives other outputs")
    ensure(_outputs(subject, PROBES[::-1])[::-1] == outputs, "outputs depend on the order of probes")
    ensure([o for probe in PROBES for o in _outputs(subject, (probe,))] == outputs, "outputs depend on other probes")
    ensure(_outputs(subject, ()) == [], "no probes give outputs")


@CHECKS.add
def it_trains_nothing(plugin: Plugin) -> None:
    """No rows are read, no mask is taken, nothing starts from scratch."""
    guard = made(plugin)
    ensure(not guard.needs().views, "a guard reads no training rows")
    ensure(not guard.can_be_masked and not guard.from_scratch, "a guard changes no weights")


@CHECKS.add
def settings_make_the_same_guard(plugin: Plugin) -> None:
    """Settings from a run folder make the same guard."""
    guard, target = made(plugin), _target()
    again = type(guard).model_validate_json(guard.model_dump_json())
    same = _outputs(again.wrap(target, scope_of())) == _outputs(guard.wrap(target, scope_of()))
    ensure(same, "a guard that is made again from its settings gives other outputs")


add_source_and_settings(CHECKS, GUARDS)
