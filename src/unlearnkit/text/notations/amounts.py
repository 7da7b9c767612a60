"""Amounts of money, percentages and large numbers, in every grouping and with words for large numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from unlearnkit.text.notations.numerals_cjk import MYRIADS, with_digits
from unlearnkit.text.spellings import fold, numbers, plain

LANGUAGES = ("en", "es", "ru", "de", "fr", "it", "pt", "nl", "sv", "fi", "hu", "tr", "ko", "ar", "he", "th", "zh", "ja")
CURRENCIES = (
    "USD", "EUR", "GBP", "JPY", "CNY", "KRW", "TRY", "THB", "ILS", "HUF", "RUB", "INR", "SEK", "NOK", "DKK", "CHF",
    "CAD", "AUD", "NZD", "MXN", "BRL", "PLN", "CZK", "SAR", "AED", "EGP", "JOD", "KWD", "TWD", "HKD", "SGD", "UAH", "ZAR",
)  # fmt: skip
"""The currencies whose signs, codes and names are known."""
SMALL = 1000
"""A smaller amount counts only if its currency or the percent sign is there too, because small numbers are common."""
_AMBIGUOUS = {
    "$": "USD CAD AUD NZD MXN TWD HKD SGD", "¥": "JPY CNY", "元": "CNY TWD HKD", "圆": "CNY", "圓": "TWD HKD JPY", "円": "JPY",
    "yuan": "CNY", "rmb": "CNY", "人民币": "CNY", "块": "CNY", "塊": "TWD", "kr": "SEK NOK DKK", "kruunu": "SEK NOK DKK",
    "dollar": "USD CAD AUD NZD TWD HKD SGD", "dollari": "USD CAD AUD", "dolar": "USD CAD AUD", "달러": "USD CAD AUD HKD",
    "美元": "USD", "美金": "USD", "ドル": "USD CAD AUD", "米ドル": "USD", "דולר": "USD CAD AUD", "دولار": "USD CAD AUD",
    "ดอลลาร์": "USD CAD AUD", "us$": "USD", "usd": "USD", "бакс": "USD", "доллар": "USD CAD AUD",
    "euro": "EUR", "ευρω": "EUR", "евро": "EUR", "欧元": "EUR", "歐元": "EUR", "ユーロ": "EUR", "유로": "EUR", "יורו": "EUR", "אירו": "EUR",
    "يورو": "EUR", "ยูโร": "EUR", "avro": "EUR",
    "pound": "GBP EGP", "punta": "GBP", "font": "GBP", "sterlin": "GBP", "英镑": "GBP", "英鎊": "GBP", "ポンド": "GBP", "파운드": "GBP",
    "yen": "JPY", "jeni": "JPY", "jen": "JPY", "日元": "JPY", "日圆": "JPY", "엔": "JPY", "ين": "JPY", "ין": "JPY", "เยน": "JPY",
    "won": "KRW", "원": "KRW", "ウォン": "KRW", "韩元": "KRW", "วอน": "KRW",
    "lira": "TRY", "tl": "TRY", "liira": "TRY", "리라": "TRY", "baht": "THB", "บาท": "THB", "泰铢": "THB", "バーツ": "THB", "밧": "THB",
    "shekel": "ILS", "sekel": "ILS", "שקל": "ILS", "שח": "ILS", "ש\"ח": "ILS", "nis": "ILS", "شيكل": "ILS",
    "forint": "HUF", "forintti": "HUF", "ft": "HUF", "ruble": "RUB", "rubel": "RUB", "rupla": "RUB", "рубл": "RUB", "руб": "RUB",
    "rupee": "INR", "riyal": "SAR", "ريال": "SAR", "dirham": "AED", "درهم": "AED", "جنيه": "EGP GBP", "ليرة": "TRY", "لير": "TRY",
    "dinar": "JOD KWD", "دينار": "JOD KWD", "frank": "CHF", "frangi": "CHF", "franc": "CHF", "zloty": "PLN",
    "%": "%", "percent": "%", "per cent": "%", "prosentti": "%", "prosent": "%", "szazalek": "%", "yuzde": "%", "퍼센트": "%", "프로": "%",
    "パーセント": "%", "百分之": "%", "بالمئة": "%", "بالمائة": "%", "في المئة": "%", "אחוז": "%", "เปอร์เซ็นต์": "%", "ร้อยละ": "%",
    "prozent": "%", "por ciento": "%", "процент": "%",
}  # fmt: skip
"""Signs and stems of names, with the currencies that they may mean. A percent sign counts as a currency."""
_MAGNITUDES = {
    10**3: "thousand k tsd tausend tuhat tuhatta t. ezer bin 천 ألف الاف آلاف אלף אלפים พัน mil тыс тысяч mille mila",
    10**4: "หมื่น",
    10**5: "แสน lakh",
    10**6: "million millions millionen m mn mio milj miljoona miljoonaa millio milyon mln 백만 مليون ملايين מיליון ล้าน"
    " millon millones миллион миллиона миллионов млн milhoes milhao milioni milione",
    10**7: "crore",
    10**9: "billion billions bn milliarde milliarden mrd miljardi miljardia mrd milliard milyar مليار מיליארד พันล้าน"
    " миллиард миллиарда миллиардов млрд",
    10**12: "trillion biljoona trilyon تريليون טריליון ล้านล้าน",
}  # fmt: skip
_STEM_ENDINGS = 6


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
def _magnitudes() -> dict[str, int]:
    words = {fold(word): value for value, line in _MAGNITUDES.items() for word in line.split()}
    return words | {word: value for word, value in MYRIADS.items()}


@cache
def _units() -> dict[str, frozenset[str]]:
    """Return the signs, codes and names of currencies, folded, with the currencies that they may mean."""
    from babel import Locale  # imported here: only amounts need it

    units: dict[str, set[str]] = {code.lower(): {code} for code in CURRENCIES}
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for code in CURRENCIES:
            for name in (locale.currency_symbols.get(code), locale.currencies.get(code)):
                if name and fold(name) not in _AMBIGUOUS:
                    units.setdefault(fold(name), set()).add(code)
    units |= {fold(name): set(codes.split()) for name, codes in _AMBIGUOUS.items()}
    return {name: frozenset(codes) for name, codes in units.items() if name}


@cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(_units(), key=len, reverse=True))
    words = "|".join(re.escape(word) for word in sorted(_magnitudes(), key=len, reverse=True))
    number = r"\d+(?:[ .,'٬٫]\d+)*"
    return re.compile(
        rf"(?:(?<![^\W\d_])(?P<before>{names})[^\W\d_]{{0,3}}\.?\s?)?"
        rf"(?<![\d])(?<!\d[.,])(?P<numbers>{number}(?:\s?-?(?:{words})(?![a-zа-я]{{5}})[a-zа-яא-תء-ي]{{0,4}}\.?"
        rf"(?:\s?(?:e |and |ו|و)?{number}(?=\s?(?:{words})|\b))*)*)"
        rf"(?:\s?-?(?P<after>{names}))?"
    )


@cache
def _pieces() -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in sorted(_magnitudes(), key=len, reverse=True))
    return re.compile(rf"(\d+(?:[ .,'٬٫]\d+)*)|({words})")


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
    spelled = [piece for piece in numbers(plain(text)) if piece.turned]
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
    """Return the values that digits with separators may mean; empty if they are not one number."""
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
