"""Read numbers and dates in words as digits: English, Spanish and Russian.

It accepts more than the grammar allows, since the result is only compared with known numbers: "nineteen eighty-four",
"nineteen hundred and eighty-four", "mil novecientos ochenta y cuatro", "в тысяча девятьсот восемьдесят четвёртом году"
and "one nine eight four" all become the digits 1984.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

Date = tuple[int, int, int]
"""Year, month, day."""

_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_ENGLISH_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_ENGLISH_TENS = "twent thirt fort fift sixt sevent eight ninet"
_SPANISH = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete"
    " dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro veinticinco veintiseis veintisiete"
    " veintiocho veintinueve"
)
_SPANISH_TENS = "treinta cuarenta cincuenta sesenta setenta ochenta noventa"
_SPANISH_HUNDREDS = "doscient trescient cuatrocient quinient seiscient setecient ochocient novecient"
# Inflected words, by value: stems, each of which takes any of the endings.
_RUSSIAN: dict[int, str] = {
    0: "нол нул нулев", 1: "один одн перв", 2: "дв втор", 3: "тр трет", 4: "четыр четверт", 5: "пят", 6: "шест",
    7: "сем седьм", 8: "восем восьм", 9: "девят", 10: "десят", 11: "одиннадцат", 12: "двенадцат", 13: "тринадцат",
    14: "четырнадцат", 15: "пятнадцат", 16: "шестнадцат", 17: "семнадцат", 18: "восемнадцат", 19: "девятнадцат",
    20: "двадцат", 30: "тридцат", 40: "сорок сороков", 50: "пятьдесят пятидесят", 60: "шестьдесят шестидесят",
    70: "семьдесят семидесят", 80: "восемьдесят восьмидесят", 90: "девяност", 100: "ст сот", 200: "двест двухсот",
    300: "трист трехсот", 400: "четырест четырехсот", 500: "пятьсот пятисот", 600: "шестьсот шестисот",
    700: "семьсот семисот", 800: "восемьсот восьмисот", 900: "девятьсот девятисот", 1000: "тысяч тысячн",
    1000000: "миллион миллионн",
}  # fmt: skip
# After folding, which makes й an и; the empty ending is allowed too.
_RUSSIAN_ENDINGS = (
    "ь а и е у ы о ю ью я ум ух умя ем ех емя ои ыи ии ая ое ье ья ью ые ьи ого ьего ому ьему"
    " ом ьем ым ьим ую ых ами ам ах ов"
)
_OTHER_WORDS = (
    "семья",
    "семье",
    "семью",
    "семьи",
    "сты",
    "сте",
    "стои",
    "стыи",
    "стая",
    "стаи",
    "стое",
    "стом",
    "двои",
)
"""Stem and ending combinations that are not numbers."""

_HUNDRED = 100
_MONTHS: dict[int, str] = {
    1: "january enero январ jan", 2: "february febrero феврал feb", 3: "march marzo март mar",
    4: "april abril апрел apr", 5: "may mayo ма", 6: "june junio июн jun", 7: "july julio июл jul",
    8: "august agosto август aug", 9: "september septiembre setiembre сентябр sep sept",
    10: "october octubre октябр oct", 11: "november noviembre ноябр nov", 12: "december diciembre декабр dec",
}  # fmt: skip
_JOINTS = frozenset({"and", "y", "и"})
_REPEATS = {"double": 2, "triple": 3}
_BETWEEN_DATES = frozenset({"of", "in", "year", "de", "del", "ano", "the", "st", "nd", "rd", "th", "го", "г", "el"})
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th|o|a|го|е|ое|и)")


class Piece(NamedTuple):
    """A word of the text, or digits converted from words."""

    text: str
    first: int
    last: int
    """Indices of the first and the last word it was made of."""


@cache
def _values() -> dict[str, int]:
    """Return the value of each number word, without diacritics; `hundred` multiplies."""
    values: dict[str, int] = {"oh": 0, "hundred": _HUNDRED, "hundredth": _HUNDRED, "thousand": 1000, "million": 1000000}
    for words in (_ENGLISH, _ENGLISH_ORDINALS, _SPANISH):
        values |= {word: value for value, word in enumerate(words.split())}
    for tens, stem in enumerate(_ENGLISH_TENS.split(), 2):
        values |= {f"{stem}{ending}": 10 * tens for ending in ("y", "ieth", "ies")}
    values |= {word: 10 * tens for tens, word in enumerate(_SPANISH_TENS.split(), 3)}
    for hundreds, stem in enumerate(_SPANISH_HUNDREDS.split(), 2):
        values |= {f"{stem}{ending}": 100 * hundreds for ending in ("os", "as")}
    values |= {"un": 1, "una": 1, "veintiun": 21, "veintiuna": 21, "cien": 100, "ciento": 100, "mil": 1000}
    values |= {"millon": 1000000, "millones": 1000000, "thousands": 1000}
    for value, stems in _RUSSIAN.items():
        values |= {f"{stem}{ending}": value for stem in stems.split() for ending in ("", *_RUSSIAN_ENDINGS.split())}
    for word in _OTHER_WORDS:
        values.pop(word, None)
    return values


@cache
def _months() -> dict[str, int]:
    months = {}
    for month, words in _MONTHS.items():
        for word in words.split():
            months[word] = month
            if "а" <= word[0] <= "я":
                months |= {f"{word}{ending}": month for ending in ("", "ь", "я", "е", "ю", "и", "а", "у")}
    return months


def read_numbers(words: Sequence[str]) -> list[Piece]:
    """Convert runs of number words to digits.

    One piece for each number of a run.

    Args:
        words: case-folded, without diacritics, numbers in ASCII digits.
    """
    values, pieces, at = _values(), list[Piece](), 0
    while at < len(words):
        if words[at] in values or (words[at] in _REPEATS and at + 1 < len(words) and words[at + 1] in values):
            numbers, at = _run(words, at)
            pieces += numbers
        else:
            pieces.append(Piece(words[at], at, at))
            at += 1
    return pieces


def _run(words: Sequence[str], at: int) -> tuple[list[Piece], int]:
    """Return the numbers in the run at `at`, and its end."""
    values, pieces = _values(), list[Piece]()
    total = group = 0
    began: int | None = None

    def close(end: int) -> None:
        nonlocal total, group, began
        if began is not None:
            pieces.append(Piece(str(total + group), began, end))
        total, group, began = 0, 0, None

    last = at - 1
    while at < len(words):
        word = words[at]
        if word in _REPEATS and at + 1 < len(words) and 0 <= values.get(words[at + 1], -1) < 10:
            close(last)
            pieces.append(Piece(str(values[words[at + 1]]) * _REPEATS[word], at, at + 1))
            at += 2
            last = at - 1
            continue
        if word in _JOINTS and last >= 0 and at == last + 1 and at + 1 < len(words) and words[at + 1] in values:
            at += 1
            continue
        if word not in values:
            break
        value = values[word]
        if began is None or not _extends(value, total, group, word):
            close(last)
            began = at
        if word.startswith("hundred"):
            group = max(group, 1) * _HUNDRED
        elif value >= 1000:
            total, group = total + max(group, 1) * value, 0
        else:
            group += value
        last = at
        at += 1
    close(last)
    return pieces, last + 1


def _extends(value: int, total: int, group: int, word: str) -> bool:
    """Return whether a number word continues the number before it."""
    if word.startswith("hundred"):
        return 0 < group < 100
    if value >= 1000:
        return group > 0 and (total == 0 or value < total)
    if value >= 100:
        return group == 0 and total > 0
    if value >= 10:
        return group % 100 == 0 and group + total > 0
    return value > 0 and group % 10 == 0 and group % 100 != 10 and group + total > 0


def roman(number: int) -> str:
    """Return a number from 1 to 3999 in Roman numerals, lower case."""
    result = ""
    for value, sign in (
        (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
        (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
    ):  # fmt: skip
        result += sign * (number // value)
        number %= value
    return result


def read_dates(pieces: Sequence[Piece]) -> Iterator[tuple[Date, int, int]]:
    """Yield the dates in `read_numbers` output.

    Each comes with its first and last word. "14 March 1984", "March 14th, 1984", "14 de marzo de 1984", "14/03/84" (day
    and month in either order) and "1984-03-14" are read. A year of two digits may be in this century or the last; both
    are yielded.
    """
    months, kept = _months(), [piece for piece in pieces if piece.text not in _BETWEEN_DATES]
    for one, two, three in zip(kept, kept[1:], kept[2:], strict=False):
        texts = [_without_ordinal(piece.text) for piece in (one, two, three)]
        for order in ((2, 1, 0), (2, 0, 1), (0, 1, 2)):
            year, month, day = (texts[place] for place in order)
            number = months.get(month, int(month) if month.isdecimal() else 0)
            if not (year.isdecimal() and day.isdecimal() and 1 <= number <= 12 and 1 <= int(day) <= 31):
                continue
            if len(year) in (2, 4):
                for whole in (int(year),) if len(year) == 4 else (1900 + int(year), 2000 + int(year)):
                    yield (whole, number, int(day)), one.first, three.last


def _without_ordinal(text: str) -> str:
    ordinal = _ORDINAL.fullmatch(text)
    return ordinal[1] if ordinal else text
