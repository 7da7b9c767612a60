"""Keep question templates of different authors apart."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnkit.suites.made_up.templates import Template

LEAST = 0.35
"""Smallest edit distance of two templates of one language, as a share of the longer text."""


def within(one: str, other: str, share: float) -> bool:
    """Return whether the edit distance of two texts is less than a share of the longer text.

    The edit distance (Levenshtein) is the smallest number of inserted, deleted and replaced characters that turn one
    text into the other.
    """
    longest = max(len(one), len(other))
    limit = share * longest
    if abs(len(one) - len(other)) >= limit:
        return False
    before = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        now = [i]
        for j, other_letter in enumerate(other, 1):
            now.append(min(before[j] + 1, now[j - 1] + 1, before[j - 1] + (letter != other_letter)))
        if min(now) >= limit:
            return False
        before = now
    return before[-1] < limit


def text_of(template: Template) -> str:
    """Return the text of a template by which it is compared: without slots, in lower case."""
    return template.bare.casefold()


def apart(templates: Sequence[Template], others: Sequence[Template], share: float = LEAST) -> tuple[Template, ...]:
    """Return the templates that are not too close to any of the other templates.

    Templates of different languages are not compared.
    """
    texts: dict[str, list[str]] = {}
    for other in others:
        texts.setdefault(other.language, []).append(text_of(other))
    return tuple(
        template
        for template in templates
        if not any(within(text_of(template), text, share) for text in texts.get(template.language, ()))
    )
