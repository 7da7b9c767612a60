"""Near-duplicates: texts that say the same in nearly the same words, found among many without comparing all pairs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import fsum, log

from unlearnkit.text.normalize import normalize

NEAR = 0.8
"""The least overlap of near-duplicates, from 0 to 1, see `near_duplicates`."""

FEWEST = 3
"""Pairs of words that near-duplicates share at the least: less may stand in any text."""

# Scripts without spaces between words: Thai and Lao, Burmese, Khmer, kana, Han. There each character is a piece.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_PIECE = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+")

Shingles = frozenset[int]


def near_duplicates(first: Sequence[str], second: Sequence[str], *, threshold: float = NEAR) -> list[tuple[int, int]]:
    """Pairs of places (in `first`, in `second`): each text of `first` that has a near-duplicate, with its nearest one.

    A text is the set of its pairs of neighboring words, case, typography and punctuation aside. A pair weighs
    log(1 + texts / texts that have it): the words of a template weigh little, names, dates and numbers much, so that
    two rows that ask the same of two people are no near-duplicates. The overlap of two texts is the weight of what they
    share, divided by the weight of the lighter one, so that a text inside a longer one is found too. They are
    near-duplicates from an overlap of `threshold` (above 0, at most 1) and `FEWEST` shared pairs on, and where their
    sets are equal.

    Nothing is sampled or hashed: every such text is found, and in whatever order the texts stand. Of several nearest
    ones it is the first.
    """
    numbers: dict[str, int] = {}
    ours, theirs = _distinct(first, numbers), _distinct(second, numbers)
    texts = {*ours, *theirs}
    spread = Counter(shingle for text in texts for shingle in text)
    weight = {shingle: log(1 + len(texts) / count) for shingle, count in spread.items()}
    # fsum, since the order in a set is any: a text wholly inside another overlaps it by 1, and not by a bit less.
    total = {text: fsum(weight[shingle] for shingle in text) for text in texts}
    nearest: dict[Shingles, tuple[float, int]] = {}
    for a, b in _candidates(list(ours), list(theirs), weight, total, threshold):
        shared = a & b
        overlap = 1.0 if a == b else fsum(weight[shingle] for shingle in shared) / min(total[a], total[b])
        if a == b or (overlap >= threshold and len(shared) >= FEWEST):
            nearest[a] = max(nearest.get(a, (0.0, 0)), (overlap, -theirs[b][0]))
    return sorted((place, -nearest[text][1]) for text in nearest for place in ours[text])


def _distinct(texts: Sequence[str], numbers: dict[str, int]) -> dict[Shingles, list[int]]:
    """The shingles of each text, and the places of the texts that have just these."""
    found: dict[Shingles, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        found[frozenset(numbers.setdefault(s, len(numbers)) for s in _shingles(text))].append(place)
    return found


def _shingles(text: str) -> Iterable[str]:
    """Pairs of neighboring words; the word, or what stands in its place, where there is but one."""
    folded = normalize(text)
    pieces = _PIECE.findall(folded) or [folded]
    return pieces if len(pieces) == 1 else map(" ".join, pairwise(pieces))


def _candidates(
    ours: Sequence[Shingles],
    theirs: Sequence[Shingles],
    weight: Mapping[int, float],
    total: Mapping[Shingles, float],
    threshold: float,
) -> set[tuple[Shingles, Shingles]]:
    """All pairs whose overlap may reach the threshold, and few others.

    Two texts that share so much weight share one of the heaviest shingles of the lighter one: what is left without
    these is too light. The heavy ones are the rare ones, so few texts have to be looked at.
    """

    def heaviest(text: Shingles) -> Iterator[int]:
        rest = total[text]
        for shingle in sorted(text, key=lambda s: (-weight[s], s)):
            # The margin keeps rounding from losing a pair that lies on the threshold.
            if rest < threshold * total[text] * (1 - 1e-9):
                return
            yield shingle
            rest -= weight[shingle]

    having_ours, having_theirs = _having(ours), _having(theirs)
    found = {(a, b) for a in ours for shingle in heaviest(a) for b in having_theirs.get(shingle, ())}
    return found | {(a, b) for b in theirs for shingle in heaviest(b) for a in having_ours.get(shingle, ())}


def _having(texts: Sequence[Shingles]) -> dict[int, list[Shingles]]:
    """The texts that have each shingle."""
    found: dict[int, list[Shingles]] = defaultdict(list)
    for text in texts:
        for shingle in text:
            found[shingle].append(text)
    return found
