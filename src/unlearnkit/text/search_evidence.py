"""Which scripts, languages and notations the searches were checked in.

A search that finds a form proves that the form is there. A search that finds nothing proves that the form is absent
only where the search was compared with labeled pairs of texts and secrets. Elsewhere the result is "not measured".
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from unlearnkit.text.affixed_search import NO_CONTEXT, Context, is_spoken
from unlearnkit.text.affixes import LATIN, language_of_script
from unlearnkit.text.notations import Notation, value_of
from unlearnkit.text.word_breaks import KANA
from unlearnkit.text.writing import THAI, is_spaceless

SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "ARABIC", "HEBREW"})
"""The scripts in which searches were checked, or need only whole words."""
UNCHECKED_LANGUAGES: frozenset[str] = frozenset({"fi", "ko", "tr"})
"""The languages of these scripts in which precision or recall on the labeled pairs is below 0.9."""
UNCHECKED_NOTATIONS: frozenset[Notation] = frozenset()
"""The notations in which precision or recall on the labeled pairs is below 0.9."""

_KANA, _THAI = re.compile(f"[{KANA}]"), re.compile(f"[{THAI}]")
_OTHER_NAMES = {"KANGXI": "CJK", "IDEOGRAPHIC": "CJK", "KATAKANA-HIRAGANA": "KATAKANA"}
_NO_SCRIPT = frozenset({"FULLWIDTH", "HALFWIDTH", "MASCULINE", "FEMININE", "MICRO", "MODIFIER", "DOUBLE-STRUCK"})


@lru_cache(maxsize=4096)
def scripts(text: str) -> frozenset[str]:
    """Return the scripts of the letters of a text.

    Scripts have the names that Unicode gives them (LATIN, CJK).
    """
    names = {unicodedata.name(letter, "?").partition(" ")[0] for letter in set(text) if letter.isalpha()}
    return frozenset(_OTHER_NAMES.get(name, name) for name in names) - _NO_SCRIPT


def is_judged(form: str, text: str, context: Context = NO_CONTEXT) -> bool:
    """Return whether a failed search shows that a form is absent."""
    if UNCHECKED_NOTATIONS and (value := value_of(form)) is not None and value.notation in UNCHECKED_NOTATIONS:
        return False
    if UNCHECKED_LANGUAGES and not UNCHECKED_LANGUAGES.isdisjoint(_languages(form, text, context)):
        return False
    return form.isascii() or text.isascii() or scripts(form) & scripts(text) <= SCRIPTS


def _languages(form: str, text: str, context: Context) -> set[str]:
    """Return the checked languages that a form and a text are in."""
    if is_spaceless(form):
        if _THAI.search(form):
            return {"th"}
        return {"ja" if _KANA.search(f"{text} {form} {context.question}") else "zh"}
    if (language := language_of_script(form)) is not None:
        return {language}
    return {language for language in LATIN.keys() & UNCHECKED_LANGUAGES if is_spoken(language, text, context)}
