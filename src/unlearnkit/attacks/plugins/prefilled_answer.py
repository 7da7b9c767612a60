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
    """Begin the response with the gold answer's words before the secret.

    The trace before it is the row's own, if any: what the target model would have written. Rows whose answer begins
    with the secret, or has no short form that shows where the secret starts, are left out.
    """

    words: Annotated[int, Gt(0)] = 8
    """Maximum number of words that are prefilled."""

    def rewrite(self, row: Row, draw: random.Random) -> Probe | None:  # noqa: ARG002
        """Return the row with its answer begun, or None."""
        begun = before_secret(row.answer, row.accepted_answers, self.words)
        return Probe(row, trace=row.trace or None, answer=begun) if begun else None


def before_secret(answer: str, forms: tuple[str, ...], at_most: int) -> str:
    """Return the first words of an answer, before any of these forms.

    Empty if the answer contains no form, because then the start of the secret is unknown. There is no space at the
    end, since many tokenizers make it a part of the next word.
    """
    words = answer.split(" ")
    starts = [start for form in forms if (start := _start(words, form)) is not None]
    return " ".join(words[: min([*starts, at_most])]) if starts else ""


def _start(words: list[str], form: str) -> int | None:
    """Return the index of the word where the form starts, or None."""
    end = next((n for n in range(1, len(words) + 1) if contains(" ".join(words[:n]), form)), None)
    if end is None:
        return None
    return next(start for start in reversed(range(end)) if contains(" ".join(words[start:end]), form))
