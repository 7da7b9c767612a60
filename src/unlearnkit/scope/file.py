"""A scope as a file that a person writes: `scope.yaml`."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from unlearnkit.core.files import write_atomic
from unlearnkit.core.redaction import describe_type
from unlearnkit.core.settings import read_renamed
from unlearnkit.core.yaml_source import BadField, bad_field, parse
from unlearnkit.scope.scope import Scope


def read_scope(path: Path) -> Scope:
    """Read a scope from YAML. Raises `InputError`, saying at which line and field, and what is allowed."""
    data, origins = parse(path, (), what="scope", begin="description:")
    data = read_renamed(data, Scope.renamed, warn=True)
    try:
        scope = Scope.model_validate(data)
    except ValidationError as error:
        told = bad_field(error, Scope)
        if told.path[:1] in (("secrets",), ("allowed",)) and told.value is not None:
            told.value = describe_type(told.value)
        raise origins.placed(told) from error
    wrong = _of_nobody(scope)
    if wrong is not None:
        raise origins.placed(wrong)
    return scope


def _of_nobody(scope: Scope) -> BadField | None:
    """What is wrong with the first secret that belongs to no subject, or thing kept that belongs to no neighbor."""
    for field, told, one, of, owners in (
        ("secrets", scope.secrets, "a secret", "subject", scope.subjects),
        ("allowed", scope.allowed, "an allowed fact", "neighbor", scope.neighbors),
    ):
        names = [owner.name for owner in owners]
        unknown = next((n for n, each in enumerate(told) if each.subject not in names), None)
        if unknown is not None:
            return BadField(
                f"{one} belongs to no {of} of the scope",
                path=(field, unknown, "subject"),
                value=told[unknown].subject,
                allowed=", ".join(names) or f"none: the scope has no {of}s",
                fix=f"write the {of}'s name as it stands under {of}s, or add the {of}",
            )
    return None


def write_scope(path: Path, scope: Scope | None) -> None:
    """Write a drafted scope for a person to correct, or a blank one; it holds secrets, and is for its owner alone."""
    text = _BLANK
    if scope is not None:
        text = yaml.safe_dump(scope.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)
    write_atomic(path, _HEAD + text, mode=0o600)


_HEAD = """\
# What is to be forgotten. Drafted from the forget rows: read it and correct it. It holds secrets: keep it to yourself.
# description: one or two sentences, free of secrets; task: privacy, copyright, hazard or profile
# subjects: whom or what it is about, with every other name; neighbors: what is close to them and must stay
# secrets: what must not be said of a subject, in every form in which it could be said; languages: ISO 639-1 codes
# allowed: what may be said of a neighbor, in the form of secrets; questions about it teach a method what is no secret
"""

_BLANK = """\
description: "Write here what is to be forgotten and why, without telling it."
task: profile
subjects: []
secrets: []
neighbors: []
allowed: []
languages: [en]
"""
