"""Choose the headline metric, which summarizes what a model still knows.

The plane chart, which plots forgetting against utility, shows the headline metric on both axes. The first sentences of
a verdict state the headline metric.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import NamedTuple

import yaml

from unlearnkit.data.vocabulary import is_forget, ordered_sets, showing_kept
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs


class Headline(NamedTuple):
    """A metric and the sentences that report its value.

    Each sentence has the placeholder `{value}`.
    """

    metric: str
    name: str
    forget: str
    """Sentence on the row set `forget`."""
    other_forms: str
    """Sentence on the other forget sets."""
    stay: str
    """Sentence on the row sets of knowledge that must be kept. This sentence also has the placeholder `{sets}`, for the
    names of the row sets."""
    stay_trained: str
    """Sentence on the retain rows that are trained on."""
    why: str
    """Explanation of why this metric was chosen. The explanation is empty if the reason is obvious."""


class Axes(NamedTuple):
    """The row sets over which the plane chart averages a metric."""

    forget: tuple[str, ...]
    stay: tuple[str, ...]


_TEXTS = (files("unlearnkit.report") / "templates" / "headlines.yaml").read_text(encoding="utf-8")
HEADLINES = {metric: Headline(metric, **sentences) for metric, sentences in yaml.safe_load(_TEXTS).items()}
"""The candidate metrics, in order of preference."""


def headline(subject_scores: Iterable[Mapping[str, Score]], docs: ScoreDocs) -> Headline:
    """Choose the headline metric from the candidates in `HEADLINES`.

    The result is the first candidate that was measured both on a forget set and on a set of knowledge that must be
    kept. If there is none, the result is the first candidate that was measured on a forget set. If no candidate was
    measured on a forget set, the result is accuracy.
    """
    scores = list(subject_scores)
    sets = {metric: axes(scores, metric, docs) for metric in HEADLINES}
    forget = [metric for metric, of in sets.items() if of.forget]
    both = [metric for metric in forget if sets[metric].stay]
    return HEADLINES[next(iter(both or forget), "accuracy")]


def axes(subject_scores: Iterable[Mapping[str, Score]], metric: str, docs: ScoreDocs) -> Axes:
    """Return the row sets on which the metric was measured.

    A row set counts if the metric was measured on it for at least one model. The set `retain`, which is trained on,
    counts only if no retain rows were held out.
    """
    names = {name for scores in subject_scores for name in docs.on_board(scores)}
    splits = ordered_sets(name.split for name in names if name.metric == metric)
    return Axes(tuple(filter(is_forget, splits)), tuple(showing_kept(splits)))
