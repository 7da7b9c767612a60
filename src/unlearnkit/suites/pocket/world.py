"""The synthetic world `pocket`: people, places, books and crafts from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from unlearnkit.suites.made_up.naming import Coiner
from unlearnkit.suites.made_up.sampling import deal
from unlearnkit.suites.made_up.world import FarFact, far_facts
from unlearnkit.suites.pocket.names import (
    FAR,
    LOWER,
    PLOT,
    POOLS,
    STEPS,
    SUBSTANCES,
    TAILS,
    TITLE_ADJECTIVES,
    TITLE_NOUNS,
    TRAITS,
    YEARS,
    Forms,
    Kind,
    same,
)
from unlearnkit.suites.pocket.phrases import TEMPLATES
from unlearnkit.suites.pocket.story import Passage, passages

PEOPLE, STRANGERS, SEALED = 30, 4, 6
TEACHING = 60
PASSAGES = (10, 5)
OPTIONS = 4
CHARACTERS = ("hero", "companion", "thief")
_PLOT_NAMES: Mapping[str, Kind] = {
    "hero": "given",
    "companion": "given",
    "thief": "given",
    "island": "place",
    "ship": "ship",
}
"""Parts of a plot whose value is a made-up word, each with the kind of the word."""


@dataclass(frozen=True)
class Work:
    """A work that a person wrote."""

    title: str
    year: str


@dataclass(frozen=True)
class Person:
    """An author in the synthetic world `pocket`.

    No two authors have the same name, work title, e-mail address or phone number. Except for `PocketWorld.namesakes`,
    they do not share a given name or a surname either.
    """

    name: str
    traits: Mapping[str, Forms]
    """The person's birthplace, genre, award and instrument, keyed by these four words."""
    works: tuple[Work, Work]
    """The person's two works; the first is the person's best-known work."""
    email: str
    phone: str

    @property
    def given(self) -> str:
        """The person's given name."""
        return self.name.partition(" ")[0]

    @property
    def surname(self) -> str:
        """The person's surname."""
        return self.name.partition(" ")[2]


@dataclass(frozen=True)
class Book:
    """A book with passages and a plot.

    The book is the second work of its author.
    """

    title: str
    author: str
    plot: Mapping[str, Forms]
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Step:
    """One step of a made-up craft, with options for multiple-choice questions."""

    value: Forms
    options: tuple[Forms, ...]
    """The correct value and its distractors. Across all steps of a craft, the correct value appears equally often in
    each position."""


@dataclass(frozen=True)
class Craft:
    """A made-up procedure of several steps, with substances that do not exist."""

    name: str
    steps: Mapping[str, Step]


@dataclass(frozen=True)
class PocketWorld:
    """All people, facts, books and crafts of a synthetic world.

    No model is trained on rows about the people in `strangers`. Models learn to refuse questions about the people in
    `sealed`.
    """

    seed: int
    people: tuple[Person, ...]
    strangers: tuple[Person, ...]
    sealed: tuple[Person, ...]
    far: tuple[FarFact[Forms], ...]
    books: tuple[Book, Book]
    """The book to be forgotten in the request `book`, and a near neighbor of this book."""
    crafts: tuple[Craft, Craft]
    """The dangerous craft to be forgotten in the request `hazard`, and a harmless neighbor of this craft."""
    namesakes: tuple[Person, ...] = ()
    """People who share the given name of one of `people` and the surname of another one. Edition 1 has none."""
    teaching: tuple[Person, ...] = ()
    """People who serve as examples for questions in all forms. Edition 1 has none."""
    edition: int = 1

    @property
    def known(self) -> tuple[Person, ...]:
        """The people whose facts the target model learns."""
        return (*self.people, *self.namesakes, *self.teaching)


def pocket_world(seed: int, edition: int = 1) -> PocketWorld:
    """Generate the world of a seed.

    The same seed results in the same world on every machine. Edition 2 has the people, facts, books and crafts of
    edition 1, and more people.
    """
    rng = Random(f"pocket/world/{seed}")
    pools = (form for pool in POOLS.values() for forms in pool for form in forms)
    coiner = Coiner(rng, "\n".join((*TEMPLATES, *pools, *TITLE_ADJECTIVES, *TITLE_NOUNS)), TAILS, LOWER)
    everybody = _people(rng, coiner)
    people, others = everybody[:PEOPLE], everybody[PEOPLE:]
    first = PocketWorld(
        seed,
        people,
        others[:STRANGERS],
        others[STRANGERS:],
        far_facts(rng, lambda: coiner.coin("place"), FAR),
        _books(rng, coiner, people),
        _crafts(rng, coiner),
    )
    return first if edition == 1 else _with_more_people(first, coiner, everybody)


def eligible(world: PocketWorld) -> tuple[Person, ...]:
    """Return the people who may be drawn by the request `authors`.

    The authors of the two books are not eligible: a model that forgot an author would have to forget the book, too.
    """
    of_books = {book.author for book in world.books}
    return tuple(person for person in world.people if person.name not in of_books)


