"""Draft a scope from the rows to forget."""

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
    """Draft a scope from the rows to forget, and write it.

    A person should correct the draft. Only the file's owner can read the file, because the scope contains secrets.

    Args:
        forget: file, folder or Hub id of the rows or documents to forget.
        retain: file, folder or Hub id of the rows to keep, from which neighbors are drafted; None: no neighbors are
            drafted, so a person must add neighbors.
        model: folder or Hub id of the model whose tokenizer splits documents; None is allowed if `forget` contains
            rows.
        task: kind of knowledge: `privacy`, `copyright`, `hazard` or `profile`.
        out: the file to write, which must not exist yet.

    Returns:
        The drafted scope.

    Raises:
        InputError: the file `out` exists already, the rows cannot be read, or no name recurs in the rows.
    """
    kind = next((known for known in get_args(Task) if known == task), None)
    if kind is None:
        kinds = ", ".join(get_args(Task))
        raise InputError(
            "there is no such kind of task", where="--task", value=task, allowed=kinds, fix="choose one of these kinds"
        )
    file = Path(out)
    refuse_taken(file, "choose another file with --out, or move the existing file")
    suite = Files(data=FilesData(forget=forget, retain=retain, tokenizer=model))
    rows = suite.read(forget, where="FORGET")
    scope = suggest_scope(rows, () if retain is None else suite.read(retain, where="--retain"), task=kind)
    with writing(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_scope(file, scope)
    return scope
