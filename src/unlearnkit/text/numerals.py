"""Convert spelled-out numbers and dates to digits.

The supported languages are English, Spanish and Russian. For example, "nineteen eighty-four", "nineteen hundred and
eighty-four", "mil novecientos ochenta y cuatro", "в тысяча девятьсот восемьдесят четвёртом году" and "one nine eight
four" all become the digits 1984. Some ungrammatical sequences of number words are converted too. These sequences do no
harm, because the resulting digits are only compared with known numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

Date = tuple[int, int, int]
"""Year, month, day."""

_WORDS: dict[int, str] = {
    0: "oh zero zeroth cero", 1: "one first un uno una", 2: "two second dos", 3: "three third tres",
    4: "four fourth cuatro", 5: "five fifth cinco", 6: "six sixth seis", 7: "seven seventh siete",
    8: "eight eighth ocho", 9: "nine ninth nueve", 10: "ten tenth diez", 11: "eleven eleventh once",
    12: "twelve twelfth doce", 13: "thirteen thirteenth trece", 14: "fourteen fourteenth catorce",
    15: "fifteen fifteenth quince", 16: "sixteen sixteenth dieciseis", 17: "seventeen seventeenth diecisiete",
    18: "eighteen eighteenth dieciocho", 19: "nineteen nineteenth diecinueve",
    20: "twenty twentieth twenties veinte", 21: "veintiun veintiuno veintiuna", 22: "veintidos", 23: "veintitres",
    24: "veinticuatro", 25: "veinticinco", 26: "veintiseis", 27: "veintisiete", 28: "veintiocho", 29: "veintinueve",
    30: "thirty thirtieth thirties treinta", 40: "forty fortieth forties cuarenta",
    50: "fifty fiftieth fifties cincuenta", 60: "sixty sixtieth sixties sesenta",
    70: "seventy seventieth seventies setenta", 80: "eighty eightieth eighties ochenta",
    90: "ninety ninetieth nineties noventa", 100: "hundred hundredth cien ciento", 200: "doscientos doscientas",
    300: "trescientos trescientas", 400: "cuatrocientos cuatrocientas", 500: "quinientos quinientas",
    600: "seiscientos seiscientas", 700: "setecientos setecientas", 800: "ochocientos ochocientas",
    900: "novecientos novecientas", 1000: "thousand thousands mil", 1000000: "million millon millones",
}  # fmt: skip
"""English and Spanish number words, without diacritics, by value. A word that begins with "hundred" multiplies the
number before the word by 100."""
# Stems of Russian number words, by value. Each stem may have any of the endings below.
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
# The endings are written without diacritics, so й becomes и. A stem may also have no ending.
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
"""Russian words that are not numbers, although they consist of a number stem and an ending. For example, "семья"
(family) has the same stem as "семь" (seven)."""

_MONTHS: dict[int, str] = {
    1: "january enero январ jan", 2: "february febrero феврал feb", 3: "march marzo март mar",
    4: "april abril апрел apr", 5: "may mayo ма", 6: "june junio июн jun", 7: "july julio июл jul",
    8: "august agosto август aug", 9: "september septiembre setiembre сентябр sep sept",
    10: "october octubre октябр oct", 11: "november noviembre ноябр nov", 12: "december diciembre декабр dec",
}  # fmt: skip
_ROMAN: dict[int, str] = {
    1000: "m", 900: "cm", 500: "d", 400: "cd", 100: "c", 90: "xc", 50: "l", 40: "xl", 10: "x", 9: "ix", 5: "v", 4: "iv",
    1: "i",
}  # fmt: skip
_JOINTS = frozenset({"and", "y", "и"})
_REPEATS = {"double": 2, "triple": 3}
_CENTURIES = frozenset({"17", "18", "19", "20"})
"""First halves of spelled-out years."""
_BETWEEN_DATES = frozenset({"of", "in", "year", "de", "del", "ano", "the", "st", "nd", "rd", "th", "го", "г", "el"})
_ORDINAL = re.compile(r"^(\d+)(?:st|nd|rd|th|o|a|го|е|ое|и)\Z")


class Piece(NamedTuple):
    """A word of a text, or the digits that replace number words."""

    text: str
    first: int
    last: int
    """`first` and `last` are the indices of the first and the last word from which the piece was made."""


@cache
def _values() -> dict[str, int]:
    """Return the value of each number word, without diacritics."""
    values = {word: value for value, words in _WORDS.items() for word in words.split()}
    for value, stems in _RUSSIAN.items():
        values |= {f"{stem}{ending}": value for stem in stems.split() for ending in ("", *_RUSSIAN_ENDINGS.split())}
    return {word: value for word, value in values.items() if word not in _OTHER_WORDS}


@cache
def _months() -> dict[str, int]:
    months = {word: month for month, words in _MONTHS.items() for word in words.split()}
    russian = {word: month for word, month in months.items() if "а" <= word[0] <= "я"}
    return months | {f"{stem}{ending}": month for stem, month in russian.items() for ending in "ьяеюиау"}


def read_numbers(words: Sequence[str]) -> list[Piece]:
    """Convert runs of number words to digits.

    Each number becomes one piece, even if several numbers follow each other. Each word that is not part of a number
    also becomes one piece.

    Args:
        words: the words of a text, case-folded, without diacritics, and with digits in ASCII.
    """
    values, pieces = _values(), list[Piece]()
    total = group = 0
    first: int | None = None  # the index at which the current number begins
    last = -2  # the index of the last word that was read as a number

    def close() -> None:
        nonlocal total, group, first
        if first is not None:
            pieces.append(Piece(str(total + group), first, last))
        total, group, first = 0, 0, None

    at = 0
    while at < len(words):
        word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
        if word in _REPEATS and 0 <= values.get(following, -1) < 10:
            close()
            pieces.append(Piece(str(values[following]) * _REPEATS[word], at, at + 1))
            last = at = at + 1
        elif word in values:
            value = values[word]
            if first is None or not _extends(value, total, group, word):
                close()
                first = at
            if word.startswith("hundred"):
                group = max(group, 1) * 100
            elif value >= 1000:
                total, group = total + max(group, 1) * value, 0
            else:
                group += value
            last = at
        elif not (word in _JOINTS and last == at - 1 and following in values):
            close()
            pieces.append(Piece(word, at, at))
        at += 1
    close()
    return pieces


def _extends(value: int, total: int, group: int, word: str) -> bool:
    """Return whether a number word continues the number before it.

    Args:
        value: the value of the word.
        total: the sum of the completed thousands and millions before the word.
        group: the value, below one thousand, of the words that follow the last completed thousand or million and
            precede the word.
        word: the word.
    """
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
    """Return a number from 1 to 3999 as lower-case Roman numerals."""
    result = ""
    for value, sign in _ROMAN.items():
        result += sign * (number // value)
        number %= value
    return result


def read_dates(pieces: Sequence[Piece]) -> Iterator[tuple[Date, int, int]]:
    """Yield the dates in the output of `read_numbers`.

    Each date is yielded with the indices of the date's first and last word. Recognized formats are "14 March 1984",
    "March 14th, 1984", "14 de marzo de 1984", "14/03/84" (with day and month in either order) and "1984-03-14". If a
    year has two digits, the date is yielded twice: once with the year in the 1900s and once with the year in the 2000s.
    Two spelled-out numbers may be a year ("nineteen eighty-four").
    """
    kept = [piece for piece in pieces if piece.text not in _BETWEEN_DATES]
    yield from _dates(kept)
    if (joined := _with_years(kept)) != kept:
        yield from _dates(joined)


def _with_years(pieces: Sequence[Piece]) -> list[Piece]:
    """Join the two halves of years that are spelled out."""
    result, at = list[Piece](), 0
    while at < len(pieces):
        one = pieces[at]
        two = pieces[at + 1] if at + 1 < len(pieces) else None
        three = pieces[at + 2] if at + 2 < len(pieces) else None
        if one.text in _CENTURIES and two is not None and two.text.isdecimal() and at and not _is_day(pieces, at):
            if len(two.text) == 2:
                result.append(Piece(one.text + two.text, one.first, two.last))
                at += 2
                continue
            if two.text == "0" and three is not None and len(three.text) == 1 and three.text.isdecimal():
                result.append(Piece(f"{one.text}0{three.text}", one.first, three.last))
                at += 3
                continue
        result.append(one)
        at += 1
    return result


def _is_day(pieces: Sequence[Piece], at: int) -> bool:
    """Return whether a number is a day before a year.

    For example, the first number of "nineteen, nineteen eighty-four" is a day.
    """
    return pieces[at + 1].text in _CENTURIES and at + 2 < len(pieces) and pieces[at + 2].text.isdecimal()


def _dates(kept: Sequence[Piece]) -> Iterator[tuple[Date, int, int]]:
    months = _months()
    texts = [_ORDINAL.sub(r"\1", piece.text) if piece.text[0].isdecimal() else piece.text for piece in kept]
    numeric = [text.isdecimal() for text in texts]
    for at in range(len(kept) - 2):
        if sum(numeric[at : at + 3]) < 2:
            continue
        for order in ((2, 1, 0), (2, 0, 1), (0, 1, 2)):
            year, month, day = (texts[at + place] for place in order)
            number = months.get(month, int(month) if month.isdecimal() else 0)
            if not (year.isdecimal() and day.isdecimal() and 1 <= number <= 12 and 1 <= int(day) <= 31):
                continue
            if len(year) in (2, 4):
                for whole in (int(year),) if len(year) == 4 else (1900 + int(year), 2000 + int(year)):
                    yield (whole, number, int(day)), kept[at].first, kept[at + 2].last
