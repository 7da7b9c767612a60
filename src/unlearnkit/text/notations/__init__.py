"""Recognize phone numbers, dates, e-mail addresses and amounts in every notation.

A form that is such a value matches every notation of the same value, and no notation of another value.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from unlearnkit.text.notations.amounts import Amount, amount_of, find_amounts
from unlearnkit.text.notations.dates import dates_of, find_dates, has_month
from unlearnkit.text.notations.mails import address_of, find_addresses
from unlearnkit.text.notations.phones import find_phones, phone_keys
from unlearnkit.text.notations.reading import readable
from unlearnkit.text.notations.spelled_days import with_spelled_numbers
from unlearnkit.text.numerals import read_dates, read_numbers
from unlearnkit.text.spellings import words

Notation = Literal["email", "date", "phone", "amount"]


class Value(NamedTuple):
    """The value of a form.

    The same value in a text has at least one of its keys.
    """

    notation: Notation
    keys: frozenset[Hashable]
    amount: Amount | None = None


@lru_cache(maxsize=65536)
def value_of(form: str) -> Value | None:
    """Return the value of a form.

    The result is None if the form is not a value in a known notation.
    """
    if not any(map(str.isnumeric, form)) and "@" not in form and "＠" not in form:
        return None
    if (address := address_of(form)) is not None:
        return Value("email", frozenset({address}))
    folded = readable(form)
    if dates := dates_of(folded):
        return Value("date", dates)
    if phones := phone_keys(folded):
        return Value("phone", phones)
    if (amount := amount_of(folded)) is not None:
        return Value("amount", frozenset(amount.values), amount)
    return None


class TextValues:
    """The values in a text. Each notation is searched for on demand."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _folded(self) -> str:
        return readable(self._text)

    @cached_property
    def email(self) -> frozenset[Hashable]:
        """The e-mail addresses."""
        return frozenset(find_addresses(self._text))

    @cached_property
    def date(self) -> frozenset[Hashable]:
        """The dates, in both orders if the order is ambiguous."""
        return frozenset(find_dates(self._folded))

    @cached_property
    def _spelled_date(self) -> frozenset[Hashable]:
        """The dates with number words."""
        if not has_month(self._folded):
            return frozenset()
        dates = {date for date, _, _ in read_dates(read_numbers(words(self._text)))}
        return frozenset(dates.union(find_dates(with_spelled_numbers(self._folded))))

    @cached_property
    def phone(self) -> frozenset[Hashable]:
        """The phone numbers, as the keys that `phone_keys` returns."""
        return frozenset(find_phones(self._folded))

    @cached_property
    def amount(self) -> tuple[Amount, ...]:
        """The amounts."""
        return tuple(find_amounts(self._folded))

    def has(self, value: Value) -> bool:
        """Return whether the text contains a value."""
        if value.amount is not None:
            return any(value.amount.is_same(other) for other in self.amount)
        found: frozenset[Hashable] = getattr(self, value.notation)
        if value.notation == "date" and found.isdisjoint(value.keys):
            found = self._spelled_date
        return not found.isdisjoint(value.keys)

    def among(self, values: dict[Notation, dict[Hashable, list[Value]]]) -> Iterator[Value]:
        """Yield those of many values that the text contains."""
        for notation, of_key in values.items():
            if notation == "amount":
                keys: set[Hashable] = {each for amount in self.amount for each in amount.values}
            else:
                keys = set(getattr(self, notation))
                if notation == "date":
                    keys |= self._spelled_date
            for key in keys & of_key.keys():
                yield from (value for value in of_key[key] if self.has(value))


@lru_cache(maxsize=1024)
def values_in(text: str) -> TextValues:
    """Return the values in a text; recent texts are cached."""
    return TextValues(text)
