"""Arabic and Hebrew prefixes, articles and variants of letters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_ARABIC_LETTERS = str.maketrans({"ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي", "ٱ": "ا", "ـ": None, "ھ": "ه", "ہ": "ه"})
_ARABIC_FULL = re.compile(r"(?:[وف]?[بكل]?(?:ال)?|[وف]?لل)$")
_ARABIC_SHORT = re.compile(r"(?:و?[بل]?(?:ال)?|و?لل)$")
_ARABIC_SUFFIXES = ("", "ا", "ها", "هم", "نا", "هما", "هن")
_ARABIC_AFTER_TA = ("ها", "ه", "هم", "نا", "ي", "ك", "كم", "هما", "هن", "ان", "ين")
_HEBREW_FULL = re.compile(r"ו?(?:כש|לכש|מש|ש)?(?:[בכלמ])?ה?$")
_HEBREW_SHORT = re.compile(r"(?:ו?(?:(?:כש|ש)(?=[בכלמה]))?[בלמ]?ה?|ו?(?:כש|ש)?כ)$")
_LONG_HEBREW = 5
"""In a word of at least this many letters, a doubled vav or yod counts as a single one. Shorter words that differ only
in this are other words (אילת, איילת)."""
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

    In long words, full and defective spelling (a doubled vav or yod) count as equal.
    """
    if len(base) >= _LONG_HEBREW:
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


_HEBREW_POINTS = re.compile("[\u05b0-\u05bc]")
_POINTED = re.compile("([\u05d0-\u05ea])([\u0591-\u05bd\u05bf-\u05c7]*)")
_SHEVA, _HIRIQ, _HOLAM, _QUBUTS, _DAGESH = "\u05b0", "\u05b4", "\u05b9", "\u05bb", "\u05bc"


def without_points(text: str) -> tuple[str, ...]:
    """Return a text with Hebrew vowel points as spelled without points.

    Words without points have additional vowel letters (מְאֻמָּץ, מאומץ). The result is empty if the text has no points.
    """
    if not _HEBREW_POINTS.search(text):
        return ()
    letters = unicodedata.normalize("NFKD", text)
    return tuple(_with_vowel_letters(letters, yod=yod) for yod in (False, True))


def _with_vowel_letters(text: str, *, yod: bool) -> str:
    pieces, last = [], 0
    letters = list(_POINTED.finditer(text))
    for at, match in enumerate(letters):
        letter, points = match[1], match[2]
        following = letters[at + 1] if at + 1 < len(letters) and letters[at + 1].start() == match.end() else None
        pieces += [text[last : match.start()], letter]
        last = match.end()
        inside = following is not None and at > 0 and letters[at - 1].end() == match.start()
        if letter == "י" and _DAGESH in points and inside:
            pieces.append("י")
        if letter != "ו" and (_QUBUTS in points or _HOLAM in points) and not (following and following[1] == "ו"):
            pieces.append("ו")
        open_syllable = following is not None and following[1] != "י" and _SHEVA not in following[2]
        if yod and _HIRIQ in points and letter != "י" and open_syllable:
            pieces.append("י")
    return "".join((*pieces, text[last:]))
