"""Read and write a scope as a file that people edit: `scope.yaml`."""

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
    """Read a scope from YAML.

    Raises:
        InputError: the file is not a scope; the message names line, field and what is allowed.
    """
    data, origins = parse(path, (), what="scope", begin="description:")
    data = read_renamed(data, Scope.renamed, warn=True)
    try:
        scope = Scope.model_validate(data)
    except ValidationError as error:
        problem = bad_field(error, Scope)
        if problem.path[:1] in (("secrets",), ("allowed",)) and problem.value is not None:
            problem.value = describe_type(problem.value)
        raise origins.placed(problem) from error
    if (unowned := _unowned(scope)) is not None:
        raise origins.placed(unowned)
    return scope


def _unowned(scope: Scope) -> BadField | None:
    """Return the error of the first fact without an owner.

    A secret needs a subject, and an allowed fact a neighbor.
    """
    for field, entries, one, of, owners in (
        ("secrets", scope.secrets, "a secret", "subject", scope.subjects),
        ("allowed", scope.allowed, "an allowed fact", "neighbor", scope.neighbors),
    ):
        names = [owner.name for owner in owners]
        unknown = next((n for n, each in enumerate(entries) if each.subject not in names), None)
        if unknown is not None:
            return BadField(
                f"{one} belongs to no {of} of the scope",
                path=(field, unknown, "subject"),
                value=entries[unknown].subject,
                allowed=", ".join(names) or f"none: the scope has no {of}s",
                fix=f"use the {of}'s name as it is under {of}s, or add the {of}",
            )
    return None


def write_scope(path: Path, scope: Scope | None) -> None:
    """Write a drafted scope, or a blank one.

    Only the owner can read it.
    """
    text = _BLANK
    if scope is not None:
        text = yaml.safe_dump(scope.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)
    write_atomic(path, _HEAD + text, mode=0o600)


_HEAD = """\
# What must be forgotten. Drafted from the forget rows: read and correct it. It contains secrets: keep it private.
# description: one or two sentences, free of secrets; task: privacy, copyright, hazard or profile
# subjects: who or what it is about, with every other name; neighbors: similar subjects that must stay
# secrets: what must not be revealed about a subject, in every form it may take; languages: ISO 639-1 codes
# allowed: facts about neighbors that may be revealed, in the form of secrets; they teach a method what is no secret
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
