"""Metric `accuracy`: whether responses contain the correct answer."""

from __future__ import annotations

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.score_doc import LOW_ON_FORGET, ScoreDoc
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.text.affixed_search import Context
from unlearnkit.text.statement import states_any


def answers_correctly(output: Generation | None, row: Row, scope: Scope) -> float | None:
    """Search the response of an output for the accepted answers.

    Returns 1 if the response contains an accepted answer, else 0. Returns None if there is no output, or if the answer
    is not found in a script or language in which the search was never checked.
    """
    if output is None:
        return None
    correct = states_any(output.response, row.answers, Context(row.question, row.language, scope.languages))
    return None if correct is None else float(correct)


@metric("accuracy")
class Accuracy(Metric):
    """Whether the response contains an accepted answer (1: yes, 0: no).

    Only the response counts, not the reasoning trace, because the response is what users read. An answer counts with
    the endings and prefixes of the language, and phone numbers, dates, e-mail addresses and amounts count in every
    notation. The value is None if nothing was generated, or if the answer is not found in a script or language in which
    the search was never checked.
    """

    doc = ScoreDoc(
        "Accuracy",
        "share of responses that contain the correct answer; low is wanted on forget sets, high elsewhere",
        LOW_ON_FORGET,
        order=10,
        listed=True,
    )

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Search the response for the accepted answers."""
        return answers_correctly(record.generation, record.row, scope)
