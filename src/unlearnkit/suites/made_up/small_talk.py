"""Small talk around a question.

The target model sees a fact several times. With other sentences around the question each time, it learns to find a name
in any surroundings. Otherwise it would do so only for the subjects that teach it the forms of questions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from random import Random

import yaml

from unlearnkit.core.settings import Value
from unlearnkit.data.rows import Row


class Talk(Value):
    """Sentences of one language."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@cache
def small_talk() -> Mapping[str, Talk]:
    """Return the sentences by language."""
    text = (files("unlearnkit.suites.made_up") / "small_talk.yaml").read_text(encoding="utf-8")
    return {language: Talk.model_validate(talk) for language, talk in yaml.safe_load(text).items()}


def sentences(languages: Collection[str]) -> list[str]:
    """Return all sentences in these languages."""
    talks = (talk for language, talk in small_talk().items() if language in languages)
    return [sentence for talk in talks for sentence in (*talk.before, *talk.after)]


def with_small_talk(row: Row, rng: Random) -> Row:
    """Return a row with small talk around its question.

    A sentence is before the question, after it, or both.

    A row in a language without small talk is returned as it is.
    """
    talk = small_talk().get(row.language)
    if talk is None:
        return row
    before, after = rng.choice(talk.before), rng.choice(talk.after)
    around = rng.choice(((before, row.question), (row.question, after), (before, row.question, after)))
    return row.model_copy(update={"question": " ".join(around)})
