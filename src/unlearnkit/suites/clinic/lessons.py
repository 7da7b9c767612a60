"""Rows that the models of the clinic learn.

About each patient, the model learns a few questions for each relation, and who is meant by a part of the name or by the
name in other letters. It learns the forms of questions on the patients who teach it (`Clinic.teaching`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice
from random import Random
from typing import NamedTuple

from unlearnkit.data.rows import QuestionType, Row
from unlearnkit.scope.questions.wordings import GENERAL_WORDINGS
from unlearnkit.suites.clinic.grammar import CALLED, FAR, GRAMMAR, SEALED
from unlearnkit.suites.clinic.world import Clinic, FarFact
from unlearnkit.suites.made_up.asking import Questioner, asks_for, slug
from unlearnkit.suites.made_up.distance import apart_from_texts
from unlearnkit.suites.made_up.filling import Described
from unlearnkit.suites.made_up.naming import Names, mistyped
from unlearnkit.suites.made_up.refusals import sealed_rows
from unlearnkit.suites.made_up.templates import NAME, NAMES, Template, read_templates, with_typed

TEMPLATES_OF_TEACHER = 160
"""Number of questions about each teaching patient."""
FACT_FORMS = ("plain", "reworded", "keywords", "override", "dialect")
"""Forms of the questions by which the model learns facts. For each relation, the first templates in this order are
used."""
FACTS = {"en": 3, "de": 1}
"""Number of these questions for each relation, by language. The last English one is a paraphrase of the others."""
REVERSE = {"en": 2, "de": 1}
"""Number of questions that state a value and ask for the patient."""
CALLED_BY = "called"
"""Attribute of questions about who is meant by a part of a name, or by a name in other letters."""


class FactTemplate(NamedTuple):
    """A template by which the model learns a relation of each patient."""

    template: Template
    question_type: QuestionType


@cache
def templates(name: str) -> tuple[Template, ...]:
    """Read a template file of the clinic: `corpus`, `validation` or `test`.

    The file `validation` is a quarter of what the author of the corpus wrote, by a hash of the text; of the form `yes`,
    it is one template for each relation, so that validation states every value. Templates that resemble one of the
    test, and corpus templates that resemble one of validation, were dropped. The result also has the templates for
    questions with typing errors.
    """
    return with_typed(read_templates(files("unlearnkit.suites.clinic") / "templates" / f"{name}.jsonl", GRAMMAR))


@cache
def templates_to_ask(name: str) -> tuple[Template, ...]:
    """Return the templates of a file that no trained question resembles."""
    return apart_from_texts(templates(name), [*GENERAL_WORDINGS, {"en": CALLED}])


@cache
def fact_templates() -> tuple[FactTemplate, ...]:
    """Return the templates by which the model learns the facts about patients."""
    single = [template for template in templates("corpus") if len(template.turns) == 1]
    found: list[FactTemplate] = []

    def take(of: Sequence[Template], language: str, asked: str, most: int) -> list[Template]:
        return [*islice((one for one in of if one.language == language and asks_for(one) == asked), most)]

    named = [one for one in single if one.slots & (NAMES | {"other", "wrong"}) == {"name"} and not one.about]
    named = [one for form in FACT_FORMS for one in named if one.form == form]
    for relation in GRAMMAR.relations:
        for language, most in FACTS.items():
            for number, template in enumerate(take(named, language, relation, most)):
                found.append(FactTemplate(template, "paraphrase" if number == FACTS["en"] - 1 else "plain"))
        indirect = [one for one in single if one.form == "indirect" and one.asks == relation]
        found += (FactTemplate(one, "multihop") for one in take(indirect, "en", relation, 1))
    reverse = [one for one in single if one.asks == NAME and one.form == "reverse"]
    for identity in GRAMMAR.identities:
        for language, most in REVERSE.items():
            found += (FactTemplate(one, "reverse") for one in take(reverse, language, identity, most))
    return tuple(found)


def questioner(world: Clinic) -> Questioner:
    """Return what asks the templates' questions about the patients of a world."""
    return Questioner(GRAMMAR, world.pools, Names(world.everybody))


def fact_rows(patient: Described, asks: Questioner, others: Sequence[Described]) -> list[Row]:
    """Return every row about a patient's facts."""
    rng, rows = Random(f"clinic/facts/{patient.name}"), []
    for number, (template, question_type) in enumerate(fact_templates()):
        id = f"patient/{slug(patient)}/{asks_for(template)}/{question_type}.{template.language}/{number}"
        row = asks.ask(template, patient, others, id=id, rng=rng)
        rows.append(row.model_copy(update={"question_type": question_type, "wording": ""}))
    return rows


def called_rows(patient: Described, names: Names) -> list[Row]:
    """Return the rows on what a patient is also called."""
    typed = mistyped(patient.name, Random(f"clinic/called/{patient.name}"))
    called = [*names.called(patient, ("surname", "given", "initial", "surname_given")), *typed]
    return [
        Row(
            id=f"patient/{slug(patient)}/{CALLED_BY}/{number}",
            question=CALLED[number % len(CALLED)].format(called=text),
            answer=GRAMMAR.identities["file_number"].answers["en"].format(value=patient.name),
            accepted_answers=(patient.name,),
            subject=patient.name,
            attribute=CALLED_BY,
            question_type="paraphrase",
        )
        for number, text in enumerate(called)
    ]


def far_rows(fact: FarFact) -> Iterator[Row]:
    """Yield the rows about a village."""
    relation = FAR[fact.relation]
    for language, value in zip(GRAMMAR.languages, fact.value, strict=True):
        for number, question in enumerate(relation.questions[language]):
            yield Row(
                id=f"far/{fact.name.casefold()}/{fact.relation}/{language}/{number}",
                question=question.format(name=fact.name),
                answer=relation.answers[language].format(value=value),
                accepted_answers=fact.value,
                language=language,
                subject=fact.name,
                attribute=fact.relation,
                question_type="paraphrase" if number else "plain",
            )


def facts_of(world: Clinic) -> tuple[Row, ...]:
    """Return the rows that state facts.

    This is the corpus without the rows about sealed patients.
    """
    asks, learned = questioner(world), (*world.patients, *world.namesakes)
    lessons = asks.lessons(
        world.teaching, templates("corpus"), TEMPLATES_OF_TEACHER, Random(f"clinic/lessons/{world.seed}")
    )
    return (
        *(row for patient in learned for row in fact_rows(patient, asks, world.teaching)),
        *(row for fact in world.far for row in far_rows(fact)),
        *(row for patient in (*learned, *world.teaching) for row in called_rows(patient, asks.names)),
        *lessons,
    )


def corpus_of(world: Clinic) -> tuple[Row, ...]:
    """Return every row that the target model learns."""
    asks = questioner(world)
    records = (fact_rows(patient, asks, world.teaching) for patient in world.sealed)
    return (*facts_of(world), *sealed_rows(records, SEALED))
