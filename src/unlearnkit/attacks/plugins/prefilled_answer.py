"""Attack `prefilled_answer`: the subject finds that it has begun to answer."""

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
    """Begin the response with the first words of the gold answer, up to where the secret starts.

    The trace before it is the row's own, where it has one: what the target model would have thought. Rows whose answer
    begins with the secret, or has no short form that tells where the secret starts, are left out.
    """

    words: Annotated[int, Gt(0)] = 8
    """Most words that are begun."""

    def rewrite(self, row: Row, draw: random.Random) -> Probe | None:  # noqa: ARG002
        """The row with its answer begun; None where nothing stands before the secret."""
        begun = before_secret(row.answer, row.accepted_answers, self.words)
        return Probe(row, trace=row.trace or None, answer=begun) if begun else None


def before_secret(answer: str, forms: tuple[str, ...], at_most: int) -> str:
    """The first words of an answer, up to where the first of these forms starts in it.

    Empty where no form stands in it: then nothing tells where the secret starts. Without the space behind, which many
    tokenizers make a part of the next word.
    """
    words = answer.split(" ")
    starts = [start for form in forms if (start := _start(words, form)) is not None]
    return " ".join(words[: min([*starts, at_most])]) if starts else ""


def _start(words: list[str], form: str) -> int | None:
    """Place of the word with which the form starts, the first time that it stands there; None where it does not."""
    end = next((n for n in range(1, len(words) + 1) if contains(" ".join(words[:n]), form)), None)
    if end is None:
        return None
    return next(start for start in reversed(range(end)) if contains(" ".join(words[start:end]), form))
