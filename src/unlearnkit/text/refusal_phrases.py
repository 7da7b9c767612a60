"""Refusal phrases in languages for which no model was fitted.

The phrases name the act of answering (to answer, to share, to know) together with a negation. A text that only contains
a negation is therefore no refusal. A phrase about another person ("he does not know") does not count. The file
`refusal_phrases.json` has a list of verbs (`act`) and a list of patterns (`phrases`) for each language.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources

from unlearnkit.text.normalize import normalize

_SPELLINGS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ة": "ه", "ى": "ي", "ـ": None})
"""Variants of Arabic letters. The phrases are written with the letters on the right."""
_MARKS = re.compile("[\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670]")


@cache
def _pattern() -> re.Pattern[str]:
    file = resources.files("unlearnkit.text") / "refusal_phrases.json"
    languages = json.loads(file.read_text(encoding="utf-8"))
    phrases = (
        phrase.replace("<act>", "|".join(language["act"]))
        for language in languages.values()
        for phrase in language["phrases"]
    )
    return re.compile("|".join(phrases))


def declines(text: str) -> bool:
    """Return whether a text contains a phrase that declines or expresses ignorance."""
    return _pattern().search(_MARKS.sub("", normalize(text)).translate(_SPELLINGS)) is not None
