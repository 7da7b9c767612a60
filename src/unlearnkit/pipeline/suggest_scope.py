"""A scope drafted from rows to forget, as a file for a person to read and correct."""

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
    """Draft the scope of rows to forget, and write it to a file that its owner alone may read; return it too.

    Args:
        forget: file, folder or hub id of the rows or documents to forget.
        retain: the same of what must stay, where neighbors are looked for; None leaves them to be written by hand.
        model: folder or hub id of the model by whose tokens documents are cut; rows need none.
        task: what kind of knowledge it is: privacy, copyright, hazard or profile.
        out: the file, which may not be there already.

    Raises:
        InputError: the file exists, rows cannot be read, or no subject recurs in them.
    """
    kind = next((known for known in get_args(Task) if known == task), None)
    if kind is None:
        told = ", ".join(get_args(Task))
        raise InputError(
            "there is no such kind of task", where="--task", value=task, allowed=told, fix="name one of these"
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
