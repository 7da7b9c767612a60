"""Base class and registry of metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from unlearnkit.core.registry import Registry
from unlearnkit.metrics.score_doc import ScoreDoc
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope


class Metric(ABC):
    """Base class of metrics, which compute one number from one record.

    The score board, which is the main table of the report, shows the mean of this number over each row set.
    """

    doc: ClassVar[ScoreDoc]
    reads_output: ClassVar[bool] = True
    """Whether the metric reads the model's output. If it does, a row with an output and without a value counts as a row
    on which the metric could not be measured."""

    sets: ClassVar[frozenset[str] | None] = None
    """The row sets on which the metric is measured; None: all row sets."""

    @staticmethod
    @abstractmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Return the value of the metric on one record.

        Returns None if the record lacks a measurement that the metric needs.
        """


METRICS: Registry[type[Metric]] = Registry("metric", "unlearnkit.metrics.plugins")
metric = METRICS.register


def board_metrics() -> dict[str, type[Metric]]:
    """Return all metrics by name, in the order of the score board."""
    metrics = {name: METRICS.get(name).plugin for name in METRICS.names()}
    return dict(sorted(metrics.items(), key=lambda item: (item[1].doc.order, item[0])))
