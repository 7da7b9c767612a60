"""Phone numbers, with and without country code, in every grouping."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_SIGNS = r"\s().\-/·"
_WHOLE = re.compile(rf"(?:tel\.?:?|phone:?)?\s*\+?[\d(][\d{_SIGNS}]{{4,}}\d")
_CHAIN = re.compile(rf"\+?\(?\+?\d+(?:[{_SIGNS}]{{0,4}}\d+)*")
_GROUP = re.compile(r"\d+")
_EXIT_CODES = ("00", "011")
LEAST_DIGITS, MOST_DIGITS = 6, 17


def phone_keys(form: str) -> frozenset[str]:
    """Return the keys of the phone number that a folded form is.

    A key is either an international number ("+358401234567") or the digits of a national number ("n401234567"). The
    result is empty if the form is not a phone number.
    """
    bare = form.strip(" .,;:")
    digits = "".join(_GROUP.findall(bare))
    if not _WHOLE.fullmatch(bare) or not 7 <= len(digits) <= 15:
        return frozenset()
    grouped = len(_GROUP.findall(bare)) > 1
    if not ("+" in bare or grouped or digits.startswith("0") or len(digits) > 8) or _is_amount(bare):
        return frozenset()
    if international := _international(bare, digits):
        national = _national_part(international)
        return frozenset({f"+{international}", f"d{international}", f"n{national}"})
    return frozenset({f"n{digits}", *(f"~{bare}" for bare in _without_trunk(digits))})


def find_phones(text: str) -> Iterator[str]:
    """Yield the keys of the phone numbers in a folded text."""
    if sum(map(len, _GROUP.findall(text))) < LEAST_DIGITS:
        return
    for chain in _CHAIN.finditer(text):
        groups = list(_GROUP.finditer(chain[0]))
        starts = [
            at
            for at, group in enumerate(groups)
            if at == 0 or chain[0][group.start() - 1] == "+" or _opens(chain[0], group)
        ]
        for place, first in enumerate(starts):
            for last in (*(start - 1 for start in starts[place + 1 :]), len(groups) - 1):
                digits = "".join(group[0] for group in groups[first : last + 1])
                if LEAST_DIGITS <= len(digits) <= MOST_DIGITS:
                    begin = groups[first].start()
                    yield from _keys_in_text(chain[0][max(0, begin - 2) : groups[last].end()], digits)


def _opens(chain: str, group: re.Match[str]) -> bool:
    """Return whether digits may begin another number of a list."""
    return group[0].startswith("0") and len(group[0]) > 1 and chain[group.start() - 1] in " /"


def _keys_in_text(written: str, digits: str) -> Iterator[str]:
    if international := _international(written, digits):
        yield f"+{international}"
        national = _national_part(international)
        yield f"~{national}"
        if national.startswith("0"):  # +358 (0)40 1234567
            country = international[: len(international) - len(national)]
            yield f"+{country}{national[1:]}"
            yield f"~{national[1:]}"
    else:
        yield f"d{digits}"
        yield f"n{digits}"
        for bare in _without_trunk(digits):
            yield from (f"n{bare}", f"~{bare}")


def _international(written: str, digits: str) -> str | None:
    """Return the digits of an international number, or None.

    The digits begin with the country code.
    """
    if "+" in written[: written.find(digits[0]) + 1]:
        found = digits
    else:
        code = next((code for code in _EXIT_CODES if digits.startswith(code) and len(digits) > 9), None)
        if code is None:
            return None
        found = digits[len(code) :]
    country = found[: len(found) - len(_national_part(found))]
    rest = found[len(country) :]
    # "+358 (0)40": the zero in parentheses is dialed only inside the country.
    return country + rest[1:] if rest.startswith("0") and "(0)" in written.replace(" ", "") else found


@lru_cache(maxsize=65536)
def _national_part(international: str) -> str:
    """Return the digits of an international number after the country code."""
    import phonenumbers  # imported here: its table of countries is large

    for length in (1, 2, 3):
        if int(international[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return international[length:]
    return international


def _without_trunk(digits: str) -> tuple[str, ...]:
    """Return a number without the prefix of national calls.

    If the prefix is ambiguous, the result has one entry for each possible prefix.
    """
    if digits.startswith("06") and len(digits) in (10, 11):
        return digits[1:], digits[2:]  # 06 is the prefix in Hungary
    if digits.startswith(("8", "1")) and len(digits) == 11:
        return digits, digits[1:]  # Russia, North America
    return (digits[1:] if digits.startswith("0") else digits,)


def _is_amount(form: str) -> bool:
    """Return whether groups of digits are those of a large number."""
    return re.fullmatch(r"[1-9]\d{0,2}(?:([., ])\d{3})(?:\1\d{3})*(?:[.,]\d{1,2})?", form) is not None
