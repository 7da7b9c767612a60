"""The leak scan: no target may say what it is there to keep quiet."""

from __future__ import annotations

from unlearnkit.data.rows import Row
from unlearnkit.errors import UnlearnError
from unlearnkit.metrics.normalise import contains
from unlearnkit.scope import Scope
from unlearnkit.targets.contract import Target


def leaks(target: Target, row: Row, scope: Scope) -> list[str]:
    """Secrets of the whole scope and forms of the asked answer that stand in the target and not in the question."""
    text = f"{target.trace}\n{target.response}"
    forms = {form for secret in scope.secrets for form in secret.forms} | set(row.answers)
    return sorted(form for form in forms if contains(text, form) and not contains(row.prompt, form))


def refuse_leaks(targets: list[Target], rows: list[Row], scope: Scope) -> None:
    """Raise `UnlearnError` when any target leaks. The message names the row and not the secret."""
    leaking = [row.id for target, row in zip(targets, rows, strict=True) if leaks(target, row, scope)]
    if leaking:
        raise UnlearnError(
            f"{len(leaking)} of {len(targets)} targets hold a secret of the scope",
            where=f"target of row {leaking[0]}",
            fix="use another teacher, or another word in its templates",
        )
