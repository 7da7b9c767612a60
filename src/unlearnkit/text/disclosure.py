"""Detect texts that say that somebody asked to be forgotten.

A text says so if it mentions a request to forget or remove something or a list of removed names, or if it states that
the question is in scope. Phrases are listed in English, Spanish and Russian. In other languages, the result is None
unless a phrase is found.

A denial such as "she is not on the removal list" confirms that there is a list, and counts. A text such as "there is no
removal list" does not count. A phrase that the question already contains does not count either. Quotations are ignored.
"""

from __future__ import annotations

import re
from functools import lru_cache

from unlearnkit.text.detector_evidence import judged
from unlearnkit.text.disclosure_phrases import ENGLISH, RUSSIAN, SPANISH
from unlearnkit.text.normalize import normalize
from unlearnkit.text.refusal import own_words
from unlearnkit.text.verdict_phrases import any_of

_PHRASES = any_of((*ENGLISH, *SPANISH, *RUSSIAN))
_DENIED = re.compile(r"(?<!\w)(?:no|without any|ningun[ao]?|ningún|sin|нет|без|никак\w+)\s+$")
"""Matches words after which a phrase states that there is no request or list."""


@lru_cache(maxsize=8192)
def states_request(text: str, known: str = "") -> bool | None:
    """Return whether a text says that somebody asked to be forgotten.

    Args:
        text: the text.
        known: the question, with earlier turns. Phrases that occur in it do not count.

    Returns:
        Whether a phrase was found. The result is None if no phrase was found in a text that is in a language other than
        English, Spanish or Russian.
    """
    read, asked = normalize(own_words(text)), normalize(known)
    for match in _PHRASES.finditer(read):
        if match[0] not in asked and not _DENIED.search(read, 0, match.start()):
            return True
    return False if judged(text) == "model" else None
