"""Parse and build the flat names of scores.

A flat name is `<set>.<metric>`. The set may contain dots: `forget.translated.accuracy` is the accuracy on the row set
`forget.translated`. The costs of a run have the set `cost`, and scores of all traces together the set `trace`. A suite
chooses the flat names of its own scores. A judge's scores are `judge.<judge>.<set>.<quality>`, and
`judge.<judge>.<set>.<quality>.<part>` for the parts of a quality. `metrics.score_docs` documents their meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Self

RENAMED_METRICS = {"exact_memorisation": "exact_memorization"}
"""The current name of each metric by its name in an earlier version."""

BEST_CONSTANT = "best_constant"
"""Accuracy of the best constant answer to each attribute: a property of the rows, the same for every subject."""

TRACE = "trace"
"""The set of the scores of all traces together."""

COST = "cost"

RULES = "rules"
"""The judge that queries no model."""

LAAJ = "laaj"
"""The LLM judge whose scores are always listed, measured or not."""

_JUDGED = re.compile(r"judge\.([^.]+)\.(.+)\.(uq|rq)(?:\.(\w+))?")

_ATTACKED = re.compile(r"(.+)\.(forget(?:\..+)?)\.(\w+)")


class ScoreName(NamedTuple):
    """A parsed flat name.

    If it has no dot, the set is empty, and the score is of the whole subject.
    """

    split: str
    metric: str

    @classmethod
    def parse(cls, flat: str) -> Self:
        """Split a flat name at its last dot."""
        split, _, metric = flat.rpartition(".")
        return cls(split, metric)

    def __str__(self) -> str:
        """The flat name."""
        return f"{self.split}.{self.metric}" if self.split else self.metric


class JudgedName(NamedTuple):
    """The parsed flat name of a judge's score."""

    judge: str
    split: str
    quality: str
    part: str
    """One of the scores that the quality is the mean of, or another number about it; empty for the quality itself."""


class AttackName(NamedTuple):
    """The parsed flat name of an attack's score in `attacks.json`."""

    attempt: str
    """`jailbreak`; `relearn.near` if an attack makes several attempts."""
    split: str
    metric: str

    def __str__(self) -> str:
        """The flat name."""
        return ".".join(self)


def parse_attack(flat: str) -> AttackName:
    """Parse the flat name of an attack's score.

    Attacks query only forget sets, so the set begins at the last part that is `forget`.

    Raises:
        ValueError: it is no such name.
    """
    match = _ATTACKED.fullmatch(flat)
    if match is None:
        raise ValueError(f"{flat!r} is not the name of an attack's score")
    return AttackName(*match.groups())


def judged_name(judge: str, split: str, quality: str, part: str = "") -> str:
    """Return the flat name of a judge's score."""
    return f"judge.{judge}.{split}.{quality}" + (f".{part}" if part else "")


def parse_judged(flat: str) -> JudgedName | None:
    """Parse the flat name of a judge's score.

    None for any other name.
    """
    match = _JUDGED.fullmatch(flat)
    return None if match is None else JudgedName(*match.groups(default=""))


def current_name(flat: str) -> str:
    """Return the current flat name for one of any version."""
    name = ScoreName.parse(flat)
    return str(name._replace(metric=RENAMED_METRICS.get(name.metric, name.metric)))


def rename_metrics(text: str, renamed: Mapping[str, str] = RENAMED_METRICS) -> str:
    """Replace metric names in the text of a gate.

    `renamed` maps each name to its replacement. By default, names of earlier versions are replaced by the current ones.
    """
    names = "|".join(map(re.escape, renamed))
    return re.sub(rf"(?<![\w-])({names})(?![\w.-])", lambda match: renamed[match[0]], text)
