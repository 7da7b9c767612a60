"""Detect the language of a text if the language is certain.

This module serves to find rows in the wrong language. It is not suited to sorting texts by language, because it detects
no language for many texts.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

LETTERS = 20
"""Minimum number of letters for a text's language to be detected. A short text such as "¿Cómo estás?" could be in one
of several languages, and a name fits every language."""

SURE, EXCLUDED = 0.5, 0.05
"""A language is reported if its probability is at least `SURE`, and if the probabilities of all expected languages add
up to at most `EXCLUDED`."""

READ = 2000
"""Number of characters, from the start of a text, that are read."""

# Languages for which the detector uses a different code: Bokmål, Filipino.
_SAME = {"nb": "no", "fil": "tl"}


def other_language(text: str, expected: Collection[str]) -> str | None:
    """Return a text's language if it is certain and not expected.

    Args:
        text: the text, of which the first `READ` characters are read.
        expected: ISO 639 codes of the expected languages. If there are none, any certain language is returned.

    Returns:
        The ISO 639 code of the language; None if the language is uncertain or expected. If the detector does not know
        one of the expected languages, the result is always None, since the text may be in that language.
    """
    detector = _detector()
    codes = {_code(language) for language in expected}
    if not codes <= set(detector.labels) or sum(map(str.isalpha, text[:READ])) < LETTERS:
        return None
    probabilities = detector.rank(text[:READ])
    language, probability = probabilities[0]
    if language == "zxx" or probability < SURE:  # zxx: not a natural language, but code, markup or numbers
        return None
    return str(language) if sum(p for code, p in probabilities if code in codes) <= EXCLUDED else None


def _code(language: str) -> str:
    """Return the detector's code for a language code, e.g. "es" for "es-MX"."""
    bare = language.replace("_", "-").partition("-")[0].lower()
    return _SAME.get(bare, bare)


@cache
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # imported here because its model takes half a second

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
