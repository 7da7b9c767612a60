"""Detect the language of a text if the language is certain.

The module is meant for finding rows in the wrong language. It is not suited to sorting texts by language, because the
language of many texts is uncertain and therefore not detected.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any

LETTERS = 20
"""Minimum number of letters for a text's language to be detected. A short text such as "¿Cómo estás?" could be in any
of several languages, and a name could occur in any language."""

SURE, EXCLUDED = 0.5, 0.05
"""A language is reported if the probability of the language is at least `SURE`, and if the probabilities of all
expected languages add up to at most `EXCLUDED`."""

READ = 2000
"""The language is detected from this many characters at the start of a text."""

# Languages for which the detector uses a different code: Bokmål, Filipino.
_SAME = {"nb": "no", "fil": "tl"}


def other_language(text: str, expected: Collection[str]) -> str | None:
    """Return the language of a text if it is certain and unexpected.

    Args:
        text: the text. Only the first `READ` characters are used.
        expected: ISO 639 codes of the expected languages. If `expected` is empty, any certain language is returned.

    Returns:
        The ISO 639 code of the language, or None if the language is uncertain or expected. If any of the expected
        languages is unknown to the detector, the result is always None, because the text may be in the unknown
        language.
    """
    detector = _detector()
    codes = {_code(language) for language in expected}
    if not codes <= set(detector.labels) or sum(map(str.isalpha, text[:READ])) < LETTERS:
        return None
    probabilities = detector.rank(text[:READ])
    language, probability = probabilities[0]
    if language == "zxx" or probability < SURE:  # zxx means source code, markup or numbers
        return None
    return str(language) if sum(p for code, p in probabilities if code in codes) <= EXCLUDED else None


@lru_cache(maxsize=4096)
def probability(text: str, language: str) -> float:
    """Return the probability that a text is in a language.

    The probability is 0 if the detector does not know the language. Even short texts get a probability, so the result
    is evidence and not proof.
    """
    code = _code(language)
    return next((float(p) for known, p in _detector().rank(text[:READ]) if known == code), 0.0)


def _code(language: str) -> str:
    """Return the detector's code for a language code, e.g. "es" for "es-MX"."""
    bare = language.replace("_", "-").partition("-")[0].lower()
    return _SAME.get(bare, bare)


@cache
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # imported here: loading takes half a second

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
