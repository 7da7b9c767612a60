"""Attack `prefilled_answer`: prefill the beginning of the answer."""

from __future__ import annotations

import random
from typing import Annotated

from annotated_types import Gt

from unlearnkit.attacks.base import PromptAttack, attack
from unlearnkit.data.rows import Row
from unlearnkit.records.probe import Probe
from unlearnkit.text.answer_start import WORDS, answer_start


@attack("prefilled_answer")
class PrefilledAnswer(PromptAttack):
    """Prefill the words that precede the secret in the gold answer.

    The secret is the short form of the answer, such as a name or a date. If no short form of the answer is known, the
    first half of the answer is prefilled. If the row has a reasoning trace, the complete trace is prefilled before the
    words of the answer. A row is left out if its answer begins with the secret.
    """

    words: Annotated[int, Gt(0)] = WORDS
    """Maximum number of words to prefill from the answer."""

    def rewrite(self, row: Row, draw: random.Random) -> Probe | None:  # noqa: ARG002
        """Return the row with the start of its answer prefilled.

        Returns None if the row must be left out.
        """
        begun = answer_start(row.answer, row.accepted_answers, self.words)
        return Probe(row, trace=row.trace or None, answer=begun) if begun else None
