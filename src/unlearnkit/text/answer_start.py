"""The words with which an answer is begun for a model."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnkit.text.normalize import contains
from unlearnkit.text.writing import is_spaceless

WORDS = 8
"""Default maximum number of words with which an answer is begun."""


def answer_start(answer: str, forms: Sequence[str], at_most: int = WORDS) -> str:
    """Return the first words of an answer, without the secret.

    If short forms of the answer are known, the secret is the first of these forms that occurs, and the result ends
    before it. If no short form is known, the whole answer is the secret, and the result is at most half of its words.
    In scripts without spaces, such as Chinese, each character counts as a word.
    The result does not end with a space, because many tokenizers merge a space with the next word.

    Args:
        answer: the answer.
        forms: short forms of the answer, such as a name or a date; empty if none is known.
        at_most: maximum number of words.

    Returns:
        The first words. The text is empty if the answer begins with the secret, if it has a single word, or if it
        contains none of `forms`, because the start of the secret is then unknown.
    """
    gap = "" if is_spaceless(answer) else " "
    words = list(answer) if is_spaceless(answer) else answer.split(gap)
    starts = [start for form in forms if (start := _start(words, gap, form)) is not None]
    if not forms:
        starts = [len(words) // 2]
    return gap.join(words[: min([*starts, at_most])]) if starts else ""


def _start(words: Sequence[str], gap: str, form: str) -> int | None:
    """Return the index in `words` at which `form` first occurs.

    Returns None if `form` does not occur.
    """
    end = next((n for n in range(1, len(words) + 1) if contains(gap.join(words[:n]), form)), None)
    if end is None:
        return None
    return next(start for start in reversed(range(end)) if contains(gap.join(words[start:end]), form))
