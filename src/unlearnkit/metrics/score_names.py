"""The flat names of scores, and how to take them apart.

A flat name is `<set>.<metric>`. The set may hold dots: `forget.translated.accuracy` is the accuracy on the row set
`forget.translated`. What a run cost has the set `cost`, and scores of all traces together the set `trace`. A suite
chooses the flat names of its own scores. A judge's scores are `judge.<judge>.<set>.<quality>`, and
`judge.<judge>.<set>.<quality>.<part>` for what a quality is made of. `metrics.score_docs` says what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Self

RENAMED_METRICS = {"exact_memorisation": "exact_memorization"}
"""Today's name of each metric that had another name in an earlier version."""

BEST_CONSTANT = "best_constant"
"""Accuracy of the best constant answer to each attribute: a property of the rows, the same for every subject."""

TRACE = "trace"
"""The set of the scores of all traces together."""

COST = "cost"

RULES = "rules"
"""The judge that asks no model."""

LAAJ = "laaj"
"""The model judge whose scores are listed whether or not they were measured."""

_JUDGED = re.compile(r"judge\.([^.]+)\.(.+)\.(uq|rq)(?:\.(\w+))?")

_ATTACKED = re.compile(r"(.+)\.(forget(?:\..+)?)\.(\w+)")


class ScoreName(NamedTuple):
    """A flat name taken apart. A name without a dot has the empty set: it holds for the whole subject."""

    split: str
    metric: str

    @classmethod
    def parse(cls, flat: str) -> Self:
        """Take a flat name apart at its last dot."""
        split, _, metric = flat.rpartition(".")
        return cls(split, metric)

    def __str__(self) -> str:
        """The flat name."""
        return f"{self.split}.{self.metric}" if self.split else self.metric


class JudgedName(NamedTuple):
    """The flat name of a judge's score taken apart."""

    judge: str
    split: str
    quality: str
    part: str
    """One of the scores that the quality is the mean of, or another number about it; empty for the quality itself."""


class AttackName(NamedTuple):
    """The flat name of an attack's score in `attacks.json`, taken apart."""

    attempt: str
    """`jailbreak`; `relearn.near` if an attack makes several attempts."""
    split: str
    metric: str

    def __str__(self) -> str:
        """The flat name."""
        return ".".join(self)


def parse_attack(flat: str) -> AttackName:
    """Take the flat name of an attack's score apart; raises `ValueError` for any other.

    Attacks ask for forget sets alone, so the last part that is called `forget` begins the set.
    """
    found = _ATTACKED.fullmatch(flat)
    if found is None:
        raise ValueError(f"{flat!r} names no score of an attack")
    return AttackName(*found.groups())


def judged_name(judge: str, split: str, quality: str, part: str = "") -> str:
    """The flat name of a judge's score."""
    return f"judge.{judge}.{split}.{quality}" + (f".{part}" if part else "")


def parse_judged(flat: str) -> JudgedName | None:
    """Take the flat name of a judge's score apart; None for any other."""
    found = _JUDGED.fullmatch(flat)
    return None if found is None else JudgedName(*(group or "" for group in found.groups()))


def current_name(flat: str) -> str:
    """Return today's flat name of a score that an earlier version may have named."""
    name = ScoreName.parse(flat)
    return str(name._replace(metric=RENAMED_METRICS.get(name.metric, name.metric)))


def rename_metrics(text: str, renamed: Mapping[str, str] = RENAMED_METRICS) -> str:
    """Replace metrics in the text of a gate by the names in `renamed`: today's, unless it says otherwise."""
    names = "|".join(map(re.escape, renamed))
    return re.sub(rf"(?<![\w-])({names})(?![\w.-])", lambda found: renamed[found[0]], text)
