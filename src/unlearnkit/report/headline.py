"""Choose the headline metric, which sums up what a model still knows.

It gives the axes of the plane and the first sentence of a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import NamedTuple

import yaml

from unlearnkit.data.vocabulary import is_forget, ordered_sets, stays
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs


class Headline(NamedTuple):
    """A metric and the sentences that state it.

    The sentences have braces for the value.
    """

    metric: str
    name: str
    forget: str
    """On `forget`."""
    other_forms: str
    """On the other forget sets."""
    stay: str
    """On the sets that must stay; also with braces for these sets."""
    why: str
    """Why this metric was chosen; empty if that is obvious."""


class Axes(NamedTuple):
    """The row sets over which a metric is averaged."""

    forget: tuple[str, ...]
    stay: tuple[str, ...]


_TEXTS = (files("unlearnkit.report") / "templates" / "headlines.yaml").read_text(encoding="utf-8")
HEADLINES = {metric: Headline(metric, **sentences) for metric, sentences in yaml.safe_load(_TEXTS).items()}
"""The candidates, the preferred first."""


def headline(subject_scores: Iterable[Mapping[str, Score]], docs: ScoreDocs) -> Headline:
    """Return the first metric that was measured on both sides.

    The sides are forget sets and sets that must stay. If there is none, the first that was measured on forget sets,
    else accuracy.
    """
    scores = list(subject_scores)
    sets = {metric: axes(scores, metric, docs) for metric in HEADLINES}
    forget = [metric for metric, of in sets.items() if of.forget]
    both = [metric for metric in forget if sets[metric].stay]
    return HEADLINES[next(iter(both or forget), "accuracy")]


def axes(subject_scores: Iterable[Mapping[str, Score]], metric: str, docs: ScoreDocs) -> Axes:
    """Return the row sets on which any subject has the metric."""
    names = {name for scores in subject_scores for name in docs.on_board(scores)}
    splits = ordered_sets(name.split for name in names if name.metric == metric)
    return Axes(tuple(filter(is_forget, splits)), tuple(filter(stays, splits)))
