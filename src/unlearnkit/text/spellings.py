"""Read a text in several ways, to find disguised spellings.

A text is read as is, without inflection, with numbers as digits, and with disguises undone. Each reading is a list of
words without case, diacritics and punctuation. The terms to search for are read in the same ways, so that different
spellings of a term become equal.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from typing import NamedTuple

from unlearnkit.text.linear_model import linear_model
from unlearnkit.text.normalize import normalize
from unlearnkit.text.numerals import read_numbers


class Word(NamedTuple):
    """A word of a reading."""

    text: str
    start: int
    end: int
    """`start` and `end` are the word's span in the folded text, in characters."""
    turned: bool = False
    """Whether the word was converted from number words, or contains a sign that may be i or l."""


# Chinese and Japanese do not use spaces, so each of their characters counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Return the normalized text without diacritics, with every decimal digit in ASCII."""
    bare = "".join(c for c in unicodedata.normalize("NFD", normalize(text)) if unicodedata.category(c) != "Mn")
    bare = " ".join(bare.split())  # removing a diacritic may leave an additional space
    if bare.isascii():
        return bare
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in unicodedata.normalize("NFC", bare))


def plain(folded: str) -> list[Word]:
    """Return the words of a folded text: runs of letters and digits."""
    return [Word(match[0], *match.span()) for match in _WORD.finditer(folded)]


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text, folded."""
    return tuple(_WORD.findall(fold(text)))


@cache
def common() -> frozenset[str]:
    """Return the most common words of English, Spanish and Russian, folded.

    These words carry grammar and little meaning.
    """
    return frozenset(map(fold, linear_model("word_order").common))


@cache
def ordinary() -> frozenset[str]:
    """Return the 2,000 most frequent words of each language, folded.

    The languages are English, Spanish and Russian. None of these words identifies a person by itself.
    """
    return common() | frozenset(map(fold, linear_model("word_order").frequent))


# --- without inflection --------------------------------------------------------------------------------------------

# Longest first. The endings are folded, so that й is written as и.
_RUSSIAN_CASES = (
    "ами ями ого его ому ему ыми ими ои еи ыи ии ая яя ое ее ые ие ую юю ою ею ом ем ым им ых их ам ям ах ях"
    " а я о е и ы у ю ь"
)
_CASES, _PLURALS = tuple(_RUSSIAN_CASES.split()), ("es", "s", "e")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Remove the ending of a folded word.

    The endings are Russian case endings, and the plural endings -s and -es of English and Spanish. Other endings, such
    as those of verbs, are not removed.
    """
    russian = "а" <= word[0] <= "я"
    endings, least = (_CASES, 3) if russian else (_PLURALS, 4)
    ending = next((e for e in endings if word.endswith(e) and len(word) - len(e) >= least), "")
    bare = word[: len(word) - len(ending)]
    # "Валенсия" loses я, and "Валенсии" loses both final vowels, so that the stems are equal.
    return bare[:-1] if russian and len(bare) > least and bare[-1] in "иь" else bare


def stems(read: Sequence[Word]) -> list[Word]:
    """Remove the endings of the words."""
    return [word._replace(text=stem(word.text)) for word in read]


# --- numbers -------------------------------------------------------------------------------------------------------


def numbers(read: Sequence[Word]) -> list[Word]:
    """Convert number words to digits."""
    pieces = read_numbers([word.text for word in read])
    return [
        Word(piece.text, read[piece.first].start, read[piece.last].end, piece.text != read[piece.first].text)
        for piece in pieces
    ]


# --- disguises -----------------------------------------------------------------------------------------------------

# Folded letters that look like a Latin letter in print. Most of them are Cyrillic or Greek.
_LOOKALIKES = str.maketrans(
    "авсенікмоѕртхуһјԁԛԝαβεικνορτυχγηѵɑɡıłøđħʟᴏ",
    "abcehikmosptxyhjdqwabeiknoptuxynvagilodhlo",
)
_SIGNS = str.maketrans("02345678@$€+9", "ozeasgtbasetg")
_EITHER = re.compile(r"[1!|]")
_SPELT = re.compile(r"(?:[^\W_]|[@$€+](?=[^\W_])|(?<=[^\W_])[@$€+]|[!|](?=[^\W_])|(?<=[^\W_])[!|])+")
_REPEATED = re.compile(r"([^\W\d_])\1+")


@lru_cache(maxsize=65536)
def unmasked(word: str) -> str:
    """Replace look-alike letters and digits, and collapse repeats.

    Look-alikes are letters of other scripts, and digits and signs that are used as letters. The characters 1, ! and |
    may each mean i or l, so each of them becomes 1.
    """
    latin = word.translate(_LOOKALIKES)
    if any(c.isalpha() for c in latin):
        latin = _EITHER.sub("1", latin.translate(_SIGNS))
    return _REPEATED.sub(r"\1", latin)


def i_or_l(unmasked_word: str) -> str:
    """Replace l and 1 by i, so that all three become equal."""
    return unmasked_word.replace("l", "i").replace("1", "i")


def unmask(folded: str) -> list[Word]:
    """Return the unmasked words of a folded text.

    Signs that are used as letters are part of words. A word with a sign that may be i or l is marked as `turned`.
    """
    result = []
    for match in _SPELT.finditer(folded):
        text = unmasked(match[0])
        result.append(Word(text, *match.span(), turned="1" in text and not text.isdecimal()))
    return result


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]?){4,}")


def decoded(text: str) -> Iterator[str]:
    """Yield the decoded content of base64 and hexadecimal runs in a text."""
    for match in _BASE64.finditer(text):
        bare = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        with suppress(ValueError):  # the run is ordinary text, not base64
            yield base64.b64decode(bare + "=" * (-len(bare) % 4)).decode("utf-8")
    for match in _HEX.finditer(text):
        with suppress(ValueError):
            yield bytes.fromhex(match[0].replace(":", "")).decode("utf-8")
