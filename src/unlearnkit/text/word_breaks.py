"""Find where words begin and end in texts without spaces.

The dictionaries of ICU (International Components for Unicode) decide where that is.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

KANA = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_KANA = re.compile(f"[{KANA}]")


@lru_cache(maxsize=4096)
def word_edges(text: str) -> frozenset[int]:
    """Return the positions at which words begin or end."""
    edges = {0}
    for start, end in _breaker()(text, _locale(text)).segments():
        edges |= {start, end}
    return frozenset(edges)


def segments(text: str) -> list[str]:
    """Split a text into words and the characters between."""
    return list(_breaker()(text, _locale(text)))


def is_word(text: str) -> bool:
    """Return whether a text is a single word."""
    return word_edges(text) == {0, len(text)}


def _locale(text: str) -> str:
    return "ja" if _KANA.search(text) else "zh"


@cache
def _breaker():  # type: ignore[no-untyped-def]
    from icu4py.breakers import WordBreaker  # imported here: most texts need no dictionary

    return WordBreaker
