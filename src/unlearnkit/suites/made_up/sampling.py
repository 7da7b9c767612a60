"""Samples of rows and of subjects of a made-up world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import zip_longest
from random import Random
from typing import Protocol, TypeVar

from unlearnkit.data.near_duplicates import near_duplicates
from unlearnkit.data.rows import Row

T = TypeVar("T")


class Named(Protocol):
    """Something with a unique name."""

    @property
    def name(self) -> str:
        """The name."""
        ...


N = TypeVar("N", bound=Named)


def deal(rng: Random, pool: Sequence[T], count: int) -> list[T]:
    """Return `count` values of `pool` in random order.

    Each value occurs about equally often.
    """
    cards = [value for _ in range(-(-count // len(pool))) for value in rng.sample(pool, len(pool))][:count]
    rng.shuffle(cards)
    return cards


def draw_subjects(
    rng: Random, candidates: Sequence[N], everybody: Sequence[N], shared: Callable[[N, N], int], count: int, near: int
) -> tuple[list[N], list[N]]:
    """Draw the subjects of a request, and find their neighbors.

    The subjects are in the order of `candidates`. The neighbors are the others who share the most with the subjects.
    The most similar neighbors come first; ties are broken at random.

    Args:
        rng: source of the draws.
        candidates: who can be drawn.
        everybody: candidates, and who else can be a neighbor.
        shared: counts what two have in common.
        count: number of subjects.
        near: number of neighbors.
    """
    chosen = {one.name for one in rng.sample(candidates, count)}
    subjects = [one for one in candidates if one.name in chosen]
    others = [one for one in everybody if one.name not in chosen]
    rng.shuffle(others)

    def closeness(other: N) -> int:
        return sum(shared(other, subject) for subject in subjects)

    return subjects, sorted(others, key=closeness, reverse=True)[:near]


def balanced(rng: Random, rows: Sequence[Row], count: int) -> tuple[Row, ...]:
    """Draw at most `count` rows and keep their order.

    The drawn rows are balanced over subjects and, within each subject, over question types and languages.
    """
    groups: dict[str, dict[tuple[str, str], list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[str(row.subject)][row.question_type, row.language].append(row)
    queues = []
    for buckets in groups.values():
        shuffled = rng.sample([*buckets.values()], len(buckets))
        queues.append(_interleave([rng.sample(bucket, len(bucket)) for bucket in shuffled]))
    chosen = {row.id for row in _interleave(rng.sample(queues, len(queues)))[:count]}
    return tuple(row for row in rows if row.id in chosen)


def _interleave(queues: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the first rows of all queues, then the second rows, etc."""
    return [row for turn in zip_longest(*queues) for row in turn if row is not None]


def other_facts(rows: Sequence[Row], retain: Sequence[Row]) -> list[Row]:
    """Return the rows on facts that no retain row states.

    No retain row states one of these facts in another wording or language either. Near-duplicates of retain rows are
    left out.
    """
    trained = {_fact(row) for row in retain}
    others = [row for row in rows if _fact(row) not in trained]
    texts, retained = ([f"{row.question}\n{row.answer}" for row in each] for each in (others, retain))
    near = {at for at, _ in near_duplicates(texts, retained)}
    return [row for at, row in enumerate(others) if at not in near]


def _fact(row: Row) -> tuple[str | None, frozenset[str]]:
    return row.subject, frozenset(row.answers)
