"""What every registered guard must do. A new one is found and tested by being registered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tiny import tiny_model, tiny_tokenizer
from unlearnkit.methods.base import GUARDS
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.testing import checks_for
from unlearnkit.testing.example import scope_of
from unlearnkit.testing.guards import PROBES

CHECKS = checks_for("guard")
OFF: dict[str, dict[str, Any]] = {"refusal_prompt": {"prompt": False, "input_filter": False, "output_filter": False}}
"""Settings under which a guard does nothing."""
every_name = pytest.mark.parametrize("name", GUARDS.names())


def test_there_is_one() -> None:
    assert "refusal_prompt" in GUARDS.names()


@every_name
@pytest.mark.parametrize("check", CHECKS)
def test_a_guard_conforms(name: str, check: str) -> None:
    CHECKS[check](GUARDS.get(name).plugin)


@every_name
def test_with_all_rules_off_it_is_the_inner_subject(name: str) -> None:
    assert name in OFF, f"say in OFF under which settings {name} does nothing"
    target, kind = LocalSubject(tiny_model(), tiny_tokenizer()), GUARDS.get(name).plugin
    plain = target.generate(PROBES, max_new_tokens=6)
    subject = kind(**OFF[name]).wrap(target, scope_of())
    assert subject.generate(PROBES, max_new_tokens=6) == plain
    styled = target.with_style("plain").generate(PROBES, max_new_tokens=6)
    assert subject.with_style("plain").generate(PROBES, max_new_tokens=6) == styled
    guarded = kind().wrap(target, scope_of()).generate(PROBES, max_new_tokens=6)
    assert guarded != plain, "with its defaults it does something"
    assert (subject.positions, subject.layout) == (target.positions, target.layout)
