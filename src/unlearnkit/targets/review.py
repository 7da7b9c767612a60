"""Export targets for a person to edit, and import them.

The file is JSONL with the questions.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import write_atomic, writing
from unlearnkit.core.settings import Value
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.scope import Scope
from unlearnkit.targets.compose import RetainAnswerFilter
from unlearnkit.targets.validation import Fault, Fits, find_fault


class _Reviewed(Value):
    """One line of the file."""

    id: str
    question: str
    trace: str
    response: str


_FIXES: dict[Fault, tuple[str, str, str]] = {
    "no trace": ("trace", "the trace is empty", "write why the question is in scope"),
    "no response": ("response", "the response is empty", "write what the user should read"),
    "too long": ("response", "the response does not fit the model", "shorten it, or raise train.max_length"),
    "leak in the trace": ("trace", "the trace reveals a secret of the scope, or the answer", "remove it"),
    "leak in the response": ("response", "the response reveals a secret of the scope, or the answer", "remove it"),
}


def write_review(path: Path, targets: Sequence[Target], rows: Mapping[str, Row]) -> None:
    """Write targets with their questions, one per line.

    Only the owner can read the file: it is about what must be forgotten.
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
    *,
    own_words: Collection[str] = (),
    retain: Sequence[Row] = (),
) -> dict[str, Target]:
    """Read the targets of an edited file, by row id.

    Some may be missing.

    Args:
        path: the edited file from `write_review`.
        targets: the existing targets.
        rows: the rows they belong to, by id.
        scope: what none of them may reveal.
        fits: whether a target's response fits the model.
        own_words: ids of questions that keep the model's own answer: it may have no trace, and may reveal what others
            share with a subject.
        retain: rows that show what others share.

    Raises:
        InputError: a line cannot be used; the message names file, line and field, and quotes no line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(
            f"the edited targets cannot be read: {why}", where="--import", value=str(path), fix="name the file"
        ) from error
    answer_filter = RetainAnswerFilter.of(scope, retain)
    known, imported = {target.id for target in targets}, dict[str, Target]()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        reviewed = _line(line, where)
        if reviewed.id not in known or rows[reviewed.id].question != reviewed.question:
            field, what = ("id", "there is no target with that id") if reviewed.id not in known else (
                "question",
                "this is not the question of the row with that id",
            )  # fmt: skip
            fix = "keep ids and questions as they were exported: they must match the run's rows"
            raise InputError(what, where=f"{where}, field {field}", value=reviewed.id, fix=fix)
        if reviewed.id in imported:
            raise InputError("the file has this target twice", where=where, value=reviewed.id, fix="remove one of them")
        target = Target(id=reviewed.id, trace=reviewed.trace.strip(), response=reviewed.response.strip())
        row = rows[target.id]
        own = target.id in own_words
        fault = _fault_of_own(target, row, answer_filter, fits) if own else find_fault(target, row, scope, fits)
        if fault is not None:
            field, what, fix = _FIXES[fault]
            raise InputError(what, where=f"{where}, field {field}", value=target.id, fix=fix)
        imported[target.id] = target
    return imported


def _line(line: str, where: str) -> _Reviewed:
    try:
        return _Reviewed.model_validate_json(line)
    except ValidationError as error:
        # Without the value: it may be what must be forgotten.
        first = error.errors()[0]
        field = f", field {first['loc'][0]}" if first["loc"] else ""
        raise InputError(
            f"not a target: {first['msg']}",
            where=f"{where}{field}",
            allowed="id, question, trace, response: each a text",
            fix="correct that line",
        ) from error


def _fault_of_own(target: Target, row: Row, answer_filter: RetainAnswerFilter, fits: Fits) -> Fault | None:
    if not target.response:
        return "no response"
    if answer_filter.tell(target, row):
        return "leak in the response"
    return None if fits(row, target) else "too long"
