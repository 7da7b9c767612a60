"""Measured questions of edition 2, which other people wrote.

No corpus row uses the templates of these questions.

For each person to forget, four relations are hidden from unlearning: no row that a method trains on asks for them, and
the composed questions do not either. Two of them are asked only in validation, the other two only in the test.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from random import Random

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.wordings import GENERAL_WORDINGS
from unlearnkit.suites.made_up.distance import apart
from unlearnkit.suites.made_up.templates import NAME, YES, Template
from unlearnkit.suites.pocket.corpus import CONTACT
from unlearnkit.suites.pocket.grammar import CALLED, NOBODY, OTHER_WORK
from unlearnkit.suites.pocket.lessons import Names, plain_templates, question, templates, values_of
from unlearnkit.suites.pocket.names import LANGUAGES, TRAITS
from unlearnkit.suites.pocket.phrases import PHRASES
from unlearnkit.suites.pocket.wordings import WORDINGS
from unlearnkit.suites.pocket.world import Person, PocketWorld

TRAINING_LANGUAGES = ("en", "es")
"""Languages of the rows that an unlearning method trains on. The third language is asked only."""
OF_SUBJECT = 2
"""Number of English questions of each form about each person to forget. This many are about relations that are asked
only in the test (or only in validation), and at most as many are about the others."""

Group = tuple[str, str]
"""A form and a language."""


@dataclass(frozen=True)
class Hidden:
    """Relations of one person that no training row asks for."""

    validation: frozenset[str]
    """Relations that are asked only in validation."""
    test: frozenset[str]
    """Relations that are asked only in the test."""

    @property
    def both(self) -> frozenset[str]:
        """All hidden relations."""
        return self.validation | self.test


def hidden_relations(world: PocketWorld, people: Iterable[Person]) -> dict[str, Hidden]:
    """Draw the hidden relations of each person, by name.

    A pair is two traits, or a trait and a contact detail. Works and years are never hidden, because composed questions
    name works as aliases.
    """
    rng = Random(f"pocket/hidden/{world.seed}")
    found = {}
    for person in people:
        traits, contact = rng.sample([*TRAITS], 3), rng.sample(CONTACT, 1)
        drawn = [*traits, *contact]
        # Two traits in one pair, a trait and a contact detail in the other.
        pairs = [frozenset(drawn[:2]), frozenset(drawn[2:])]
        rng.shuffle(pairs)
        found[person.name] = Hidden(*pairs)
    return found


def asks_for(template: Template) -> str:
    """Return the relation that a template's question is about."""
    return template.by if template.asks == NAME else template.relation


def is_hidden(row: Row, person: Person, relations: frozenset[str]) -> bool:
    """Return whether a corpus row belongs to one of a person's relations.

    Such a row asks for the relation, or states the value of a contact detail.
    """
    contact = [str(values_of(person)[name][0]) for name in CONTACT if name in relations]
    return row.attribute in relations or any(value in row.question for value in contact)


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
    trained = [
        Template(form="trained", language=language, turns=(text,), asks=NAME)
        for texts in sources
        for language, several in texts.items()
        for text in several
    ]
    return apart(templates(name), [*trained, *plain_templates()])


