"""Numerals of Chinese, Japanese and Korean."""

from __future__ import annotations

import re

_SIGNS_OF = ("〇零", "一壹", "二贰貳两兩", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
_DIGITS = {sign: value for value, signs in enumerate(_SIGNS_OF) for sign in signs}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
MYRIADS = {"万": 10**4, "萬": 10**4, "만": 10**4, "亿": 10**8, "億": 10**8, "억": 10**8, "兆": 10**12, "조": 10**12}
_SIGNS = "".join((*_DIGITS, *_TENS))
_RUN = re.compile(f"[{_SIGNS}][{_SIGNS}{''.join(MYRIADS)}]*|(?<=[{''.join(MYRIADS)}])[{_SIGNS}]+")


def han_value(numeral: str) -> int | None:
    """Return the value of a numeral in Chinese characters.

    The result is None if the text is not such a numeral.
    """
    if not numeral or any(sign not in _DIGITS and sign not in _TENS and sign not in MYRIADS for sign in numeral):
        return None
    if all(sign in _DIGITS for sign in numeral):
        return int("".join(str(_DIGITS[sign]) for sign in numeral))
    total = group = digit = 0
    for sign in numeral:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign in _TENS:
            group, digit = group + (digit or 1) * _TENS[sign], 0
        else:
            total, group, digit = total + (group + digit) * MYRIADS[sign], 0, 0
    return total + group + digit


def with_digits(text: str) -> str:
    """Replace the numerals in Chinese characters by digits.

    Characters for large numbers that follow digits stay.
    """
    return _RUN.sub(lambda run: str(han_value(run[0])), text)
