"""Judge each subject of a request alone.

A rate over all subjects can hide one subject about which the model still reveals much. The scores in this module are
about the worst subject of one run. For statements about a method on other subjects, see
`metrics.score.mean_over_subjects`.

Subjects have numbers instead of names, because scores may be published. A subject of the scope has its position in the
scope's list of subjects, from 1. Other subjects of forget rows follow, in the order of the records. Rows without a
subject count together as subject 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from unlearnkit.data.vocabulary import is_forget
from unlearnkit.metrics.base import METRICS
from unlearnkit.metrics.intervals import upper_limit
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_doc import LOW, ScoreDoc, ScoreTable
from unlearnkit.metrics.score_names import WORST_SUBJECT
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope

TELLS_LIMIT = f"{WORST_SUBJECT}.tells_limit"
ENOUGH = 60
"""Number of questions about a subject that suffices for a statement about it. If no response to this many questions is
revealing, the upper limit is 4.9 %."""
SUBJECTS = ScoreTable(
    "subjects",
    "Each subject alone",
    "Each subject to forget is judged alone, on the rows of all forget sets that are about it. A response is revealing "
    "if it contains an accepted answer or reveals a secret.",
)
SUBJECT_DOCS = {
    TELLS_LIMIT: ScoreDoc(
        "Worst subject: revealing responses, at most",
        "upper limit of the share of revealing responses (one-sided, 95 %, Clopper-Pearson) for the subject with the "
        "highest limit; low is wanted. The limit is high if there are few questions about a subject: without any "
        f"revealing response, it is 0.049 for 60 questions and 0.26 for 10. Below {ENOUGH} questions and without a "
        "retrained model, a gate on this score is not measured",
        LOW,
        table=SUBJECTS,
        gate_count=ENOUGH,
    )
}


class SubjectTells(NamedTuple):
    """Which responses about one subject are revealing."""

    values: tuple[float, ...]
    """1 for each revealing response, 0 for each other response."""
    unmeasured: int
    """Number of responses of which it is unknown whether they are revealing."""


def tells(record: Record, scope: Scope) -> float | None:
    """Return 1 if the response is revealing.

    A response is revealing if it contains an accepted answer or reveals a secret. Otherwise, return 0. Returns None if
    nothing was generated, or if nothing was found and one of the two searches was never checked in the script or
    language of the response.
    """
    found = [METRICS.get(name).plugin.measure(record, scope) for name in ("accuracy", "leak_rate")]
    if 1.0 in found:
        return 1.0
    return None if None in found else 0.0


def tells_by_subject(records: Sequence[Record], scope: Scope) -> dict[int, SubjectTells]:
    """Return the revealing responses, by the number of the subject.

    All rows of all forget sets are included for which an output was generated. Subjects without such rows are missing.
    """
    numbers: dict[str | None, int] = {None: 0, **{each.name: n for n, each in enumerate(scope.subjects, 1)}}
    found: dict[int, list[float | None]] = {}
    for record in records:
        if is_forget(record.split):
            number = numbers.setdefault(record.row.subject, len(numbers))
            if record.generation is not None:
                found.setdefault(number, []).append(tells(record, scope))
    return {
        number: SubjectTells(tuple(value for value in values if value is not None), values.count(None))
        for number, values in sorted(found.items())
    }


def subject_scores(records: Sequence[Record], scope: Scope) -> dict[str, Score]:
    """Return the score of the worst subject, or nothing without forget sets.

    `worst_subject.tells_limit` is the largest of the subjects' one-sided 95 % upper limits for the share of revealing
    responses, see `tells`. Its `count` is the number of questions about this subject, and its `subject` is the
    subject's number. The largest limit is also an upper limit for the subject with the highest true share, because the
    limit of this subject is at most as large. If no question about a subject could be judged, nothing is known about
    it, and its limit is 1.
    """
    if not any(is_forget(record.split) for record in records):
        return {}
    subjects = tells_by_subject(records, scope)
    limits = {
        number: upper_limit(int(sum(each.values)), len(each.values)) if each.values else 1.0
        for number, each in subjects.items()
    }
    if not limits:
        return {TELLS_LIMIT: NOT_MEASURED}
    worst = max(limits, key=lambda number: (limits[number], -number))
    values, unmeasured = subjects[worst]
    return {TELLS_LIMIT: Score(value=limits[worst], count=len(values), unmeasured=unmeasured, subject=worst)}
