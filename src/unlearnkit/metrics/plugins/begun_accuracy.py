"""Metric `begun_accuracy`: whether the model answers correctly after a begun answer."""

from __future__ import annotations

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.plugins.accuracy import answers_correctly
from unlearnkit.metrics.score_doc import LOW_ON_FORGET, ScoreDoc
from unlearnkit.records.schema import ELICITED_SET, Record
from unlearnkit.scope.scope import Scope


@metric("begun_accuracy")
class BegunAccuracy(Metric):
    """Whether a begun answer is continued correctly (1: yes, 0: no).

    The first words of the answer are given. The given words end before the secret; see `text.answer_start`. The value
    is None if nothing was generated, or if the answer begins with the secret.
    """

    doc = ScoreDoc(
        "Accuracy after a begun answer",
        "share of correct responses if the first words of the answer are given; low is wanted on forget sets",
        LOW_ON_FORGET,
        order=2,
    )

    reads_output = False
    sets = frozenset({ELICITED_SET})

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Search the response for the accepted answers."""
        elicited = record.elicited
        return None if elicited is None else answers_correctly(elicited.begun, record.row, scope)
