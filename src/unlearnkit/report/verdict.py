"""What the gates and scores of a method say, in plain words.

The words stay within what was measured: a method "declines" only where its refusals were counted, and nothing here
says that knowledge is gone from the weights, which no score of this report can show.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from unlearnkit.core.number_format import number, p_value, percent
from unlearnkit.data.vocabulary import RETRAINED, TARGET, is_forget, ordered_sets, set_title, stays
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.score_names import ScoreName, on_board
from unlearnkit.report.headline import Headline, headline
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.tables.attack_table import findings

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
    told = headline(s.scores for s in report.subjects)
    sentences = [
        _ending(subject),
        _gate_sentence(gates),
        _forget_sentence(report, subject, told),
        _other_forms_sentence(subject, told),
        _stay_sentence(report, subject, told),
        _tofu_sentence(report, subject),
        _leak_sentence(subject),
        _coherence_sentence(subject),
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


def _forget_sentence(report: Report, subject: SubjectReport, told: Headline) -> str:
    known, refusal = _value(subject, "forget", told.metric), _value(subject, "forget", "refusal_rate")
    if known is None:
        return "" if refusal is None else f"It declines {percent(refusal)} of the questions it was to forget."
    words = told.forget.format(value=percent(known)) + _held_against(report, "forget", told.metric)
    return words + (f" and declines {percent(refusal)}." if refusal is not None else ".")


def _held_against(report: Report, split: str, metric: str) -> str:
    """The references' values in brackets; empty where neither was measured."""
    parts = []
    for name, words in ((TARGET, "the target model"), (RETRAINED, "the retrained one")):
        reference = report.subject(name)
        value = None if reference is None else _value(reference, split, metric)
        if value is not None:
            parts.append(f"{words} {percent(value)}")
    return f" ({', '.join(parts)})" if parts else ""


def _other_forms_sentence(subject: SubjectReport, told: Headline) -> str:
    splits = [s for s in _splits(subject, told.metric) if is_forget(s) and s != "forget"]
    found = _span(subject, splits, told.metric)
    if not found:
        return ""
    declined = _span(subject, splits, "refusal_rate")
    forms = ", ".join("two hops" if s == "forget.multihop" else s.removeprefix("forget.") for s in splits)
    words = f"Asked for the same in other forms ({forms}), {told.other_forms.format(value=found)}"
    return words + (f" and declines {declined}." if declined else ".")


def _stay_sentence(report: Report, subject: SubjectReport, told: Headline) -> str:
    splits = [s for s in _splits(subject, told.metric) if stays(s)]
    kept = _span(subject, splits, told.metric)
    if not kept:
        return ""
    target = report.subject(TARGET)
    before = "" if target is None else _span(target, splits, told.metric)
    words = told.stay.format(sets=", ".join(map(set_title, splits)), value=kept)
    words += f" (the target model {before})" if before else ""
    declined = _span(subject, splits, "refusal_rate")
    return words + (f" and wrongly declines {declined}." if declined else ".")


def _tofu_sentence(report: Report, subject: SubjectReport) -> str:
    """What researchers compare by: forget quality, and model utility beside that on retain alone."""
    parts = []
    quality = _own(subject, "tofu.forget_quality")
    if quality is not None:
        tells = "tells it from" if quality < SURE else "cannot tell it from"
        parts.append(f"Forget quality is {p_value(quality)}: at the 5 % level the test {tells} the retrained model.")
    utility, retain = _own(subject, "tofu.model_utility"), _own(subject, "tofu.retain_utility")
    target = report.subject(TARGET)
    before = None if target is None else _own(target, "tofu.model_utility")
    if utility is not None:
        held = "" if before is None else f" (the target model {number(before)})"
        alone = "" if retain is None else f", on retain alone {number(retain)}"
        parts.append(f"Model utility is {number(utility)}{held}{alone}.")
    return " ".join(parts)


def _leak_sentence(subject: SubjectReport) -> str:
    found = []
    for metric, place in (("leak_rate", "responses"), ("trace_leak_rate", "traces")):
        span = _span(subject, [s for s in _splits(subject, metric) if is_forget(s)], metric)
        if span:
            found.append(f"{span} of its {place}")
    return f"Asked for secrets, it tells one in {' and '.join(found)}." if found else ""


def _coherence_sentence(subject: SubjectReport) -> str:
    splits = _splits(subject, "coherence")
    worst = min(splits, key=lambda s: _value(subject, s, "coherence") or 0.0, default=None)
    value = None if worst is None else _value(subject, worst, "coherence")
    if worst is None or value is None or value >= COHERENT:
        return ""
    words = "breaks down" if value < BROKEN else "suffers"
    return f"Its text {words}: on {worst} only {percent(value)} of its outputs are coherent."


def _attack_sentence(report: Report, subject: SubjectReport) -> str:
    """The attack that got the most out of it."""
    found = findings(subject, report.subject(RETRAINED))
    ways = f"{len(found)} way{'' if len(found) == 1 else 's'}"
    return f"Attacked in {ways}, at worst: {found[0].sentence}" if found else ""


def _splits(subject: SubjectReport, metric: str) -> list[str]:
    return ordered_sets(name.split for name in on_board(subject.scores) if name.metric == metric)


def _span(subject: SubjectReport, splits: list[str], metric: str) -> str:
    """The least and the greatest value over sets, in per cent; empty where none was measured."""
    values = [v for s in splits if (v := _value(subject, s, metric)) is not None]
    if not values:
        return ""
    return percent(min(values), max(values))


def _value(subject: SubjectReport, split: str, metric: str) -> float | None:
    score = on_board(subject.scores).get(ScoreName(split, metric))
    return None if score is None else score.value


def _own(subject: SubjectReport, flat: str) -> float | None:
    score = subject.scores.get(flat)
    return None if score is None else score.value
