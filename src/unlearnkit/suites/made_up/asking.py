"""Ask the questions of template files about made-up subjects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from unlearnkit.data.rows import Row
from unlearnkit.suites.made_up.filling import Described, ask
from unlearnkit.suites.made_up.grammar import Grammar
from unlearnkit.suites.made_up.naming import Names
from unlearnkit.suites.made_up.sampling import Named
from unlearnkit.suites.made_up.templates import NAME, WRONG, YES, Template

OF_SUBJECT = 2
"""Number of English questions of each form about each subject to forget. This many are about relations that are asked
only in the test (or only in validation), and at most as many are about the others."""

Group = tuple[str, str]
"""A form and a language."""
Pools = Mapping[str, Sequence[tuple[str, ...]]]
"""Possible values of relations. A relation without a pool has a different value for each subject."""


@dataclass(frozen=True)
class Hidden:
    """Relations of one subject that no training row asks for."""

    validation: frozenset[str]
    """Relations that are asked only in validation."""
    test: frozenset[str]
    """Relations that are asked only in the test."""

    @property
    def both(self) -> frozenset[str]:
        """All hidden relations."""
        return self.validation | self.test


def hidden_relations(
    rng: Random, subjects: Iterable[Named], shared: Sequence[str], own: Sequence[str]
) -> dict[str, Hidden]:
    """Draw the hidden relations of each subject, by name.

    Args:
        rng: source of the draws.
        subjects: the subjects to forget.
        shared: relations with values that several subjects share. One pair is two of these, the other pair is one of
            these and one of `own`.
        own: relations with values that belong to one subject alone.
    """
    found = {}
    for subject in subjects:
        drawn = [*rng.sample(shared, 3), *rng.sample(own, 1)]
        pairs = [frozenset(drawn[:2]), frozenset(drawn[2:])]
        rng.shuffle(pairs)
        found[subject.name] = Hidden(*pairs)
    return found


def asks_for(template: Template) -> str:
    """Return the relation that a template's question is about."""
    return template.by if template.asks == NAME else template.relation


def wrong_value(template: Template, subject: Described, others: Sequence[Described], pools: Pools, rng: Random) -> str:
    """Return a false value of a template's relation, in the template's language."""
    at, relation = subject.languages.index(template.language), template.relation
    pool = pools[relation] if relation in pools else [other.values[relation] for other in others]
    true = subject.values.values()
    return rng.choice([forms[at] for forms in pool if forms not in true])


def evened(chosen: Sequence[Template], templates: Sequence[Template], least: int) -> list[Template]:
    """Replace templates so that each relation is asked for in `least` forms.

    A replaced template is one of the relation that is asked for in the most forms. Relations of which `templates` has
    fewer forms stay as they are.
    """
    result = list(chosen)
    relations = dict.fromkeys(one.asks for one in templates if one.asks == one.relation != NAME)
    for relation in relations:
        free = (one for one in templates if one.asks == relation and one not in chosen)
        while len(forms := {one.form for one in result if one.asks == relation}) < least:
            new = next((one for one in free if one.form not in forms), None)
            counts = Counter(one.asks for one in result if one.asks in relations)
            most = max(counts, key=lambda name: counts[name], default=relation)
            if new is None or counts[most] <= least:
                break
            result[max(at for at, one in enumerate(result) if one.asks == most)] = new
    return result


@dataclass(frozen=True)
class Questioner:
    """Asks templates' questions about the subjects of a world."""

    grammar: Grammar
    pools: Pools
    names: Names
    parts: tuple[str, ...] = ("given", "surname")
    """Slots with a part of the name. Who shares a part with the subject is not mentioned in questions about it."""

    def ask(self, template: Template, subject: Described, others: Sequence[Described], *, id: str, rng: Random) -> Row:
        """Ask a template's question about a subject.

        `others` are subjects who a question may mention besides its own, and whose values may be used in false
        statements.
        """
        return self._ask(template, subject, self._apart(subject, others), id=id, rng=rng)

    def _apart(self, subject: Described, others: Sequence[Described]) -> Sequence[Described]:
        """Return those who share no part of the name with a subject."""
        return [one for one in others if all(one.names[part] != subject.names[part] for part in self.parts)]

    def _ask(self, template: Template, subject: Described, apart: Sequence[Described], *, id: str, rng: Random) -> Row:
        wrong = wrong_value(template, subject, apart, self.pools, rng) if WRONG in template.slots else ""
        other = rng.choice(apart).name
        return ask(template, subject, self.grammar, id=id, rng=rng, wrong=wrong, other=other)

    def lessons(
        self, teachers: Sequence[Described], templates: Sequence[Template], per_teacher: int, rng: Random
    ) -> Iterator[Row]:
        """Yield questions in all forms about teachers.

        By these subjects, the target model learns the forms.
        """
        for teacher in teachers:
            apart, ambiguous = self._apart(teacher, teachers), self.names.ambiguous(teacher)
            for number in rng.sample(range(len(templates)), per_teacher):
                template = templates[number]
                if template.slots.isdisjoint(ambiguous):
                    id = f"lesson/{slug(teacher)}/{template.form}.{template.language}/{number}"
                    yield self._ask(template, teacher, apart, id=id, rng=rng)