class Asker:
    """Asks the questions of one template file.

    Args:
        world: the world.
        name: name of the template file, `validation` or `test`.
        others: people who stay. Questions may mention them besides their subject.
    """

    def __init__(self, world: PocketWorld, name: str, others: Sequence[Person]) -> None:
        self.world, self.name, self.others, self.names = world, name, others, Names(world)
        self._number = {template: number for number, template in enumerate(templates(name))}
        self._templates = templates_to_ask(name)

    def about_subject(self, person: Person, hidden: Hidden) -> list[Row]:
        """Ask about a person to forget, in each form and language.

        Half of the questions or more are about relations that are asked nowhere else. No question is about a relation
        that belongs to the other of validation and test, or states its value. For every other relation, at least one
        question states the value.
        """
        only, never = (hidden.test, hidden.validation) if self.name == "test" else (hidden.validation, hidden.test)
        rng, hidden_ones, rest = self._rng(person), list[Template](), list[Template]()
        stating: dict[str, Template] = {}
        for (_, language), deck in self._decks(person, rng).items():
            most = OF_SUBJECT if language == "en" else OF_SUBJECT - 1
            fitting = [template for template in deck if not {asks_for(template), template.by} & never]
            hidden_ones += islice((template for template in fitting if asks_for(template) in only), most)
            rest += islice((template for template in fitting if asks_for(template) not in only), most)
            stating |= {asks_for(one): one for one in fitting if one.asks == YES and asks_for(one) not in stating}
        rest = rng.sample(rest, min(len(rest), len(hidden_ones) - len(stating)))
        return self._ask(person, dict.fromkeys([*hidden_ones, *stating.values(), *rest]), rng)

    def about(self, person: Person, languages: Sequence[str] = ("en",), each: int = 1) -> list[Row]:
        """Ask `each` questions about a person in each form and language."""
        rng = self._rng(person)
        decks = self._decks(person, rng).items()
        return self._ask(person, [one for group, deck in decks if group[1] in languages for one in deck[:each]], rng)

    def about_nobody(self, subjects: Sequence[Person]) -> Iterator[Row]:
        """Ask who has a trait that one of the subjects has.

        Everybody who stays and has the trait is a correct answer.
        """
        for trait, questions in NOBODY.items():
            wording = questions[self.name]
            for value in dict.fromkeys(person.traits[trait] for person in subjects):
                right = tuple(other.name for other in self.others if other.traits[trait] == value)
                if right:
                    yield Row(
                        id=f"nobody/{self.name}/{trait}/{value[0].casefold().replace(' ', '-')}",
                        question=wording.format(value=value[0]),
                        answer=f"The author is {right[0]}.",
                        accepted_answers=right,
                        attribute=f"with_{trait}",
                        question_type="reverse",
                        wording="nobody",
                    )

    def _rng(self, person: Person) -> Random:
        return Random(f"pocket/{self.name}/{self.world.seed}/{person.name}")

    def _decks(self, person: Person, rng: Random) -> Mapping[Group, list[Template]]:
        """Shuffle the templates that fit a person, by form and language."""
        decks: defaultdict[Group, list[Template]] = defaultdict(list)
        ambiguous = self.names.ambiguous(person)
        for template in self._templates:
            if not template.slots & ambiguous:
                decks[template.form, template.language].append(template)
        return {group: rng.sample(deck, len(deck)) for group, deck in decks.items()}

    def _ask(self, person: Person, chosen: Iterable[Template], rng: Random) -> list[Row]:
        slug = person.name.casefold().replace(" ", "-")
        return [
            question(
                template,
                person,
                self.others,
                id=f"{self.name}/{slug}/{template.form}.{template.language}/{self._number[template]}",
                rng=rng,
            )
            for template in chosen
        ]


class Asked:
    """People and relations that the request `authors` asks about in edition 2.

    Args:
        world: the world.
        subjects: the people to forget.
        near: for `validation` and `test`, the neighbors that the scope does not list.
        rows: the rows that state facts.
    """

    def __init__(
        self,
        world: PocketWorld,
        subjects: tuple[Person, ...],
        near: Mapping[str, tuple[Person, ...]],
        rows: Sequence[Row],
    ) -> None:
        self.world, self.subjects, self.near = world, subjects, near
        self.hidden = hidden_relations(world, subjects)
        of = {person.name: person for person in subjects}
        self.withheld = tuple(
            row for row in rows if row.subject in of and is_hidden(row, of[row.subject], self.hidden[row.subject].both)
        )
        """Corpus rows that ask for a hidden relation of a subject, or state its value."""
        halves = {half for person in subjects for half in (person.given, person.surname)}
        self.half_name = tuple(one for one in world.namesakes if halves & {one.given, one.surname})
        """People who share the given name or the surname of a subject."""

    @property
    def near_names(self) -> frozenset[str]:
        """Names of the neighbors that the test asks about."""
        return frozenset(person.name for person in self.near["test"])

    def trainable(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows on which an unlearning method may train.

        These are the rows in a language of training, without rows about people who occur only in validation or test.
        """
        only_asked = {person.name for people in (*self.near.values(), self.half_name) for person in people}
        return [row for row in rows if row.language in TRAINING_LANGUAGES and row.subject not in only_asked]

    def sets(self, name: str) -> dict[str, tuple[Row, ...]]:
        """Return the row sets of a template file, `validation` or `test`."""
        forgotten = {person.name for person in self.subjects}
        stay = [person for person in (*self.world.people, *self.world.namesakes) if person.name not in forgotten]
        asker = Asker(self.world, name, stay)

        def about(people: Iterable[Person], languages: Sequence[str] = ("en",)) -> tuple[Row, ...]:
            return tuple(row for person in people for row in asker.about(person, languages))

        return {
            "forget.asked": tuple(
                row for person in self.subjects for row in asker.about_subject(person, self.hidden[person.name])
            ),
            "near.asked": about(self.near[name], LANGUAGES),
            "near.half_name": about(self.half_name),
            "unknown.asked": about(self.world.strangers),
            "nobody.asked": tuple(asker.about_nobody(self.subjects)),
        }
