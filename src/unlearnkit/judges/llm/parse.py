"""Reading a model judge's verdict: strictly, from the one JSON object in its answer that carries the item's nonce."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pydantic import ValidationError

from unlearnkit.judges.quality import PARTS, Mark, Quality, RetentionQuality, UnlearningQuality, make_verdict

LONGEST = 50_000
"""Characters of an answer that is read. A verdict has some hundreds; reading a longer one could take long."""


class Unreadable(ValueError):
    """There is no verdict in an answer, or not one alone. Says why, without quoting it."""


def read_verdict(answer: str, quality: Quality, nonce: str) -> UnlearningQuality | RetentionQuality:
    """The verdict in a judge's answer, which is without the judge's thought (`Reply.text`).

    Words around the object are allowed. The object is not: three scores, each an object
    with a number from 0 to 10 and a reason, and the nonce under `item`. A number in quotation marks, NaN, a number out
    of range, a name that stands twice, or two verdicts make it unreadable; nothing is guessed or clipped. Other names
    in it are left alone.

    Raises:
        Unreadable: there is no such object, or more than one.
    """
    if len(answer) > LONGEST:
        raise Unreadable(f"the answer has more than {LONGEST} characters")
    if not answer.strip():
        raise Unreadable("the answer is empty")
    found = [value for value in _objects(answer) if value.get("item") == nonce]
    if len(found) != 1:
        raise Unreadable(f"{len(found) or 'no'} JSON objects with the item's number")
    return make_verdict(quality, {part: _mark(found[0], part) for part in PARTS[quality]})


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
    """The JSON objects in a text that are not inside another one, in their order."""
    decoder = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_no_number)
    found, at = [], text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):  # a brace in prose, or an object that is cut off or none by our rules
            end = at + 1
        else:
            found.append(value)
        at = text.find("{", end)
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
