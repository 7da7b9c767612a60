"""Keep question templates of different authors apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unlearnkit.suites.made_up.templates import Template

LEAST = 0.35
"""Smallest edit distance of two templates of one language, as a share of the longer text."""

_BINS = 1021


def within(one: str, other: str, share: float) -> bool:
    """Return whether the edit distance of two texts is less than a share of the longer text.

    The edit distance (Levenshtein) is the smallest number of inserted, deleted and replaced characters that turn one
    text into the other.
    """
    limit = share * max(len(one), len(other))
    before = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        now = [i]
        for j, other_letter in enumerate(other, 1):
            now.append(min(before[j] + 1, now[j - 1] + 1, before[j - 1] + (letter != other_letter)))
        if min(now) >= limit:
            return False
        before = now
    return before[-1] < limit


def text_of(template: Template) -> str:
    """Return the text of a template by which it is compared: without slots, in lower case."""
    return template.bare.casefold()


def apart(templates: Sequence[Template], others: Sequence[Template], share: float = LEAST) -> tuple[Template, ...]:
    """Return the templates that are not too close to any of the other templates.

    Templates of different languages are not compared.
    """
    kept: list[Template] = []
    for language in dict.fromkeys(template.language for template in templates):
        members = [template for template in templates if template.language == language]
        texts = [text_of(other) for other in others if other.language == language]
        counts = np.stack([_pairs(text) for text in texts]) if texts else np.zeros((0, _BINS), np.int16)
        lengths = np.array([len(text) for text in texts])
        for template in members:
            text = text_of(template)
            # One edit changes at most two pairs of adjacent letters in each text, i.e. at most four in both (the q-gram
            # lemma of Ukkonen 1992 for q = 2). The pairs decide most cases, much faster than the edit distance.
            differing = np.abs(counts - _pairs(text)).sum(axis=1)
            near = np.flatnonzero(differing < 4 * share * np.maximum(lengths, len(text)))
            if not any(within(text, texts[i], share) for i in near):
                kept.append(template)
    return tuple(kept)


def _pairs(text: str) -> NDArray[np.int16]:
    """Count pairs of adjacent letters. Pairs that share a bin only make two texts look more similar."""
    bins = [(31 * ord(one) + ord(other)) % _BINS for one, other in pairwise(text)]
    return np.bincount(bins, minlength=_BINS).astype(np.int16) if bins else np.zeros(_BINS, np.int16)
