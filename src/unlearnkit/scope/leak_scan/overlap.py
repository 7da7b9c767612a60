"""Find long answers in other words.

They are recognized by shared content words in any order, and by shared runs of words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from unlearnkit.scope.leak_scan.lexicon import content
from unlearnkit.text.spellings import ordinary, words

ROOT = 5
"""Number of first letters that two forms of a word share: "smuggled" and "smuggling", "барометры" and "барометров"."""
FEWEST = 3
"""Minimum number of shared content words. A text with no more content words than this is not searched in other words,
only as a listed form."""
SHARE, SHARE_OF_ANY = 0.25, 0.5
"""Minimum share of the content words, by weight, in a text that paraphrases the row's answer, or any secret of the
scope. The second is higher because a scope has many secrets, one of which may match by chance. The first was chosen on
TOFU's paraphrased answers (forget10), so that refusals, traces and prose do not reach it."""
RUN, FEWEST_QUOTED = 6, 2
"""A quotation is this many words in the same order, with at least so many content words that are not in the
question."""
_FREQUENT = 0.25
"""Weight of a word that is among the most frequent ones of its language; any other word has weight 1."""


Run = tuple[str, ...]


@dataclass(frozen=True)
class TextWords:
    """The words of a text that is searched for long ones."""

    roots: frozenset[str]
    runs: frozenset[Run]

    @classmethod
    def of(cls, words: Sequence[str]) -> Self:
        """Collect folded words."""
        return cls(frozenset(map(root, words)), _runs(words))


@dataclass(frozen=True)
class LongText:
    """A long answer or secret, prepared for the search."""

    form: str
    """The text as listed."""
    weights: dict[str, float]
    """Weight of each content word, by its root."""
    runs: frozenset[Run]

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Prepare a text; return None if it has too few content words.

        A few shared words may be chance.
        """
        text_words = words(text)
        weights = {root(word): _FREQUENT if word in ordinary() else 1.0 for word in content(text_words)}
        return cls(text, weights, _runs(text_words)) if len(weights) > FEWEST else None

    def quoted_in(self, text: TextWords, question: TextWords) -> bool:
        """Return whether the other text quotes a run of this one.

        The run has content words that are not in the question.
        """
        return any(
            sum(root(word) not in question.roots for word in content(run)) >= FEWEST_QUOTED
            for run in self.runs & text.runs
        )

    def paraphrased_in(self, text: TextWords, question: TextWords, share: float) -> bool:
        """Return whether the other text has this one's content words.

        Words of the question do not count.
        """
        new = {word: weight for word, weight in self.weights.items() if word not in question.roots}
        shared = [weight for word, weight in new.items() if word in text.roots]
        return len(shared) >= FEWEST and sum(shared) >= share * sum(new.values())


def root(word: str) -> str:
    """Return the first letters of a word, which its forms share."""
    return word[:ROOT]


def _runs(text_words: Sequence[str]) -> frozenset[Run]:
    return frozenset(tuple(text_words[at : at + RUN]) for at in range(len(text_words) - RUN + 1))
