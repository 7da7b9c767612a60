"""Gates: thresholds that were named before the run, and how each one came out."""

from __future__ import annotations

import difflib
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Self

from unlearnkit.core.errors import InputError
from unlearnkit.core.settings import RenamedWarning, Value
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.score_names import rename_metrics

Scores = Mapping[str, Score]

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_NAME = r"[A-Za-z][\w-]*(?:\.[\w-]+)*"
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_GATE = re.compile(rf"\s*({_NAME})\s*(<=|>=|<|>)\s*(.+?)\s*")
_REFERENCE = re.compile(rf"(?:({_NUMBER})\s*\*\s*)?({'|'.join(REFERENCES)})\.({_NAME})(?:\s*\*\s*({_NUMBER}))?")
_ALLOWED = "<metric> <=|<|>=|> <number>, target.<metric>, retrained.<metric>, either of them * <number>"
_FIX = "write it like forget.accuracy<=0.03 or near.accuracy>=target.near.accuracy*0.97"


class Gate(Value):
    """A metric, an operator and a threshold: a number, or a share of a reference subject's score."""

    metric: str
    op: str
    number: float
    """The threshold itself, or what the reference's score is multiplied by."""
    reference: tuple[str, str] | None = None
    """Subject and metric that the threshold is relative to."""

    @classmethod
    def parse(cls, text: str, *, where: str | None = None) -> Self:
        """Read a gate such as `forget.accuracy<=0.03` or `near.accuracy >= target.near.accuracy*0.97`.

        `where` names the place it came from (`--gate`, a recipe's field) for the error.
        """
        text = current_gate(text, warn=True)
        match = _GATE.fullmatch(text)
        if match is None:
            raise InputError("not a gate", where=where, value=text, allowed=_ALLOWED, fix=_FIX)
        metric, op, right = match.groups()
        if re.fullmatch(_NUMBER, right):
            number, reference = float(right), None
        elif relative := _REFERENCE.fullmatch(right):
            before, subject, name, after = relative.groups()
            number, reference = float(before or 1) * float(after or 1), (subject, name)
        else:
            raise InputError("not a threshold for a gate", where=where or text, value=right, allowed=_ALLOWED, fix=_FIX)
        if not math.isfinite(number):
            raise InputError("a threshold must be finite", where=where or text, value=right, fix=_FIX)
        return cls(metric=metric, op=op, number=number, reference=reference)

    def __str__(self) -> str:
        """The gate as text, in one spelling."""
        if self.reference is None:
            return f"{self.metric} {self.op} {self.number:g}"
        factor = "" if self.number == 1 else f" * {self.number:g}"
        return f"{self.metric} {self.op} {'.'.join(self.reference)}{factor}"


def current_gate(text: str, *, warn: bool) -> str:
    """Replace earlier names of metrics in the text of a gate; `warn`: with a `RenamedWarning`."""
    now = rename_metrics(text)
    if warn and now != text:
        message = f"the gate {text!r} is now written {now!r}; the old name will stop working"
        warnings.warn(message, RenamedWarning, stacklevel=2)
    return now


def judge(gate: Gate, subject: str, scores: Mapping[str, Scores], docs: ScoreDocs | None = None) -> GateResult:
    """Judge one gate for one subject, given the scores of every subject, and their docs if a suite has its own.

    The point value alone decides between met and missed; the interval never does. Where the interval lies on both
    sides of the threshold, `why` says how far it reaches, so that a narrow outcome can be told from a clear one.
    A relative threshold is the reference's point value times the factor; the reference's own interval is not
    counted. Value and threshold are compared to nine digits, so that the rounding of a product decides nothing.
    Where the value or the reference is missing or not finite, the gate is "not measured", never met.
    """
    threshold = gate.number
    if gate.reference is not None:
        held_against, name = gate.reference
        base = _finite(scores.get(held_against, {}).get(name))
        if base is None:
            return _not_measured(gate, subject, held_against, name, scores)
        threshold *= base
    score = scores.get(subject, {}).get(gate.metric)
    value = _finite(score)
    if score is None or value is None:
        return _not_measured(gate, subject, subject, gate.metric, scores)
    met = _holds(gate.op, value, threshold)
    return GateResult(
        name=str(gate),
        subject=subject,
        outcome="met" if met else "missed",
        score=score,
        threshold=threshold,
        why=_why(gate, met, score, threshold, docs or ScoreDocs()),
    )


def judge_all(
    gates: Sequence[Gate], scores: Mapping[str, Scores], docs: ScoreDocs | None = None
) -> tuple[GateResult, ...]:
    """Judge every gate for every subject that a method made."""
    return tuple(judge(gate, name, scores, docs) for name in scores if name not in REFERENCES for gate in gates)


def _why(gate: Gate, met: bool, score: Score, threshold: float, docs: ScoreDocs) -> str:
    words = "met" if met else "missed"
    if gate.reference is not None:
        words += f" against {docs.written(gate.metric, threshold)}"
    ends = [end for end in (score.low, score.high) if end is not None and _holds(gate.op, end, threshold) is not met]
    if ends:
        words += f", but the interval reaches {docs.written(gate.metric, ends[0])}"
    return words


def _not_measured(gate: Gate, subject: str, lacking: str, metric: str, scores: Mapping[str, Scores]) -> GateResult:
    known = {name for flat in scores.values() for name in flat}
    why = f"{lacking} has no {metric}"
    if lacking not in scores:
        why = f"there is no {lacking} model to hold it against"
    elif metric not in known and (close := difflib.get_close_matches(metric, sorted(known), n=1)):
        why += f"; did you mean {close[0]}?"
    return GateResult(
        name=str(gate),
        subject=subject,
        outcome="not measured",
        score=scores.get(subject, {}).get(gate.metric),
        why=why,
    )


def _finite(score: Score | None) -> float | None:
    if score is None or score.value is None or not math.isfinite(score.value):
        return None
    return score.value


def _holds(op: str, value: float, threshold: float) -> bool:
    # Nine significant digits and not nine decimals: a p-value of 1e-19 is far from one of 1e-12.
    same = math.isclose(value, threshold, rel_tol=1e-9)
    return "=" in op if same else _OPERATORS[op](value, threshold)


Outcome = Literal["met", "missed", "not measured"]


class GateResult(Value):
    """How one gate came out for one subject."""

    name: str
    """The gate as text: `forget.accuracy <= 0.03`."""
    subject: str
    outcome: Outcome
    score: Score | None = None
    """The score that was judged; None where there was none."""
    threshold: float | None = None
    """The number it was held against; None where the reference was not measured."""
    why: str
    """The outcome in words."""
