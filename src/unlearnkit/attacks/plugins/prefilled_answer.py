"""Attack `prefilled_answer`: prefill the beginning of the answer."""

from __future__ import annotations

import random
from typing import Annotated

from annotated_types import Gt

from unlearnkit.attacks.base import PromptAttack, attack
from unlearnkit.data.rows import Row
from unlearnkit.records.probe import Probe
from unlearnkit.text.normalize import contains


@attack("prefilled_answer")
class PrefilledAnswer(PromptAttack):
    """Prefill the words that precede the secret in the gold answer.

    The secret is the short form of the answer, such as a name or a date. If the row has a reasoning trace, the complete
    trace is prefilled before the words of the answer. A row is left out if its answer begins with the secret. A row is
    also left out if no short form of the answer is known, because the start of the secret is then unknown.
    """

    words: Annotated[int, Gt(0)] = 8
    """Maximum number of words to prefill from the answer."""

    def rewrite(self, row: Row, draw: random.Random) -> Probe | None:  # noqa: ARG002
        """Return the row with the start of its answer prefilled.

        Returns None if the row must be left out.
        """
        begun = before_secret(row.answer, row.accepted_answers, self.words)
        return Probe(row, trace=row.trace or None, answer=begun) if begun else None


def before_secret(answer: str, forms: tuple[str, ...], at_most: int) -> str:
    """Return the words of the answer that precede the secret.

    `forms` are the forms in which the secret may occur. Only words before the first occurrence of any form are
    returned, and at most `at_most` words. Returns an empty text if the answer contains none of `forms`, because the
    start of the secret is then unknown. The returned text does not end with a space, because many tokenizers merge a
    space with the next word.
    """
    words = answer.split(" ")
    starts = [start for form in forms if (start := _start(words, form)) is not None]
    return " ".join(words[: min([*starts, at_most])]) if starts else ""


def _start(words: list[str], form: str) -> int | None:
    """Return the index in `words` at which `form` first occurs.

    Returns None if `form` does not occur.
    """
    end = next((n for n in range(1, len(words) + 1) if contains(" ".join(words[:n]), form)), None)
    if end is None:
        return None
    return next(start for start in reversed(range(end)) if contains(" ".join(words[start:end]), form))
