"""Conformance checks for metrics.

Each check takes a `Metric` class. Such a class computes one value per record, and documents how to interpret the mean
of the values.
"""

from __future__ import annotations

import math

from unlearnkit.metrics.base import METRICS, Metric
from unlearnkit.records.schema import Record
from unlearnkit.testing.check import Checks, ensure, ensure_documented, entry_of
from unlearnkit.testing.example import FORGET, records, scope_of

CHECKS = Checks()


@CHECKS.add
def a_value_is_a_finite_number_or_none(metric: type[Metric]) -> None:
    """A value is a finite number or None.

    The check covers every kind of output: empty outputs, leaks, refusals, incoherent texts and answers.
    """
    for record in records():
        value = metric.measure(record, scope_of())
        ensure(value is None or math.isfinite(float(value)), "a value is not finite")


@CHECKS.add
def it_is_a_pure_function_of_the_record(metric: type[Metric]) -> None:
    """Repeated calls give the same value and leave record and scope unchanged."""
    scope = scope_of()
    for record in records():
        before = record.model_dump()
        first = metric.measure(record, scope)
        ensure(metric.measure(record, scope) == first, "repeated calls give different values")
        ensure(record.model_dump() == before and scope == scope_of(), "the metric changed the record or the scope")


@CHECKS.add
def it_is_none_where_nothing_was_measured(metric: type[Metric]) -> None:
    """The value is None if the record contains no measurement.

    Such a record has neither an output nor log-probabilities. A value of 0 would wrongly be included in the mean.
    """
    bare = Record(split="forget", row=FORGET[0])
    ensure(metric.measure(bare, scope_of()) is None, "the value must be None if the record contains no measurement")


@CHECKS.add
def it_is_measured_on_a_complete_record(metric: type[Metric]) -> None:
    """The metric has a value for at least one complete record.

    A complete record has an output and log-probabilities.
    """
    values = [metric.measure(record, scope_of()) for record in records()]
    ensure(any(value is not None for value in values), "the value is None even for complete records")


@CHECKS.add
def it_says_how_to_read_it(metric: type[Metric]) -> None:
    """The metric has a docstring and a complete `ScoreDoc`."""
    ensure_documented(entry_of(METRICS, metric))
    ensure(metric.doc.title, "the metric's `doc` must have a title")
    ensure(metric.doc.help, "the metric's `doc` must have a help text")
    ensure(not metric.doc.help.endswith("."), "the help text in `doc` must not end with a period")
    ensure(math.isfinite(metric.doc.highest) and metric.doc.highest > 0, "`doc.highest` must be a positive number")
