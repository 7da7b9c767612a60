"""Gates, which are conditions on the scores of a run.

The user sets the gates before the run. The gates are judged after the scores have been measured.
"""

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
from unlearnkit.data.vocabulary import REFERENCES, RETRAINED
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.score_names import rename_metrics

Scores = Mapping[str, Score]

_OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_NAME = r"[A-Za-z][\w-]*(?:\.[\w-]+)*"
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_GATE = re.compile(rf"\s*({_NAME})\s*(<=|>=|<|>)\s*(.+?)\s*")
_UNSIGNED = _NUMBER.removeprefix("[-+]?")
_REFERENCE = re.compile(
    rf"(?:({_NUMBER})\s*\*\s*)?({'|'.join(REFERENCES)})\.({_NAME})(?:\s*\*\s*({_NUMBER}))?"
    rf"(?:\s*([-+])\s*({_UNSIGNED}))?"
)
_NUMBER_AT_END = re.compile(r"-\d*\.\d+(?:[eE][-+]?\d+)?$")
_ALLOWED = (
    "<metric> <operator> <threshold>. The operator is <=, <, >= or >. The threshold is a number, or a metric of a "
    "reference model (target.<metric> or retrained.<metric>), optionally with a factor (target.<metric>*0.97), an "
    "added number (retrained.<metric> + 0.05), or both, in this order"
)
_FIX = "write the gate like forget.accuracy<=0.03 or near.accuracy>=target.near.accuracy*0.97"


class Gate(Value):
    """A condition on a score: a metric, an operator and a threshold.

    The threshold is either a number, or a multiple of a reference model's score plus a number.
    """

    metric: str
    op: str
    number: float
    """The threshold itself, or the factor by which the reference model's score is multiplied."""
    reference: tuple[str, str] | None = None
    """Names of the reference model and of the metric that define a relative threshold.

    The field is None if the threshold is a plain number.
    """
    offset: float = 0.0
    """Number that is added to a relative threshold."""

    @classmethod
    def parse(cls, text: str, *, where: str | None = None) -> Self:
        """Parse a gate from text.

        Examples of gates: `forget.accuracy<=0.03`, `near.accuracy >= target.near.accuracy*0.97`,
        `forget.accuracy <= retrained.forget.accuracy + 0.05`. Names of scores may contain hyphens, so a minus must be
        separated from the name by a space.

        Args:
            text: the gate as text.
            where: name of the command-line option or the recipe field that contains the text, for error messages.

        Raises:
            InputError: the text is not a gate, or the threshold is not finite.
        """
        text = current_gate(text, warn=True)
        match = _GATE.fullmatch(text)
        if match is None:
            raise InputError("the text is not a gate", where=where, value=text, allowed=_ALLOWED, fix=_FIX)
        metric, op, right = match.groups()
        if re.fullmatch(_NUMBER, right):
            number, reference, offset = float(right), None, 0.0
        elif relative := _REFERENCE.fullmatch(right):
            number, reference, offset = _relative(relative, where or text)
        else:
            raise InputError(
                "the right side of the gate is not a threshold",
                where=where or text,
                value=right,
                allowed=_ALLOWED,
                fix=_FIX,
            )
        if not (math.isfinite(number) and math.isfinite(offset)):
            raise InputError("the threshold of the gate is not finite", where=where or text, value=right, fix=_FIX)
        return cls(metric=metric, op=op, number=number, reference=reference, offset=offset)

    def __str__(self) -> str:
        """Return the gate in canonical form."""
        if self.reference is None:
            return f"{self.metric} {self.op} {self.number:g}"
        factor = "" if self.number == 1 else f" * {self.number:g}"
        term = f" {'-' if self.offset < 0 else '+'} {abs(self.offset):g}" if self.offset else ""
        return f"{self.metric} {self.op} {'.'.join(self.reference)}{factor}{term}"


def _relative(match: re.Match[str], where: str) -> tuple[float, tuple[str, str], float]:
    """Return factor, reference and added number of a relative threshold."""
    before, subject, name, after, sign, term = match.groups()
    if glued := _NUMBER_AT_END.search(name):
        raise InputError(
            "the minus in the threshold reads as a part of the score's name",
            where=where,
            value=match[0],
            fix=f"write spaces around the minus: {subject}.{name[: glued.start()]} - {glued[0][1:]}",
        )
    return float(before or 1) * float(after or 1), (subject, name), float(f"{sign}{term}") if term else 0.0


def current_gate(text: str, *, warn: bool) -> str:
    """Replace outdated metric names in the text of a gate.

    Metric names of earlier versions are replaced by the current names. If `warn` is true and a name was replaced, a
    `RenamedWarning` is issued.
    """
    current = rename_metrics(text)
    if warn and current != text:
        message = f"the gate {text!r} has an outdated metric name, which will stop working: write {current!r} instead"
        warnings.warn(message, RenamedWarning, stacklevel=2)
    return current


