"""Samples side by side: what every subject said to the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from unlearnkit.data.vocabulary import is_forget, ordered_sets
from unlearnkit.metrics.base import METRICS, Metric
from unlearnkit.records.schema import Record
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.sanitize import Excerpt, Withhold, excerpt
from unlearnkit.scope.scope import Scope

_BADGES = {
    "correct": ("accuracy", 1.0),
    "refuses": ("refusal_rate", 1.0),
    "leaks": ("leak_rate", 1.0),
    "leaks in trace": ("trace_leak_rate", 1.0),
    "incoherent": ("coherence", 0.0),
}
"""Each badge, and the metric and value on one record that it stands for."""


class Badge(NamedTuple):
    """What a metric says of one output, and whether that is good where it was asked."""

    word: str
    tone: Literal["good", "bad", "none"]


class Answer(NamedTuple):
    """What one subject said."""

    subject: SubjectReport
    badges: tuple[Badge, ...]
    trace: Excerpt
    response: Excerpt
    cut_off: bool
    """Whether the output was stopped at the token limit."""


class Sample(NamedTuple):
    """One question and what every subject said to it."""

    question: Excerpt
    language: str
    gold: Excerpt | None
    """None where forget text is not shown."""
    answers: tuple[Answer, ...]


class SampleSet(NamedTuple):
    """The samples of one row set; none where its text is not shown."""

    split: str
    hidden: bool
    samples: tuple[Sample, ...]


def sample_sets(report: Report, withhold: Withhold, per_set: int = 3) -> tuple[SampleSet, ...]:
    """Samples of each row set: rows at even spacing among those that every subject with generations answered.

    Where forget text is not shown, the sets that ask for it come without samples, and `withhold` takes secrets out of
    the others.
    """
    subjects = [(s, _answered(s)) for s in report.subjects]
    subjects = [(s, answered) for s, answered in subjects if answered]
    if not subjects:
        return ()
    found = []
    for split in ordered_sets(split for _, answered in subjects for split, _ in answered):
        if is_forget(split) and not report.show_forget_text:
            found.append(SampleSet(split, True, ()))
            continue
        shared = [key for key in subjects[0][1] if key[0] == split and all(key in a for _, a in subjects[1:])]
        rows = [[(s, answered[key]) for s, answered in subjects] for key in _spread(shared, per_set)]
        samples = tuple(_sample(row, report, withhold) for row in rows)
        if samples:
            found.append(SampleSet(split, False, samples))
    return tuple(found)


def _answered(subject: SubjectReport) -> dict[tuple[str, str], Record]:
    return {(r.split, r.row.id): r for r in subject.records if r.generation is not None}


def _spread(keys: Sequence[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """`count` keys from the middles of equal stretches; all of them where there are no more."""
    if len(keys) <= count:
        return list(keys)
    return [keys[(2 * i + 1) * len(keys) // (2 * count)] for i in range(count)]


def _sample(row: Sequence[tuple[SubjectReport, Record]], report: Report, withhold: Withhold) -> Sample:
    question = row[0][1].row
    answers = []
    for subject, record in row:
        said = record.generation
        if said is None:
            continue
        answers.append(
            Answer(
                subject=subject,
                badges=_badges(subject, record, report.scope),
                trace=excerpt(withhold(said.trace)),
                response=excerpt(withhold(said.response)),
                cut_off=said.ended == "length",
            )
        )
    return Sample(
        question=excerpt(withhold(question.question), 600),
        language=question.language,
        gold=excerpt(question.answer) if report.show_forget_text else None,
        answers=tuple(answers),
    )


def _badges(subject: SubjectReport, record: Record, scope: Scope) -> tuple[Badge, ...]:
    found = ((word, METRICS.get(metric).plugin, value) for word, (metric, value) in _BADGES.items())
    return tuple(
        Badge(word, _tone(metric, value, subject, record.split))
        for word, metric, value in found
        if metric.measure(record, scope) == value
    )


def _tone(metric: type[Metric], value: float, subject: SubjectReport, split: str) -> Literal["good", "bad", "none"]:
    """Whether the value is the better one on this set; a reference is not judged."""
    better = metric.doc.better(split)
    if subject.is_reference or better is None:
        return "none"
    return "good" if (value == 1.0) == (better == "higher") else "bad"
