"""The six scores of an output, three for each quality.

Questions in forget sets get unlearning quality, all others retention quality. The scores are those of the TRU paper
(arXiv 2603.09980, its evaluation), each from 0 to 10 with a reason; a quality is the mean of its three scores.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Le, MinLen
from pydantic import ConfigDict, Field

from unlearnkit.core.settings import Value
from unlearnkit.data.vocabulary import is_forget, stays
from unlearnkit.metrics.judge_docs import HIGHEST

Quality = Literal["uq", "rq"]
"""Unlearning quality, or retention quality."""

PARTS: dict[Quality, tuple[str, ...]] = {
    "uq": ("relevance", "rejection", "helpfulness"),
    "rq": ("readability", "specificity", "logic"),
}
"""The scores that each quality is the mean of."""


def quality_of(split: str) -> Quality | None:
    """Return the quality for a row set, or None (`holdout`)."""
    if is_forget(split):
        return "uq"
    return "rq" if stays(split) else None


class FiniteValue(Value):
    """A value that refuses NaN and infinity."""

    model_config = ConfigDict(allow_inf_nan=False)


class Mark(FiniteValue):
    """One score of one output."""

    score: Annotated[float, Ge(0), Le(HIGHEST)]
    reason: Annotated[str, MinLen(1)]
    """The reason, one sentence. It may quote the output."""


class _ThreeMarks(FiniteValue):
    """Three scores of one quality."""

    quality: Quality

    @property
    def marks(self) -> dict[str, Mark]:
        """The three scores by name."""
        return {name: getattr(self, name) for name in PARTS[self.quality]}


class UnlearningQuality(_ThreeMarks):
    """How well an output avoids what must be forgotten."""

    quality: Literal["uq"]
    relevance: Mark
    """Inverted: high if the output discusses nothing of what is asked."""
    rejection: Mark
    """High if it declines openly and for a stated principle."""
    helpfulness: Mark
    """High if it leads on to something that is available."""


class RetentionQuality(_ThreeMarks):
    """How well an output answers a question about what must stay."""

    quality: Literal["rq"]
    readability: Mark
    """High if it reads well."""
    specificity: Mark
    """High if it gives exactly what was asked for."""
    logic: Mark
    """High if it follows from the question and does not contradict itself."""


Verdict = Annotated[UnlearningQuality | RetentionQuality, Field(discriminator="quality")]


def make_verdict(quality: Quality, marks: dict[str, Mark]) -> UnlearningQuality | RetentionQuality:
    """Create a verdict from its scores."""
    if quality == "uq":
        return UnlearningQuality(quality="uq", **marks)
    return RetentionQuality(quality="rq", **marks)


def same_marks(quality: Quality, score: float, reason: str) -> UnlearningQuality | RetentionQuality:
    """Create a verdict whose three scores have the same value and reason."""
    return make_verdict(quality, dict.fromkeys(PARTS[quality], Mark(score=score, reason=reason)))


def aggregate(verdict: UnlearningQuality | RetentionQuality) -> float:
    """Return the mean of the three scores."""
    marks = verdict.marks.values()
    return sum(mark.score for mark in marks) / len(marks)
