"""A scope as a file that a person writes: `scope.yaml`."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from unlearnkit.data.shapes import described
from unlearnkit.recipe_text import BadField, bad_field, parse
from unlearnkit.scope import Scope
from unlearnkit.writing import write_whole


def read_scope(path: Path) -> Scope:
    """Read a scope from YAML. Raises `BadInput`, saying at which line and field, and what is allowed."""
    data, origins = parse(path, (), what="scope", begin="description:")
    try:
        scope = Scope.model_validate(data)
    except ValidationError as error:
        told = bad_field(error, Scope)
        if told.path[:1] == ("secrets",) and told.value is not None:
            told.value = described(told.value)
        raise origins.placed(told) from error
    unknown = next((n for n, secret in enumerate(scope.secrets) if not scope.covers(secret.subject)), None)
    if unknown is not None:
        raise origins.placed(
            BadField(
                "a secret belongs to no subject of the scope",
                path=("secrets", unknown, "subject"),
                value=scope.secrets[unknown].subject,
                allowed=", ".join(subject.name for subject in scope.subjects),
                fix="write the subject's name as it stands under subjects, or add the subject",
            )
        )
    return scope


def scope_text(scope: Scope) -> str:
    """A scope as YAML."""
    return yaml.safe_dump(scope.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def write_scope(path: Path, scope: Scope) -> None:
    """Write a scope for a person to correct; it holds secrets, and is for its owner alone."""
    write_whole(path, scope_text(scope), mode=0o600)