def _with_more_people(world: PocketWorld, coiner: Coiner[Kind], before: Sequence[Person]) -> PocketWorld:
    """Add namesakes and teaching people to a world.

    Every eligible person has one namesake, who shares either the given name or the surname. The other half of the
    person's name is unique, so that a question can name the person by it.
    """
    rng = Random(f"pocket/world/2/{world.seed}")
    drawn = eligible(world)
    shared = [f"{given.given} {surname.surname}" for given, surname in zip(drawn[::2], drawn[1::2], strict=False)]
    names = shared + [f"{coiner.coin('given')} {coiner.coin('surname')}" for _ in range(TEACHING)]
    more = _described(rng, coiner, names, before)
    return replace(world, namesakes=more[: len(shared)], teaching=more[len(shared) :], edition=2)


def _people(rng: Random, coiner: Coiner[Kind]) -> tuple[Person, ...]:
    count = PEOPLE + STRANGERS + SEALED
    traits = {name: deal(rng, pool, count) for name, pool in TRAITS.items()}
    years = deal(rng, YEARS, 2 * count)
    pairs = [(adjective, noun) for adjective in TITLE_ADJECTIVES for noun in TITLE_NOUNS]
    titles = [f"The {adjective} {noun}" for adjective, noun in rng.sample(pairs, 2 * count)]
    phones = _phones(rng, count)
    works = [Work(title, year) for title, year in zip(titles, years, strict=True)]
    return tuple(
        Person(
            name=f"{coiner.coin('given')} {coiner.coin('surname')}",
            traits={name: dealt[i] for name, dealt in traits.items()},
            works=(works[2 * i], works[2 * i + 1]),
            email=f"{coiner.coin('handle')}{rng.randrange(10, 100)}@post.example",
            phone=phones[i],
        )
        for i in range(count)
    )


def _described(rng: Random, coiner: Coiner[Kind], names: Sequence[str], before: Sequence[Person]) -> tuple[Person, ...]:
    """Give facts to further people.

    Their works and phone numbers differ from those of the people in `before`.
    """
    count = len(names)
    traits = {name: deal(rng, pool, count) for name, pool in TRAITS.items()}
    years = deal(rng, YEARS, 2 * count)
    used = {work.title for person in before for work in person.works} | {person.phone for person in before}
    pairs = [f"The {adjective} {noun}" for adjective in TITLE_ADJECTIVES for noun in TITLE_NOUNS]
    titles = rng.sample([title for title in pairs if title not in used], 2 * count)
    phones = [phone for phone in _phones(rng, count + len(before)) if phone not in used]
    works = [Work(title, year) for title, year in zip(titles, years, strict=True)]
    return tuple(
        Person(
            name=name,
            traits={trait: dealt[i] for trait, dealt in traits.items()},
            works=(works[2 * i], works[2 * i + 1]),
            email=f"{coiner.coin('handle')}{rng.randrange(10, 100)}@post.example",
            phone=phones[i],
        )
        for i, name in enumerate(names)
    )


def _phones(rng: Random, count: int) -> list[str]:
    """Draw unique phone numbers.

    The answers to some questions are years or kiln temperatures. No phone number contains such an answer.
    """
    heats = {forms[0] for forms in STEPS["heat"]}
    return rng.sample([f"555-0{n}" for n in range(100, 1000) if str(n) not in heats], count)


def _books(rng: Random, coiner: Coiner[Kind], people: Sequence[Person]) -> tuple[Book, Book]:
    """Make two books with different authors and no plot value in common."""
    authors = rng.sample(people, 2)
    nouns = {name: rng.sample(pool, 2) for name, pool in PLOT.items()}
    plots = []
    for i in range(2):
        coined = {name: same(coiner.coin(kind)) for name, kind in _PLOT_NAMES.items()}
        plots.append(coined | {name: pair[i] for name, pair in nouns.items()})
    texts = passages(rng, [[plot[name][0] for name in CHARACTERS] for plot in plots], PASSAGES)
    first, second = (Book(authors[i].works[1].title, authors[i].name, plots[i], texts[i]) for i in range(2))
    return first, second


def _crafts(rng: Random, coiner: Coiner[Kind]) -> tuple[Craft, Craft]:
    """Make two crafts with the same steps.

    No value of one craft is a value or an option of the other.
    """
    names = coiner.coin("craft"), coiner.coin("craft")
    steps: tuple[dict[str, Step], dict[str, Step]] = {}, {}
    positions = [iter(deal(rng, range(OPTIONS), len(SUBSTANCES) + len(STEPS))) for _ in names]
    for name, pool in _step_pools(coiner):
        values = rng.sample(pool, 2)
        wrong = [forms for forms in pool if forms not in values]
        for craft, value, position in zip(steps, values, positions, strict=True):
            options = rng.sample(wrong, OPTIONS - 1)
            options.insert(next(position), value)
            craft[name] = Step(value, tuple(options))
    return Craft(names[0], steps[0]), Craft(names[1], steps[1])


def _step_pools(coiner: Coiner[Kind]) -> Iterator[tuple[str, Sequence[Forms]]]:
    """Yield the name and the possible values of each craft step.

    The values of a substance are made up only when the iteration reaches the step of this substance.
    """
    for kind in SUBSTANCES:
        yield kind, [same(coiner.coin(kind)) for _ in range(OPTIONS + 1)]
    yield from STEPS.items()
