"""Turkish endings, with the softening of final consonants."""

from __future__ import annotations

import re

_SOFT = {"p": "b", "c": "c", "t": "d", "k": "g"}
_AFTER_NAME = re.compile(
    r"(?:l[ae]r)?(?:[dt][ae]n?(?:ki(?:l[ae]r)?)?|n?[iu]n|y?l[ae]|[yn]?[ae])?(?:y?[dt][iu]r?|y?m[iu]s|y?s[ae])?$"
)
_POSSESSED = r"(?:[iu]?m|s?[iu]n?|[iu]?n|[iu]?m[iu]z|[iu]?n[iu]z|l[ae]r[iu]n?)"
_CASE = r"(?:y?[iu]|n[iu]|[yn]?[ae]|[dt][ae]n?(?:ki(?:l[ae]r)?)?|n?[iu]n|y?l[ae]|c[ae])"
_COPULA = r"(?:[dt][iu]r(?:l[ae]r)?|y?[dt][iu](?:[mkn]|l[ae]r)?|y?m[iu]s|y?s[ae]|y?[iu]m|s[iu]n)"
_COMMON = re.compile(rf"(?:l[ae]r)?{_POSSESSED}?{_CASE}?{_COPULA}?$")


def is_turkish_form(word: str, base: str, name: bool) -> bool:
    """Return whether a word is another word with a Turkish ending.

    A name and its ending are separated by an apostrophe ("Ankara'da"), so the name is a word of its own. Some people
    leave out the apostrophe. Without it, a short name with a short ending is often another name (Ali, Aliye).
    """
    word, base = word.replace("ı", "i"), base.replace("ı", "i")
    if word == base:
        return True
    if word.startswith(base):
        rest = word[len(base) :]
        if not name:
            return _COMMON.match(rest) is not None
        ambiguous = len(rest) < 2 or (base[-1] == "i" and rest in ("ye", "ya"))
        return len(base) > 3 and not ambiguous and _AFTER_NAME.match(rest) is not None
    if name or base[-1] not in _SOFT or len(base) < 4:
        return False
    soft = base[:-1] + _SOFT[base[-1]]
    return (
        word.startswith(soft)
        and word[len(soft) :][:1] in tuple("iuae")
        and _COMMON.match(word[len(soft) :]) is not None
    )
