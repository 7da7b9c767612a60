"""Names of a made-up world: made-up words, and which names are ambiguous."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Generic, TypeVar

from unlearnkit.suites.made_up.filling import Described
from unlearnkit.suites.made_up.typing_errors import mistype

Kind = TypeVar("Kind", bound=str)

HEADS = (
    "Ba", "Be", "Bri", "Ca", "Co", "Da", "De", "Do", "Dru", "Fa", "Fe", "Flo", "Ga", "Gi", "Gro", "Ha", "He", "Hu",
    "Jo", "Ju", "Ka", "Ke", "Lo", "Lu", "Ma", "Mi", "Mo", "Na", "Ne", "O", "Pa", "Pe", "Pri", "Ra", "Ri", "Ro", "Sa",
    "Se", "Su", "Ta", "Te", "Ti", "Tro", "U", "Va", "Ve", "Vi", "Wa", "Wi", "Ya", "Za", "Zo",
)  # fmt: skip
MIDDLES = ("l", "r", "n", "v", "d", "m", "th", "sk", "rn", "ld", "nd", "lv", "rv", "lm", "rb", "ft")
GIVEN = ("ebra", "endo", "ithe", "yra", "eth", "ielo", "una", "ekko", "ivo", "ild", "osca", "umi")
SURNAME = ("ovan", "escu", "inder", "amor", "ulsen", "entz", "iard", "okar", "ester", "undel", "aquist", "emont")
"""Beginnings, middles and ends of made-up words."""

MISTYPED = 12
"""Largest number of spellings of each name with typing errors."""


class Coiner(Generic[Kind]):
    """Generator of unique made-up words.

    The first four letters of a word are unique: no other made-up word begins with these letters, and they do not occur
    in `reserved`, the text that is the same in every world. No made-up word is part of another made-up word.

    Args:
        rng: source of the words.
        reserved: text that no word may begin like.
        tails: the ends of words, by their kind.
        lower: kinds of words that are not capitalized.
        heads: the beginnings of words.
    """

    def __init__(
        self,
        rng: Random,
        reserved: str,
        tails: Mapping[Kind, Sequence[str]],
        lower: Iterable[Kind] = (),
        heads: Sequence[str] = HEADS,
    ) -> None:
        self._rng, self._reserved, self._heads = rng, reserved.casefold(), heads
        self._tails, self._lower = tails, frozenset(lower)
        self._coined: list[str] = []

    def coin(self, kind: Kind) -> str:
        """Return a new word."""
        while True:
            word = "".join(self._rng.choice(part) for part in (self._heads, MIDDLES, self._tails[kind]))
            key = word.casefold()
            if len(key) >= 5 and key[:4] not in self._reserved and not any(_alike(key, old) for old in self._coined):
                self._coined.append(key)
                return key if kind in self._lower else word


def _alike(one: str, other: str) -> bool:
    return one[:4] == other[:4] or one in other or other in one


class Names:
    """Which slots name a subject, and nothing else in the world."""

    def __init__(self, everybody: Iterable[Described]) -> None:
        self._counts = Counter((slot, text) for subject in everybody for slot, text in subject.names.items())

    def ambiguous(self, subject: Described) -> frozenset[str]:
        """Return the slots that also name somebody else."""
        return frozenset(slot for slot, text in subject.names.items() if self._counts[slot, text] > 1)

    def called(self, subject: Described, parts: Iterable[str]) -> list[str]:
        """Return how a subject is also called.

        These are the unambiguous ones of the slots `parts`, and the name in lower and in upper case.
        """
        texts = [subject.names[slot] for slot in parts if slot not in self.ambiguous(subject)]
        return [*texts, subject.name.lower(), subject.name.upper()]


def mistyped(name: str, rng: Random) -> list[str]:
    """Return at most `MISTYPED` different spellings of a name with typing errors."""
    return [*dict.fromkeys(mistype(name, rng) for _ in range(MISTYPED))]
