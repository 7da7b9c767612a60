"""Make text from others, mainly model output, safe to show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

Withhold = Callable[[str], str]
"""Replaces what must not be shown in a text."""

WITHHELD = "[withheld]"

# Control characters, the marks that reverse or embed text direction, lone surrogates and the two non-characters.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class Excerpt(NamedTuple):
    """The beginning of a text, and how many characters follow."""

    text: str
    more: int


def visible(text: str) -> str:
    """Replace characters that could hide or reorder text by visible signs.

    Such signs are `␀` and `⟨U+202E⟩`.
    """
    return _UNSEEN.sub(_sign, text.replace("\r\n", "\n"))


def markdown_line(text: str) -> str:
    """Return text on one line, with Markdown and HTML escaped."""
    return re.sub(r"([\\<>\[\]|`*#!])", r"\\\1", _on_one_line(text))


def markdown_code(text: str) -> str:
    """Return text on one line as Markdown code.

    Only backticks need replacing there.
    """
    return "`" + _on_one_line(text).replace("`", "'") + "`"


def excerpt(text: str, limit: int = 300) -> Excerpt:
    """Return the first `limit` characters of a text.

    A text that is at most 10 % longer is not cut.
    """
    if len(text) <= limit * 1.1:
        return Excerpt(text, 0)
    return Excerpt(text[:limit], len(text) - limit)


def withholder(forms: Sequence[str]) -> Withhold:
    """Return a function that replaces every form by `[withheld]`.

    It replaces whole words, in either case. Forms of one character (the letter of a choice) reveal nothing without
    their question and are not replaced.
    """
    known = {unicodedata.normalize("NFC", form.strip()) for form in forms if len(form.strip()) > 1}
    if not known:
        return str
    # The longest first, so that no part of a form is left. A form that begins or ends in a sign ("+31 20 ...") has no
    # word boundary there.
    words = (rf"(?<!\w){re.escape(form)}(?!\w)" for form in sorted(known, key=len, reverse=True))
    pattern = re.compile("|".join(words), re.IGNORECASE)
    return lambda text: pattern.sub(WITHHELD, unicodedata.normalize("NFC", text))


def _on_one_line(text: str) -> str:
    return " ".join(visible(text).split())


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
