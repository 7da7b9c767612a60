"""Conformance checks for guards, which apply rules around a model.

Each check takes a `Guard`, or a `Guard` class that has a default for every setting.
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
"""Probes, i.e. questions to the model. Some questions ask about the subject of the scope; the other questions ask about
other persons. Some probes also contain the beginning of a trace or of an answer, which the model continues. In the last
probe, an earlier turn of the conversation names the subject of the scope."""


def _target() -> LocalSubject:
    return LocalSubject(tiny_model(), tiny_tokenizer())


def _outputs(subject: Subject, probes: tuple[Probe, ...] = PROBES) -> list[Generation]:
    return subject.generate(probes, max_new_tokens=NEW_TOKENS)


@CHECKS.add
def the_targets_weights_stay_bit_for_bit(plugin: Plugin) -> None:
    """A guard may change outputs, but does not change the wrapped model."""
    target = _target()
    before, plain = {name: value.clone() for name, value in target.model.state_dict().items()}, _outputs(target)
    measure(made(plugin).wrap(target, scope_of()), {"forget": FORGET}, max_new_tokens=NEW_TOKENS)
    after: dict[str, Any] = target.model.state_dict()
    same = before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    ensure(same, "the guard changed the weights of the target model")
    ensure(_outputs(target) == plain, "the target model's own outputs changed after a guard wrapped the model")


@CHECKS.add
def what_it_does_not_offer_raises_and_is_not_measured(plugin: Plugin) -> None:
    """Using a capability that the guarded model lacks raises `InputError`.

    A record contains None in place of each measurement that requires a missing capability.
    """
    target = _target()
    subject = made(plugin).wrap(target, scope_of())
    offered = subject.capabilities
    ensure(offered <= target.capabilities, "the guarded model offers a capability that the target model lacks")
    ensure("generate" in offered, "a guarded model must have the capability `generate`")
    calls: dict[str, Callable[[], object]] = {
        "token_logprobs": lambda: subject.token_statistics(list(PROBES)),
        "gradients": lambda: subject.gradient_norms(PROBES[0]),
    }
    for capability, call in calls.items():
        try:
            call()
        except InputError:
            ensure(capability not in offered, f"`{capability}` is offered, but its use raises an error")
        else:
            ensure(capability in offered, f"`{capability}` is not offered, but can be used")
    ensure("weights" in offered or not hasattr(subject, "model"), "`weights` is not offered, but can be used")
    for record in measure(subject, {"forget": FORGET}, max_new_tokens=NEW_TOKENS, gradients={"forget"}):
        has_logps, has_norms = record.tokens is not None, record.gradient_norms is not None
        ensure(
            has_logps == ("token_logprobs" in offered),
            "records must contain log-probabilities if, and only if, the model offers `token_logprobs`",
        )
        ensure(
            has_norms == ("gradients" in offered),
            "records must contain gradient norms if, and only if, the model offers `gradients`",
        )


@CHECKS.add
def outputs_do_not_depend_on_other_probes(plugin: Plugin) -> None:
    """Each output depends only on its own probe.

    Neither the order of the probes nor the other probes in the same call may change an output.
    """
    guard, target = made(plugin), _target()
    subject = guard.wrap(target, scope_of())
    outputs = _outputs(subject)
    ensure(_outputs(subject) == outputs, "repeated calls give different outputs")
    ensure(_outputs(guard.wrap(target, scope_of())) == outputs, "wrapping the model again gives different outputs")
    ensure(_outputs(subject, PROBES[::-1])[::-1] == outputs, "outputs depend on the order of the probes")
    ensure([o for probe in PROBES for o in _outputs(subject, (probe,))] == outputs, "an output depends on other probes")
    ensure(_outputs(subject, ()) == [], "without probes there must be no outputs")


@CHECKS.add
def it_trains_nothing(plugin: Plugin) -> None:
    """A guard reads no training rows and trains no weights."""
    guard = made(plugin)
    ensure(not guard.needs().views, "a guard must not need training rows")
    trains = guard.can_be_masked or guard.from_scratch
    ensure(not trains, "a guard changes no weights, so `can_be_masked` and `from_scratch` must be False")


@CHECKS.add
def settings_make_the_same_guard(plugin: Plugin) -> None:
    """A guard that is restored from its settings gives the same outputs."""
    guard, target = made(plugin), _target()
    again = type(guard).model_validate_json(guard.model_dump_json())
    same = _outputs(again.wrap(target, scope_of())) == _outputs(guard.wrap(target, scope_of()))
    ensure(same, "a guard that is restored from its settings gives different outputs")


add_source_and_settings(CHECKS, GUARDS)
