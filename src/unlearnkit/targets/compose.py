"""Everything that a method is taught to say: the teacher's targets, and what the model itself says of neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unlearnkit.data.rows import Row
from unlearnkit.records.schema import Generation
from unlearnkit.scope import Scope
from unlearnkit.targets.contract import Target, Teacher
from unlearnkit.targets.leaks import refuse_leaks
from unlearnkit.targets.scope_rows import neighbour_rows, subject_rows

Say = Callable[[Sequence[Row]], Sequence[Generation]]
"""What the target model says to rows."""


def scope_rows(scope: Scope, forget: Sequence[Row]) -> list[Row]:
    """The rows of the `scope` split: mentions of what is to be forgotten, and of its neighbours; each once."""
    return list({row.id: row for row in (*subject_rows(scope, forget), *neighbour_rows(scope))}.values())


def taught(rows: Sequence[Row], scope: Scope, teacher: Teacher, seed: int) -> list[Target]:
    """One target of the teacher for each row. Raises `UnlearnError` when one leaks."""
    targets = teacher.write(rows, scope, seed)
    refuse_leaks(targets, list(rows), scope)
    return targets


def scope_targets(scope: Scope, forget: Sequence[Row], teacher: Teacher, seed: int, say: Say) -> list[Target]:
    """Targets of the scope rows: refusals where a subject is mentioned, the model's own words where a neighbour is.

    A neighbour of whom the model says nothing has no target.
    """
    near = neighbour_rows(scope)
    own = [Target(id=row.id, trace=s.trace, response=s.response) for row, s in zip(near, say(near), strict=True)]
    kept = {row.id for row in near}
    subjects = [row for row in scope_rows(scope, forget) if row.id not in kept]
    return [*taught(subjects, scope, teacher, seed), *(target for target in own if target.response)]
