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

    If the row has a trace, the trace is prefilled before the answer, as the target model would have written it. A row
    is left out if its answer begins with the secret. A row is also left out if it has no short form of the answer,
    because without a short form the start of the secret is unknown.
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
    """Return the answer's words that precede every form of the secret.

    Returns at most `at_most` words. Returns an empty text if the answer contains none of `forms`, because the start of
    the secret is then unknown. The returned text does not end with a space, because many tokenizers merge a space with
    the next word.
    """
    words = answer.split(" ")
    starts = [start for form in forms if (start := _start(words, form)) is not None]
    return " ".join(words[: min([*starts, at_most])]) if starts else ""


def _start(words: list[str], form: str) -> int | None:
    """Return the index of the form's first word in the text.

    Returns None if the form does not occur.
    """
    end = next((n for n in range(1, len(words) + 1) if contains(" ".join(words[:n]), form)), None)
    if end is None:
        return None
    return next(start for start in reversed(range(end)) if contains(" ".join(words[start:end]), form))
