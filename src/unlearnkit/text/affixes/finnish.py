"""Finnish endings, with consonant gradation."""

from __future__ import annotations

import re
from functools import lru_cache

_VOWELS = "aeiouy"
_STRONG_TO_WEAK = {
    "kk": ("k",), "pp": ("p",), "tt": ("t",), "nk": ("ng",), "nt": ("nn",), "mp": ("mm",), "lt": ("ll",),
    "rt": ("rr",), "lk": ("l", "lj"), "rk": ("r", "rj"), "hk": ("h", "hj"), "k": ("", "v"), "p": ("v",), "t": ("d",),
}  # fmt: skip
"""Consonants of the strong grade, with those of the weak grade (Helsinki, Helsingissä)."""
_WEAK_TO_STRONG = {
    "ng": "nk", "nn": "nt", "mm": "mp", "ll": "lt", "rr": "rt", "k": "kk", "p": "pp", "t": "tt", "v": "p", "d": "t",
}  # fmt: skip
_FINAL = re.compile(rf"^(.*?[{_VOWELS}].*?|[{_VOWELS}])([^{_VOWELS}]+)([{_VOWELS}]{{1,2}})$")
_CLITIC = re.compile(r"(?:kin|kaan|ko|han|pa|kohan|pas)$")
_POSSESSIVE = re.compile(r"(?:ni|si|nsa|mme|nne|(?<=[aeiouy])([aeiouy])n)$")
_CASES = frozenset({"n", "ssa", "sta", "lla", "lta", "lle", "ksi", "tta"})
_COMMON_CASES = frozenset({"na", "t", "ja", "ia", "ien", "jen", "iden", "itten", "den", "ten", "ine"})
_PLURAL_CASES = frozenset(
    {"ssa", "sta", "lla", "lta", "lle", "ksi", "na", "tta", "in", "hin", "siin", "den", "en", "a"}
)


@lru_cache(maxsize=8192)
def _grades(word: str) -> frozenset[str]:
    """Return a stem that ends in a vowel, in both grades."""
    found = {word}
    match = _FINAL.match(word)
    if match is None:
        return frozenset(found)
    head, cluster, vowels = match.groups()
    for length in (2, 1):
        tail, rest = cluster[-length:], cluster[:-length]
        if len(tail) == length and tail in _STRONG_TO_WEAK and not (length == 1 and rest[-1:] in ("s", "t")):
            found |= {head + rest + weak + vowels for weak in _STRONG_TO_WEAK[tail]}
            break
    return frozenset(found)


def _strengthened(word: str) -> set[str]:
    """Return a stem that ends in vowels, in the strong grade too."""
    found = {word}
    match = _FINAL.match(word)
    if match is not None:
        head, cluster, vowels = match.groups()
        for weak in (cluster[-2:], cluster[-1:]):
            if weak in _WEAK_TO_STRONG:
                found.add(head + cluster[: -len(weak)] + _WEAK_TO_STRONG[weak] + vowels)
                break
    return found


@lru_cache(maxsize=8192)
def _stems(word: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the singular and the plural stems of a word."""
    last = word[-1]
    if last not in _VOWELS:
        stems = {word + "i"}
        plural = set[str]()
        if last == "s":
            stems |= {word[:-1] + "kse", word[:-1] + "ude", word[:-1] + "ute"}
            stems |= _strengthened(word[:-1] + word[-2:-1])
            stems |= {word}  # Vilniusta
        elif last == "n":
            stems |= {word[:-1] + "me", word, word[:-1] + "ma"}
            if word.endswith("nen"):
                stems = {word[:-3] + "se", word[:-3] + "s"}
                plural = {word[:-3] + "si"}
        elif last == "t":
            base = word[:-1]
            strong = _strengthened(base)
            plural = {stem + "i" for stem in strong} | {stem[:-1] + end for stem in strong for end in ("i", "oi", "ei")}
            stems |= {base[:-1] + "ue", base[:-1] + "ee"}
        else:
            stems |= {word}
        return frozenset(stems), frozenset(plural)
    stems = set(_grades(word))
    if last == "i":
        stems |= _grades(word[:-1] + "e")
        if word.endswith("si"):
            stems |= {word[:-2] + "de", word[:-2] + "te", word[:-2] + "t"}
        if len(word) > 3 and word[-2] in "lnr":
            stems.add(word[:-1])  # kieli, kieltä
    if last == "e":
        stems |= {stem + "e" for stem in _strengthened(word)}
    singular = frozenset(stems)
    plural = {stem[:-1] + end for stem in singular for end in ("i", "oi", "ei")} | {stem + "i" for stem in singular}
    return singular, frozenset(plural)


def _is_case(stem: str, ending: str, *, name: bool) -> bool:
    last = stem[-1:]
    if last not in _VOWELS:
        return ending in ("ta",)
    if ending in _CASES or ending in (f"{last}n", f"h{last}n") or (not name and ending in _COMMON_CASES):
        return True
    if ending == "seen":
        return stem[-2:-1] in _VOWELS
    if ending == "a":
        return stem[-2:-1] != last  # Mariaa, but Espoota
    return ending == "ta" and stem[-2:-1] in _VOWELS


def is_finnish_form(word: str, base: str, name: bool) -> bool:
    """Return whether a word is another word with a Finnish ending."""
    if word[:2] != base[:2]:
        return False
    bare = _CLITIC.sub("", word)
    for candidate in (word, bare) if bare != word else (word,):
        candidates = [candidate]
        if owned := _POSSESSIVE.search(candidate):
            without = candidate[: owned.start()] + (owned[1] or "")
            candidates += [without, without + "n"]
        if any(_has_ending(each, base, name=name) for each in candidates):
            return True
    return bare != word and bare == base


def _has_ending(word: str, base: str, *, name: bool) -> bool:
    singular, plural = _stems(base)
    for stem in singular:
        if word.startswith(stem) and _is_case(stem, word[len(stem) :], name=name):
            return True
    if name and base[-1:] != "t":
        return False
    return any(word.startswith(stem) and word[len(stem) :] in _PLURAL_CASES for stem in plural)
