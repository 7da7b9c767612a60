"""Read and write `scope.yaml`, the file in which people edit a scope."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from unlearnkit.core.files import write_atomic
from unlearnkit.core.redaction import describe_type
from unlearnkit.core.settings import read_renamed
from unlearnkit.core.yaml_source import BadField, bad_field, parse
from unlearnkit.scope.scope import Scope
from unlearnkit.scope.wording import Wording


def read_scope(path: Path) -> Scope:
    """Read a scope from YAML.

    Raises:
        InputError: the file does not contain a valid scope; the message names the line, the field and the allowed
            values.
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
    """Return an error for the first fact without an owner.

    Each secret must belong to a subject of the scope, and each allowed fact must belong to a neighbor in the scope. If
    every fact has an owner, the function returns None.
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
                fix=f"use the {of}'s name exactly as listed under {of}s, or add the {of} to the list",
            )
    return None


def write_scope(path: Path, scope: Scope | None) -> None:
    """Write a scope, or an empty template if `scope` is None.

    Only the user who owns the file can read it.
    """
    text = _BLANK
    if scope is not None:
        exclude = {"wording"} if scope.wording == Wording() else None
        values = scope.model_dump(mode="json", exclude=exclude)
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    write_atomic(path, _HEAD + text, mode=0o600)


_HEAD = """\
# The scope: what must be forgotten. Check and correct everything that was drafted from the forget rows.
# This file contains secrets: keep it private.
#
# description: one or two sentences that contain no secret
# task: privacy, copyright, hazard or profile
# subjects: people or things to forget, each with all its names
# secrets: facts about subjects that must not be revealed, each in all its forms
# neighbors: similar people or things that must not be forgotten, each with all its names
# allowed: facts about neighbors that look like secrets but may be revealed; they teach a method which facts to reveal
# languages: ISO 639-1 codes of the languages in which questions may be asked
# wording (optional): words of composed questions and targets, such as wording: {reference: "the maker of "}
# may_disclose: true if outputs may say that there is a request, and who it is about
"""

_BLANK = """\
description: "Write here what must be forgotten and why, without revealing any secret."
task: profile
subjects: []
secrets: []
neighbors: []
allowed: []
languages: [en]
may_disclose: false
"""
