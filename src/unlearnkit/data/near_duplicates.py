"""Find near-duplicate texts without comparing all pairs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import fsum, log

from unlearnkit.text.normalize import normalize

NEAR = 0.8
"""Minimum overlap of near-duplicates, from 0 to 1, see `near_duplicates`."""

FEWEST = 3
"""Minimum number of word pairs that near-duplicates share; unrelated texts may share fewer."""

# Scripts without spaces between words: Thai and Lao, Burmese, Khmer, kana, Han. Each of their characters is a piece.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_PIECE = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+")

Shingles = frozenset[int]


def near_duplicates(first: Sequence[str], second: Sequence[str], *, threshold: float = NEAR) -> list[tuple[int, int]]:
    """Pair each text in `first` with its nearest near-duplicate in `second`.

    Texts without one are missing. A text is the set of its pairs of neighboring words, ignoring case, typography and
    punctuation. The weight of a pair is log(1 + texts / texts that contain it): words of a template weigh little,
    names, dates and numbers much, so two rows that ask the same about two people are not near-duplicates. The overlap
    of two texts is the weight of the pairs they share, divided by the weight of the lighter text, so that a text inside
    a longer one is found too. Two texts are near-duplicates if their overlap is at least `threshold` (above 0, at most
    1) and they share at least `FEWEST` pairs, or if their sets are equal.

    The search is exact: nothing is sampled or hashed, and the order of the texts does not matter, except that of
    several nearest texts the first is taken.

    Returns:
        Pairs (index in `first`, index in `second`), sorted.
    """
    numbers: dict[str, int] = {}
    ours, theirs = _distinct(first, numbers), _distinct(second, numbers)
    texts = {*ours, *theirs}
    spread = Counter(shingle for text in texts for shingle in text)
    weight = {shingle: log(1 + len(texts) / count) for shingle, count in spread.items()}
    # fsum, since sets are unordered: a text wholly inside another must overlap it by exactly 1.
    total = {text: fsum(weight[shingle] for shingle in text) for text in texts}
    nearest: dict[Shingles, tuple[float, int]] = {}
    for a, b in _candidates(list(ours), list(theirs), weight, total, threshold):
        shared = a & b
        overlap = 1.0 if a == b else fsum(weight[shingle] for shingle in shared) / min(total[a], total[b])
        if a == b or (overlap >= threshold and len(shared) >= FEWEST):
            nearest[a] = max(nearest.get(a, (0.0, 0)), (overlap, -theirs[b][0]))
    return sorted((place, -nearest[text][1]) for text in nearest for place in ours[text])


def _distinct(texts: Sequence[str], numbers: dict[str, int]) -> dict[Shingles, list[int]]:
    """Return the distinct shingle sets, with the indices of their texts."""
    places: dict[Shingles, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        places[frozenset(numbers.setdefault(s, len(numbers)) for s in _shingles(text))].append(place)
    return places


def _shingles(text: str) -> Iterable[str]:
    """Return the pairs of neighboring words.

    Without a pair, it is the only word, or the text.
    """
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
    """Return all pairs whose overlap may reach the threshold, and few others.

    Two texts with that overlap share one of the heaviest shingles of the lighter text: without these, the rest weighs
    too little. Heavy shingles are rare, so few texts have to be compared.
    """

    def heaviest(text: Shingles) -> Iterator[int]:
        rest = total[text]
        for shingle in sorted(text, key=lambda s: (-weight[s], s)):
            # The margin keeps rounding from losing a pair exactly at the threshold.
            if rest < threshold * total[text] * (1 - 1e-9):
                return
            yield shingle
            rest -= weight[shingle]

    having_ours, having_theirs = _having(ours), _having(theirs)
    pairs = {(a, b) for a in ours for shingle in heaviest(a) for b in having_theirs.get(shingle, ())}
    return pairs | {(a, b) for b in theirs for shingle in heaviest(b) for a in having_ours.get(shingle, ())}


def _having(texts: Sequence[Shingles]) -> dict[int, list[Shingles]]:
    """Return the texts that contain each shingle."""
    holders: dict[int, list[Shingles]] = defaultdict(list)
    for text in texts:
        for shingle in text:
            holders[shingle].append(text)
    return holders
