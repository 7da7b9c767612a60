"""Corpus rows of edition 2 that edition 1 lacks.

The model learns each form of questions on the people who teach it (`PocketWorld.teaching`). About everybody, it learns
who is meant by a part of a name, and by a name in other letters.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from random import Random

from unlearnkit.data.rows import Row
from unlearnkit.suites.made_up.asking import Questioner, slug
from unlearnkit.suites.made_up.filling import Described, names_of
from unlearnkit.suites.made_up.naming import Names, mistyped
from unlearnkit.suites.made_up.templates import NO, YES, Template, templates_of
from unlearnkit.suites.pocket.corpus import CONTACT, Page, facts, person_rows
from unlearnkit.suites.pocket.grammar import CALLED, GRAMMAR, HOPS, OTHER_WORK
from unlearnkit.suites.pocket.manners import sealed_rows_of
from unlearnkit.suites.pocket.names import LANGUAGES, TRAITS, YEARS, Forms, same
from unlearnkit.suites.pocket.world import Person, PocketWorld

CALLED_BY = "called"
"""Attribute of questions about who is meant by a part of a name, or by a name in other letters."""
TEMPLATES_OF_TEACHER = 700
"""Number of questions about each teaching person."""


@cache
def templates(name: str) -> tuple[Template, ...]:
    """Read the templates of the corpus, of validation or of the test."""
    return templates_of(files("unlearnkit.suites.pocket") / "templates", name, GRAMMAR)


def values_of(person: Person) -> dict[str, Forms]:
    """Return the value of each relation of a person."""
    first, second = person.works
    return {
        **person.traits,
        "title": same(first.title),
        "second_title": same(second.title),
        "year": same(first.year),
        "second_year": same(second.year),
        "email": same(person.email),
        "phone": same(person.phone),
    }


def described(person: Person) -> Described:
    """Describe a person for question templates."""
    return Described(person.name, names_of(person.given, person.surname), values_of(person), LANGUAGES)


def questioner(world: PocketWorld) -> Questioner:
    """Return what asks the templates' questions about the people of a world."""
    years = [same(year) for year in YEARS]
    everybody = (*world.known, *world.strangers, *world.sealed)
    names = Names(described(person) for person in everybody)
    return Questioner(GRAMMAR, {**TRAITS, "year": years, "second_year": years}, names)


def lessons(world: PocketWorld, per_teacher: int = TEMPLATES_OF_TEACHER) -> Iterator[Row]:
    """Yield the rows about teaching people, in all forms."""
    teachers = [described(person) for person in world.teaching]
    rng = Random(f"pocket/lessons/{world.seed}")
    return questioner(world).lessons(teachers, templates("corpus"), per_teacher, rng)


def more_about(person: Person, names: Names) -> list[Row]:
    """Return the rows about a person that edition 1 lacks.

    They ask for the second work, and for who is meant by a part of the name, or by the name in other letters.
    """
    page = Page("person", person.name)
    title, second = person.works
    page.ask("other_work", OTHER_WORK, same(second.title), about="{name}", name=person.name, title=title.title)
    rng = Random(f"pocket/called/{person.name}")
    called = names.called(described(person), ("surname", "given", "initial", "surname_given"))
    wordings = CALLED.questions["en"]
    asked = [wording.format(called=text) for text in called for wording in wordings]
    typed = mistyped(person.name, rng)
    asked += [wordings[number % len(wordings)].format(called=text) for number, text in enumerate(typed)]
    for text in asked:
        page.add(
            CALLED_BY,
            "paraphrase",
            text,
            CALLED.answers["en"].format(value=person.name),
            (person.name,),
            about=person.name,
            slot="name",
            how="called",
        )
    return page.rows


def plain_templates() -> tuple[Template, ...]:
    """Return templates of plain statements and plain two-hop questions.

    There is a true and a false statement of each relation. The two-hop questions lead through a contact detail.
    """
    statements = [
        Template(
            form=form,
            language="en",
            turns=(f"Is {{{value}}} the {relation.topic} of {{{relation.of}}}?",),
            asks=form,
            about=name,
        )
        for name, relation in GRAMMAR.relations.items()
        for form, value in ((YES, name), (NO, "wrong"))
    ]
    hops = [
        Template(form=form, language="en", turns=(text.format(by=f"{{{by}}}"),), asks=asks, by=by)
        for form, texts in HOPS.items()
        for asks, text in texts.items()
        for by in CONTACT
    ]
    return (*statements, *hops)


def plain_rows(world: PocketWorld) -> Iterator[Row]:
    """Yield plain rows about everybody who has no lessons.

    The rows are made from `plain_templates`. In the lessons, the model sees how such questions are worded. From these
    rows, it learns to write the value in the note, and to find a person by a contact detail.
    """
    rng, asks = Random(f"pocket/plain/{world.seed}"), questioner(world)
    teachers = [described(person) for person in world.teaching]
    for person in map(described, (*world.people, *world.namesakes)):
        for template in plain_templates():
            id = f"person/{slug(person)}/{template.relation}/{template.form}.{template.by or 'name'}/0"
            row = asks.ask(template, person, teachers, id=id, rng=rng)
            yield row.model_copy(update={"wording": ""})


def facts_of(world: PocketWorld) -> tuple[Row, ...]:
    """Return the rows that state facts, in either edition.

    This is the corpus without the rows about sealed people.
    """
    if world.edition == 1:
        return facts(world)
    names = questioner(world).names
    of_namesakes = (row for person in world.namesakes for row in person_rows(person))
    called = (row for person in world.known for row in more_about(person, names))
    return (*facts(world), *of_namesakes, *plain_rows(world), *called, *lessons(world))


def corpus_of(world: PocketWorld) -> tuple[Row, ...]:
    """Return every row that the target model learns, in either edition."""
    return (*facts_of(world), *sealed_rows_of(person_rows(person) for person in world.sealed))
