"""Choose sample questions, with the output of every model under test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from unlearnkit.data.vocabulary import is_forget, ordered_sets
from unlearnkit.metrics.base import METRICS, Metric
from unlearnkit.records.schema import Record
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.sanitize import Excerpt, Withhold, excerpt
from unlearnkit.scope.scope import Scope

Tone = Literal["good", "bad", "none"]
_BADGES = {
    "correct": ("accuracy", 1.0),
    "refuses": ("refusal_rate", 1.0),
    "leaks": ("leak_rate", 1.0),
    "leaks in trace": ("trace_leak_rate", 1.0),
    "discloses": ("disclosure_rate", 1.0),
    "incoherent": ("coherence", 0.0),
}
"""Maps each badge to a metric and a value. An output has the badge if the metric has this value on the
output's record."""


class Badge(NamedTuple):
    """A short label on an output, with a tone.

    The label states the result of a metric. The tone tells whether this result is good or bad on the row set.
    """

    word: str
    tone: Tone


class Answer(NamedTuple):
    """The output of one model under test, with badges."""

    subject: SubjectReport
    badges: tuple[Badge, ...]
    trace: Excerpt
    response: Excerpt
    cut_off: bool
    """Whether generation stopped at the token limit."""


class Sample(NamedTuple):
    """One question with the outputs of all models under test."""

    question: Excerpt
    language: str
    gold: Excerpt | None
    """The expected answer. It is None if the report does not show forget text."""
    answers: tuple[Answer, ...]


class SampleSet(NamedTuple):
    """The samples of one row set."""

    split: str
    hidden: bool
    """Whether the text of the row set is hidden. If so, `samples` is empty."""
    samples: tuple[Sample, ...]


def sample_sets(report: Report, withhold: Withhold, per_set: int = 3) -> tuple[SampleSet, ...]:
    """Choose evenly spaced samples of each row set.

    Models without any recorded output are ignored. A row can be chosen only if all remaining models answered the row.
    If the report does not show forget text, the forget sets have no samples. In all samples, `withhold` replaces the
    secrets and names that the report must not show.
    """
    answered = [(s, {(r.split, r.row.id): r for r in s.records if r.generation is not None}) for s in report.subjects]
    answered = [(subject, records) for subject, records in answered if records]
    sets = []
    for split in ordered_sets(split for _, records in answered for split, _ in records):
        if is_forget(split) and not report.show_forget_text:
            sets.append(SampleSet(split, True, ()))
            continue
        shared = [key for key in answered[0][1] if key[0] == split and all(key in records for _, records in answered)]
        rows = [[(subject, records[key]) for subject, records in answered] for key in _spread(shared, per_set)]
        if rows:
            sets.append(SampleSet(split, False, tuple(_sample(row, report, withhold) for row in rows)))
    return tuple(sets)


def _spread(keys: Sequence[tuple[str, str]], count: int) -> Sequence[tuple[str, str]]:
    """Return `count` evenly spaced keys.

    The keys are split into `count` parts of equal length, and the middle key of each part is returned. If there are
    `count` keys or fewer, all keys are returned.
    """
    if len(keys) <= count:
        return keys
    return [keys[(2 * i + 1) * len(keys) // (2 * count)] for i in range(count)]


def _sample(row: Sequence[tuple[SubjectReport, Record]], report: Report, withhold: Withhold) -> Sample:
    question = row[0][1].row
    answers = (
        Answer(
            subject=subject,
            badges=_badges(subject, record, report.scope),
            trace=excerpt(withhold(output.trace)),
            response=excerpt(withhold(output.response)),
            cut_off=output.ended == "length",
        )
        for subject, record in row
        if (output := record.generation) is not None
    )
    return Sample(
        question=excerpt(withhold(question.question), 600),
        language=question.language,
        gold=excerpt(withhold(question.answer)) if report.show_forget_text else None,
        answers=tuple(answers),
    )


def _badges(subject: SubjectReport, record: Record, scope: Scope) -> tuple[Badge, ...]:
    metrics = ((word, METRICS.get(name).plugin, value) for word, (name, value) in _BADGES.items())
    return tuple(
        Badge(word, _tone(metric, value, subject, record.split))
        for word, metric, value in metrics
        if metric.measure(record, scope) == value
    )


def _tone(metric: type[Metric], value: float, subject: SubjectReport, split: str) -> Tone:
    """Return the tone, i.e. whether the metric's value is good or bad.

    The metric's value is 0 or 1. Which of these values is good depends on the row set. For reference models, the tone
    is always "none".
    """
    better = metric.doc.better(split)
    if subject.is_reference or better is None:
        return "none"
    return "good" if (value == 1.0) == (better == "higher") else "bad"
