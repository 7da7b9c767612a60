"""Days and years that are spelled out.

ICU (International Components for Unicode) knows the number words of the languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from unlearnkit.text.notations.reading import readable

LANGUAGES = ("de", "fr", "it", "es", "pt", "nl", "sv", "fi", "hu", "ar", "he", "tr", "pl", "el", "id")
_ORDINALS = (
    "ordinal", "ordinal-masculine", "ordinal-feminine", "ordinal-n", "ordinal-r", "ordinal-m", "ordinal-essive",
    "ordinal-genitive", "ordinal-partitive", "ordinal-neuter", "cardinal-masculine", "cardinal-feminine", "numbering",
)  # fmt: skip
"""The kinds of number words that may name a day. For a kind that a language lacks, ICU returns the cardinal number."""
_DAYS, _YEARS = range(1, 32), range(1900, 2031)
_HUNGARIAN_ENDINGS = tuple(
    vowel + ending for vowel in "ae" for ending in ("", "n", "ig", "i", "tol", "rol", "ra", "re")
)
_LONGEST = 8
"""Numbers have at most this many words."""
_WORD = re.compile(r"\w+")


def with_spelled_numbers(text: str) -> str:
    """Replace spelled-out days and years in a folded text by digits."""
    found, numbers = list(_WORD.finditer(text)), _numbers()
    pieces, last, at = list[str](), 0, 0
    while at < len(found):
        for length in range(min(_LONGEST, len(found) - at), 0, -1):
            value = numbers.get(" ".join(word[0] for word in found[at : at + length]))
            if value is not None:
                pieces += [text[last : found[at].start()], str(value)]
                last = found[at + length - 1].end()
                at += length - 1
                break
        at += 1
    return "".join((*pieces, text[last:]))


@cache
def _numbers() -> dict[str, int]:
    """Return the days and years that spellings mean.

    Spellings that mean different numbers in different languages are left out, and so are very short words.
    """
    numbers: dict[str, set[int]] = {}
    for language in LANGUAGES:
        for value, spelling in _spelled(language):
            numbers.setdefault(" ".join(_WORD.findall(readable(spelling))), set()).add(value)
    return {name: values.pop() for name, values in numbers.items() if len(values) == 1 and len(name) > 2}


def _spelled(language: str) -> Iterator[tuple[int, str]]:
    articles = {_spell(language, rules, 1) for rules in _ORDINALS if not rules.startswith("ordinal")}
    for rules in _ORDINALS:
        spelled = ((day, _spell(language, rules, day)) for day in _DAYS)
        for day, spelling in spelled:
            if spelling is not None and spelling not in articles:  # "one" is also an article
                yield from ((day, each) for each in _inflected(language, spelling))
    if language == "hu":
        yield from ((1, f"elsej{ending}") for ending in _HUNGARIAN_ENDINGS)
    years = ((year, _spell(language, "numbering-year", year)) for year in _YEARS)
    yield from ((year, spelling) for year, spelling in years if spelling is not None)


def _inflected(language: str, spelling: str) -> Iterator[str]:
    """Yield the forms of a number word that dates contain."""
    yield spelling
    if language == "hu":
        yield from (spelling + ending for ending in _HUNGARIAN_ENDINGS)
    elif language == "ar" and spelling.endswith("ون"):
        yield spelling[:-2] + "ين"
    elif language == "he":
        yield from (prefix + spelling for prefix in ("ה", "ב"))


@cache
def _formatter(language: str, rules: str):  # type: ignore[no-untyped-def]
    from icu4py.messageformat import MessageFormat  # imported here: only spelled-out dates need it

    return MessageFormat(f"{{n,spellout,%spellout-{rules}}}", language)


def _spell(language: str, rules: str, number: int) -> str | None:
    """Return the words of a number; None if it has none."""
    spelled = str(_formatter(language, rules).format({"n": number}))
    return spelled if not any(map(str.isdecimal, spelled)) else None