Outcome = Literal["met", "missed", "not measured"]


class GateResult(Value):
    """The outcome of one gate for one model."""

    name: str
    """The gate as text, for example `forget.accuracy <= 0.03`."""
    subject: str
    outcome: Outcome
    score: Score | None = None
    """The model's score on the gate's metric. It is None if the model has no score on this metric."""
    threshold: float | None = None
    """The number with which the score was compared. It is None if the gate was not measured for lack of a score."""
    why: str
    """An explanation of the outcome, such as `missed, but the score's interval reaches 0.02`. For a gate that was not
    measured, the explanation states the reason."""


def judge(gate: Gate, subject: str, scores: Mapping[str, Scores], docs: ScoreDocs | None = None) -> GateResult:
    """Judge one gate for one model.

    Only the score's point estimate decides whether the gate is met or missed. If the score's confidence interval
    extends beyond the threshold, `why` in the result states how far, so that readers can distinguish a narrow outcome
    from a clear one. A relative threshold is the factor times the point estimate of the reference model's score, plus
    the added number; the confidence interval of the reference score is ignored. Value and threshold count as equal if
    their relative difference is at most 1e-9, so that rounding errors do not change the outcome. If the score or the
    reference score is missing or not finite, the outcome is "not measured", never "met". The same holds if the score
    was computed from fewer rows than its doc requires (`ScoreDoc.gate_count`) and there is no retrained model.

    Args:
        gate: the gate to judge.
        subject: name of the model to judge.
        scores: the scores of every model, by name of the model.
        docs: titles and number formats of all scores, including the suite's own scores. If None, only this package's
            scores are covered.
    """
    outcome, threshold, why = _outcome(gate, subject, scores, docs or ScoreDocs())
    score = scores.get(subject, {}).get(gate.metric)
    return GateResult(name=str(gate), subject=subject, outcome=outcome, score=score, threshold=threshold, why=why)


def judge_all(
    gates: Sequence[Gate], scores: Mapping[str, Scores], docs: ScoreDocs | None = None
) -> tuple[GateResult, ...]:
    """Judge every gate for every model except the reference models."""
    return tuple(judge(gate, name, scores, docs) for name in scores if name not in REFERENCES for gate in gates)


def _outcome(
    gate: Gate, subject: str, scores: Mapping[str, Scores], docs: ScoreDocs
) -> tuple[Outcome, float | None, str]:
    """Return the outcome, the threshold, and an explanation of the outcome."""
    threshold, against = gate.number, ""
    if gate.reference is not None:
        base = _finite_value(scores, *gate.reference)
        if base is None:
            return "not measured", None, _why_not_measured(scores, *gate.reference)
        threshold = threshold * base + gate.offset
        against = f", with a threshold of {docs.written(gate.metric, threshold)}"
    value = _finite_value(scores, subject, gate.metric)
    if value is None:
        return "not measured", None, _why_not_measured(scores, subject, gate.metric)
    score, needed = scores[subject][gate.metric], docs.of(gate.metric).gate_count
    if score.count < needed and RETRAINED not in scores:
        why = f"{score.count} questions, but without a retrained model, at least {needed} are needed"
        return "not measured", threshold, why
    met = _holds(gate.op, value, threshold)
    outcome: Outcome = "met" if met else "missed"
    ends = [end for end in (score.low, score.high) if end is not None and _holds(gate.op, end, threshold) is not met]
    reaches = f", but the score's interval reaches {docs.written(gate.metric, ends[0])}" if ends else ""
    return outcome, threshold, f"{outcome}{against}{reaches}"


def _why_not_measured(scores: Mapping[str, Scores], subject: str, metric: str) -> str:
    if subject not in scores:
        return f"there is no {subject} model to compare with"
    return f"the model {subject} has no score {metric}{did_you_mean(metric, scores)}"


def did_you_mean(metric: str, scores: Mapping[str, Scores]) -> str:
    """Return a question about a similar name of a score.

    The text is empty if a model has a score of this name, or if no name is similar.
    """
    known = {name for flat in scores.values() for name in flat}
    close = difflib.get_close_matches(metric, sorted(known), n=1) if metric not in known else []
    return f"; did you mean {close[0]}?" if close else ""


def _finite_value(scores: Mapping[str, Scores], subject: str, metric: str) -> float | None:
    value = scores.get(subject, {}).get(metric, NOT_MEASURED).value
    return None if value is None or not math.isfinite(value) else value


def _holds(op: str, value: float, threshold: float) -> bool:
    # Compares nine significant digits. With nine decimals, the p-values 1e-19 and 1e-12 would count as equal, although
    # they differ greatly.
    same = math.isclose(value, threshold, rel_tol=1e-9)
    return "=" in op if same else bool(_OPERATORS[op](value, threshold))
