"""Relations, answers and value pools of the clinic."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml

from unlearnkit.core.settings import Value
from unlearnkit.scope.wording import Phrases
from unlearnkit.suites.made_up.grammar import Grammar

Forms = tuple[str, str]
"""The forms of one value: English and German."""


class FarRelation(Value):
    """A relation between a village and a value."""

    pool: tuple[Forms, ...]
    questions: Phrases
    """Questions by language, with the placeholder `{name}`."""
    answers: dict[str, str]
    """The answer by language, with the placeholder `{value}`."""


def _read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((files("unlearnkit.suites.clinic") / name).read_text(encoding="utf-8"))
    return data


_WORLD, _MORE = _read("world.yaml"), _read("grammar.yaml")
_ANSWERS: dict[str, dict[str, str]] = _WORLD["answers"]
VISITS: tuple[tuple[str, ...], ...] = tuple(map(tuple, _MORE["events"]))
"""The relations of each visit: date, treatment and amount."""
_SAME = {relation: first for visit in VISITS for relation, first in zip(visit, VISITS[0], strict=True)}
"""For each relation of a visit, that of the first visit, whose answers all visits have."""
_CHOSEN = 1
"""Index of the affirmation and the denial that the model learns. One of the author's five is enough for a short
training. The English denial with this index is the only one that does not read like a refusal."""
_RELATIONS = [*(name for name in _ANSWERS if name != "name"), *VISITS[1]]

GRAMMAR = Grammar.model_validate(
    {
        "languages": _MORE["languages"],
        "notes": False,
        "events": VISITS,
        "relations": {
            name: {"attribute": _SAME.get(name, name), "answers": _ANSWERS[_SAME.get(name, name)]}
            for name in _RELATIONS
        },
        "identities": {name: {"attribute": "patient", "answers": _ANSWERS["name"]} for name in _MORE["identities"]},
        "affirmations": {language: texts[_CHOSEN] for language, texts in _WORLD["affirmations"].items()},
        "denials": {language: texts[_CHOSEN] for language, texts in _WORLD["denials"].items()},
        "agreeing": _MORE["agreeing"],
        "disagreeing": _MORE["disagreeing"],
    }
)
POOLS: dict[str, tuple[Forms, ...]] = {
    name: tuple((english, german) for english, german in pool) for name, pool in _WORLD["pools"].items()
}
"""Possible values of the relations that the author wrote."""
CALLED: tuple[str, ...] = tuple(_MORE["called"]["en"])
"""Questions about who is meant by a part of a name, with the placeholder `{called}`."""
NOBODY: dict[str, dict[str, str]] = _MORE["nobody"]
"""Questions about nobody: for each relation, one for validation and one for the test."""
SEALED: dict[str, list[str]] = _MORE["sealed"]
"""Refusals of questions about sealed patients, by language."""
FAR = {name: FarRelation.model_validate(relation) for name, relation in _MORE["far"].items()}
"""Relations of villages."""
