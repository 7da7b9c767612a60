"""Ways to read a text: as it is, without inflection, with its numbers as digits, through disguises.

A reading is a list of words without case, diacritics and punctuation. What is looked for is read in the same way, so
that two spellings of one thing become one.
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
    """Where it stands in the folded text, in characters."""
    turned: bool = False
    """Whether the reading made it of something else: of number words, or of signs that may be either i or l."""


# Chinese and Japanese write no spaces: there each character is a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """The text as `normalize` makes it, without diacritics and with every decimal digit in ASCII."""
    bare = "".join(c for c in unicodedata.normalize("NFD", normalize(text)) if unicodedata.category(c) != "Mn")
    bare = " ".join(bare.split())  # a diacritic that stood alone was normalized to one on a space
    if bare.isascii():
        return bare
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in unicodedata.normalize("NFC", bare))


def plain(folded: str) -> list[Word]:
    """The words of a folded text: runs of letters and digits."""
    return [Word(found[0], *found.span()) for found in _WORD.finditer(folded)]


def words(text: str) -> tuple[str, ...]:
    """The words of a text, folded."""
    return tuple(_WORD.findall(fold(text)))


@cache
def common() -> frozenset[str]:
    """The commonest words of English, Spanish and Russian, folded: they carry grammar and little meaning."""
    return frozenset(map(fold, linear_model("word_order").common))


@cache
def ordinary() -> frozenset[str]:
    """The 6,000 most frequent words of the three languages, folded: one of them alone points at nobody."""
    return common() | frozenset(map(fold, linear_model("word_order").frequent))


# --- without inflection --------------------------------------------------------------------------------------------

# Longest first; after folding, which makes й an и.
_RUSSIAN_CASES = (
    "ами ями ого его ому ему ыми ими ои еи ыи ии ая яя ое ее ые ие ую юю ою ею ом ем ым им ых их ам ям ах ях"
    " а я о е и ы у ю ь"
)
_CASES = tuple(_RUSSIAN_CASES.split())
_PLURALS = ("es", "s", "e")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A folded word without its ending: Russian case endings, the plural -s and -es of English and Spanish.

    Not a language's whole morphology: only what turns a name or a noun into another form of itself.
    """
    russian = "а" <= word[0] <= "я"
    endings, least = (_CASES, 3) if russian else (_PLURALS, 4)
    ending = next((e for e in endings if word.endswith(e) and len(word) - len(e) >= least), "")
    bare = word[: len(word) - len(ending)]
    # "Валенсия" loses its я and "Валенсии" both its vowels.
    return bare[:-1] if russian and len(bare) > least and bare[-1] in "иь" else bare


def stems(read: Sequence[Word]) -> list[Word]:
    """The words without their endings."""
    return [word._replace(text=stem(word.text)) for word in read]


# --- numbers -------------------------------------------------------------------------------------------------------


def numbers(read: Sequence[Word]) -> list[Word]:
    """The words with number words read as digits."""
    pieces = read_numbers([word.text for word in read])
    if len(pieces) == len(read) and all(piece.text == word.text for piece, word in zip(pieces, read, strict=True)):
        return list(read)
    return [
        Word(piece.text, read[piece.first].start, read[piece.last].end, piece.text != read[piece.first].text)
        for piece in pieces
    ]


# --- disguises -----------------------------------------------------------------------------------------------------

# Letters that look like a Latin one when printed, most of them the Cyrillic and Greek ones; after folding.
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
    """A folded word with look-alikes of other scripts and digits in the place of letters undone, repeats once.

    1, ! and | may each be an i or an l, and are left as 1.
    """
    latin = word.translate(_LOOKALIKES)
    if any(c.isalpha() for c in latin):
        latin = _EITHER.sub("1", latin.translate(_SIGNS))
    return _REPEATED.sub(r"\1", latin)


def i_or_l(unmasked_word: str) -> str:
    """The word with i, l and what may be either as one letter."""
    return unmasked_word.replace("l", "i").replace("1", "i")


def unmask(folded: str) -> list[Word]:
    """The words of a folded text, signs that stand for letters being parts of them, as `unmasked` reads them.

    Words with a sign that may be i or l are `turned`.
    """
    found = []
    for match in _SPELT.finditer(folded):
        text = unmasked(match[0])
        found.append(Word(text, *match.span(), turned="1" in text and not text.isdecimal()))
    return found


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]?){4,}")


def decoded(text: str) -> Iterator[str]:
    """What base64 and hexadecimal runs of a text say, where that is text."""
    for found in _BASE64.finditer(text):
        bare = found[0].rstrip("=").replace("-", "+").replace("_", "/")
        with suppress(ValueError):  # an ordinary word, and nothing encoded
            yield base64.b64decode(bare + "=" * (-len(bare) % 4)).decode("utf-8")
    for found in _HEX.finditer(text):
        with suppress(ValueError):
            yield bytes.fromhex(found[0].replace(":", "")).decode("utf-8")
