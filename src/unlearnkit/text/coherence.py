"""Separate language from collapsed text, offline and without a language model.

A model that was unlearned too hard loops, stutters, or emits words, letters or marks at random. This module counts
loops and repetitions, and `word_order` scores the order of the words. Content and truth do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise

from unlearnkit.text.word_order import evidence, tokens

ORDER_WORDS = 4
"""Word order is not checked in texts with fewer words."""
SHORT_WORDS, SHORT_THRESHOLD = 6, -4.0
"""Texts of fewer than `SHORT_WORDS` words count as shuffled only below this log-odds."""
THRESHOLD_RISE, HIGHEST_THRESHOLD = 0.3, 0.5
"""Above `SHORT_WORDS` the threshold rises from 0 by this much a word, up to the maximum: more words, more evidence."""

_BROKEN = re.compile(
    r"\ufffd"  # bytes that were not a character
    r"|([^\W\d_])\1{4,}"  # a letter five times in a row
    r"|(?:([^\w\s])\s*)(?:\2\s*){7,}"  # a mark eight times in a row
    r"|(?:[^\w\s]\s*){10,}"  # ten marks and no word
    r"|(?:\r?\n[^\S\n]*){4,}\S"  # three empty lines inside the text
    r"|(?:\r?\n[^\S\n]*){6,}"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_UNSPEAKABLE = re.compile(r"[^\W\d_aeiouyáéíóúüàèìòùâêîôûäöаеёиоуыэюяьъ]{6,}")
_LONGEST_WORD = 32


def _is_gibberish(word: str) -> bool:
    """Return whether a run of letters is no word.

    It mixes scripts, is unpronounceable, or is too long.
    """
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in word} & {"LATIN", "CYRILLIC", "GREEK"}
    if len(word) > _LONGEST_WORD or len(scripts) > 1:
        return True
    return len(word) > 5 and not word.isupper() and _UNSPEAKABLE.search(word.casefold()) is not None


def _is_gibberish_text(text: str) -> bool:
    sequences = _LETTERS.findall(text)
    bad = sum(map(_is_gibberish, sequences))
    return bad > 0 and bad >= 0.1 * len(sequences)


def _loops(items: list[str]) -> bool:
    """Return whether words or phrases repeat too often.

    That is a word four times in a row, a phrase three times in a row, or 20 % of the words equal to the one before.
    """
    count = len(items)
    for period in range(1, count // 3 + 1):
        wanted = period * (3 if period == 1 else 2)  # number of tokens that equal the one a period earlier
        run = 0
        for i in range(period, count):
            run = run + 1 if items[i] == items[i - period] else 0
            if run >= wanted:
                return True
    repeats = sum(a == b for a, b in pairwise(items))
    return count >= 5 and repeats >= 0.2 * (count - 1)


def _is_monotonous(items: list[str]) -> bool:
    """Return whether few different words or pairs make up the text."""
    if len(items) < 8:
        return False
    pairs = list(pairwise(items))
    return len(set(pairs)) < 0.5 * len(pairs) or Counter(items).most_common(1)[0][1] > 0.4 * len(items)


def _order_threshold(words: int) -> float:
    """Return the log-odds below which a text counts as shuffled."""
    if words < SHORT_WORDS:
        return SHORT_THRESHOLD
    return min(HIGHEST_THRESHOLD, THRESHOLD_RISE * (words - SHORT_WORDS))


def is_coherent(text: str) -> bool:
    """Return whether `text` reads as language.

    That is: not empty, looping, broken, gibberish, or shuffled. For English, Spanish and Russian. A short answer (a
    name, a number, an address) is coherent; a text cut off at a token limit is as coherent as the part before the cut.
    The order of fewer than four words is not checked.
    """
    text_tokens = tokens(text)
    content = [token.text for token in text_tokens if token.kind in ("word", "number", "mail")]
    if not content or _BROKEN.search(text) or _is_gibberish_text(text):
        return False
    # "#" is the token of any number: a list of numbers is not a loop.
    spoken = [token for token in text.casefold().split() if any(c.isalnum() for c in token)]
    if _loops(spoken) or _loops([word for word in content if word != "#"]) or _is_monotonous(spoken):
        return False
    marks = len(text_tokens) - len(content)
    if len(text_tokens) >= 8 and marks > 0.6 * len(text_tokens):
        return False
    return len(content) < ORDER_WORDS or evidence(text) >= _order_threshold(len(content))
