"""Normalize text, and find words or phrases regardless of typography."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from unlearnkit.text.affixes.korean import is_counted
from unlearnkit.text.writing import ATTACHING, MAGNITUDES, bare_form, find_unspaced, is_spaceless, without_gaps

_VARIANTS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛‹›`´ʼ′", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−⁃﹘", "-"),
        "ё": "е",  # Russian prints ё as е except in schoolbooks
        "\u0301": None,  # the stress mark of Russian dictionaries, which NFKC does not compose
    }
)
_EDGES = " .,;:!?¡¿…'\"-"
_WORD = re.compile(r"[^\W_]+")
_GAP = re.compile(r"[\s-]+")
_SARA_AM = re.compile("\u0e4d([\u0e48-\u0e4b]?)\u0e32")
# A letter or digit that belongs to the same word as a Latin, Cyrillic or Greek letter, or as a digit, next to it. Words
# of other scripts may follow directly, as in "1984년".
_JOINED = f"[^\\W_{ATTACHING}]"
_ATTACHING = re.compile(f"[{ATTACHING}]")


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_VARIANTS)
    if "\u0e40" in text or "\u0e4d" in text:  # Thai vowels that are typed in two pieces
        text = _SARA_AM.sub("\\1\u0e33", text.replace("\u0e40\u0e40", "\u0e41"))
    visible = "".join(c for c in text if unicodedata.category(c) != "Cf")  # zero-width joiners, soft hyphens
    return " ".join(visible.split())


@lru_cache(maxsize=65536)
def normalize(text: str) -> str:
    """Return `text` in a normal form for comparison with other texts.

    The function applies NFKC (Unicode Standard Annex 15) and case folding (section 3.13 of the Unicode core standard).
    The function also replaces all kinds of quotation marks, apostrophes and dashes by one kind each, replaces ё by е,
    removes invisible characters, and collapses spaces. Normalizing a text twice gives the same result as normalizing
    the text once.
    """
    while (folded := _fold(text)) != text:  # after a removal, adjacent characters may compose
        text = folded
    return text


def words(text: str) -> list[str]:
    """Return the words of the normalized text: runs of letters and digits."""
    return _WORD.findall(normalize(text))


@lru_cache(maxsize=65536)
def _pattern(form: str, attaching: bool) -> re.Pattern[str] | None:
    """Return a pattern of a form as whole words.

    `attaching` states whether the text contains letters of scripts that attach words to those of other scripts.
    """
    bare = normalize(form).strip(_EDGES)
    if not bare:
        return None
    # Words of a form may be separated by a space, a hyphen or both: "555 0142" matches "555-0142".
    body = r"[\s-]+".join(re.escape(part) for part in _GAP.split(bare))
    before, after = "", ""
    if "@" in bare:  # "ria@x.org" and "ma.ria@x.org" are different addresses
        before, after = r"(?<![\w.+-])", r"(?![\w@]|[.-]\w)"
    else:
        if bare[0].isalnum():
            before = f"(?<!{_neighbor(bare[0], attaching)})" + (r"(?<!\d[.,])" if bare[0].isdigit() else "")
        if bare[-1].isalnum():
            longer = rf"(?![.,]\d|\s?[{MAGNITUDES}])" if attaching else r"(?![.,]\d)"
            after = f"(?!{_neighbor(bare[-1], attaching)})" + (longer if bare[-1].isdigit() else "")
    return re.compile(before + body + after)


def _neighbor(edge: str, attaching: bool) -> str:
    """Return a pattern of the characters that continue a word.

    `edge` is the character at the edge of a form.
    """
    if not attaching:
        return r"[^\W_]"
    return r"[^\W_a-z0-9]" if _ATTACHING.match(edge) else _JOINED


def contains(text: str, form: str) -> bool:
    """Return whether `form` occurs in `text` as whole words.

    Both texts are normalized first. Punctuation around the form is ignored. "art" is not found in "part", "рим" is not
    found in "пример", and a number is not found inside a longer number. In scripts without spaces, "京都" is not found
    in "東京都" (see the module `writing`). A form without any letter, digit or symbol is never found.
    """
    if is_spaceless(form):
        read, bare = normalize(text), bare_form(normalize(form))
        return any(next(find_unspaced(each, bare), None) for each in dict.fromkeys((read, without_gaps(read))))
    read = normalize(text)
    pattern = _pattern(form, not read.isascii() and _ATTACHING.search(read) is not None)
    if pattern is None:
        return False
    if form.isascii():
        return pattern.search(read) is not None
    return any(not is_counted(read, match[0], match.end()) for match in pattern.finditer(read))


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    """Return every run of `length` consecutive words of `text`."""
    text_words = words(text)
    return {tuple(text_words[i : i + length]) for i in range(len(text_words) - length + 1)}
