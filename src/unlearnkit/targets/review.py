"""Export targets for a person to edit, and import the edited targets.

The file is JSONL. Each line contains a target and its question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import read_text, write_atomic, writing
from unlearnkit.core.settings import Value
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.scope import Scope
from unlearnkit.targets.validation import Fault, Fits, find_fault


class _Reviewed(Value):
    """One line of the exported file: a target and its question."""

    id: str
    question: str
    trace: str
    response: str


_Problem = Fault | Literal["unknown", "other question", "repeated"]

_PROBLEMS: dict[_Problem, tuple[str, str, str]] = {
    "unknown": ("id", "the run has no target with that id", "do not change ids: they must match the run's rows"),
    "other question": (
        "question",
        "this is not the question of the row with this id",
        "do not change questions: they must match the run's rows",
    ),
    "repeated": ("id", "the file contains this target twice", "remove one of the two lines"),
    "no trace": ("trace", "the trace is empty", "write a trace that explains why the question is in scope"),
    "no response": ("response", "the response is empty", "write the response that the user should read"),
    "too long": (
        "response",
        "the response does not fit the maximum length",
        "shorten the response, or raise train.max_length",
    ),
    "leak in the trace": (
        "trace",
        "the trace reveals a secret of the scope, or the answer",
        "remove the secret or the answer from the trace",
    ),
    "leak in the response": (
        "response",
        "the response reveals a secret of the scope, or the answer",
        "remove the secret or the answer from the response",
    ),
    "states the request": (
        "trace or response",
        "the target says that somebody asked to be forgotten, or that there is a list or a request",
        "give a neutral reason, or set may_disclose: true in the scope",
    ),
}
"""For each problem with a line: the field, the error message and the fix."""


def write_review(path: Path, targets: Sequence[Target], rows: Mapping[str, Row]) -> None:
    """Write targets with their questions, one per line.

    The file can be read only by its owner, because it contains questions about the data to be forgotten.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    lines = ({"id": t.id, "question": rows[t.id].question, "trace": t.trace, "response": t.response} for t in targets)
    write_atomic(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), mode=0o600)


def read_review(
    path: Path,
    targets: Sequence[Target],
    rows: Mapping[str, Row],
    scope: Scope,
    fits: Fits,
) -> dict[str, Target]:
    """Read the targets of an edited file, by row id.

    The file may contain only some of the targets.

    Args:
        path: the edited file from `write_review`.
        targets: the existing targets.
        rows: the targets' rows, by id.
        scope: the scope, whose secrets no target may reveal.
        fits: function that returns whether a target's response is short enough (see `Fits`).

    Raises:
        InputError: a line cannot be used. The message names the file, the line number and the field, and does not quote
            the line.
    """
    text = read_text(path, "the edited targets", where="--import", fix="specify the edited file")
    known, imported = {target.id for target in targets}, dict[str, Target]()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        reviewed = _line(line, where)
        target = Target(id=reviewed.id, trace=reviewed.trace.strip(), response=reviewed.response.strip())
        problem: _Problem | None
        if target.id not in known:
            problem = "unknown"
        elif reviewed.question != rows[target.id].question:
            problem = "other question"
        elif target.id in imported:
            problem = "repeated"
        else:
            problem = find_fault(target, rows[target.id], scope, fits)
        if problem is not None:
            field, what, fix = _PROBLEMS[problem]
            raise InputError(what, where=f"{where}, field {field}", value=target.id, fix=fix)
        imported[target.id] = target
    return imported


def _line(line: str, where: str) -> _Reviewed:
    try:
        return _Reviewed.model_validate_json(line)
    except ValidationError as error:
        # The message does not contain the value, which may be data to be forgotten.
        first = error.errors()[0]
        field = f", field {first['loc'][0]}" if first["loc"] else ""
        raise InputError(
            f"the line is not a valid target: {first['msg']}",
            where=f"{where}{field}",
            allowed="a JSON object with the string fields id, question, trace and response",
            fix="correct the line",
        ) from error
