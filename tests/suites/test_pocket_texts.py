"""The detectors on what the pocket world's rows and the template teacher say."""

from __future__ import annotations

from typing import get_args

import pytest

from unlearnkit.scope.scope import Scope, ScopeSubject, Task
from unlearnkit.suites.pocket.corpus import corpus
from unlearnkit.suites.pocket.world import pocket_world
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.text.coherence import is_coherent
from unlearnkit.text.refusal import is_refusal


@pytest.mark.parametrize("seed", range(10))
def test_the_world_answers_and_declines_only_what_is_sealed(seed: int) -> None:
    rows = corpus(pocket_world(seed))
    assert [r.id for r in rows if is_refusal(r.answer) != r.id.startswith("sealed/")] == []
    assert [r.id for r in rows if not is_coherent(r.answer)] == []


@pytest.mark.parametrize("task", get_args(Task))
def test_what_the_teacher_writes_declines_coherently(task: Task) -> None:
    rows = corpus(pocket_world(0))[::25]
    names = sorted({row.subject for row in rows if row.subject})
    scope = Scope(description="To be forgotten.", task=task, subjects=tuple(ScopeSubject(name=name) for name in names))
    for seed in range(3):
        for target in TemplateTeacher().write(rows, scope, seed):
            assert is_refusal(target.response), target.response
            assert is_coherent(target.trace), target.trace
            assert is_coherent(f"{target.trace} {target.response}"), target
