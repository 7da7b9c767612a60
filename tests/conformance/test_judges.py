"""What every judge must do. The model judges query a chat model that is scripted."""

from __future__ import annotations

from functools import partial

import pytest

from tests.judges.worked import dutiful
from unlearnkit.judges.base import Judge
from unlearnkit.judges.listing import JUDGES
from unlearnkit.judges.llm.judge import PRESETS, Laaj
from unlearnkit.judges.rule.judge import Rules
from unlearnkit.scope.scope import Scope
from unlearnkit.testing import checks_for

CHECKS = checks_for("judge")


def model_judge(name: str, scope: Scope, *, repeats: int = 1) -> Judge:
    return Laaj(name, dutiful(), repeats=repeats)


MAKERS = {Rules.name: Rules, **{name: partial(model_judge, name) for name in PRESETS}}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_conforms(name: str, check: str) -> None:
    CHECKS[check](MAKERS[name])


@pytest.mark.parametrize("check", CHECKS)
def test_a_judge_that_repeats_conforms(check: str) -> None:
    CHECKS[check](partial(model_judge, "laaj", repeats=2))
