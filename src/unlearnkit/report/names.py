"""The flat names of scores: how they are taken apart, ordered and worded.

A flat name is `<set>.<metric>`, where the set may hold dots itself: `forget.translated.accuracy` is the accuracy on the
row set `forget.translated`. What a run cost stands under the set `cost`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

TARGET, RETRAINED = "target", "retrained"
REFERENCES = (TARGET, RETRAINED)
"""Subjects that methods are held against; every other subject was made by a method."""

SETS = (
    "retain",
    "near",
    "far",
    "forget",
    "forget.paraphrased",
    "forget.translated",
    "forget.reverse",
    "forget.multihop",
)
"""Row sets that every comparison lists."""

METRICS = ("accuracy", "refusal_rate", "leak_rate", "trace_leak_rate", "coherence")
"""Metrics that every comparison lists on every one of these sets."""

BEST_CONSTANT = "best_constant"
"""Accuracy of the best constant answer to each attribute: a property of the rows, the same for every subject."""

COST = "cost"
COSTS = ("cost.seconds", "cost.peak_rss_mb")

STAY = ("retain", "near", "far")
"""Sets whose knowledge must stay; their mean accuracy is the utility axis of the plane."""

LISTED = tuple(f"{split}.{metric}" for metric in METRICS for split in SETS) + COSTS
"""Names that are always present in a comparison, measured or not."""

_SET_TITLES = {"forget": "as trained", "forget.multihop": "two hops"}
_METRIC_TITLES = {
    "accuracy": ("Accuracy", "the right answer stands in the response; low is wanted on forget sets, high elsewhere"),
    "refusal_rate": ("Refusal rate", "the response declines; high is wanted on forget sets, low elsewhere"),
    "leak_rate": ("Leak rate", "the response tells a secret that the question did not; low is wanted"),
    "trace_leak_rate": (
        "Trace leak rate",
        "the reasoning trace tells a secret that the question did not; low is wanted",
    ),
    "coherence": ("Coherence", "the output is language and not babble; high is wanted everywhere"),
    "probability": ("Answer probability", "of the answer it was trained on, per token; low is wanted on forget sets"),
}
_COST_TITLES = {"cost.seconds": "Time", "cost.peak_rss_mb": "Peak memory"}
FORGOTTEN, STAYS, OTHER = "Must be forgotten", "Must stay", "Other"
"""The board's column groups."""


class ScoreName(NamedTuple):
    """A flat name taken apart. A name without a dot has the empty set: it holds for the whole subject."""

    split: str
    metric: str


def parse_name(flat: str) -> ScoreName:
    """Take a flat name apart at its last dot."""
    split, _, metric = flat.rpartition(".")
    return ScoreName(split, metric)


def is_forget(split: str) -> bool:
    """Whether a row set asks for what must be forgotten."""
    return split == "forget" or split.startswith("forget.")


def group_of(split: str) -> str:
    """The board's column group of a row set."""
    if is_forget(split):
        return FORGOTTEN
    return STAYS if split.partition(".")[0] in (*STAY, "utility") else OTHER


def set_title(split: str) -> str:
    """A row set in words, to stand under its group's heading."""
    return _SET_TITLES.get(split, split.removeprefix("forget.") or "whole model")


def metric_title(metric: str) -> str:
    """A metric in words."""
    return _METRIC_TITLES[metric][0] if metric in _METRIC_TITLES else metric


def metric_help(metric: str) -> str:
    """What a metric counts and which way is good; empty for one that is not known here."""
    return _METRIC_TITLES[metric][1] if metric in _METRIC_TITLES else ""


def cost_title(flat: str) -> str:
    """A cost in words."""
    return _COST_TITLES.get(flat, flat.removeprefix(f"{COST}."))


def ordered_sets(splits: Iterable[str]) -> list[str]:
    """Sets in board order: to be forgotten, to stay, others; known sets first within a group."""
    groups = [FORGOTTEN, STAYS, OTHER]
    return sorted(set(splits), key=lambda s: (groups.index(group_of(s)), _rank(s, SETS), s))


def ordered_metrics(metrics: Iterable[str]) -> list[str]:
    """Metrics in board order: the listed ones first, the others by name."""
    return sorted(set(metrics), key=lambda m: (_rank(m, METRICS), m))


def _rank(name: str, known: tuple[str, ...]) -> int:
    return known.index(name) if name in known else len(known)
