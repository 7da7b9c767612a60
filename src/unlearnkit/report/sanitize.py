"""Text that others wrote, made fit to be shown: model output above all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

Withhold = Callable[[str], str]
"""Takes what must not be shown out of a text."""

WITHHELD = "[withheld]"

# Control characters, the marks that reverse or embed text direction, lone surrogates and the two non-characters.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class Excerpt(NamedTuple):
    """The beginning of a text, and how many characters were left out after it."""

    text: str
    more: int


def visible(text: str) -> str:
    """Replace every character that could hide or reorder what is read by a sign that shows it (`␀`, `⟨U+202E⟩`)."""
    return _UNSEEN.sub(_sign, text.replace("\r\n", "\n"))


def excerpt(text: str, limit: int = 300) -> Excerpt:
    """The first `limit` characters of a text; a text that is hardly longer is left whole."""
    if len(text) <= limit * 1.1:
        return Excerpt(text, 0)
    return Excerpt(text[:limit], len(text) - limit)


def withholder(forms: Sequence[str]) -> Withhold:
    """A function that puts `[withheld]` in the place of every form, whole words, in either case.

    Forms of a single character (the letter of a choice) tell nothing without their question and are left alone.
    """
    known = sorted({_plain(f) for f in forms if len(f.strip()) > 1}, key=len, reverse=True)
    if not known:
        return str
    # A form that begins or ends in a sign ("+31 20 ...") has no word boundary there.
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(f)}(?!\w)" for f in known), re.IGNORECASE)
    return lambda text: pattern.sub(WITHHELD, unicodedata.normalize("NFC", text))


def _plain(form: str) -> str:
    return unicodedata.normalize("NFC", form.strip())


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
