"""Templates of questions and answers in the world `pocket`, in three languages.

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
    """Question templates and answer templates for one kind of value."""

    questions: dict[str, tuple[str, ...]]
    """Questions by language. The first question of a language is the plain question; the others are paraphrases."""
    answers: dict[str, str] = Field(default_factory=dict)
    by_work: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Questions that name one of a person's works instead of the person, by language."""
    reverse: str | None = None
    """English question that states the value and asks for the person, book or craft to which the value belongs."""


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
    """Questions about the steps of a craft; `choice_answers` and `open_answer` contain the answers."""
    craft_named: dict[str, str]
    craft_by_mineral: str
    craft_answer: str
    open_answer: str
    choice_answers: dict[str, str]
    letters: dict[str, str]


def _texts(data: Any) -> Iterator[str]:
    """Yield every text in nested lists and mappings, except the keys."""
    if isinstance(data, str):
        yield data
    else:
        for part in data.values() if isinstance(data, dict) else data:
            yield from _texts(part)


_DATA = yaml.safe_load((files("unlearnkit.suites.pocket") / "phrases.yaml").read_text(encoding="utf-8"))
PHRASES = Phrases.model_validate(_DATA)
TEMPLATES = tuple(_texts(_DATA))
"""All texts of `phrases.yaml`. No value and no made-up name may be part of any of these texts."""
