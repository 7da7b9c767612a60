"""Questions and answers of the pocket world, in three languages.

The texts are in `phrases.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import yaml
from pydantic import Field

from unlearnkit.core.settings import Value


class Phrase(Value):
    """Questions that ask for one thing, and the answer, by language."""

    questions: dict[str, tuple[str, ...]]
    """The first English question is the plain one."""
    answers: dict[str, str] = Field(default_factory=dict)
    by_work: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Questions about a person who is named only by a work."""
    reverse: str | None = None
    """The English question that gives the value and asks whose it is."""


class Phrases(Value):
    """The content of `phrases.yaml`."""

    person: dict[str, Phrase]
    work: dict[str, Phrase]
    owner: dict[str, Phrase]
    far: dict[str, Phrase]
    plot: dict[str, Phrase]
    quoted: dict[str, str]
    book_by_hero: str
    book_by_ship: str
    book_answer: str
    recite: tuple[str, str]
    continuation: str
    craft: dict[str, Phrase]
    """Answered by `choice_answers` and `open_answer`."""
    craft_named: dict[str, str]
    craft_by_mineral: str
    craft_answer: str
    open_answer: str
    choice_answers: dict[str, str]
    letters: dict[str, str]


def _texts(data: Any) -> Iterator[str]:
    """Yield every text in nested lists and mappings, without the keys."""
    if isinstance(data, str):
        yield data
    else:
        for part in data.values() if isinstance(data, dict) else data:
            yield from _texts(part)


_DATA = yaml.safe_load((files("unlearnkit.suites.pocket") / "phrases.yaml").read_text(encoding="utf-8"))
PHRASES = Phrases.model_validate(_DATA)
TEMPLATES = tuple(_texts(_DATA))
"""Every fixed text. No value and no coined name may be part of one."""
