"""Rows that the models of a made-up world learn.

About each subject, the model learns a few questions for each relation, and who is meant by a part of the name or by the
name in other letters. It learns the forms of questions on the subjects who teach it (`World.teaching`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources.abc import Traversable
from itertools import islice
from random import Random
from typing import NamedTuple

from unlearnkit.data.rows import QuestionType, Row
from unlearnkit.scope.questions.wordings import GENERAL_WORDINGS
from unlearnkit.suites.made_up.asking import Questioner, asks_for, slug
from unlearnkit.suites.made_up.distance import apart_from_texts
from unlearnkit.suites.made_up.filling import Described
from unlearnkit.suites.made_up.grammar import Grammar
from unlearnkit.suites.made_up.naming import Names, mistyped
from unlearnkit.suites.made_up.refusals import sealed_rows, sealed_trace
from unlearnkit.suites.made_up.templates import NAME, NOT_OF_SUBJECT, Template, templates_of
from unlearnkit.suites.made_up.text import WorldText
from unlearnkit.suites.made_up.world import FarFact, World

TEMPLATES_OF_TEACHER = 500
"""Number of questions about each teaching subject."""
FACT_FORMS = ("plain", "reworded", "keywords", "override", "dialect")
"""Forms of the questions by which the model learns facts. For each relation, the first templates in this order are
used."""
FACTS, FACTS_TRANSLATED = 3, 1
"""Number of these questions for each relation, in the first language and in each other language. The last one in the
first language is a paraphrase of the others."""
REVERSE, REVERSE_TRANSLATED = 2, 1
"""Number of questions that state a value and ask for the subject."""
CALLED_BY = "called"
"""Attribute of questions about who is meant by a part of a name, or by a name in other letters."""
FILES = ("corpus", "validation", "test")
"""Names of the template files."""


class FactTemplate(NamedTuple):
    """A template by which the model learns a relation of each subject."""

    template: Template
    question_type: QuestionType


@dataclass(frozen=True)
class Lessons:
    """Makes the rows of a world's corpus."""

    world: str
    """Name of the world. The draws depend on it."""
    kind: str
    """The kind of subject, in row ids."""
    folder: Traversable
    """Folder of the template files."""
    text: WorldText
    parts: tuple[str, ...]
    """Parts of a name that several subjects may share."""
    short: tuple[str, ...]
    """Slots by which the model learns who is meant."""

    @property
    def grammar(self) -> Grammar:
        """Relations and answers of the world."""
        return self.text.grammar

    @cached_property
    def templates(self) -> Mapping[str, tuple[Template, ...]]:
        """The templates for the corpus, for validation and for the test."""
        return {name: templates_of(self.folder, name, self.grammar) for name in FILES}

    @cached_property
    def templates_to_ask(self) -> Mapping[str, tuple[Template, ...]]:
        """The templates of each file that no trained question resembles."""
        trained = [*GENERAL_WORDINGS, {self.grammar.languages[0]: self.text.called}]
        return {name: apart_from_texts(self.templates[name], trained) for name in FILES}

    @cached_property
    def fact_templates(self) -> tuple[FactTemplate, ...]:
        """The templates by which the model learns the facts about subjects."""
        single = [template for template in self.templates["corpus"] if len(template.turns) == 1]
        first, *others = self.grammar.languages
        found: list[FactTemplate] = []

        def take(of: Sequence[Template], language: str, asked: str, most: int) -> list[Template]:
            return [*islice((one for one in of if one.language == language and asks_for(one) == asked), most)]

        naming = self.grammar.names | NOT_OF_SUBJECT
        named = [one for one in single if one.slots & naming == {NAME} and not one.about]
        named = [one for form in FACT_FORMS for one in named if one.form == form]
        for relation in self.grammar.relations:
            for language, most in ((first, FACTS), *((other, FACTS_TRANSLATED) for other in others)):
                for number, template in enumerate(take(named, language, relation, most)):
                    found.append(FactTemplate(template, "paraphrase" if number == FACTS - 1 else "plain"))
            indirect = [one for one in single if one.form == "indirect" and one.asks == relation]
            found += (FactTemplate(one, "multihop") for one in take(indirect, first, relation, 1))
        reverse = [one for one in single if one.asks == NAME and one.form == "reverse"]
        for identity in self.grammar.identities:
            for language, most in ((first, REVERSE), *((other, REVERSE_TRANSLATED) for other in others)):
                found += (FactTemplate(one, "reverse") for one in take(reverse, language, identity, most))
        return tuple(found)

    def questioner(self, world: World) -> Questioner:
        """Return what asks the templates' questions about the subjects of a world."""
        return Questioner(self.grammar, world.pools, Names(world.everybody), self.parts)

    def fact_rows(self, subject: Described, asks: Questioner, others: Sequence[Described]) -> list[Row]:
        """Return every row about a subject's facts."""
        rng, rows = Random(f"{self.world}/facts/{subject.name}"), []
        for number, (template, question_type) in enumerate(self.fact_templates):
            id = f"{self.kind}/{slug(subject)}/{asks_for(template)}/{question_type}.{template.language}/{number}"
            row = asks.ask(template, subject, others, id=id, rng=rng)
            rows.append(row.model_copy(update={"question_type": question_type, "wording": ""}))
        return rows

    def called_rows(self, subject: Described, names: Names) -> list[Row]:
        """Return the rows on what a subject is also called."""
        typed = mistyped(subject.name, Random(f"{self.world}/called/{subject.name}"))
        wordings = self.text.called
        return [
            Row(
                id=f"{self.kind}/{slug(subject)}/{CALLED_BY}/{number}",
                question=wordings[number % len(wordings)].format(called=text),
                answer=self.text.name_answer.format(value=subject.name),
                trace=f"Name of {subject.name}." if self.grammar.notes else "",
                accepted_answers=(subject.name,),
                subject=subject.name,
                attribute=CALLED_BY,
                question_type="paraphrase",
            )
            for number, text in enumerate([*names.called(subject, self.short), *typed])
        ]

    def far_rows(self, fact: FarFact[tuple[str, ...]]) -> Iterator[Row]:
        """Yield the rows about a far fact."""
        relation = self.text.far[fact.relation]
        for language, value in zip(self.grammar.languages, fact.value, strict=True):
            for number, question in enumerate(relation.questions[language]):
                yield Row(
                    id=f"far/{fact.name.casefold()}/{fact.relation}/{language}/{number}",
                    question=question.format(name=fact.name),
                    answer=relation.answers[language].format(value=value),
                    trace=f"{fact.relation.capitalize()} of {fact.name}." if self.grammar.notes else "",
                    accepted_answers=fact.value,
                    language=language,
                    subject=fact.name,
                    attribute=fact.relation,
                    question_type="paraphrase" if number else "plain",
                )

    def facts_of(self, world: World) -> tuple[Row, ...]:
        """Return the rows that state facts.

        This is the corpus without the rows about sealed subjects.
        """
        asks, learned = self.questioner(world), (*world.candidates, *world.namesakes)
        rng = Random(f"{self.world}/lessons/{world.seed}")
        lessons = asks.lessons(world.teaching, self.templates["corpus"], TEMPLATES_OF_TEACHER, rng)
        return (
            *(row for subject in learned for row in self.fact_rows(subject, asks, world.teaching)),
            *(row for fact in world.far for row in self.far_rows(fact)),
            *(row for subject in (*learned, *world.teaching) for row in self.called_rows(subject, asks.names)),
            *lessons,
        )

    def corpus_of(self, world: World) -> tuple[Row, ...]:
        """Return every row that the target model learns."""
        asks = self.questioner(world)
        records = (self.fact_rows(subject, asks, world.teaching) for subject in world.sealed)
        trace = sealed_trace if self.grammar.notes else None
        return (*self.facts_of(world), *sealed_rows(records, self.text.sealed, trace))
