"""Draft a scope from rows to forget, for a person to correct."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import refuse_taken, writing
from unlearnkit.scope.file import write_scope
from unlearnkit.scope.scope import Scope, Task
from unlearnkit.scope.suggest import suggest_scope
from unlearnkit.suites.files.suite import Files, FilesData


def draft_scope(
    forget: str, *, retain: str | None = None, model: str | None = None, task: str = "profile", out: str | Path
) -> Scope:
    """Draft the scope of rows to forget, write it, and return it.

    Only the owner may read the file.

    Args:
        forget: file, folder or Hub id of the rows or documents to forget.
        retain: the same for the rows to retain, where neighbors are searched; None: neighbors are written by hand.
        model: folder or Hub id of the model whose tokenizer cuts documents; rows need none.
        task: kind of knowledge: privacy, copyright, hazard or profile.
        out: the file, which must not exist.

    Raises:
        InputError: the file exists, rows cannot be read, or no subject recurs in them.
    """
    kind = next((known for known in get_args(Task) if known == task), None)
    if kind is None:
        kinds = ", ".join(get_args(Task))
        raise InputError(
            "there is no such kind of task", where="--task", value=task, allowed=kinds, fix="name one of these"
        )
    file = Path(out)
    refuse_taken(file, "name another file: --out; or move it")
    suite = Files(data=FilesData(forget=forget, retain=retain, tokenizer=model))
    rows = suite.read(forget, where="FORGET")
    scope = suggest_scope(rows, () if retain is None else suite.read(retain, where="--retain"), task=kind)
    with writing(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_scope(file, scope)
    return scope
