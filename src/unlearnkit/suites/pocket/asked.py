"""What the request `authors` of edition 2 asks about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

from unlearnkit.scope.questions.wordings import GENERAL_WORDINGS
from unlearnkit.suites.made_up.asked import Asked
from unlearnkit.suites.made_up.asking import Asker, hidden_relations
from unlearnkit.suites.made_up.distance import apart, apart_from_texts
from unlearnkit.suites.made_up.templates import Template
from unlearnkit.suites.pocket.corpus import CONTACT
from unlearnkit.suites.pocket.grammar import CALLED, GRAMMAR, NOBODY, OTHER_WORK
from unlearnkit.suites.pocket.lessons import described, plain_templates, questioner, templates
from unlearnkit.suites.pocket.names import TRAITS
from unlearnkit.suites.pocket.phrases import PHRASES
from unlearnkit.suites.pocket.wordings import WORDINGS
from unlearnkit.suites.pocket.world import Person, PocketWorld

TRAINING_LANGUAGES = ("en", "es")
"""Languages of the rows that an unlearning method trains on. The third language is asked only."""


@cache
def templates_to_ask(name: str) -> tuple[Template, ...]:
    """Return the templates of a file that no trained question resembles.

    The authors of the templates did not see the questions of edition 1, on which target models are trained, or the
    wordings of composed questions. Some of their plain questions are the same.
    """
    phrases = (phrase for group in (PHRASES.person, PHRASES.work, PHRASES.owner) for phrase in group.values())
    asked = (OTHER_WORK, CALLED, *phrases)
    sources = [texts for phrase in asked for texts in (phrase.questions, phrase.by_work)]
    sources += [*GENERAL_WORDINGS, *(texts for wording in WORDINGS.values() for texts in wording.questions)]
    return apart(apart_from_texts(templates(name), sources), plain_templates())


def asker(world: PocketWorld, name: str, others: Sequence[Person]) -> Asker:
    """Return what asks the questions of a template file, `validation` or `test`.

    `others` are people who stay.
    """
    stay = [described(person) for person in others]
    return Asker(("pocket", world.seed), name, questioner(world), templates(name), templates_to_ask(name), stay)


def asked_of(world: PocketWorld, subjects: Sequence[Person], near: Mapping[str, Sequence[Person]]) -> Asked:
    """Return who and what the request asks about.

    Works and years are never hidden, because composed questions name works as aliases.

    Args:
        world: the world.
        subjects: the people to forget.
        near: for `validation` and `test`, the neighbors that the scope does not list.
    """
    forgotten = {person.name for person in subjects}
    stay = [person for person in (*world.people, *world.namesakes) if person.name not in forgotten]
    halves = {half for person in subjects for half in (person.given, person.surname)}
    return Asked(
        grammar=GRAMMAR,
        training_languages=TRAINING_LANGUAGES,
        subjects=tuple(map(described, subjects)),
        near={name: tuple(map(described, people)) for name, people in near.items()},
        half_name=tuple(described(one) for one in world.namesakes if halves & {one.given, one.surname}),
        strangers=tuple(map(described, world.strangers)),
        hidden=hidden_relations(Random(f"pocket/hidden/{world.seed}"), subjects, [*TRAITS], CONTACT),
        askers={name: asker(world, name, stay) for name in near},
        nobody=NOBODY,
        nobody_answer="The author is {value}.",
    )
