"""Prepare texts for the search for values."""

from __future__ import annotations

import re
import unicodedata

from unlearnkit.text.normalize import normalize
from unlearnkit.text.spellings import fold
from unlearnkit.text.writing import THAI

_THAI = re.compile(f"[{THAI}]")


def readable(text: str) -> str:
    """Return the normalized text with ASCII digits, without diacritics.

    Thai vowels and tone marks are kept, because words differ only in them (ม.ค., มี.ค.).
    """
    if not _THAI.search(text):
        return fold(text)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in normalize(text))
