"""Decide whether the offline detectors can judge the language of a text.

A detector that cannot judge a language returns None, which the scores report as "not measured".
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Literal

from unlearnkit.text.language import other_language

ORDERED = ("en", "es", "ru")
"""The languages for which models were fitted: of refusals, of word order, and of the verdicts of traces."""
CHECKED_SCRIPTS = {
    "CJK": "zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "THAI": "th",
    "ARABIC": "ar",
    "HEBREW": "he",
}
"""Scripts in which the detectors were checked by hand, with a language of each."""
CHECKED_LATIN = ("de", "fi", "hu", "tr")
"""Languages in Latin script in which the detectors were checked by hand."""
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "FULLWIDTH", "MODIFIER", "MASCULINE", "FEMININE", "MICRO")

Judged = Literal["model", "checked", "unknown"]
"""How the detectors can judge a text. `model`: with the fitted models; `checked`: with phrases and with rules that need
no model; `unknown`: not at all."""


@lru_cache(maxsize=4096)
def script_of(text: str) -> str:
    """Return the script of most letters of a text.

    Scripts have the names that Unicode gives them (LATIN, CJK). A text without letters counts as LATIN.
    """
    if text.isascii():
        return "LATIN"
    letters = Counter(letter for letter in text if letter.isalpha())
    counts = Counter[str]()
    for letter, count in letters.items():
        counts[unicodedata.name(letter, "?").partition(" ")[0]] += count
    return counts.most_common(1)[0][0] if counts else "LATIN"


def has_alphabet(text: str) -> bool:
    """Return whether a text is in Latin, Cyrillic or Greek letters.

    The models can split texts in these alphabets into words.
    """
    return script_of(text) in _ALPHABETS


def judged(text: str) -> Judged:
    """Return how the detectors can judge a text."""
    script = script_of(text)
    if script not in _ALPHABETS:
        return "checked" if script in CHECKED_SCRIPTS else "unknown"
    language = other_language(text, ORDERED)
    if language is None:
        return "model"
    return "checked" if language in CHECKED_LATIN else "unknown"
