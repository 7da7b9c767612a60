"""The flat names of scores: how they are taken apart, ordered and worded.

A flat name is `<set>.<metric>`, where the set may hold dots itself: `forget.translated.accuracy` is the accuracy on the
row set `forget.translated`. What a run cost stands under the set `cost`. What else a suite brings, under names of its
own (`tofu.forget_quality`, `mia.loss.auc`), and what traces come to over several sets (`trace.scope_accuracy`), is
worded in `own_scores`. What judges say stands under
`judge.<judge>.<set>.<quality>`, and a part of it one dot further.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from unlearnkit.data.vocabulary import SETS, _rank
from unlearnkit.metrics.score import Score

METRICS = ("accuracy", "refusal_rate", "leak_rate", "trace_leak_rate", "coherence", "scope_accuracy")
"""Metrics that every comparison lists on every one of these sets."""

RENAMED_METRICS = {"exact_memorisation": "exact_memorization"}
"""Today's name of each metric that had another name in an earlier version."""

MEMORIZATION = ("rougeL_recall", "rouge1_recall", "extraction_strength", "exact_memorization")
BOARD_METRICS = (*METRICS, *MEMORIZATION, "probability")
"""Metrics that have a section on the board, in its order."""

_SETS_OF_SUITES = {
    "tofu.forget": "forget",
    "tofu.retain": "retain",
    "tofu.real_authors": "utility.real_authors",
    "tofu.world_facts": "utility.world_facts",
}
"""Where a suite names a score after a row set in its own words, the set's name."""

BEST_CONSTANT = "best_constant"
"""Accuracy of the best constant answer to each attribute: a property of the rows, the same for every subject."""

TRACE = "trace"
"""The set under which scores of all traces together stand."""

COST = "cost"
COSTS = ("cost.seconds", "cost.peak_rss_mb")

RULES = "rules"
"""The judge that asks no model."""

LAAJ = "laaj"
"""The model judge whose figures are listed whether or not they were measured."""

_JUDGED = re.compile(r"judge\.([^.]+)\.(.+)\.(uq|rq)(?:\.(\w+))?")

_ATTACKED = re.compile(r"(.+)\.(forget(?:\..+)?)\.(\w+)")


LISTED = tuple(f"{split}.{metric}" for metric in METRICS for split in SETS) + COSTS
"""Names that are always present in a comparison, measured or not."""

_METRIC_TITLES = {
    "accuracy": ("Accuracy", "the right answer stands in the response; low is wanted on forget sets, high elsewhere"),
    "refusal_rate": ("Refusal rate", "the response declines; high is wanted on forget sets, low elsewhere"),
    "leak_rate": ("Leak rate", "the response tells a secret that the question did not; low is wanted"),
    "trace_leak_rate": (
        "Trace leak rate",
        "the reasoning trace tells a secret that the question did not; low is wanted",
    ),
    "coherence": ("Coherence", "the output is language and not babble; high is wanted everywhere"),
    "scope_accuracy": (
        "Scope accuracy",
        "the reasoning trace holds the question in scope where it is, and does not where it is not; no trace counts as "
        "out of scope; high is wanted everywhere",
    ),
    "probability": ("Answer probability", "of the answer it was trained on, per token; low is wanted on forget sets"),
    "rougeL_recall": (
        "ROUGE-L recall",
        "share of the answer's words that the response gives back in their order; low is wanted on forget sets, high "
        "elsewhere",
    ),
    "rouge1_recall": ("ROUGE-1 recall", "the same in any order"),
    "extraction_strength": (
        "Extraction strength",
        "share of the answer that the model goes on with by itself, once it is given the beginning; low is wanted on "
        "forget sets",
    ),
    "exact_memorization": (
        "Exact memorization",
        "share of the answer's tokens that are the likeliest after those before them; low is wanted on forget sets",
    ),
}
_COST_TITLES = {"cost.seconds": "Time", "cost.peak_rss_mb": "Peak memory"}


class ScoreName(NamedTuple):
    """A flat name taken apart. A name without a dot has the empty set: it holds for the whole subject."""

    split: str
    metric: str


class JudgedName(NamedTuple):
    """The flat name of a judge's figure taken apart."""

    judge: str
    split: str
    quality: str
    part: str
    """One of the scores that the quality is the mean of, or another figure about it; empty for the quality itself."""


class AttackName(NamedTuple):
    """The flat name of an attack's figure, as it stands in `attacks.json`, taken apart."""

    attempt: str
    """`jailbreak`; `relearn.near` where an attack makes several attempts."""
    split: str
    metric: str


def parse_attack(flat: str) -> AttackName:
    """Take the flat name of an attack's figure apart; raises `ValueError` for any other.

    Attacks ask for forget sets alone, so the last part that is called `forget` begins the set.
    """
    found = _ATTACKED.fullmatch(flat)
    if found is None:
        raise ValueError(f"{flat!r} names no figure of an attack")
    return AttackName(*found.groups())


def judged_name(judge: str, split: str, quality: str, part: str = "") -> str:
    """The flat name of a judge's figure."""
    return f"judge.{judge}.{split}.{quality}" + (f".{part}" if part else "")


def parse_judged(flat: str) -> JudgedName | None:
    """Take the flat name of a judge's figure apart; None for any other."""
    found = _JUDGED.fullmatch(flat)
    return None if found is None else JudgedName(*(group or "" for group in found.groups()))


def current_name(flat: str) -> str:
    """Return today's flat name of a score that an earlier version may have named."""
    split, dot, metric = flat.rpartition(".")
    return f"{split}{dot}{RENAMED_METRICS.get(metric, metric)}"


def rename_metrics(text: str, renamed: Mapping[str, str] = RENAMED_METRICS) -> str:
    """Replace metrics in the text of a gate by the names in `renamed`: today's, unless it says otherwise."""
    names = "|".join(map(re.escape, renamed))
    return re.sub(rf"(?<![\w-])({names})(?![\w.-])", lambda found: renamed[found[0]], text)


def parse_name(flat: str) -> ScoreName:
    """Take a flat name apart at its last dot."""
    split, _, metric = flat.rpartition(".")
    return ScoreName(split, metric)


def board_name(flat: str) -> ScoreName | None:
    """Row set and metric of a score that stands on the board; None for a cost and for what is a suite's own."""
    split, metric = parse_name(flat)
    place = ScoreName(_SETS_OF_SUITES.get(split, split), metric)
    known = metric in (MEMORIZATION if split in _SETS_OF_SUITES else BOARD_METRICS)
    return place if known and split and split not in (COST, TRACE) else None


def on_board(scores: Mapping[str, Score]) -> dict[ScoreName, Score]:
    """The scores of the board among all of a subject's, by row set and metric; those that were measured and finite."""
    found = {board_name(flat): s for flat, s in scores.items() if s.value is not None and math.isfinite(s.value)}
    return {place: score for place, score in found.items() if place is not None}


def metric_title(metric: str) -> str:
    """A metric in words."""
    return _METRIC_TITLES[metric][0] if metric in _METRIC_TITLES else metric


def metric_help(metric: str) -> str:
    """What a metric counts and which way is good; empty for one that is not known here."""
    return _METRIC_TITLES[metric][1] if metric in _METRIC_TITLES else ""


def cost_title(flat: str) -> str:
    """A cost in words."""
    return _COST_TITLES.get(flat, flat.removeprefix(f"{COST}."))


def ordered_metrics(metrics: Iterable[str]) -> list[str]:
    """Metrics in board order: the listed ones first, the others by name."""
    return sorted(set(metrics), key=lambda m: (_rank(m, BOARD_METRICS), m))
