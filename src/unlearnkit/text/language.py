"""Detect the language of a text, only where it is certain.

For finding rows in the wrong language, not for sorting texts by language.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

LETTERS = 20
"""Letters that a text needs to be judged. "¿Cómo estás?" might be several languages, and a name is in any."""

SURE, EXCLUDED = 0.5, 0.05
"""Minimum probability of the detected language, and maximum probability of all expected ones together."""

READ = 2000
"""Number of characters of a text that are read."""

# Languages that the detector calls by another code: Bokmål, Filipino.
_SAME = {"nb": "no", "fil": "tl"}


def other_language(text: str, expected: Collection[str]) -> str | None:
    """Return a text's language if it is clearly an unexpected one.

    Args:
        text: the text; its first `READ` characters are read.
        expected: ISO 639 codes. If empty, the detected language is returned.

    Returns:
        An ISO 639 code. None if the language is uncertain or expected, and if the detector does not know one of the
        expected languages, since the text may be in that one.
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
    """Return the detector's code; "es-MX" becomes "es"."""
    bare = language.replace("_", "-").partition("-")[0].lower()
    return _SAME.get(bare, bare)


@cache
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # imported here because its model takes half a second

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
