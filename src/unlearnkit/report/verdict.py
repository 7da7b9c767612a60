"""What the gates and scores of a method say, in plain words.

The words stay within what was measured: a method "declines" only where its refusals were counted, and nothing here
says that knowledge is gone from the weights, which no score of this report can show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from unlearnkit.core.number_format import percent, written
from unlearnkit.data.vocabulary import RETRAINED, TARGET, is_forget, ordered_sets, set_title, stays
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_names import ScoreName
from unlearnkit.report.headline import Headline, headline
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.tables.attack_table import findings

Board = Mapping[ScoreName, Score]
Tone = Literal["good", "mixed", "bad", "none"]
COHERENT, BROKEN = 0.9, 0.5
"""Below these shares of coherent outputs on any set the verdict says that the text suffers, or breaks down."""
SURE = 0.05
"""Below this p-value a test is said to tell two models apart."""


class Verdict(NamedTuple):
    """The badge and the paragraph of one method."""

    subject: SubjectReport
    tone: Tone
    badge: str
    sentences: tuple[str, ...]
    missed: tuple[str, ...]
    """Names of the gates that were missed."""
    unknown: tuple[str, ...]
    """Names of the gates that were not measured."""


def verdict(report: Report, subject: SubjectReport) -> Verdict:
    """The verdict on one method: its gates first, then what lies behind them."""
    gates = [g for g in report.gates if g.subject == subject.name]
    tone, badge = _badge(subject, gates)
    own = report.docs.on_board(subject.scores)
    told = headline((s.scores for s in report.subjects), report.docs)
    sentences = [
        _ending(subject),
        _gate_sentence(gates),
        _forget_sentence(report, own, told),
        _other_forms_sentence(own, told),
        _stay_sentence(report, own, told),
        _own_sentences(report, subject),
        _leak_sentence(own),
        _coherence_sentence(own),
        _attack_sentence(report, subject),
    ]
    missed, unknown = (tuple(g.name for g in gates if g.outcome == outcome) for outcome in ("missed", "not measured"))
    return Verdict(subject, tone, badge, tuple(s for s in sentences if s), missed, unknown)


def _badge(subject: SubjectReport, gates: list[GateResult]) -> tuple[Tone, str]:
    met, missed = (sum(g.outcome == outcome for g in gates) for outcome in ("met", "missed"))
    if subject.ended == "collapsed":
        return "bad", "collapsed"
    if not gates:
        return "none", "no gates"
    if met == len(gates):
        return "good", "all gates met" if met > 1 else "gate met"
    if missed:
        return ("mixed" if met >= missed else "bad"), f"{missed} of {len(gates)} gates missed"
    return "none", f"{len(gates) - met} of {len(gates)} gates not measured"


def _ending(subject: SubjectReport) -> str:
    if subject.ended == "collapsed":
        return "Training collapsed: it stopped at a non-finite loss, and the last finite checkpoint is what is shown."
    return "Training was interrupted before its last step." if subject.ended == "interrupted" else ""


def _gate_sentence(gates: list[GateResult]) -> str:
    if not gates:
        return "No gate was set, so nothing is judged."
    met = sum(g.outcome == "met" for g in gates)
    return f"It meets {met} of {len(gates)} gates." if met < len(gates) else "It meets every gate."


def _forget_sentence(report: Report, own: Board, told: Headline) -> str:
    known, refusal = _value(own, "forget", told.metric), _value(own, "forget", "refusal_rate")
    if known is None:
        return "" if refusal is None else f"It declines {percent(refusal)} of the questions it was to forget."
    words = told.forget.format(value=percent(known)) + _held_against(report, "forget", told.metric)
    return words + (f" and declines {percent(refusal)}." if refusal is not None else ".")


def _held_against(report: Report, split: str, metric: str) -> str:
    """The references' values in brackets; empty where neither was measured."""
    parts = []
    for name, words in ((TARGET, "the target model"), (RETRAINED, "the retrained one")):
        reference = report.subject(name)
        value = None if reference is None else _value(report.docs.on_board(reference.scores), split, metric)
        if value is not None:
            parts.append(f"{words} {percent(value)}")
    return f" ({', '.join(parts)})" if parts else ""


