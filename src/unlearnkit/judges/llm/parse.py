"""Parse an LLM judge's verdict strictly.

It is one JSON object with the item's nonce.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pydantic import ValidationError

from unlearnkit.judges.quality import PARTS, Mark, Quality, RetentionQuality, UnlearningQuality, make_verdict

LONGEST = 50_000
"""Maximum number of characters of an answer. A verdict has a few hundred; parsing a much longer one could be slow."""


class Unreadable(ValueError):
    """An answer has no verdict or several.

    The message does not quote it.
    """


def read_verdict(answer: str, quality: Quality, nonce: str) -> UnlearningQuality | RetentionQuality:
    """Return the verdict in a judge's answer without its thought (`Reply.text`).

    Text around the object is allowed. The object must have three scores, each an object with a number from 0 to 10 and
    a reason, and the nonce under `item`. A number in quotation marks, NaN, a number out of range, a duplicate key, or
    two verdicts make it unreadable; nothing is guessed or clipped. Other keys are ignored.

    Raises:
        Unreadable: there is no such object, or more than one.
    """
    if len(answer) > LONGEST:
        raise Unreadable(f"the answer has more than {LONGEST} characters")
    if not answer.strip():
        raise Unreadable("the answer is empty")
    verdicts = [value for value in _objects(answer) if value.get("item") == nonce]
    if len(verdicts) != 1:
        raise Unreadable(f"{len(verdicts) or 'no'} JSON objects with the item's number")
    return make_verdict(quality, {part: _mark(verdicts[0], part) for part in PARTS[quality]})


def _mark(value: dict[str, Any], part: str) -> Mark:
    if part not in value:
        raise Unreadable(f"{part} is missing")
    try:
        return Mark.model_validate(value[part], strict=True, extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join((part, *map(str, first["loc"])))
        raise Unreadable(f"{field}: {first['msg']}") from error


def _objects(text: str) -> list[dict[str, Any]]:
    """Return the top-level JSON objects in a text, in order."""
    decoder = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_no_number)
    objects, at = [], text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):  # a brace in prose, or an object that is truncated or not allowed here
            end = at + 1
        else:
            objects.append(value)
        at = text.find("{", end)
    return objects


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
