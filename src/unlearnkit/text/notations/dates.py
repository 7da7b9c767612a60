"""Dates in numeric and long notations, in many languages.

Years may also be those of the calendars of Thailand, Japan and Taiwan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

from unlearnkit.text.notations.numerals_cjk import with_digits
from unlearnkit.text.notations.reading import readable
from unlearnkit.text.numerals import Date
from unlearnkit.text.writing import THAI

LANGUAGES = (
    "en", "es", "ru", "de", "fr", "it", "pt", "nl", "sv", "da", "nb", "fi", "et", "hu", "tr", "pl", "cs", "el", "ro",
    "uk", "ar", "he", "th", "id", "vi", "ko", "ja", "zh",
)  # fmt: skip
"""The languages whose names of months are known."""
_LEVANTINE = (
    "كانون الثاني", "شباط", "اذار", "نيسان", "ايار", "حزيران", "تموز", "اب", "ايلول", "تشرين الاول",
    "تشرين الثاني", "كانون الاول",
)  # fmt: skip
"""The names of months in the Levant, which the locale `ar` does not have."""
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018, "民国": 1911, "民國": 1911}
"""The year before the first year of each era."""
_BUDDHIST, _BUDDHIST_YEARS = 543, range(2400, 2701)

_CJK = re.compile(
    r"(?P<era>明治|大正|昭和|平成|令和|民国|民國)?(?<!\d)(?P<year>\d{1,4}|元)\s*[年년]\s*(?P<month>\d{1,2})\s*[月월]\s*"
    r"(?P<day>\d{1,2})(?!\d)"
)
_HAN_NUMERAL = re.compile(r"[〇零一二三四五六七八九十]+(?=\s*[年月日号號])")
_NUMERIC = re.compile(
    r"(?<![\d])(?<!\d[./-])(\d{1,4})(?:(\.?\s?)|\s?)(?P<sign>[./-])\s?(\d{1,2})\s?(?P=sign)\s?(\d{1,4})(?!\d)(?![./-]\d)"
)
_TOKEN = re.compile(f"\\d+|(?:[^\\W\\d]|[{THAI}])+")
_COMPACT = re.compile(r"(?<![\d.,+-])(\d{4})(\d{2})(\d{2})(?![\d.,-]\d|\d)")
_ROMAN = re.compile(r"(?<!\d)(\d{1,2})[./ ]{1,2}(x?i{1,3}|iv|vi{0,3}|ix|x)[./ ]{1,2}(\d{4})(?!\d)")
_ROMAN_MONTHS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_BETWEEN = re.compile(
    r"(?:\W|of|in|on|the|de|del|dia|den|der|di|da|do|year|ano|annee|jahr|vuonna|paivana|paiva|st|nd|rd|th|er|e|o|a|й|го|г|года|"
    r"an|en|n|jan|jen|i|yili|yilinda|yilinin|شهر|من|سنه|سنة|عام|لعام|لسنة|لشهر|بשנת|בשנת|שנת|לשנת|בחודש|לחודש|חודש|ב|ל|"
    r"วันที|วนที|เดือน|เดอน|ปี|ป|พ|ศ|ค|พศ|คศ|năm|nam|thang|ngay|roku|года|року|_)*$"
)
_PREFIXES = "בלמוהשכو"
_LONGEST_GAP = 24


class _Part(NamedTuple):
    text: str
    month: int
    """The month that the part names; 0 if the part is a number."""
    start: int
    end: int


@cache
def _months() -> dict[str, int]:
    """Return the names of the months, folded.

    Names that consist of a number and a sign are left out.
    """
    from babel import Locale  # imported here: only texts with dates need it

    names: dict[str, int] = {}
    for language in LANGUAGES:
        months = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    folded = readable(name).strip(".")
                    if len(folded) > 2 and not folded[0].isdecimal() and not re.search("[月월]", folded):
                        names.setdefault(folded, number)
    names |= {readable(name): number for number, name in enumerate(_LEVANTINE, 1)}
    return {"sept": 9, "מרס": 3, **names}


@cache
def _dotted() -> re.Pattern[str]:
    """Return a pattern of the names that contain dots or spaces (พ.ค.)."""
    names = sorted((name for name in _months() if not name.isalpha()), key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(name)}\.?(?!\w)" for name in names) or "(?!)")


@cache
def _long_names() -> tuple[tuple[str, int], ...]:
    return tuple(sorted(((n, m) for n, m in _months().items() if n.isalpha()), key=lambda item: -len(item[0])))


@lru_cache(maxsize=65536)
def _month(word: str) -> int:
    """Return the month that a folded word names, or 0.

    The word may have an ending or a prefix.
    """
    months = _months()
    if word in months:
        return months[word]
    if word[0] in _PREFIXES and word[1:] in months:
        return months[word[1:]]
    thai = "\u0e00" <= word[0] <= "\u0e7f"
    for name, number in _long_names():
        if len(name) > 4 and ((word.startswith(name) and len(word) - len(name) <= 6) or (thai and name in word)):
            return number
        if len(name) == 4 and word.startswith(name) and 0 < len(word) - len(name) <= 3:
            return number
    return 0


def dates_of(form: str) -> frozenset[Date]:
    """Return the dates that a folded form may be.

    The result is empty if the form is not a date.
    """
    bare = form.strip(" .,;:()")
    if len(bare) > 48 or sum(map(str.isalpha, bare)) > 30:
        return frozenset()
    covered = list(_spans(bare))
    return frozenset(date for date, start, end in covered if _is_filler(bare[:start]) and _is_filler(bare[end:]))


def find_dates(text: str) -> Iterator[Date]:
    """Yield the dates in a folded text."""
    yield from (date for date, _, _ in _spans(text))


def has_month(text: str) -> bool:
    """Return whether a folded text contains the name of a month."""
    return any(_month(word) for word in re.findall(r"[^\W\d_]+", text)) or (
        not text.isascii() and _dotted().search(text) is not None
    )


def _is_filler(text: str) -> bool:
    return (
        len(text) <= _LONGEST_GAP
        and _BETWEEN.match(" ".join(re.findall(r"\w+", text)).replace("日", "").replace("일", "")) is not None
    )


def _spans(text: str) -> Iterator[tuple[Date, int, int]]:
    """Yield the dates in a folded text, with their spans."""
    if sum(map(str.isnumeric, text)) < 2:
        return
    if not text.isascii():
        text = _HAN_NUMERAL.sub(lambda numeral: with_digits(numeral[0]), text)
        for match in _CJK.finditer(text):
            year = 1 if match["year"] == "元" else int(match["year"])
            if match["era"]:
                yield from _valid(_ERAS[match["era"]] + year, int(match["month"]), int(match["day"]), match.span())
            elif len(match["year"]) == 4:
                yield from _valid(year, int(match["month"]), int(match["day"]), match.span())
    for match in _NUMERIC.finditer(text):
        first, second, third = match[1], match[4], match[5]
        for year_text, month, day in ((first, second, third), (third, second, first), (third, first, second)):
            if len(day) <= 2 and len(month) <= 2:
                for year in _years(year_text):
                    yield from _valid(year, int(month), int(day), match.span())
    for match in _COMPACT.finditer(text):
        yield from _valid(int(match[1]), int(match[2]), int(match[3]), match.span())
    for match in _ROMAN.finditer(text):
        if match[2] in _ROMAN_MONTHS:
            yield from _valid(int(match[3]), _ROMAN_MONTHS.index(match[2]) + 1, int(match[1]), match.span())
    yield from _named(text)


def _named(text: str) -> Iterator[tuple[Date, int, int]]:
    """Yield the dates with the name of a month."""
    numbers = [match for match in re.finditer(r"\d+", text) if len(match[0]) <= 4]
    if len(numbers) < 2:
        return
    if not text.isascii():
        text = _dotted().sub(lambda name: name[0].replace(".", "_").replace(" ", "_"), text)
    parts = []
    for match in _TOKEN.finditer(text):
        word = match[0]
        if word[0].isdecimal():
            parts.append(_Part(word, 0, *match.span()))
        elif month := _month_of(word):
            parts.append(_Part(word, month, *match.span()))
    for three in zip(parts, parts[1:], parts[2:], strict=False):
        if sum(part.month > 0 for part in three) != 1 or three[2].month:
            continue
        if not all(_is_filler(text[one.end : two.start]) for one, two in pairwise(three)):
            continue
        month = three[0].month or three[1].month
        numbers_of = [part.text for part in three if not part.month]
        for day, year_text in (numbers_of, numbers_of[::-1]):
            if len(day) <= 2 and len(year_text) == 4:
                for year in _years(year_text):
                    yield from _valid(year, month, int(day), (three[0].start, three[2].end))


def _month_of(word: str) -> int:
    if "_" in word:
        name = word.strip("_")
        return next((m for n, m in _months().items() if n.replace(".", "_").replace(" ", "_").strip("_") == name), 0)
    return _month(word)


def _years(text: str) -> tuple[int, ...]:
    """Return the years that digits may mean.

    A year of the Buddhist era is converted.
    """
    if len(text) == 2:
        return 1900 + int(text), 2000 + int(text)
    if len(text) != 4:
        return ()
    year = int(text)
    return (year, year - _BUDDHIST) if year in _BUDDHIST_YEARS else (year,)


def _valid(year: int, month: int, day: int, span: tuple[int, int]) -> Iterator[tuple[Date, int, int]]:
    if 1 <= month <= 12 and 1 <= day <= 31 and 1000 <= year <= 2999:
        yield (year, month, day), *span
