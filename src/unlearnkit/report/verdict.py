"""Write the verdict on a method in plain sentences.

The sentences state only what was measured. For example, a sentence says that a model "declines" only if its refusals
were counted. No sentence says that knowledge was removed from the weights, because no score in the report can show that
knowledge was removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from unlearnkit.core.number_format import counted, percent, written
from unlearnkit.data.vocabulary import (
    REFERENCES,
    RETRAINED,
    TARGET,
    is_forget,
    ordered_sets,
    set_title,
    showing_kept,
    stays,
)
from unlearnkit.metrics.comparisons import SIGNIFICANT
from unlearnkit.metrics.faithfulness import faithfulness_sentence
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.intervals import holm
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_names import ScoreName
from unlearnkit.metrics.subject_scores import ENOUGH, TELLS_LIMIT
from unlearnkit.report.adapter_note import without_adapter
from unlearnkit.report.disclosed import disclosure_sentence
from unlearnkit.report.first_lines import first_lines
from unlearnkit.report.headline import headline
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.tables.attack_table import findings

Board = Mapping[ScoreName, Score]
Tone = Literal["good", "mixed", "bad", "none"]
_REFERENCES = {TARGET: "target model:", RETRAINED: "retrained model:"}


class Verdict(NamedTuple):
    """The badge and the sentences about one method."""

    subject: SubjectReport
    tone: Tone
    badge: str
    sentences: tuple[str, ...]
    missed: tuple[str, ...]
    """Names of the gates that the method missed."""
    unknown: tuple[str, ...]
    """Names of the gates that could not be evaluated, because their scores were not measured."""


def verdict(report: Report, subject: SubjectReport) -> Verdict:
    """Return the verdict on a method."""
    gates = [g for g in report.gates if g.subject == subject.name]
    tone, badge = _badge(subject, gates)
    own = report.docs.on_board(subject.scores)
    collapsed = "Training collapsed: it stopped at a non-finite loss. The scores are from the last finite checkpoint."
    target = report.subject(TARGET)
    apart = without_adapter(subject.scores, target.scores if target else None, report.docs) if subject.adapter else ""
    scores = {each.name: each.scores for each in (subject, *filter(None, map(report.subject, REFERENCES)))}
    sentences = (
        apart,
        *first_lines(subject.name, scores, report.docs),
        collapsed if subject.collapsed else "",
        _gate_sentence(gates),
        *_headline_sentences(report, own),
        *_stated_scores(report, subject),
        _leak_sentence(own),
        faithfulness_sentence(subject.scores),
        "" if report.scope.may_disclose else disclosure_sentence(subject),
        _worst_subject_sentence(subject),
        _attack_sentence(report, subject),
    )
    missed, unknown = (tuple(g.name for g in gates if g.outcome == outcome) for outcome in ("missed", "not measured"))
    return Verdict(subject, tone, badge, tuple(filter(None, sentences)), missed, unknown)


def _badge(subject: SubjectReport, gates: Sequence[GateResult]) -> tuple[Tone, str]:
    met, missed = (sum(g.outcome == outcome for g in gates) for outcome in ("met", "missed"))
    if subject.collapsed:
        return "bad", "collapsed"
    if not gates:
        return "none", "no gates"
    if met == len(gates):
        return "good", "all gates met" if met > 1 else "gate met"
    if missed:
        return ("mixed" if met >= missed else "bad"), f"{missed} of {len(gates)} gates missed"
    return "none", f"{len(gates) - met} of {len(gates)} gates not measured"


def _gate_sentence(gates: Sequence[GateResult]) -> str:
    if not gates:
        return "No gates were set, so there is no pass or fail."
    met = sum(g.outcome == "met" for g in gates)
    return f"It meets {met} of {len(gates)} gates." if met < len(gates) else "It meets every gate."


def _headline_sentences(report: Report, own: Board) -> list[str]:
    """Return sentences on the headline metric and on refusals.

    There is one sentence on the set `forget`, one on the other forget sets, and one on the sets that show what the
    model keeps. If retain rows were held out, a further sentence is on the retain rows that are trained on. A sentence
    is empty if none of its row sets was measured.
    """
    first = headline((s.scores for s in report.subjects), report.docs)
    splits = _splits(own, first.metric)
    others = [s for s in splits if is_forget(s) and s != "forget"]
    staying = showing_kept(splits)
    trained = [s for s in splits if stays(s) and s not in staying]
    references = {name: report.docs.on_board(found.scores) for name in _REFERENCES if (found := report.subject(name))}

    def sentence(text: str, sets: Sequence[str], compared: Sequence[str] = (), declines: str = "declines") -> str:
        value, declined = _span(own, sets, first.metric), _span(own, sets, "refusal_rate")
        if not value:
            return ""
        parts = [
            f"{_REFERENCES[name]} {span}"
            for name in compared
            if name in references and (span := _span(references[name], sets, first.metric))
        ]
        words = text.format(value=value, sets=", ".join(map(set_title, sets)))
        words += f" ({', '.join(parts)})" if parts else ""
        return words + (f" and {declines} {declined}." if declined else ".")

    forget = sentence(first.forget, ["forget"], tuple(_REFERENCES))
    if not forget and (declined := _span(own, ["forget"], "refusal_rate")):
        forget = f"It declines {declined} of the forget questions."
    return [
        forget,
        sentence(f"On the other forms of the forget set ({{sets}}), {first.other_forms}", others),
        sentence(first.stay, staying, (TARGET,), "wrongly declines"),
        sentence(first.stay_trained, trained, (TARGET,), "wrongly declines"),
    ]


def _stated_scores(report: Report, subject: SubjectReport) -> list[str]:
    """Return a sentence for each suite score that belongs in the verdict.

    Each sentence states the score of the method's model. If the score is a p-value, the sentence also states whether
    the test distinguishes the model from the retrained model, after a correction for the number of tests (Holm).
    Otherwise, the sentence also states the score of the target model, if there is one.
    """
    target, sentences = report.subject(TARGET), []
    stated = [
        (own, value)
        for own in report.docs.own(subject.scores)
        if own.doc.verdict and (value := subject.scores[own.flat].value) is not None
    ]
    tested = [(own.flat, value) for own, value in stated if own.doc.format == "p-value"]
    corrected = dict(zip((flat for flat, _ in tested), holm([value for _, value in tested]), strict=True))
    for own, value in stated:
        sentence = f"{own.doc.title} is {written(value, own.doc.format)}"
        before = None if target is None else target.scores.get(own.flat, NOT_MEASURED).value
        if own.doc.format == "p-value":
            distinguishes = "distinguishes" if corrected[own.flat] < SIGNIFICANT else "does not distinguish"
            sentence += f": at the 5 % level, the test {distinguishes} the model from the retrained model"
        elif before is not None:
            sentence += f" (target model: {written(before, own.doc.format)})"
        sentences.append(f"{sentence}.")
    return sentences


def _leak_sentence(own: Board) -> str:
    leaks = []
    for metric, place in (("leak_rate", "responses"), ("trace_leak_rate", "traces")):
        if span := _span(own, [s for s in _splits(own, metric) if is_forget(s)], metric):
            leaks.append(f"{span} of its {place}")
    return f"On forget questions, it reveals a secret in {' and '.join(leaks)}." if leaks else ""


def _worst_subject_sentence(subject: SubjectReport) -> str:
    """Return a sentence on the worst subject."""
    limit = subject.scores.get(TELLS_LIMIT, NOT_MEASURED)
    if limit.value is None:
        return ""
    few = f" Fewer than {ENOUGH} questions are too few for a low limit." if limit.count < ENOUGH else ""
    return (
        f"For no subject are more than {percent(limit.value)} of the responses revealing, with 95 % confidence "
        f"(subject with the highest limit: number {limit.subject}, {counted(limit.count, 'question')}).{few}"
    )


def _attack_sentence(report: Report, subject: SubjectReport) -> str:
    """Return a sentence on what the most successful attack showed."""
    found = findings(subject, report.subject(RETRAINED))
    ways = f"{len(found)} way{'' if len(found) == 1 else 's'}"
    return f"It was attacked in {ways}. Worst result: {found[0].sentence}" if found else ""


def _splits(board: Board, metric: str) -> list[str]:
    return ordered_sets(name.split for name in board if name.metric == metric)


def _span(board: Board, splits: Sequence[str], metric: str) -> str:
    """Return the range of a metric over row sets, in percent.

    The returned text is empty if the metric was not measured on any of the sets.
    """
    scores = [board.get(ScoreName(split, metric), NOT_MEASURED).value for split in splits]
    values = [value for value in scores if value is not None]
    return percent(min(values), max(values)) if values else ""