def _other_forms_sentence(own: Board, told: Headline) -> str:
    splits = [s for s in _splits(own, told.metric) if is_forget(s) and s != "forget"]
    found = _span(own, splits, told.metric)
    if not found:
        return ""
    declined = _span(own, splits, "refusal_rate")
    forms = ", ".join("two hops" if s == "forget.multihop" else s.removeprefix("forget.") for s in splits)
    words = f"Asked for the same in other forms ({forms}), {told.other_forms.format(value=found)}"
    return words + (f" and declines {declined}." if declined else ".")


def _stay_sentence(report: Report, own: Board, told: Headline) -> str:
    splits = [s for s in _splits(own, told.metric) if stays(s)]
    kept = _span(own, splits, told.metric)
    if not kept:
        return ""
    target = report.subject(TARGET)
    before = "" if target is None else _span(report.docs.on_board(target.scores), splits, told.metric)
    words = told.stay.format(sets=", ".join(map(set_title, splits)), value=kept)
    words += f" (the target model {before})" if before else ""
    declined = _span(own, splits, "refusal_rate")
    return words + (f" and wrongly declines {declined}." if declined else ".")


def _own_sentences(report: Report, subject: SubjectReport) -> str:
    """The scores that their suite wants to be stated, and those of the target model."""
    target, parts = report.subject(TARGET), []
    for own in report.docs.own(subject.scores):
        value = subject.scores[own.flat].value
        if value is None or not own.doc.verdict:
            continue
        told = f"{own.doc.title} is {written(value, own.doc.format)}"
        if own.doc.format == "p-value":
            tells = "tells it from" if value < SURE else "cannot tell it from"
            parts.append(f"{told}: at the 5 % level the test {tells} the retrained model.")
            continue
        before = None if target is None else target.scores.get(own.flat, NOT_MEASURED).value
        parts.append(told + ("." if before is None else f" (the target model {written(before, own.doc.format)})."))
    return " ".join(parts)


def _leak_sentence(own: Board) -> str:
    found = []
    for metric, place in (("leak_rate", "responses"), ("trace_leak_rate", "traces")):
        span = _span(own, [s for s in _splits(own, metric) if is_forget(s)], metric)
        if span:
            found.append(f"{span} of its {place}")
    return f"Asked for secrets, it tells one in {' and '.join(found)}." if found else ""


def _coherence_sentence(own: Board) -> str:
    splits = _splits(own, "coherence")
    worst = min(splits, key=lambda s: _value(own, s, "coherence") or 0.0, default=None)
    value = None if worst is None else _value(own, worst, "coherence")
    if worst is None or value is None or value >= COHERENT:
        return ""
    words = "breaks down" if value < BROKEN else "suffers"
    return f"Its text {words}: on {worst} only {percent(value)} of its outputs are coherent."


def _attack_sentence(report: Report, subject: SubjectReport) -> str:
    """The attack that got the most out of it."""
    found = findings(subject, report.subject(RETRAINED))
    ways = f"{len(found)} way{'' if len(found) == 1 else 's'}"
    return f"Attacked in {ways}, at worst: {found[0].sentence}" if found else ""


def _splits(board: Board, metric: str) -> list[str]:
    return ordered_sets(name.split for name in board if name.metric == metric)


def _span(board: Board, splits: list[str], metric: str) -> str:
    """The least and the greatest value over sets, in percent; empty if none was measured."""
    values = [v for s in splits if (v := _value(board, s, metric)) is not None]
    return percent(min(values), max(values)) if values else ""


def _value(board: Board, split: str, metric: str) -> float | None:
    score = board.get(ScoreName(split, metric))
    return None if score is None else score.value
