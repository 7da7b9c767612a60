"""Arabic and Hebrew prefixes, articles and variants of letters."""

from __future__ import annotations

import re
from functools import lru_cache

_ARABIC_LETTERS = str.maketrans({"ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي", "ٱ": "ا", "ـ": None, "ھ": "ه", "ہ": "ه"})
_ARABIC_FULL = re.compile(r"(?:[وف]?[بكل]?(?:ال)?|[وف]?لل)$")
_ARABIC_SHORT = re.compile(r"(?:و?[بل]?(?:ال)?|و?لل)$")
_ARABIC_SUFFIXES = ("", "ا", "ها", "هم", "نا", "هما", "هن")
_ARABIC_AFTER_TA = ("ها", "ه", "هم", "نا", "ي", "ك", "كم", "هما", "هن", "ان", "ين")
_HEBREW_FULL = re.compile(r"ו?(?:כש|לכש|מש|ש)?(?:[בכלמ])?ה?$")
_HEBREW_SHORT = re.compile(r"ו?[בלמ]?ה?$")
_SHORT = 3
"""A word of at most this many letters takes fewer prefixes, because most combinations are words of their own."""


@lru_cache(maxsize=65536)
def _arabic(word: str) -> str:
    return word.translate(_ARABIC_LETTERS)


@lru_cache(maxsize=65536)
def _hebrew(word: str) -> str:
    return word.replace("וו", "ו").replace("יי", "י")


def is_arabic_form(word: str, base: str, _name: bool) -> bool:
    """Return whether a word is another word with Arabic prefixes or endings.

    Variants of letters (أ and ا, ى and ي, ة and ه) count as equal.
    """
    ends_in_ta, word, base = base.endswith("ة"), _arabic(word), _arabic(base)
    if word == base:
        return True
    bare = base[2:] if base.startswith("ال") and len(base) > 4 else base
    tails: list[tuple[str, tuple[str, ...]]] = [(bare, _ARABIC_SUFFIXES if len(bare) > 2 else ("",))]
    if ends_in_ta:
        tails.append((bare[:-1] + "ت", _ARABIC_AFTER_TA))
    for stem, suffixes in tails:
        at = word.rfind(stem)
        if at < 0 or word[at + len(stem) :] not in suffixes:
            continue
        front = word[:at]
        if bare != base and not front.endswith(("ال", "لل")):
            continue
        pattern = _ARABIC_SHORT if len(bare) <= _SHORT else _ARABIC_FULL
        if pattern.match(front) and not (len(bare) < _SHORT and front not in ("و", "ال")):
            return True
    return False


def is_hebrew_form(word: str, base: str, name: bool) -> bool:
    """Return whether a word is another word with Hebrew prefixes.

    Full and defective spelling (a doubled vav or yod) count as equal.
    """
    word, base = _hebrew(word), _hebrew(base)
    if not word.endswith(base):
        # A feminine noun ends in tav where another noun follows.
        construct = base[:-1] + "ת"
        if name or not (base.endswith("ה") and len(base) > _SHORT and word.endswith(construct)):
            return False
    front = word[: len(word) - len(base)]
    if len(base) < _SHORT:
        return front in ("", "ו")
    return (_HEBREW_SHORT if len(base) == _SHORT else _HEBREW_FULL).match(front) is not None
