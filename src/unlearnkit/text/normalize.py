"""Finding an answer in text, whatever its typography, in any script."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_VARIANTS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛‹›`´ʼ′", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−⁃﹘", "-"),
        "ё": "е",  # Russian prints ё as е in all but schoolbooks
        "\u0301": None,  # what composition left over: the stress mark of Russian dictionaries
    }
)
_EDGES = " .,;:!?¡¿…'\"-"
_WORD = re.compile(r"[^\W_]+")
_GAP = re.compile(r"[\s-]+")


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_VARIANTS)
    visible = "".join(c for c in text if unicodedata.category(c) != "Cf")  # zero-width joiners, soft hyphens
    return " ".join(visible.split())


@lru_cache(maxsize=65536)
def normalize(text: str) -> str:
    """`text` in the one form in which texts are compared.

    NFKC and case folding (Unicode Standard Annex 15, section 3.13 of the core standard), one kind of quotation mark,
    apostrophe and dash, ё as е, no invisible characters, single spaces. Idempotent.
    """
    while (folded := _fold(text)) != text:  # removing a mark may let what stood around it compose
        text = folded
    return text


def words(text: str) -> list[str]:
    """The words of the normalized text: runs of letters and digits of any script."""
    return _WORD.findall(normalize(text))


@lru_cache(maxsize=65536)
def _pattern(form: str) -> re.Pattern[str] | None:
    bare = normalize(form).strip(_EDGES)
    if not bare:
        return None
    # Words of a form may be parted by a space, a hyphen or both: "555 0142" says what "555-0142" says.
    body = r"[\s-]+".join(re.escape(part) for part in _GAP.split(bare))
    before, after = "", ""
    if "@" in bare:  # "ria@x.org" is another address than "ma.ria@x.org"
        before, after = r"(?<![\w.+-])", r"(?![\w@]|[.-]\w)"
    else:
        if bare[0].isalnum():
            before = r"(?<![^\W_])" + (r"(?<!\d[.,])" if bare[0].isdigit() else "")
        if bare[-1].isalnum():
            after = r"(?![^\W_])" + (r"(?![.,]\d)" if bare[-1].isdigit() else "")
    return re.compile(before + body + after)


def contains(text: str, form: str) -> bool:
    """Whether `form` stands in `text` on word boundaries, both normalized.

    Punctuation around the form is not part of it, "art" is not in "part" nor "рим" in "пример", and a number is not
    found inside a longer one. A form without a letter, digit or symbol is never found.
    """
    pattern = _pattern(form)
    return pattern is not None and pattern.search(normalize(text)) is not None


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    """Every run of `length` consecutive words of `text`."""
    found = words(text)
    return {tuple(found[i : i + length]) for i in range(len(found) - length + 1)}
