"""Strict parser for the verdicts of LLM judges.

A verdict is one JSON object. It must contain the nonce of its prompt, a random number that identifies the judged item.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pydantic import ValidationError

from unlearnkit.judges.quality import PARTS, Mark, Quality, RetentionQuality, UnlearningQuality, make_verdict

LONGEST = 50_000
"""Maximum number of characters in a judge's answer.

A verdict has a few hundred characters. The limit avoids the slow parsing of very long answers.
"""


class Unreadable(ValueError):
    """Raised if a judge's answer does not contain exactly one valid verdict.

    The message does not quote the answer.
    """


def read_verdict(answer: str, quality: Quality, nonce: str) -> UnlearningQuality | RetentionQuality:
    """Return the verdict in a judge's answer.

    The verdict is a JSON object, which may be surrounded by text. The object must contain the nonce under the key
    `item`, and the three scores of the quality. Each score is an object with a number from 0 to 10 and a reason. The
    answer is unreadable if a score is a string, NaN or out of range, if a key is duplicated, or if there is a second
    verdict. No score is guessed or clipped. Additional keys are ignored.

    Args:
        answer: the judge's answer, without reasoning (`Reply.text`).
        quality: the quality that is judged.
        nonce: the nonce of the item.

    Raises:
        Unreadable: the answer does not contain exactly one valid verdict.
    """
    if len(answer) > LONGEST:
        raise Unreadable(f"the answer has more than {LONGEST} characters")
    if not answer.strip():
        raise Unreadable("the answer is empty")
    verdicts = [value for value in _objects(answer) if value.get("item") == nonce]
    if len(verdicts) != 1:
        raise Unreadable(f"the answer has {len(verdicts) or 'no'} JSON objects with the item's number (expected: 1)")
    return make_verdict(quality, {part: _mark(verdicts[0], part) for part in PARTS[quality]})


def _mark(value: dict[str, Any], part: str) -> Mark:
    if part not in value:
        raise Unreadable(f"the score {part} is missing")
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
        except (ValueError, RecursionError):  # a brace in prose, or an object that is truncated or invalid
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
