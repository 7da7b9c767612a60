"""Find near-duplicate texts without comparing all pairs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import fsum, log

from unlearnkit.text.normalize import normalize

NEAR = 0.8
"""Minimum overlap of two near-duplicates, from 0 to 1; see `near_duplicates`."""

FEWEST = 3
"""Minimum number of word pairs that two near-duplicates share. Unrelated texts may share one or two pairs by chance."""

# Scripts without spaces between words: Thai and Lao, Burmese, Khmer, kana, Han. Each character counts as a word.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_PIECE = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+")

Shingles = frozenset[int]


def near_duplicates(first: Sequence[str], second: Sequence[str], *, threshold: float = NEAR) -> list[tuple[int, int]]:
    """Pair each text in `first` with its nearest near-duplicate in `second`.

    Texts in `first` without a near-duplicate are omitted. Each text is represented by a set: all pairs of neighboring
    words in the text, ignoring case, typography and punctuation. The weight of a pair is log(1 + number of texts /
    number of texts that contain the pair). The words of a template therefore have a small weight, and names, dates and
    numbers have a large weight. As a result, two rows that ask the same question about two people are not
    near-duplicates.

    The total weight of a text is the sum of the weights of its pairs. The overlap of two texts is the total weight of
    the pairs that both texts contain, divided by the smaller of the two texts' total weights. If a text is part of a
    longer text, the overlap of the two texts is therefore 1. Two texts are near-duplicates if their overlap is at least
    `threshold` (above 0, at most 1) and they share at least `FEWEST` pairs, or if their sets of pairs are equal.

    The search is exact: nothing is sampled or hashed. If several texts in `second` are tied for the largest overlap
    with a text in `first`, the first of the tied texts is chosen.

    Returns:
        Pairs (index in `first`, index in `second`), sorted.
    """
    numbers: dict[str, int] = {}
    ours, theirs = _distinct(first, numbers), _distinct(second, numbers)
    nearest: dict[Shingles, tuple[float, int]] = {}
    for a, b, overlap in _near(list(ours), list(theirs), threshold):
        nearest[a] = max(nearest.get(a, (0.0, 0)), (overlap, -theirs[b][0]))
    return sorted((place, -nearest[text][1]) for text in nearest for place in ours[text])


def near_pairs(texts: Sequence[str], *, threshold: float = NEAR) -> list[tuple[int, int]]:
    """Pair the near-duplicates in one list of texts.

    The result contains sorted pairs of indices. If several texts have the same words, only the first of them is paired
    with other texts, and each of the others is paired with the first. Two texts are therefore connected by pairs if and
    only if near-duplicates connect them.
    """
    places = _distinct(texts, {})
    distinct = list(places)
    pairs = {(at[0], other) for at in places.values() for other in at[1:]}
    for a, b, _ in _near(distinct, distinct, threshold):
        if places[a][0] < places[b][0]:
            pairs.add((places[a][0], places[b][0]))
    return sorted(pairs)


def _near(
    ours: Sequence[Shingles], theirs: Sequence[Shingles], threshold: float
) -> Iterator[tuple[Shingles, Shingles, float]]:
    """Yield each pair of near-duplicates with its overlap."""
    texts = {*ours, *theirs}
    spread = Counter(shingle for text in texts for shingle in text)
    weight = {shingle: log(1 + len(texts) / count) for shingle, count in spread.items()}
    # fsum gives the same sum in any order, so the overlap of a text with a text that contains it is exactly 1.
    total = {text: fsum(weight[shingle] for shingle in text) for text in texts}
    for a, b in _candidates(ours, theirs, weight, total, threshold):
        shared = a & b
        overlap = 1.0 if a == b else fsum(weight[shingle] for shingle in shared) / min(total[a], total[b])
        if a == b or (overlap >= threshold and len(shared) >= FEWEST):
            yield a, b, overlap


def _distinct(texts: Sequence[str], numbers: dict[str, int]) -> dict[Shingles, list[int]]:
    """Map each distinct set of shingles to the indices of its texts.

    Texts with the same shingles share one entry. A shingle is a pair of neighboring words; see `_shingles`. The
    dictionary `numbers` assigns a number to each shingle, and the sets contain these numbers.
    """
    places: dict[Shingles, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        places[frozenset(numbers.setdefault(s, len(numbers)) for s in _shingles(text))].append(place)
    return places


def _shingles(text: str) -> Iterable[str]:
    """Return the pairs of neighboring words of a text.

    If the text has only one word, the result is this word. If the text has no word, the result is the normalized text.
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
    """Return all pairs of texts whose overlap may reach the threshold.

    The lighter of two texts is the text with the smaller total weight. Two texts whose overlap reaches the
    threshold share at least one of the heaviest shingles of the lighter text, because the other shingles of the lighter
    text together weigh too little to reach the threshold. Shingles with a large weight are rare, so few pairs of texts
    have to be compared.
    """

    def heaviest(text: Shingles) -> Iterator[int]:
        rest = total[text]
        for shingle in sorted(text, key=lambda s: (-weight[s], s)):
            # The margin prevents rounding errors from excluding a pair that is exactly at the threshold.
            if rest < threshold * total[text] * (1 - 1e-9):
                return
            yield shingle
            rest -= weight[shingle]

    having_ours, having_theirs = _having(ours), _having(theirs)
    pairs = {(a, b) for a in ours for shingle in heaviest(a) for b in having_theirs.get(shingle, ())}
    return pairs | {(a, b) for b in theirs for shingle in heaviest(b) for a in having_ours.get(shingle, ())}


def _having(texts: Sequence[Shingles]) -> dict[int, list[Shingles]]:
    """Map each shingle to the texts that contain it."""
    holders: dict[int, list[Shingles]] = defaultdict(list)
    for text in texts:
        for shingle in text:
            holders[shingle].append(text)
    return holders
