"""Gates: thresholds on scores, set before the run, and their outcomes."""

from __future__ import annotations

import difflib
import math
import operator
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Literal, Self

from unlearnkit.core.errors import InputError
from unlearnkit.core.settings import RenamedWarning, Value
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.score_names import rename_metrics

Scores = Mapping[str, Score]

_OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_NAME = r"[A-Za-z][\w-]*(?:\.[\w-]+)*"
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_GATE = re.compile(rf"\s*({_NAME})\s*(<=|>=|<|>)\s*(.+?)\s*")
_REFERENCE = re.compile(rf"(?:({_NUMBER})\s*\*\s*)?({'|'.join(REFERENCES)})\.({_NAME})(?:\s*\*\s*({_NUMBER}))?")
_ALLOWED = "<metric> <=|<|>=|> <number>, target.<metric>, retrained.<metric>, either of them * <number>"
_FIX = "write it like forget.accuracy<=0.03 or near.accuracy>=target.near.accuracy*0.97"


class Gate(Value):
    """A metric, an operator and a threshold.

    The threshold is a number, or a multiple of a reference's score.
    """

    metric: str
    op: str
    number: float
    """The threshold itself, or the factor of the reference's score."""
    reference: tuple[str, str] | None = None
    """Reference model and metric that the threshold is relative to."""

    @classmethod
    def parse(cls, text: str, *, where: str | None = None) -> Self:
        """Parse a gate.

        Examples: `forget.accuracy<=0.03`, `near.accuracy >= target.near.accuracy*0.97`.

        Args:
            text: the gate.
            where: the place it comes from (`--gate`, a recipe's field), for the error.

        Raises:
            InputError: it is not a gate, or its threshold is not finite.
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
        """The gate in canonical form."""
        if self.reference is None:
            return f"{self.metric} {self.op} {self.number:g}"
        factor = "" if self.number == 1 else f" * {self.number:g}"
        return f"{self.metric} {self.op} {'.'.join(self.reference)}{factor}"


def current_gate(text: str, *, warn: bool) -> str:
    """Replace metric names of earlier versions in the text of a gate.

    If `warn`, issue a `RenamedWarning` for them.
    """
    current = rename_metrics(text)
    if warn and current != text:
        message = f"the gate {text!r} is now written {current!r}; the old name will stop working"
        warnings.warn(message, RenamedWarning, stacklevel=2)
    return current


Outcome = Literal["met", "missed", "not measured"]


class GateResult(Value):
    """The outcome of one gate for one subject."""

    name: str
    """The gate as text: `forget.accuracy <= 0.03`."""
    subject: str
    outcome: Outcome
    score: Score | None = None
    """The score that was judged; None if there is none."""
    threshold: float | None = None
    """The number that the score was compared with; None if the gate was not measured."""
    why: str
    """The outcome in words."""


def judge(gate: Gate, subject: str, scores: Mapping[str, Scores], docs: ScoreDocs | None = None) -> GateResult:
    """Judge one gate for one subject.

    Only the point value decides between met and missed. If the interval lies on both sides of the threshold, `why` says
    how far it reaches, so that a narrow outcome can be distinguished from a clear one. A relative threshold is the
    reference's point value times the factor; the reference's interval does not count. Value and threshold are compared
    to nine digits, so that the rounding of a product decides nothing. If the value or the reference is missing or not
    finite, the gate is "not measured", never met.

    Args:
        gate: the gate.
        subject: name of the subject.
        scores: the scores of every subject, by its name.
        docs: docs of the scores, if a suite has its own.
    """
    outcome, threshold, why = _outcome(gate, subject, scores, docs or ScoreDocs())
    score = scores.get(subject, {}).get(gate.metric)
    return GateResult(name=str(gate), subject=subject, outcome=outcome, score=score, threshold=threshold, why=why)


def judge_all(
    gates: Sequence[Gate], scores: Mapping[str, Scores], docs: ScoreDocs | None = None
) -> tuple[GateResult, ...]:
    """Judge every gate for every subject that a method made."""
    return tuple(judge(gate, name, scores, docs) for name in scores if name not in REFERENCES for gate in gates)


def _outcome(
    gate: Gate, subject: str, scores: Mapping[str, Scores], docs: ScoreDocs
) -> tuple[Outcome, float | None, str]:
    """Return outcome, threshold and the outcome in words."""
    threshold, against = gate.number, ""
    if gate.reference is not None:
        base = _finite_value(scores, *gate.reference)
        if base is None:
            return "not measured", None, _why_not_measured(scores, *gate.reference)
        threshold *= base
        against = f" against {docs.written(gate.metric, threshold)}"
    value = _finite_value(scores, subject, gate.metric)
    if value is None:
        return "not measured", None, _why_not_measured(scores, subject, gate.metric)
    met = _holds(gate.op, value, threshold)
    outcome: Outcome = "met" if met else "missed"
    score = scores[subject][gate.metric]
    ends = [end for end in (score.low, score.high) if end is not None and _holds(gate.op, end, threshold) is not met]
    reaches = f", but the interval reaches {docs.written(gate.metric, ends[0])}" if ends else ""
    return outcome, threshold, f"{outcome}{against}{reaches}"


def _why_not_measured(scores: Mapping[str, Scores], subject: str, metric: str) -> str:
    if subject not in scores:
        return f"there is no {subject} model to hold it against"
    known = {name for flat in scores.values() for name in flat}
    close = difflib.get_close_matches(metric, sorted(known), n=1) if metric not in known else []
    return f"{subject} has no {metric}" + (f"; did you mean {close[0]}?" if close else "")


def _finite_value(scores: Mapping[str, Scores], subject: str, metric: str) -> float | None:
    value = scores.get(subject, {}).get(metric, NOT_MEASURED).value
    return None if value is None or not math.isfinite(value) else value


def _holds(op: str, value: float, threshold: float) -> bool:
    # Nine significant digits, not nine decimals: a p-value of 1e-19 is far from one of 1e-12.
    same = math.isclose(value, threshold, rel_tol=1e-9)
    return "=" in op if same else bool(_OPERATORS[op](value, threshold))
