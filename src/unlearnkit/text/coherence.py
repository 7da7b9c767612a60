"""Distinguish natural text from degenerate output, offline, without a language model.

A model that was unlearned too strongly loops, stutters, or outputs words, letters or punctuation at random. This module
finds loops and repetitions, and the module `word_order` scores the order of the words. Neither module checks whether
the content is sensible or true.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise

from unlearnkit.text.detector_evidence import has_alphabet, judged
from unlearnkit.text.word_breaks import segments
from unlearnkit.text.word_order import evidence, tokens
from unlearnkit.text.writing import is_spaceless

ORDER_WORDS = 4
"""Word order is checked only in texts of at least this many words."""
SHORT_WORDS, SHORT_THRESHOLD = 6, -4.0
"""A text of fewer than `SHORT_WORDS` words counts as shuffled only if the log-odds that its word order is natural are
below `SHORT_THRESHOLD`."""
THRESHOLD_RISE, HIGHEST_THRESHOLD = 0.3, 0.5
"""For a text of `SHORT_WORDS` words, the threshold is 0. With every further word, the threshold rises by
`THRESHOLD_RISE` up to `HIGHEST_THRESHOLD`, because the log-odds of a longer text rest on more evidence."""

_BROKEN = re.compile(
    r"\ufffd"  # replaces bytes that are not a character
    r"|([^\W\d_])\1{4,}"  # a letter five times in a row
    r"|(?:([^\w\s])\s*)(?:\2\s*){7,}"  # a punctuation mark eight times in a row
    r"|(?:[^\w\s]\s*){10,}"  # ten punctuation marks without a word
    r"|(?:\r?\n[^\S\n]*){4,}\S"  # three empty lines inside the text
    r"|(?:\r?\n[^\S\n]*){6,}"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_UNSPEAKABLE = re.compile(r"[^\W\d_aeiouyáéíóúüàèìòùâêîôûäöаеёиоуыэюяьъ]{6,}")
_LONGEST_WORD = 32


def _is_gibberish(word: str) -> bool:
    """Return whether a run of letters cannot be a word.

    A run of letters cannot be a word if the run mixes scripts, is unpronounceable, or is too long.
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

    Words or phrases repeat too often if a word occurs four times in a row, if a phrase occurs three times in a row, or
    if at least 20 % of the words equal the preceding word.
    """
    count = len(items)
    for period in range(1, count // 3 + 1):
        wanted = period * (3 if period == 1 else 2)  # number of tokens that must equal the token one period earlier
        run = 0
        for i in range(period, count):
            run = run + 1 if items[i] == items[i - period] else 0
            if run >= wanted:
                return True
    repeats = sum(a == b for a, b in pairwise(items))
    return count >= 5 and repeats >= 0.2 * (count - 1)


def _is_monotonous(items: list[str]) -> bool:
    """Return whether a text has few distinct words or word pairs."""
    if len(items) < 8:
        return False
    pairs = list(pairwise(items))
    return len(set(pairs)) < 0.5 * len(pairs) or Counter(items).most_common(1)[0][1] > 0.4 * len(items)


def _order_threshold(words: int) -> float:
    """Return the log-odds below which a text counts as shuffled.

    A text has higher log-odds if its word order is more natural (see `word_order.evidence`). `words` is the number of
    words in the text.
    """
    if words < SHORT_WORDS:
        return SHORT_THRESHOLD
    return min(HIGHEST_THRESHOLD, THRESHOLD_RISE * (words - SHORT_WORDS))


def is_coherent(text: str) -> bool:
    """Return whether `text` reads as natural language.

    A coherent text is not empty, looping, broken, gibberish or shuffled. A short answer (a name, a number, an address)
    is coherent. If a text was cut off at a token limit, only the text before the cut is judged. Word order is checked
    only in texts of at least four words, and only in English, Spanish and Russian. The result is False for a longer
    text in a language that cannot be judged.
    """
    return coherence_of(text) is True


def coherence_of(text: str) -> bool | None:
    """Return whether `text` is coherent.

    See `is_coherent`. A text that loops or is broken is incoherent in every language. Otherwise the result is None if
    the text has at least four words in a language for which neither a model nor a check exists.
    """
    return _coherence_by_words(text) if has_alphabet(text) else _coherence_by_script(text)


def _coherence_by_script(text: str) -> bool | None:
    """Return the coherence of a text without a known alphabet."""
    bare = "".join(c for c in text if unicodedata.category(c) != "Mn") if not is_spaceless(text) else text
    parts = segments(text) if is_spaceless(text) else bare.split()
    spoken = [part.casefold() for part in parts if any(c.isalnum() for c in part)]
    if not spoken or _BROKEN.search(bare) or _loops(spoken) or _is_monotonous(spoken):
        return False
    if len(spoken) < ORDER_WORDS:
        return True
    return True if judged(text) == "checked" else None


def _coherence_by_words(text: str) -> bool | None:
    """Return the coherence of a text whose words are separated by spaces."""
    text_tokens = tokens(text)
    content = [token.text for token in text_tokens if token.kind in ("word", "number", "mail")]
    if not content or _BROKEN.search(text) or _is_gibberish_text(text):
        return False
    # Every number has the token "#". The "#" tokens are ignored, because a list of numbers is not a loop.
    spoken = [token for token in text.casefold().split() if any(c.isalnum() for c in token)]
    if _loops(spoken) or _loops([word for word in content if word != "#"]) or _is_monotonous(spoken):
        return False
    marks = len(text_tokens) - len(content)
    if len(text_tokens) >= 8 and marks > 0.6 * len(text_tokens):
        return False
    if len(content) < ORDER_WORDS or evidence(text) >= _order_threshold(len(content)):
        return True
    return {"model": False, "checked": True, "unknown": None}[judged(text)]
