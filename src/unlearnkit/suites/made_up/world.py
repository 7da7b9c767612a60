"""Subjects and other facts of a made-up world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, Self, TypeVar

from unlearnkit.suites.made_up.filling import Described
from unlearnkit.suites.made_up.sampling import deal

Forms = TypeVar("Forms")
"""A value in each language of a world."""

CANDIDATES, TEACHING, STRANGERS, SEALED = 30, 60, 4, 6
FAR_FACTS_EACH = 8
"""Number of far facts of each relation."""


@dataclass(frozen=True)
class FarFact(Generic[Forms]):
    """A fact that is unrelated to the subjects of a world."""

    relation: str
    name: str
    value: Forms


def far_facts(
    rng: Random, coin: Callable[[], str], pools: Mapping[str, Sequence[Forms]], each: int = FAR_FACTS_EACH
) -> tuple[FarFact[Forms], ...]:
    """Make far facts about made-up places.

    Args:
        rng: source of the draws.
        coin: returns the name of a new place.
        pools: possible values of each relation.
        each: number of facts of each relation.
    """
    return tuple(FarFact(name, coin(), value) for name, pool in pools.items() for value in deal(rng, pool, each))


@dataclass(frozen=True)
class World:
    """All subjects and other facts of a world."""

    seed: int
    candidates: tuple[Described, ...]
    """Subjects who can be drawn by the request. Each shares a part of the name with a namesake."""
    namesakes: tuple[Described, ...]
    """Subjects who share one part of the name with one of `candidates`, and another part with another one."""
    teaching: tuple[Described, ...]
    """Subjects who serve as examples for questions in all forms."""
    strangers: tuple[Described, ...]
    """Subjects who no model learns anything about."""
    sealed: tuple[Described, ...]
    """Subjects who models learn only refusals about."""
    far: tuple[FarFact[tuple[str, ...]], ...]
    pools: Mapping[str, Sequence[tuple[str, ...]]]
    """Possible values of the relations whose values several subjects share."""

    @classmethod
    def of(
        cls,
        seed: int,
        everybody: Sequence[Described],
        far: tuple[FarFact[tuple[str, ...]], ...],
        pools: Mapping[str, Sequence[tuple[str, ...]]],
    ) -> Self:
        """Divide the subjects of a world into its groups.

        `everybody` has the candidates, strangers, sealed and teaching subjects in this order, followed by the
        namesakes.
        """
        groups, rest = [], tuple(everybody)
        for size in (CANDIDATES, STRANGERS, SEALED, TEACHING):
            groups.append(rest[:size])
            rest = rest[size:]
        candidates, strangers, sealed, teaching = groups
        return cls(seed, candidates, rest, teaching, strangers, sealed, far, pools)

    @property
    def everybody(self) -> tuple[Described, ...]:
        """All subjects."""
        return (*self.candidates, *self.namesakes, *self.teaching, *self.strangers, *self.sealed)