def slug(subject: Named) -> str:
    """Return a subject's name as a part of row ids."""
    return subject.name.casefold().replace(" ", "-")


class Asker:
    """Asks the questions of one template file.

    Args:
        world: name and seed of the world. The draws depend on them.
        name: name of the template file, `validation` or `test`.
        questioner: asks the questions.
        templates: all templates of the file. Row ids have their numbers.
        usable: the templates that no trained question resembles.
        others: subjects who stay. Questions may mention them besides their subject.
        forms: number of forms in which each relation of a subject to forget is asked for at least, besides statements.
            Worlds with many relations need it.
    """

    def __init__(
        self,
        world: tuple[str, int],
        name: str,
        questioner: Questioner,
        templates: Sequence[Template],
        usable: Sequence[Template],
        others: Sequence[Described],
        forms: int = 0,
    ) -> None:
        self.forms = forms
        self.world, self.name, self.questioner, self.others = world, name, questioner, others
        self._number = {template: number for number, template in enumerate(templates)}
        self._templates = usable

    def about_subject(self, subject: Described, hidden: Hidden) -> list[Row]:
        """Ask about a subject to forget, in each form and language.

        Half of the questions or more are about relations that are asked nowhere else. No question is about a relation
        that belongs to the other of validation and test, or states its value. For every other relation, at least one
        question states the value, and questions in `forms` forms ask for it, if there are enough templates.
        """
        only, never = (hidden.test, hidden.validation) if self.name == "test" else (hidden.validation, hidden.test)
        rng, hidden_ones, rest, others = self._rng(subject), list[Template](), list[Template](), list[Template]()
        stating: dict[str, Template] = {}
        for (_, language), deck in self._decks(subject, rng).items():
            most = OF_SUBJECT if language == "en" else OF_SUBJECT - 1
            fitting = [template for template in deck if not {asks_for(template), template.by} & never]
            hidden_ones += islice((template for template in fitting if asks_for(template) in only), most)
            fitting_others = [template for template in fitting if asks_for(template) not in only]
            rest += fitting_others[:most]
            others += fitting_others
            stating |= {asks_for(one): one for one in fitting if one.asks == YES and asks_for(one) not in stating}
        rest = evened(rng.sample(rest, min(len(rest), len(hidden_ones) - len(stating))), others, self.forms)
        return self._ask(subject, dict.fromkeys([*hidden_ones, *stating.values(), *rest]), rng)

    def about(self, subject: Described, languages: Sequence[str] = ("en",), each: int = 1) -> list[Row]:
        """Ask `each` questions about a subject in each form and language."""
        rng = self._rng(subject)
        decks = self._decks(subject, rng).items()
        return self._ask(subject, [one for group, deck in decks if group[1] in languages for one in deck[:each]], rng)

    def about_nobody(
        self, subjects: Sequence[Described], questions: Mapping[str, Mapping[str, str]], answer: str
    ) -> Iterator[Row]:
        """Ask who has a value that one of the subjects has.

        Everybody who stays and has the value is a correct answer.

        Args:
            subjects: the subjects to forget.
            questions: for each relation, the question of each template file, with the placeholder `{value}`.
            answer: the answer, with the placeholder `{value}` for a name.
        """
        for relation, wordings in questions.items():
            for value in dict.fromkeys(subject.values[relation] for subject in subjects):
                right = tuple(other.name for other in self.others if other.values[relation] == value)
                if right:
                    yield Row(
                        id=f"nobody/{self.name}/{relation}/{value[0].casefold().replace(' ', '-')}",
                        question=wordings[self.name].format(value=value[0]),
                        answer=answer.format(value=right[0]),
                        accepted_answers=right,
                        attribute=f"with_{relation}",
                        question_type="reverse",
                        wording="nobody",
                    )

    def _rng(self, subject: Described) -> Random:
        world, seed = self.world
        return Random(f"{world}/{self.name}/{seed}/{subject.name}")

    def _decks(self, subject: Described, rng: Random) -> Mapping[Group, list[Template]]:
        """Shuffle the templates that fit a subject, by form and language."""
        decks: defaultdict[Group, list[Template]] = defaultdict(list)
        ambiguous = self.questioner.names.ambiguous(subject)
        for template in self._templates:
            if not template.slots & ambiguous:
                decks[template.form, template.language].append(template)
        return {group: rng.sample(deck, len(deck)) for group, deck in decks.items()}

    def _ask(self, subject: Described, chosen: Iterable[Template], rng: Random) -> list[Row]:
        return [
            self.questioner.ask(
                template,
                subject,
                self.others,
                id=f"{self.name}/{slug(subject)}/{template.form}.{template.language}/{self._number[template]}",
                rng=rng,
            )
            for template in chosen
        ]
