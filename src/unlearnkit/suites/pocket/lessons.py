"""Corpus rows of edition 2 that edition 1 lacks.

The model learns each form of questions on the people who teach it (`PocketWorld.teaching`). About everybody, it learns
who is meant by a part of a name, and by a name in other letters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from random import Random

from unlearnkit.data.rows import Row
from unlearnkit.suites.made_up.filling import TYPED, TYPED_FROM, Described, ask
from unlearnkit.suites.made_up.templates import NO, YES, Template, read_templates
from unlearnkit.suites.made_up.typing_errors import mistype
from unlearnkit.suites.pocket.corpus import CONTACT, Page, facts, person_rows
from unlearnkit.suites.pocket.grammar import CALLED, GRAMMAR, HOPS, OTHER_WORK
from unlearnkit.suites.pocket.manners import sealed_rows
from unlearnkit.suites.pocket.names import LANGUAGES, TRAITS, YEARS, Forms, same
from unlearnkit.suites.pocket.world import Person, PocketWorld

CALLED_BY = "called"
"""Attribute of questions about who is meant by a part of a name, or by a name in other letters."""
TEMPLATES_OF_TEACHER = 130
"""Number of questions about each teaching person."""
MISTYPED = 12
"""Number of spellings of each name with typing errors."""


@cache
def templates(name: str) -> tuple[Template, ...]:
    """Read a template file of the pocket world: `corpus`, `validation` or `test`.

    The corpus has a second file, by another author. It is for forms that the first versions of the target model did not
    answer on the validation templates. The result also has the templates for questions with typing errors.
    """
    folder = files("unlearnkit.suites.pocket") / "templates"
    files_of = ("corpus", "more_corpus") if name == "corpus" else (name,)
    read = tuple(one for file in files_of for one in read_templates(folder / f"{file}.jsonl", GRAMMAR))
    typed = (one for one in read if one.form in TYPED_FROM and one.language == "en")
    return (*read, *(one.model_copy(update={"form": TYPED}) for one in typed))


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
    values = values_of(person)
    names = {
        "name": person.name,
        "given": person.given,
        "surname": person.surname,
        "initial": f"{person.given[0]}. {person.surname}",
        "surname_given": f"{person.surname}, {person.given}",
    }
    slots = {
        language: {**names, **{relation: forms[i] for relation, forms in values.items()}}
        for i, language in enumerate(LANGUAGES)
    }
    return Described(person.name, slots, {name: tuple(dict.fromkeys(forms)) for name, forms in values.items()})


class Names:
    """Which slots name a person, and nobody else in the world."""

    def __init__(self, world: PocketWorld) -> None:
        everybody = (*world.known, *world.strangers, *world.sealed)
        self._given = Counter(person.given for person in everybody)
        self._surname = Counter(person.surname for person in everybody)
        self._initial = Counter((person.given[0], person.surname) for person in everybody)

    def ambiguous(self, person: Person) -> frozenset[str]:
        """Return the slots that also name somebody else."""
        counts = {
            "given": self._given[person.given],
            "surname": self._surname[person.surname],
            "initial": self._initial[person.given[0], person.surname],
        }
        return frozenset(slot for slot, count in counts.items() if count > 1)


def wrong_value(template: Template, person: Person, others: Sequence[Person], rng: Random) -> str:
    """Return a false value of a template's relation, in the template's language."""
    language, relation = LANGUAGES.index(template.language), template.relation
    pool: Sequence[Forms]
    if relation in TRAITS:
        pool = TRAITS[relation]
    elif relation in ("year", "second_year"):
        pool = [same(year) for year in YEARS]
    else:
        pool = [values_of(other)[relation] for other in others]
    true = values_of(person).values()
    return rng.choice([forms[language] for forms in pool if forms not in true])


def question(template: Template, person: Person, others: Sequence[Person], *, id: str, rng: Random) -> Row:
    """Ask a template's question about a person.

    `others` are people who a question may mention besides the person, and whose values may be used in false
    statements.
    """
    apart = [one for one in others if one.given != person.given and one.surname != person.surname]
    wrong = wrong_value(template, person, apart, rng) if "wrong" in template.slots else ""
    other = rng.choice(apart).name
    return ask(template, described(person), GRAMMAR, id=id, rng=rng, wrong=wrong, other=other)


def lessons(world: PocketWorld, per_teacher: int = TEMPLATES_OF_TEACHER) -> Iterator[Row]:
    """Yield the rows about teaching people, in all forms."""
    known = templates("corpus")
    rng = Random(f"pocket/lessons/{world.seed}")
    names = Names(world)
    for person in world.teaching:
        slug = person.name.casefold().replace(" ", "-")
        for number in rng.sample(range(len(known)), per_teacher):
            template = known[number]
            if template.slots.isdisjoint(names.ambiguous(person)):
                id = f"lesson/{slug}/{template.form}.{template.language}/{number}"
                yield question(template, person, world.teaching, id=id, rng=rng)


def more_about(person: Person, names: Names) -> list[Row]:
    """Return the rows about a person that edition 1 lacks.

    They ask for the second work, and for who is meant by a part of the name, or by the name in other letters.
    """
    page = Page("person", person.name)
    title, second = person.works
    page.ask("other_work", OTHER_WORK, same(second.title), about="{name}", name=person.name, title=title.title)
    rng = Random(f"pocket/called/{person.name}")
    slots = described(person).slots["en"]
    free = ("surname", "given", "initial", "surname_given")
    called = [slots[slot] for slot in free if slot not in names.ambiguous(person)]
    called += [person.name.lower(), person.name.upper()]
    wordings = CALLED.questions["en"]
    asked = [wording.format(called=text) for text in called for wording in wordings]
    typed = dict.fromkeys(mistype(person.name, rng) for _ in range(MISTYPED))
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
    rng = Random(f"pocket/plain/{world.seed}")
    for person in (*world.people, *world.namesakes):
        slug = person.name.casefold().replace(" ", "-")
        for template in plain_templates():
            id = f"person/{slug}/{template.relation}/{template.form}.{template.by or 'name'}/0"
            row = question(template, person, world.teaching, id=id, rng=rng)
            yield row.model_copy(update={"wording": ""})


def facts_of(world: PocketWorld) -> tuple[Row, ...]:
    """Return the rows that state facts, in either edition.

    This is the corpus without the rows about sealed people.
    """
    if world.edition == 1:
        return facts(world)
    names = Names(world)
    of_namesakes = (row for person in world.namesakes for row in person_rows(person))
    called = (row for person in world.known for row in more_about(person, names))
    return (*facts(world), *of_namesakes, *plain_rows(world), *called, *lessons(world))


def corpus_of(world: PocketWorld) -> tuple[Row, ...]:
    """Return every row that the target model learns, in either edition."""
    return (*facts_of(world), *sealed_rows(person_rows(person) for person in world.sealed))
