"""Recognize words with endings and prefixes.

Finnish, Hungarian and Turkish attach case endings, Korean attaches particles, and Arabic and Hebrew attach prepositions
and articles to the front of a word. Each module lists the affixes of one language or script. A word counts only if
everything around the form is such an affix, so another word that merely begins alike does not count.

All words must be normalized and without diacritics (see `spellings.fold`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from unlearnkit.text.affixes.finnish import is_finnish_form
from unlearnkit.text.affixes.hungarian import is_hungarian_form
from unlearnkit.text.affixes.korean import is_korean_form
from unlearnkit.text.affixes.semitic import is_arabic_form, is_hebrew_form
from unlearnkit.text.affixes.turkish import is_turkish_form

Affixed = Callable[[str, str, bool], bool]
"""A function of a word of a text, a word of a form, and whether the form is a name. It returns whether the first word
is the second word with affixes."""

LATIN: dict[str, Affixed] = {"fi": is_finnish_form, "hu": is_hungarian_form, "tr": is_turkish_form}
"""Languages in Latin script. The script does not reveal the language, so the text's language must be known."""
_SCRIPTS: tuple[tuple[re.Pattern[str], str, Affixed], ...] = (
    (re.compile("[\uac00-\ud7a3]"), "ko", is_korean_form),
    (re.compile("[\u0590-\u05ff]"), "he", is_hebrew_form),
    (re.compile("[\u0600-\u06ff]"), "ar", is_arabic_form),
)
PREFIXED = ("he", "ar")
"""Languages that attach words to the front of a word."""
_LATIN = re.compile("[a-z\u00df-\u024f]")


@lru_cache(maxsize=65536)
def language_of_script(word: str) -> str | None:
    """Return the language of a word in Korean, Hebrew or Arabic script.

    The result is None for a word in another script.
    """
    if word.isascii():
        return None
    return next((language for pattern, language, _ in _SCRIPTS if pattern.search(word)), None)


@lru_cache(maxsize=65536)
def languages_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the languages whose affixes a form may have."""
    if not words:
        return ()
    first, last = language_of_script(words[0]), language_of_script(words[-1])
    if first in PREFIXED or last == "ko":
        return (first if first in PREFIXED else "ko",)
    return tuple(LATIN) if len(words[-1]) > 2 and all(map(_LATIN.match, words[-1])) else ()


def is_affixed(words: Sequence[str], form: Sequence[str], language: str, *, name: bool) -> bool:
    """Return whether words of a text are a form with affixes.

    Affixes are at the end of the last word. In Finnish, every word may have an ending. In Arabic and Hebrew, prefixes
    are at the front of the first word, and every word may have an article.
    """
    affixed = LATIN.get(language) or next(found for _, code, found in _SCRIPTS if code == language)
    prefixed, last = language in PREFIXED, len(form) - 1
    if prefixed and last and affixed(" ".join(words), " ".join(form), name):
        return True
    matches = (
        word == base or ((place == last or prefixed or language == "fi") and affixed(word, base, name))
        for place, (word, base) in enumerate(zip(words, form, strict=True))
    )
    # Letters and diacritics of Arabic and Hebrew have variants, so equal words may be written differently.
    return (prefixed or tuple(words) != tuple(form)) and all(matches)
