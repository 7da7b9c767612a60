"""Convert a text to versions in which disguised spellings can be found.

The versions are the text as is, without inflectional endings, with number words as digits, and with disguises undone.
Each version is a list of words in lower case, without diacritics or punctuation. The terms to search for are converted
in the same ways, so that different spellings of a term become equal.
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
from unlearnkit.text.writing import ATTACHING


class Word(NamedTuple):
    """A word of a text that was converted for a search."""

    text: str
    start: int
    end: int
    """`start` and `end` are the span of the word, in characters, in the text that `fold` returns."""
    turned: bool = False
    """Whether the word was converted from number words, or contains a sign that may be i or l."""


# Chinese and Japanese do not use spaces, so each of their characters counts as a word. A name or number of another
# script is a word of its own, even if letters of these scripts follow it directly.
_SINGLE = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SINGLE}]|[^\W_{ATTACHING}]+|[^\W\d_{_SINGLE}a-z]+")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Return the normalized text without diacritics, with ASCII digits."""
    bare = "".join(c for c in unicodedata.normalize("NFD", normalize(text)) if unicodedata.category(c) != "Mn")
    bare = " ".join(bare.split())  # removing a diacritic may leave an additional space
    if bare.isascii():
        return bare
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in unicodedata.normalize("NFC", bare))


def plain(folded: str) -> list[Word]:
    """Return the words (runs of letters and digits) of a folded text.

    A folded text is a text that `fold` has returned: normalized and without diacritics.
    """
    return [Word(match[0], *match.span()) for match in _WORD.finditer(folded)]


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text, normalized and without diacritics."""
    return tuple(_WORD.findall(fold(text)))


@cache
def common() -> frozenset[str]:
    """Return the most common words of English, Spanish and Russian.

    Most of these words have a grammatical function and little meaning. The words are normalized and without diacritics.
    """
    return frozenset(map(fold, linear_model("word_order").common))


@cache
def ordinary() -> frozenset[str]:
    """Return the 2,000 most frequent words of each supported language.

    The languages are English, Spanish and Russian. None of these words identifies a person by itself. The words are
    normalized and without diacritics.
    """
    return common() | frozenset(map(fold, linear_model("word_order").frequent))


# --- without inflection --------------------------------------------------------------------------------------------

# The endings are sorted by length, longest first. They are written without diacritics, so й becomes и.
_RUSSIAN_CASES = (
    "ами ями ого его ому ему ыми ими ои еи ыи ии ая яя ое ее ые ие ую юю ою ею ом ем ым им ых их ам ям ах ях"
    " а я о е и ы у ю ь"
)
_CASES, _PLURALS = tuple(_RUSSIAN_CASES.split()), ("es", "s", "e")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Remove the inflectional ending of a word.

    The word must be normalized and without diacritics. The removed endings are Russian case endings, and the plural
    endings -s and -es of English and Spanish. Other endings, such as those of verbs, are not removed.
    """
    russian = "а" <= word[0] <= "я"
    endings, least = (_CASES, 3) if russian else (_PLURALS, 4)
    ending = next((e for e in endings if word.endswith(e) and len(word) - len(e) >= least), "")
    bare = word[: len(word) - len(ending)]
    # "Валенсия" loses я, and "Валенсии" loses both final vowels, so that the stems are equal.
    return bare[:-1] if russian and len(bare) > least and bare[-1] in "иь" else bare


def stems(read: Sequence[Word]) -> list[Word]:
    """Remove the inflectional endings of the words of a text."""
    return [word._replace(text=stem(word.text)) for word in read]


# --- numbers -------------------------------------------------------------------------------------------------------


def numbers(read: Sequence[Word]) -> list[Word]:
    """Convert the number words among the words of a text to digits."""
    pieces = read_numbers([word.text for word in read])
    return [
        Word(piece.text, read[piece.first].start, read[piece.last].end, piece.text != read[piece.first].text)
        for piece in pieces
    ]


@lru_cache(maxsize=1024)
def numbers_in(folded: str) -> tuple[Word, ...]:
    """Return the words of a folded text, with number words as digits."""
    return tuple(numbers(plain(folded)))


# --- disguises -----------------------------------------------------------------------------------------------------

# Letters (normalized, without diacritics) that look like a Latin letter in print. Most of these letters are Cyrillic or
# Greek.
_LOOKALIKES = str.maketrans(
    "авсенікмоѕртхуһјԁԛԝαβεικνορτυχγηѵɑɡıłøđħʟᴏ",
    "abcehikmosptxyhjdqwabeiknoptuxynvagilodhlo",
)
_SIGNS = str.maketrans("02345678@$€+9", "ozeasgtbasetg")
_EITHER = re.compile(r"[1!|]")
_SPELT = re.compile(r"(?:[^\W_]|[@$€+](?=[^\W_])|(?<=[^\W_])[@$€+]|[!|](?=[^\W_])|(?<=[^\W_])[!|])+")
_REPEATED = re.compile(r"([^\W\d_\u05d0-\u05ea])\1+")  # Hebrew letters are doubled in other words (אילת, איילת)


@lru_cache(maxsize=65536)
def unmasked(word: str) -> str:
    """Replace look-alike characters by Latin letters, and collapse repeated letters.

    Look-alike characters are letters of other scripts that look like a Latin letter, and digits and signs that are used
    as letters. Each of the characters 1, ! and | may mean i or l, and becomes 1.
    """
    latin = word.translate(_LOOKALIKES)
    if any(c.isalpha() for c in latin):
        latin = _EITHER.sub("1", latin.translate(_SIGNS))
    return _REPEATED.sub(r"\1", latin)


def i_or_l(unmasked_word: str) -> str:
    """Replace l and 1 by i.

    Words that differ only in i, l and 1 thereby become equal.
    """
    return unmasked_word.replace("l", "i").replace("1", "i")


def unmask(folded: str) -> list[Word]:
    """Return the words of a folded text without look-alikes.

    Look-alike characters are replaced as in `unmasked`. Signs that are used as letters are part of words. If a word
    contains a sign that may be i or l, the attribute `turned` of the word is True.
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
        with suppress(ValueError):  # skip ordinary text that only looks like base64
            yield base64.b64decode(bare + "=" * (-len(bare) % 4)).decode("utf-8")
    for match in _HEX.finditer(text):
        with suppress(ValueError):
            yield bytes.fromhex(match[0].replace(":", "")).decode("utf-8")


# --- typing errors -------------------------------------------------------------------------------------------------


def is_one_edit_apart(one: str, other: str) -> bool:
    """Return whether a single typing error turns one word into another.

    The error adds, drops or replaces a letter, or exchanges two adjacent letters.
    """
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) == 1 or (len(one) == len(other) == 2 and one == other[::-1])
