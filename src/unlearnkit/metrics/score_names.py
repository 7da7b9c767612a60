"""Parse and build the names of scores.

A score name has the format `<set>.<metric>`. The set may contain dots: `forget.translated.accuracy` is the accuracy on
the row set `forget.translated`. The costs of a run have the set name `cost`, scores that summarize all traces have the
set name `trace`, and scores of the worst subject have the set name `worst_subject`. A suite chooses the names of its
own scores. A judge's scores are named `judge.<judge>.<set>.<quality>`, and the parts of a quality are named
`judge.<judge>.<set>.<quality>.<part>`. The module `metrics.score_docs` documents the meaning of the scores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Self

RENAMED_METRICS = {"exact_memorisation": "exact_memorization"}
"""Maps names of metrics in earlier versions to the current names."""

BEST_CONSTANT = "best_constant"
"""Metric name for the accuracy of the best constant answers, which is the same for all models."""

TRACE = "trace"
"""Set name of the scores that summarize all traces."""

COST = "cost"

WORST_SUBJECT = "worst_subject"
"""Set name of the scores of the subject about which the model tells most."""

RULES = "rules"
"""Name of the judge that applies fixed rules and queries no model."""

LAAJ = "laaj"
"""Name of the LLM judge whose scores are always listed, even if they were not measured."""

_JUDGED = re.compile(r"judge\.([^.]+)\.(.+)\.(uq|rq)(?:\.(\w+))?")

_ATTACKED = re.compile(r"(.+)\.(forget(?:\..+)?)\.(\w+)")


class ScoreName(NamedTuple):
    """A score name, split into row set and metric.

    If the score name has no dot, the set is empty, and the score describes the model as a whole.
    """

    split: str
    metric: str

    @classmethod
    def parse(cls, flat: str) -> Self:
        """Split a score name at its last dot."""
        split, _, metric = flat.rpartition(".")
        return cls(split, metric)

    def __str__(self) -> str:
        """Return the score name as text."""
        return f"{self.split}.{self.metric}" if self.split else self.metric


class JudgedName(NamedTuple):
    """The name of a judge's score, split into its parts."""

    judge: str
    split: str
    quality: str
    part: str
    """Name of a part of the quality: a score that the quality averages, or another number such as `spread`.

    The name is empty for the quality itself.
    """


class AttackName(NamedTuple):
    """Name of an attack's score in `attacks.json`, split into parts."""

    attempt: str
    """Name of the attack, such as `jailbreak`.

    If the attack has several attempts, the name of the attempt follows, as in `relearn.near`.
    """
    split: str
    metric: str

    def __str__(self) -> str:
        """Return the score name as text."""
        return ".".join(self)


def parse_attack(flat: str) -> AttackName:
    """Parse the name of an attack's score, `<attempt>.<set>.<metric>`.

    Attacks ask only questions of forget sets, so the name of the row set begins at the last `forget`. For example,
    `relearn.forget.forget.translated.accuracy` consists of `relearn.forget`, `forget.translated` and `accuracy`.

    Raises:
        ValueError: `flat` is not the name of an attack's score.
    """
    match = _ATTACKED.fullmatch(flat)
    if match is None:
        raise ValueError(f"{flat!r} is not the name of an attack's score")
    return AttackName(*match.groups())


def judged_name(judge: str, split: str, quality: str, part: str = "") -> str:
    """Build the name of a judge's score."""
    return f"judge.{judge}.{split}.{quality}" + (f".{part}" if part else "")


def parse_judged(flat: str) -> JudgedName | None:
    """Parse the name of a judge's score.

    Returns None if `flat` is not the name of a judge's score.
    """
    match = _JUDGED.fullmatch(flat)
    return None if match is None else JudgedName(*match.groups(default=""))


def current_name(flat: str) -> str:
    """Replace an outdated metric in a score name (`<set>.<metric>`).

    Score names of the current version are returned unchanged.
    """
    name = ScoreName.parse(flat)
    return str(name._replace(metric=RENAMED_METRICS.get(name.metric, name.metric)))


def rename_metrics(text: str, renamed: Mapping[str, str] = RENAMED_METRICS) -> str:
    """Replace metric names in the text of a gate.

    `renamed` maps each name to its replacement. By default, metric names of earlier versions are replaced by the
    current names.
    """
    names = "|".join(map(re.escape, renamed))
    return re.sub(rf"(?<![\w-])({names})(?![\w.-])", lambda match: renamed[match[0]], text)
