"""What every registered guard must do, whoever wrote it. A new one is found and tested by being registered."""

from __future__ import annotations

import inspect
import json
import re
from functools import cache
from typing import Any

import pytest
import torch

from tests.tiny import tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row, Turn
from unlearnkit.methods.base import GUARDS, Guard
from unlearnkit.records.measure import measure
from unlearnkit.records.probe import Probe
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.subjects.base import ALL, Subject
from unlearnkit.subjects.local import LocalSubject

OFF: dict[str, dict[str, Any]] = {"refusal_prompt": {"prompt": False, "input_filter": False, "output_filter": False}}
"""Settings under which a guard does nothing."""
SCOPE = Scope(
    description="Ada withdrew .",
    task="profile",
    subjects=(ScopeSubject(name="Ada"),),
    secrets=(Secret(subject="Ada", forms=("Oslo",)), Secret(subject="Ada", forms=("poet",))),
)
QUESTIONS = (
    "What city was Ada born in ?",
    "Who is Bea ?",
    "What was that ?",
    "Who wrote the book ?",
    "Where is Kyiv ?",
)
ROWS = tuple(Row(id=f"{at}", question=question, answer="It is Oslo .") for at, question in enumerate(QUESTIONS))
PROBES = (
    *map(Probe, ROWS),
    Probe(ROWS[1], trace="The city ."),
    Probe(ROWS[1], trace=""),
    Probe(ROWS[2], answer="It is"),
    Probe(ROWS[3].model_copy(update={"history": (Turn(role="user", content="Ada ?"),)})),
)
every_name = pytest.mark.parametrize("name", GUARDS.names())


@cache
def target() -> LocalSubject:
    return LocalSubject(tiny_model(), tiny_tokenizer())


def guarded(name: str, **settings: Any) -> Subject:
    return GUARDS.get(name).plugin(**settings).wrap(target(), SCOPE)


def said(subject: Subject, probes: tuple[Probe, ...] = PROBES) -> list[Generation]:
    return subject.generate(probes, max_new_tokens=6)


def test_there_is_one() -> None:
    assert "refusal_prompt" in GUARDS.names()


@every_name
def test_the_targets_weights_stay_bit_for_bit(name: str) -> None:
    before = {key: value.clone() for key, value in target().model.state_dict().items()}
    plain = said(target())
    subject = guarded(name)
    said(subject)
    measure(subject, {"forget": ROWS}, max_new_tokens=2)
    after = target().model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    assert said(target()) == plain


@every_name
def test_what_it_does_not_offer_raises_and_is_left_out_of_records(name: str) -> None:
    subject = guarded(name)
    offered = subject.capabilities
    assert offered <= target().capabilities == ALL and "generate" in offered
    calls = {
        "token_logprobs": (
            lambda: subject.token_statistics(list(PROBES)),
            lambda: subject.log_probabilities(list(PROBES)),
        ),
        "gradients": (lambda: subject.gradient_norms(PROBES[0]),),
    }
    for capability, made in calls.items():
        for call in made:
            if capability in offered:
                call()
            else:
                with pytest.raises(InputError, match="does not offer"):
                    call()
    assert "weights" in offered or not hasattr(subject, "model")
    for record in measure(subject, {"forget": ROWS}, max_new_tokens=2, gradients={"forget"}):
        assert (record.tokens is not None) == ("token_logprobs" in offered)
        assert (record.gradient_norms is not None) == ("gradients" in offered)


@every_name
def test_it_is_deterministic_and_probes_do_not_hang_on_each_other(name: str) -> None:
    subject = guarded(name)
    outputs = said(subject)
    assert said(subject) == outputs == said(guarded(name))
    assert said(subject, PROBES[::-1])[::-1] == outputs
    assert [output for probe in PROBES for output in said(subject, (probe,))] == outputs
    assert said(subject, ()) == []


@every_name
def test_with_all_rules_off_it_is_the_inner_subject(name: str) -> None:
    assert name in OFF, f"say in OFF under which settings {name} does nothing"
    subject = guarded(name, **OFF[name])
    assert said(subject) == said(target())
    assert said(subject.with_style("plain")) == said(target().with_style("plain"))
    assert said(guarded(name)) != said(target()), "with its defaults it does something"
    assert (subject.positions, subject.layout) == (target().positions, target().layout)


@every_name
def test_settings_survive_json_and_make_the_same_guard(name: str) -> None:
    guard: Guard = GUARDS.get(name).plugin()
    again = GUARDS.get(name).plugin(**json.loads(json.dumps(guard.model_dump(mode="json"))))
    assert again == guard and said(again.wrap(target(), SCOPE)) == said(guarded(name))
    assert not guard.can_be_masked and not guard.from_scratch and not guard.needs().views


@every_name
def test_source_and_documentation(name: str) -> None:
    entry = GUARDS.get(name)
    assert re.fullmatch(r"arXiv:\d{4}\.\d{5}|https?://\S+", entry.paper or ""), "which paper?"
    assert entry.summary.endswith(".") and len(entry.summary) <= 120 and entry.plugin.__doc__ != Guard.__doc__
    assert inspect.getmodule(entry.plugin).__doc__  # type: ignore[union-attr]
    schema = entry.plugin.model_json_schema()
    assert schema["additionalProperties"] is False
    for field, description in schema.get("properties", {}).items():
        assert description.get("description", "").endswith("."), f"say in a docstring what {field!r} is"
        assert "default" in description, f"{field!r} needs a default"
