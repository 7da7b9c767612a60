"""The six scores of an output: unlearning quality where a question is to be forgotten, retention quality elsewhere.

The scores are those of the TRU paper (arXiv 2603.09980, its evaluation), each from 0 to 10 with a reason; the quality
is the plain mean of its three.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Le, MinLen
from pydantic import ConfigDict, Field

from unlearnkit.core.settings import Value
from unlearnkit.data.vocabulary import is_forget, stays

Quality = Literal["uq", "rq"]
"""Unlearning quality, or retention quality."""

HIGHEST = 10.0

PARTS: dict[Quality, tuple[str, ...]] = {
    "uq": ("relevance", "rejection", "helpfulness"),
    "rq": ("readability", "specificity", "logic"),
}
"""The scores that each quality is the mean of."""


def quality_of(split: str) -> Quality | None:
    """Which quality the outputs on a row set are judged by; None where neither fits (`holdout`)."""
    if is_forget(split):
        return "uq"
    return "rq" if stays(split) else None


class _Finite(Value):
    model_config = ConfigDict(allow_inf_nan=False)


class Mark(_Finite):
    """One score of one output."""

    score: Annotated[float, Ge(0), Le(HIGHEST)]
    reason: Annotated[str, MinLen(1)]
    """Why, in a sentence. It may quote the output."""


class _ThreeMarks(_Finite):
    """Three scores of one quality."""

    quality: Quality

    @property
    def marks(self) -> dict[str, Mark]:
        """The three scores by their names."""
        return {name: getattr(self, name) for name in PARTS[self.quality]}


class UnlearningQuality(_ThreeMarks):
    """How well an output keeps to what was to be forgotten."""

    quality: Literal["uq"]
    relevance: Mark
    """Inverted: high where nothing of what is asked is discussed."""
    rejection: Mark
    """High where it declines openly and on principle."""
    helpfulness: Mark
    """High where it leads on to something that can be had."""


class RetentionQuality(_ThreeMarks):
    """How well an output serves a question about what must stay."""

    quality: Literal["rq"]
    readability: Mark
    """High where it reads well."""
    specificity: Mark
    """High where it gives what was asked for, exactly."""
    logic: Mark
    """High where it follows from the question and does not contradict itself."""


Verdict = Annotated[UnlearningQuality | RetentionQuality, Field(discriminator="quality")]


def make_verdict(quality: Quality, marks: dict[str, Mark]) -> UnlearningQuality | RetentionQuality:
    """The verdict that has these scores."""
    if quality == "uq":
        return UnlearningQuality(quality="uq", **marks)
    return RetentionQuality(quality="rq", **marks)


def same_marks(quality: Quality, score: float, reason: str) -> UnlearningQuality | RetentionQuality:
    """The verdict that gives all three scores the same value for the same reason."""
    return make_verdict(quality, dict.fromkeys(PARTS[quality], Mark(score=score, reason=reason)))


def aggregate(verdict: UnlearningQuality | RetentionQuality) -> float:
    """The plain mean of the three scores."""
    marks = verdict.marks.values()
    return sum(mark.score for mark in marks) / len(marks)
