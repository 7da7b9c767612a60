"""Which language a text is in, told only where it is sure: for finding rows of the wrong language, not for sorting."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

LETTERS = 20
"""Letters that a text must have to be judged. "¿Cómo estás?" might be several languages, and a name is any."""

SURE, EXCLUDED = 0.5, 0.05
"""The least probability of the language that is told, and the greatest of all the expected ones together."""

READ = 2000
"""Characters that are read of a text."""

# What the detector calls by another code: Bokmål, Filipino.
_SAME = {"nb": "no", "fil": "tl"}


def other_language(text: str, expected: Collection[str]) -> str | None:
    """The language of a text (ISO 639 code) that is clearly in none of the expected ones; None where that is not sure.

    With none expected, the language that it clearly is in. None, too, where one of `expected` is a language that the
    detector does not know: the text may be in that.
    """
    detector = _detector()
    codes = {_code(language) for language in expected}
    if not codes <= set(detector.labels) or sum(map(str.isalpha, text[:READ])) < LETTERS:
        return None
    probabilities = detector.rank(text[:READ])
    language, probability = probabilities[0]
    if language == "zxx" or probability < SURE:  # zxx: no language, but code, markup, numbers
        return None
    return str(language) if sum(p for code, p in probabilities if code in codes) <= EXCLUDED else None


def _code(language: str) -> str:
    """The detector's code; "es-MX" is "es"."""
    bare = language.replace("_", "-").partition("-")[0].lower()
    return _SAME.get(bare, bare)


@cache
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # here, because its model takes half a second

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
