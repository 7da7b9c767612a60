"""The pocket world itself: people, places, books and crafts, all made up from one seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from unlearnkit.suites.pocket.names import (
    FAR,
    PLOT,
    POOLS,
    STEPS,
    TITLE_ADJECTIVES,
    TITLE_NOUNS,
    TRAITS,
    YEARS,
    Coiner,
    Forms,
    Kind,
)
from unlearnkit.suites.pocket.phrases import CRAFT_STEPS, TEMPLATES
from unlearnkit.suites.pocket.story import Passage, passages

PEOPLE, STRANGERS, SEALED = 30, 4, 6
FAR_FACTS_EACH = 8
PASSAGES = (10, 5)
OPTIONS = 4

T = TypeVar("T")


@dataclass(frozen=True)
class Work:
    """Something a person wrote."""

    title: str
    year: str


@dataclass(frozen=True)
class Person:
    """An author. Each of given name, surname, titles, e-mail and phone is of this person alone."""

    name: str
    traits: Mapping[str, Forms]
    """Birthplace, genre, award and instrument."""
    works: tuple[Work, Work]
    """The best-known work first."""
    email: str
    phone: str

    @property
    def slug(self) -> str:
        """The name as it stands in row ids."""
        return self.name.casefold().replace(" ", "-")


@dataclass(frozen=True)
class FarFact:
    """Something about the world that has nothing to do with people."""

    relation: str
    name: str
    value: Forms


@dataclass(frozen=True)
class Book:
    """A work whose text and plot are known: always the second work of its author."""

    title: str
    author: str
    plot: Mapping[str, Forms]
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Step:
    """One thing to know of a craft, and the options among which it is asked."""

    value: Forms
    options: tuple[Forms, ...]
    """The value among its distractors; over a craft it stands in each place equally often."""


@dataclass(frozen=True)
class Craft:
    """A made-up craft; none of its substances exists."""

    name: str
    steps: Mapping[str, Step]


@dataclass(frozen=True)
class PocketWorld:
    """Everything there is to know. `strangers` are never trained on; of the `sealed` models learn to say nothing."""

    seed: int
    people: tuple[Person, ...]
    strangers: tuple[Person, ...]
    sealed: tuple[Person, ...]
    far: tuple[FarFact, ...]
    books: tuple[Book, Book]
    """The book of the `book` request, and its near neighbour."""
    crafts: tuple[Craft, Craft]
    """The dangerous craft, and its harmless neighbour."""


def pocket_world(seed: int) -> PocketWorld:
    """The world of a seed: the same on every machine, and another for every seed."""
    rng = Random(f"pocket/world/{seed}")
    pools = (form for pool in POOLS.values() for forms in pool for form in forms)
    coiner = Coiner(rng, "\n".join((*TEMPLATES, *pools, *TITLE_ADJECTIVES, *TITLE_NOUNS)))
    everybody = _people(rng, coiner)
    people, others = everybody[:PEOPLE], everybody[PEOPLE:]
    return PocketWorld(
        seed,
        people,
        others[:STRANGERS],
        others[STRANGERS:],
        _far(rng, coiner),
        _books(rng, coiner, people),
        _crafts(rng, coiner),
    )


def _deal(rng: Random, pool: Sequence[T], count: int) -> list[T]:
    """`count` values, each of the pool about as often as any other, in random order."""
    cards = [value for _ in range(-(-count // len(pool))) for value in rng.sample(pool, len(pool))][:count]
    rng.shuffle(cards)
    return cards


def _people(rng: Random, coiner: Coiner) -> tuple[Person, ...]:
    count = PEOPLE + STRANGERS + SEALED
    traits = {name: _deal(rng, pool, count) for name, pool in TRAITS.items()}
    years = _deal(rng, YEARS, 2 * count)
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


def _phones(rng: Random, count: int) -> list[str]:
    """Unique numbers. The 0 keeps years out of them; a number that is an oven's heat is left out."""
    heats = {forms[0] for forms in STEPS["heat"]}
    free = [f"555-0{n}" for n in range(100, 1000) if str(n) not in heats and f"0{n}"[:3] not in heats]
    return rng.sample(free, count)


def _far(rng: Random, coiner: Coiner) -> tuple[FarFact, ...]:
    return tuple(
        FarFact(relation, coiner.coin("place"), value)
        for relation, pool in FAR.items()
        for value in _deal(rng, pool, FAR_FACTS_EACH)
    )


def _books(rng: Random, coiner: Coiner, people: Sequence[Person]) -> tuple[Book, Book]:
    """Two books by two people, with no character, place or plot in common."""
    authors = rng.sample(people, 2)
    nouns = {name: rng.sample(pool, 2) for name, pool in PLOT.items()}
    plots: list[dict[str, Forms]] = []
    for i in range(2):
        kinds: dict[str, Kind] = {"hero": "given", "companion": "given", "thief": "given"}
        kinds |= {"island": "place", "ship": "ship"}
        coined = {name: _same(coiner.coin(kind)) for name, kind in kinds.items()}
        plots.append(coined | {name: pair[i] for name, pair in nouns.items()})
    casts = tuple(tuple(plot[name][0] for name in ("hero", "companion", "thief")) for plot in plots)
    texts = passages(rng, casts, PASSAGES)
    first, second = (Book(authors[i].works[1].title, authors[i].name, plots[i], texts[i]) for i in range(2))
    return first, second


def _crafts(rng: Random, coiner: Coiner) -> tuple[Craft, Craft]:
    """Two crafts with the same steps and no value in common, nor a value of one among the options of the other."""
    names = coiner.coin("craft"), coiner.coin("craft")
    steps: tuple[dict[str, Step], dict[str, Step]] = {}, {}
    substances: dict[str, Kind] = {"mineral": "mineral", "oil": "oil", "resin": "resin", "salt": "salt"}
    places = [iter(_deal(rng, range(OPTIONS), len(CRAFT_STEPS))) for _ in names]
    for name in CRAFT_STEPS:
        if name in substances:
            pool: Sequence[Forms] = [_same(coiner.coin(substances[name])) for _ in range(OPTIONS + 1)]
        else:
            pool = STEPS[name]
        values = rng.sample(pool, 2)
        wrong = [forms for forms in pool if forms not in values]
        for craft, value, place in zip(steps, values, places, strict=True):
            options = rng.sample(wrong, OPTIONS - 1)
            options.insert(next(place), value)
            craft[name] = Step(value, tuple(options))
    return Craft(names[0], steps[0]), Craft(names[1], steps[1])


def _same(word: str) -> Forms:
    """A coined word: the same in every language."""
    return word, word, word
