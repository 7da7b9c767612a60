"""Amounts of money, percentages and large numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import NamedTuple

from unlearnkit.text.notations.numerals_cjk import MYRIADS, with_digits
from unlearnkit.text.notations.reading import readable
from unlearnkit.text.spellings import numbers_in

LANGUAGES = ("en", "es", "ru", "de", "fr", "it", "pt", "nl", "sv", "fi", "hu", "tr", "ko", "ar", "he", "th", "zh", "ja")
CURRENCIES = (
    "USD", "EUR", "GBP", "JPY", "CNY", "KRW", "TRY", "THB", "ILS", "HUF", "RUB", "INR", "SEK", "NOK", "DKK", "CHF",
    "CAD", "AUD", "NZD", "MXN", "BRL", "PLN", "CZK", "SAR", "AED", "EGP", "JOD", "KWD", "TWD", "HKD", "SGD", "UAH",
    "ZAR",
)  # fmt: skip
"""The currencies whose signs, codes and names are known."""
SMALL = 1000
"""A smaller amount counts only if its currency or the percent sign is there too, because small numbers are common."""
_NUMBER = r"\d+(?:[ .,'٬٫]\d+)*"
_STEM_ENDINGS, _SHORT = 6, 3
_ALPHABET, _WORD_END = re.compile("[a-zа-я]"), r"(?![^\W\d_])"


class Amount(NamedTuple):
    """An amount, as every value that its notation may mean."""

    values: frozenset[Decimal]
    """More than one value if the notation is ambiguous (1.250)."""
    units: frozenset[str]
    """The currencies that the notation may mean; empty if it names none."""
    plain: bool
    """Whether the notation is a number of digits without grouping, magnitude or unit."""

    def is_same(self, other: Amount) -> bool:
        """Return whether an amount in a text may be this amount."""
        if self.values.isdisjoint(other.values):
            return False
        if self.units and other.units:
            return not self.units.isdisjoint(other.units)
        value = next(iter(self.values & other.values))
        is_year = other.plain and value < 3 * SMALL
        return not self.units or (value >= SMALL and not is_year)


@cache
def _tables() -> dict[str, dict[str, list[str]]]:
    """Return the words of `amounts.json`.

    `currencies` maps codes to signs and stems of names that may mean any of these currencies. A percent sign counts as
    a currency. `magnitudes` maps powers of ten to words.
    """
    file = resources.files("unlearnkit.text.notations") / "amounts.json"
    tables: dict[str, dict[str, list[str]]] = json.loads(file.read_text(encoding="utf-8"))
    return tables


@cache
def _magnitudes() -> dict[str, int]:
    return {readable(word): int(value) for value, words in _tables()["magnitudes"].items() for word in words} | MYRIADS


@cache
def _units() -> dict[str, frozenset[str]]:
    """Return the currencies that each sign, code or name may mean.

    The signs, codes and names are folded.
    """
    from babel import Locale  # imported here: only amounts need it

    units: dict[str, set[str]] = {code.lower(): {code} for code in CURRENCIES}
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for code in CURRENCIES:
            for name in (locale.currency_symbols.get(code), locale.currencies.get(code)):
                if name:
                    units.setdefault(readable(name), set()).add(code)
    units |= {readable(name): set(codes.split()) for codes, names in _tables()["currencies"].items() for name in names}
    return {name: frozenset(codes) for name, codes in units.items() if name}


def _any_of(names: Iterable[str]) -> str:
    """Return a pattern of any of the names.

    A short name in an alphabet must be a whole word.
    """
    ordered = sorted(names, key=len, reverse=True)
    return "|".join(re.escape(n) + (_WORD_END if len(n) <= _SHORT and _ALPHABET.match(n) else "") for n in ordered)


@cache
def _pattern() -> re.Pattern[str]:
    names, words = _any_of(_units()), _any_of(_magnitudes())
    first_names = "|".join(re.escape(name) for name in sorted(_units(), key=len, reverse=True))
    return re.compile(
        rf"(?:(?<![^\W\d_])(?P<before>{first_names})[^\W\d_]{{0,3}}\.?\s?)?"
        rf"(?<!\d)(?<!\d[.,])(?P<numbers>{_NUMBER}(?:\s?-?(?:{words})(?![a-zа-я]{{5}})[a-zа-яא-תء-ي]{{0,4}}\.?"
        rf"(?:\s?(?:e |and |ו|و)?{_NUMBER}(?=\s?(?:{words})|(?!\d)))*)*)"
        rf"(?:,-)?(?:\s?-?(?P<after>{names}))?"
    )


@cache
def _pieces() -> re.Pattern[str]:
    return re.compile(rf"({_NUMBER})|({_any_of(_magnitudes())})")


def amount_of(form: str) -> Amount | None:
    """Return the amount that a folded form is, or None."""
    bare = form.strip(" .;:()")
    found = [(amount, span) for amount, span in _spans(bare) if not _rest(bare, span)]
    if not found:
        return None
    amount = found[0][0]
    digits = sum(map(str.isdecimal, bare))
    return None if amount.plain and digits < 6 else amount


def _rest(text: str, span: tuple[int, int]) -> str:
    """Return the words around a span that are more than an ending."""
    before, after = text[: span[0]].strip(), text[span[1] :].strip(" .-")
    return before or (
        "" if len(after) <= _STEM_ENDINGS and " " not in after and not any(map(str.isdecimal, after)) else after
    )


def find_amounts(text: str) -> Iterator[Amount]:
    """Yield the amounts in a folded text, also those in words."""
    yield from (amount for amount, _ in _spans(text))
    spelled = [piece for piece in numbers_in(text) if piece.turned]
    if spelled:
        for piece in reversed(spelled):
            text = text[: piece.start] + piece.text + text[piece.end :]
        yield from (amount for amount, _ in _spans(text))


def _spans(text: str) -> Iterator[tuple[Amount, tuple[int, int]]]:
    if not text.isascii():
        text = with_digits(text)
    if not any(map(str.isdecimal, text)):
        return
    for match in _pattern().finditer(text):
        units = [_units()[name] for name in (match["before"], match["after"]) if name]
        values = _values(match["numbers"])
        if values:
            plain_number = not units and match["numbers"].isdecimal()
            yield (
                Amount(frozenset(values), frozenset.intersection(*units) if units else frozenset(), plain_number),
                match.span(),
            )


def _values(written: str) -> set[Decimal]:
    """Return the values of numbers that are followed by magnitudes, added up."""
    totals, groups = {Decimal(0)}, set[Decimal]()
    for number, word in _pieces().findall(written):
        if number:
            totals = {total + group for total in totals for group in groups} if groups else totals
            groups = _readings(number)
            if not groups:
                return set()
        else:
            factor = _magnitudes()[word]
            groups = {group * factor for group in groups or {Decimal(1)}}
    return {total + group for total in totals for group in groups} if groups else totals


def _readings(number: str) -> set[Decimal]:
    """Return the values that digits with separators may mean.

    The result is empty if the digits are not one number.
    """
    number = number.replace("٬", ",").replace("٫", ".")
    signs = [sign for sign in number if not sign.isdecimal()]
    if not signs:
        return {Decimal(number)}
    head, *tail = re.split(r"[ .,']", number)
    last = signs[-1]
    found = set()
    grouped = all(len(group) == 3 for group in tail) and len(head) <= 3 and len(set(signs)) == 1
    indian = (
        set(signs) == {","} and len(tail[-1]) == 3 and all(len(group) == 2 for group in tail[:-1]) and len(head) <= 2
    )
    if grouped or indian:
        found.add(Decimal(head + "".join(tail)))
    if last in ".," and signs.count(last) == 1 and len(set(signs[:-1])) <= 1:
        groups = tail[:-1]
        if all(len(group) == 3 for group in groups) or (set(signs[:-1]) == {","} and groups and len(groups[-1]) == 3):
            found.add(Decimal(f"{head}{''.join(groups)}.{tail[-1]}"))
    return found
