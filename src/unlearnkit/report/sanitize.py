"""Make untrusted text, such as model output, safe to show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

Withhold = Callable[[str], str]
"""Type of a function that replaces the secrets in a text."""

WITHHELD = "[withheld]"

# Control characters, characters that change the text direction, lone surrogates, and U+FFFE and U+FFFF.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class Excerpt(NamedTuple):
    """The beginning of a text, and the number of omitted characters."""

    text: str
    more: int


def visible(text: str) -> str:
    """Substitute visible signs for characters that could hide or reorder text.

    Examples of visible signs are `␀` and `⟨U+202E⟩`.
    """
    return _UNSEEN.sub(_sign, text.replace("\r\n", "\n"))


def markdown_line(text: str) -> str:
    """Return the text on one line, with Markdown and HTML syntax escaped."""
    return re.sub(r"([\\<>\[\]|`*#!])", r"\\\1", _on_one_line(text))


def markdown_code(text: str) -> str:
    """Return the text on one line, as inline code in Markdown.

    Backticks are replaced by apostrophes. No other character needs to be escaped in inline code.
    """
    return "`" + _on_one_line(text).replace("`", "'") + "`"


def excerpt(text: str, limit: int = 300) -> Excerpt:
    """Return the first `limit` characters of a text.

    If the text is longer than `limit` by at most 10 %, the whole text is returned.
    """
    if len(text) <= limit * 1.1:
        return Excerpt(text, 0)
    return Excerpt(text[:limit], len(text) - limit)


def withholder(forms: Sequence[str]) -> Withhold:
    """Return a function that replaces every secret in a text by `[withheld]`.

    Args:
        forms: the spellings of the secrets. A form is not replaced inside a longer word. Upper and lower case are not
            distinguished. Forms of one character, such as the letter of a choice in a multiple-choice question, are not
            replaced, because they reveal nothing without the question.
    """
    known = {unicodedata.normalize("NFC", form.strip()) for form in forms if len(form.strip()) > 1}
    if not known:
        return str
    # Longer forms come first, so that no part of a form remains. `\b` would fail at the "+" of "+31 20 ...". Therefore
    # the pattern requires only that no word character precedes or follows the form.
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
