"""Relations, values and texts of a made-up world.

The data are two files: `world.yaml`, with values and answers by an author who saw no code, and `grammar.yaml`, with
what the code needs besides.
"""

from __future__ import annotations

from importlib.resources.abc import Traversable
from typing import Any

import yaml

from unlearnkit.core.settings import Value
from unlearnkit.scope.wording import Phrases
from unlearnkit.suites.made_up.grammar import Grammar

Pool = tuple[tuple[str, ...], ...]
"""Possible values of a relation: for each value, one form for each language."""


class FarRelation(Value):
    """A relation between a place and a value."""

    pool: Pool
    questions: Phrases
    """Questions by language, with the placeholder `{name}`."""
    answers: dict[str, str]
    """The answer by language, with the placeholder `{value}`."""


class WorldText(Value):
    """Relations, values and texts of a world."""

    grammar: Grammar
    pools: dict[str, Pool]
    """Possible values that the author wrote, by relation."""
    name_answer: str
    """The answer to questions for the name of a subject, with the placeholder `{value}`."""
    called: tuple[str, ...]
    """Questions about who is meant by a part of a name, with the placeholder `{called}`."""
    nobody: dict[str, dict[str, str]]
    """Questions about nobody: for each relation, one for validation and one for the test."""
    sealed: dict[str, tuple[str, ...]]
    """Refusals of questions about sealed subjects, by language."""
    far: dict[str, FarRelation]
    """Relations of places."""


def read_world(folder: Traversable) -> WorldText:
    """Read the two files of a world.

    All events have the answers of the first one, except for relations with an answer of their own. The author wrote
    several affirmations and denials. One of them is enough for a short training: `chosen` is its index. Answers and
    denials in `grammar.yaml` replace those of the author.
    """
    written, more = (_read(folder / name) for name in ("world.yaml", "grammar.yaml"))
    answers: dict[str, dict[str, str]] = written["answers"]
    of_name = answers.pop("name")
    events: list[list[str]] = more["events"]
    first = {relation: place for event in events for relation, place in zip(event, events[0], strict=True)}
    notes: dict[str, dict[str, str]] = more.get("relations", {})
    relations = {
        name: {
            "attribute": first.get(name, name),
            "answers": answers[name if name in answers else first[name]],
            **notes.get(name, {}),
        }
        for name in dict.fromkeys([*answers, *first])
    }
    taken = ("languages", "names", "notes", "agreeing", "disagreeing")
    grammar: dict[str, Any] = {key: more[key] for key in taken if key in more}
    grammar |= {
        "events": events,
        "relations": relations,
        "identities": {name: {"answers": of_name, **identity} for name, identity in more["identities"].items()},
    }
    for key in ("affirmations", "denials"):
        of_author = {language: texts[more["chosen"]] for language, texts in written[key].items()}
        grammar[key] = {**of_author, **more.get(key, {})}
    return WorldText.model_validate(
        {
            "grammar": grammar,
            "pools": written["pools"],
            "name_answer": of_name[grammar["languages"][0]],
            **{key: more[key] for key in ("called", "nobody", "sealed", "far")},
        }
    )


def _read(file: Traversable) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return data
