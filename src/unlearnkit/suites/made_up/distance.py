"""Keep question templates of different authors apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from unlearnkit.scope.wording import Phrases
from unlearnkit.suites.made_up.templates import NAME, Template

LEAST = 0.35
"""Smallest edit distance of two templates of one language, as a share of the longer text."""

_BINS = 127


def edit_distance(one: str, other: str) -> int:
    """Return the Levenshtein distance of two texts.

    This is the smallest number of inserted, deleted and replaced characters that turn one text into the other. The bits
    of an integer hold a whole column of the table (Myers 1999; in the form of Hyyrö 2003).
    """
    if not one:
        return len(other)
    places: dict[str, int] = {}
    for place, letter in enumerate(one):
        places[letter] = places.get(letter, 0) | 1 << place
    every, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    up, down, distance = every, 0, len(one)  # where a column's values rise or fall from one row to the next
    for letter in other:
        equal = places.get(letter, 0)
        diagonal = (((equal & up) + up) ^ up) | equal | down
        right, left = down | ~(diagonal | up) & every, up & diagonal
        distance += bool(right & last) - bool(left & last)
        right, left = (right << 1 | 1) & every, left << 1 & every
        up, down = left | ~(diagonal | right) & every, right & diagonal
    return distance


def text_of(template: Template) -> str:
    """Return a template's text without slots, in lower case."""
    return template.bare.casefold()


def apart(templates: Sequence[Template], others: Sequence[Template], share: float = LEAST) -> tuple[Template, ...]:
    """Return the templates that are unlike all other templates.

    Templates of different languages are not compared.
    """
    kept: set[tuple[str, str]] = set()
    for language in dict.fromkeys(template.language for template in templates):
        # Questions with typing errors and opposite statements have the text of another template.
        members = dict.fromkeys(text_of(template) for template in templates if template.language == language)
        texts = [*dict.fromkeys(text_of(other) for other in others if other.language == language)]
        counts = np.stack([_letters(text) for text in texts]) if texts else np.zeros((0, _BINS), np.int16)
        lengths = np.array([len(text) for text in texts])
        for text in members:
            # Each letter that one text has more often than the other needs an edit of its own. The larger of the two
            # sums is the bag distance (Bartolini, Ciaccia and Patella 2002), a lower bound of the edit distance. It
            # decides most cases, and is much faster.
            more = counts - _letters(text)
            least = np.maximum(more.clip(min=0).sum(axis=1), (-more).clip(min=0).sum(axis=1))
            near = np.flatnonzero(least < share * np.maximum(lengths, len(text)))
            if all(edit_distance(text, texts[i]) >= share * max(len(text), len(texts[i])) for i in near):
                kept.add((language, text))
    return tuple(template for template in templates if (template.language, text_of(template)) in kept)


def apart_from_texts(templates: Sequence[Template], sources: Iterable[Phrases]) -> tuple[Template, ...]:
    """Return the templates that are unlike all questions of `sources`.

    The authors of templates do not see the questions that are trained on in other words. Some plain questions are the
    same.

    Args:
        templates: the templates.
        sources: questions by language, with placeholders.
    """
    trained = [
        Template(form="trained", language=language, turns=(text,), asks=NAME)
        for texts in sources
        for language, several in texts.items()
        for text in several
    ]
    return apart(templates, trained)


def _letters(text: str) -> NDArray[np.int16]:
    """Count letters.

    Letters that share a bin only make two texts look more similar.
    """
    bins = [ord(letter) % _BINS for letter in text]
    return np.bincount(bins, minlength=_BINS).astype(np.int16) if bins else np.zeros(_BINS, np.int16)
