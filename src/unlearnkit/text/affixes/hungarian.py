"""Hungarian endings."""

from __future__ import annotations

import re
from functools import lru_cache

_VOWELS = "aeiou"
_CASE = (
    "ban|ben|ba|be|bol|bel|ra|re|rol|nal|nel|hoz|hez|tol|nak|nek|ert|ig|kent|kor|kor[ae]|k[eo]ppen|"
    "[oe]?n|ul|st[ue]l|[oae]?t|[oe]tt"
)
_NUMBER = r"(?:[oae]?k)?"
_POSSESSED = r"(?:[oae]?m|[oae]?d|j?[ae]|[ou]?nk|[oeu]?t[oe]k|j?[ou]k|j?[ae]i(?:m|d|nk|t[oe]k|k)?|i)"
_NAME = re.compile(rf"(?:ek)?(?:{_CASE}|ek)$")
_COMMON = re.compile(rf"(?:{_NUMBER}|{_POSSESSED})(?:{_CASE})?(?:i)?$")
_DIGRAPHS = ("cs", "sz", "zs", "gy", "ny", "ly", "ty", "dz")


@lru_cache(maxsize=8192)
def _doubled(word: str) -> str:
    """Return a word with its final consonant doubled, as in Péccsel."""
    return word[:-2] + word[-2] + word[-2:] if word[-2:] in _DIGRAPHS else word + word[-1]


def is_hungarian_form(word: str, base: str, name: bool) -> bool:
    """Return whether a word is another word with a Hungarian ending."""
    if base[-1] in _VOWELS:
        if not word.startswith(base):
            return False
        rest = word[len(base) :]
        return rest in ("val", "vel", "va", "ve") or _is_ending(rest, name)
    doubled = _doubled(base)
    if word.startswith(doubled) and word[len(doubled) :] in ("al", "el", "a", "e"):
        return True
    if word.startswith(base):
        rest = word[len(base) :]
        return rest != "n" and _is_ending(rest, name)
    if name or len(base) < 4 or base[-2] not in "oeu" or base[-3] in _VOWELS:
        return False
    dropped = base[:-2] + base[-1]  # bokor, bokrot
    return word.startswith(dropped) and _is_ending(word[len(dropped) :], name)


def _is_ending(rest: str, name: bool) -> bool:
    return bool(rest) and (_NAME if name else _COMMON).match(rest) is not None


def is_adjective(word: str, base: str) -> bool:
    """Return whether a word is the adjective of a place (szegedi)."""
    return word == f"{base}i"
