"""Targets on their way to a person and back: JSONL with the question, to be read and edited."""

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
    "no response": ("response", "the response is empty", "write what the user is to read"),
    "too long": ("response", "the model has no room for the response", "shorten it, or raise train.max_length"),
    "leak in the trace": ("trace", "the trace tells a secret of the scope, or the answer", "take it out"),
    "leak in the response": ("response", "the response tells a secret of the scope, or the answer", "take it out"),
}


def write_review(path: Path, targets: Sequence[Target], rows: Mapping[str, Row]) -> None:
    """Write targets with their questions, one a line, for the owner alone: they are about what is to be forgotten."""
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
    """The targets of an edited file, by the ids of their rows. It may leave some out.

    Args:
        path: what `write_review` wrote, edited.
        targets: those that there are.
        rows: the rows they belong to, by id.
        scope: what none of them may tell.
        fits: whether the model has room for one.
        own_words: ids of questions to which the model's own answer stays: it may have no trace, and may tell what
            others share with a subject.
        retain: rows that show what others share.

    Raises `InputError` with file, line and field for a line that cannot be used; it quotes none.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(
            f"the edited targets cannot be read: {why}", where="--import", value=str(path), fix="name the file"
        ) from error
    bar = RetainAnswerFilter.of(scope, retain)
    known, found = {target.id for target in targets}, dict[str, Target]()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        reviewed = _line(line, where)
        if reviewed.id not in known or rows[reviewed.id].question != reviewed.question:
            field, what = ("id", "there is no target of that id") if reviewed.id not in known else (
                "question",
                "this is not the question of the row of that id",
            )  # fmt: skip
            fix = "leave ids and questions as they were exported: the run's questions are its rows'"
            raise InputError(what, where=f"{where}, field {field}", value=reviewed.id, fix=fix)
        if reviewed.id in found:
            raise InputError(
                "the target stands there twice", where=where, value=reviewed.id, fix="take one of them out"
            )
        target = Target(id=reviewed.id, trace=reviewed.trace.strip(), response=reviewed.response.strip())
        row = rows[target.id]
        own = target.id in own_words
        fault = _fault_of_own(target, row, bar, fits) if own else find_fault(target, row, scope, fits)
        if fault is not None:
            field, what, fix = _FIXES[fault]
            raise InputError(what, where=f"{where}, field {field}", value=target.id, fix=fix)
        found[target.id] = target
    return found


def _line(line: str, where: str) -> _Reviewed:
    try:
        return _Reviewed.model_validate_json(line)
    except ValidationError as error:
        # Without the value: it may be what is to be forgotten.
        first = error.errors()[0]
        field = f", field {first['loc'][0]}" if first["loc"] else ""
        raise InputError(
            f"not a target: {first['msg']}",
            where=f"{where}{field}",
            allowed="id, question, trace, response: each a text",
            fix="mend that line",
        ) from error


def _fault_of_own(target: Target, row: Row, bar: RetainAnswerFilter, fits: Fits) -> Fault | None:
    if not target.response:
        return "no response"
    if bar.tell(target, row):
        return "leak in the response"
    return None if fits(row, target) else "too long"
