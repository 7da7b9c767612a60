"""Telling language from collapsed text, offline and without a language model.

A model that was unlearned too hard loops, stutters, or emits words, letters or marks at random. Loops and stutters are
counted here; whether the words stand in an order in which people write them is asked of `word_order`. What the text
says, and whether it is true, does not matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise

from unlearnkit.text.word_order import Token, evidence, tokens

ORDER_WORDS = 4
"""Texts of fewer words have no word order to speak of."""
SHORT_WORDS, SHORT_THRESHOLD = 6, -4.0
"""Texts of fewer than `SHORT_WORDS` words are taken for shuffled only below this log-odds."""
THRESHOLD_RISE, HIGHEST_THRESHOLD = 0.3, 0.5
"""From there on the threshold rises from 0 by this much a word, to the highest: the more words, the more evidence."""

_BROKEN = re.compile(
    r"\ufffd"  # bytes that were no character
    r"|([^\W\d_])\1{4,}"  # a letter five times in a row
    r"|(?:([^\w\s])\s*)(?:\2\s*){7,}"  # a mark eight times in a row
    r"|(?:[^\w\s]\s*){10,}"  # ten marks and no word
    r"|(?:\r?\n[^\S\n]*){4,}\S"  # three empty lines inside the text
    r"|(?:\r?\n[^\S\n]*){6,}"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_UNSPEAKABLE = re.compile(r"[^\W\d_aeiouyáéíóúüàèìòùâêîôûäöаеёиоуыэюяьъ]{6,}")
_LONGEST_WORD = 32


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]


def _is_gibberish(word: str) -> bool:
    """Whether a run of letters mixes scripts, cannot be spoken, or is longer than words are."""
    if len(word) > _LONGEST_WORD or len({_script(letter) for letter in word} & {"LATIN", "CYRILLIC", "GREEK"}) > 1:
        return True
    return len(word) > 5 and not word.isupper() and _UNSPEAKABLE.search(word.casefold()) is not None


def _is_gibberish_text(text: str) -> bool:
    found = _LETTERS.findall(text)
    bad = sum(map(_is_gibberish, found))
    return bad > 0 and bad >= 0.1 * len(found)


def _loops(found: list[str]) -> bool:
    """Whether a word stands four times in a row, or a phrase three times, or duplicates fill a good part."""
    count = len(found)
    for period in range(1, count // 3 + 1):
        wanted = period * (3 if period == 1 else 2)  # tokens that equal the one a period before
        run = 0
        for i in range(period, count):
            run = run + 1 if found[i] == found[i - period] else 0
            if run >= wanted:
                return True
    twins = sum(a == b for a, b in pairwise(found))
    return count >= 5 and twins >= 0.2 * (count - 1)


def _is_monotonous(found: list[str]) -> bool:
    """Whether few different words, or pairs of words, make up the text."""
    if len(found) < 8:
        return False
    pairs = list(pairwise(found))
    return len(set(pairs)) < 0.5 * len(pairs) or Counter(found).most_common(1)[0][1] > 0.4 * len(found)


def _is_mostly_marks(found: list[Token]) -> bool:
    marks = sum(token.kind not in ("word", "number", "mail") for token in found)
    return len(found) >= 8 and marks > 0.6 * len(found)


def order_threshold(words: int) -> float:
    """Log-odds below which a text of so many words is taken for shuffled."""
    if words < SHORT_WORDS:
        return SHORT_THRESHOLD
    return min(HIGHEST_THRESHOLD, THRESHOLD_RISE * (words - SHORT_WORDS))


def is_coherent(text: str) -> bool:
    """Whether `text` reads as language: not empty, looping, broken, gibberish, or shuffled.

    English, Spanish and Russian. A short answer (a name, a number, an address) is coherent; a text cut off at a token
    limit is as coherent as what stands before the cut. The order of fewer than four words is not judged.
    """
    found = tokens(text)
    said = [token.text for token in found if token.kind in ("word", "number", "mail")]
    if not said or _BROKEN.search(text) or _is_gibberish_text(text):
        return False
    # "#" stands for any number: a list of numbers is no loop.
    spoken = [token for token in text.casefold().split() if any(c.isalnum() for c in token)]
    if _loops(spoken) or _loops([w for w in said if w != "#"]) or _is_monotonous(spoken) or _is_mostly_marks(found):
        return False
    if len(said) < ORDER_WORDS:
        return True
    return evidence(text) >= order_threshold(len(said))
