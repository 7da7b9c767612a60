"""Results of attacks, as tables and sentences.

A sentence follows from a rule. The rule compares a subject with the retrained model under the same attack, on the row
set where the two differ most. They differ if their 95 % intervals do not overlap. An attack that extracts nothing shows
only that this attack extracts nothing: no sentence says that knowledge was removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from unlearnkit.attacks.scores import ATTACK_DOCS, LEFT_OUT, PLAIN
from unlearnkit.core.number_format import number, percent
from unlearnkit.data.vocabulary import RETRAINED, ordered_sets, set_title
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_doc import ScoreDoc
from unlearnkit.metrics.score_names import AttackName, parse_attack
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.tables.board import cell, subject_row
from unlearnkit.report.tables.table import Cell, Column, Row, Section, Table

DECLINES = 0.5
"""Minimum refusal rate on plain questions of a subject that declines."""

Kind = Literal["knows", "likelier", "nothing", "alone"]
_WORST: tuple[Kind, ...] = ("knows", "likelier", "alone", "nothing")


class Finding(NamedTuple):
    """What one attack showed about one subject."""

    attempt: str
    kind: Kind
    """knows: it answers more than the retrained model. likelier: it only assigns answers a higher likelihood.
    nothing: neither. alone: the retrained model was not attacked in the same way."""
    excess: float
    """Answers, or log-probability, above the retrained model's; within a kind, more is worse."""
    sentence: str


def attack_table(report: Report) -> Table | None:
    """Return all attempts by row set and metric; None without attacks."""
    names = {parse_attack(flat) for s in report.subjects for flat in s.attacks}
    if not names:
        return None
    splits = ordered_sets(name.split for name in names)
    return Table(
        tuple(Column(split, doc.title, set_title(split)) for split in splits for doc in ATTACK_DOCS.values()),
        tuple(_section(report, attempt, splits) for attempt in sorted({name.attempt for name in names})),
    )


def attack_sentences(report: Report) -> dict[str, list[str]]:
    """Return what each attack showed, by the method's name.

    The sentences are in alphabetical order of the attacks.
    """
    retrained = report.subject(RETRAINED)
    return {s.name: [one.sentence for one in sorted(findings(s, retrained))] for s in report.methods}


def findings(subject: SubjectReport, retrained: SubjectReport | None) -> list[Finding]:
    """Return what each attack on a subject showed, the worst first."""
    attempts = sorted({parse_attack(flat).attempt for flat in subject.attacks})
    found = [one for attempt in attempts if (one := finding(subject, retrained, attempt)) is not None]
    return sorted(found, key=lambda one: (_WORST.index(one.kind), -one.excess, one.attempt))


def finding(subject: SubjectReport, retrained: SubjectReport | None, attempt: str) -> Finding | None:
    """Return what one attack showed; None if nothing was measured."""
    own = _by_split(subject, attempt, "accuracy")
    if not own:
        return None
    if retrained is None or not alike(subject, retrained, attempt):
        split = max(own, key=lambda s: _value(own[s]))
        sentence = (
            f"Under {attempt} ({split}) it answers {percent(_value(own[split]))} of the questions. The retrained model "
            "was not attacked in the same way, so how much of that any model could guess is not known."
        )
        return Finding(attempt, "alone", _value(own[split]), sentence)
    theirs = _by_split(retrained, attempt, "accuracy")
    split = _widest_gap(own, theirs)
    figures = f"under {attempt} ({split}) it answers {percent(_value(own[split]))} of the questions, "
    figures += f"the retrained model {percent(_value(theirs[split]))}"
    if _is_above(own[split], theirs[split]):
        refusals = _value(_score(subject, AttackName(attempt, split, f"{PLAIN}refusal_rate")))
        verdict = "Declines, and still knows" if refusals >= DECLINES else "Still knows"
        return Finding(attempt, "knows", _excess(own[split], theirs[split]), f"{verdict}: {figures}.")
    own, theirs = (_by_split(each, attempt, "log_probability") for each in (subject, retrained))
    if not own.keys() & theirs.keys():
        return Finding(attempt, "nothing", 0.0, f"Answers no more than a model that never knew: {figures}.")
    split = _widest_gap(own, theirs)
    figures += f"; the answer's mean log-probability is {number(_value(own[split]))} on {split}, "
    figures += f"the retrained model's {number(_value(theirs[split]))}"
    likelier = _is_above(own[split], theirs[split])
    verdict = "Does not say it, and still finds it likelier" if likelier else "Shows no more"
    sentence = f"{verdict} than a model that never knew: {figures}."
    return Finding(attempt, "likelier" if likelier else "nothing", _excess(own[split], theirs[split]), sentence)


def alike(one: SubjectReport, other: SubjectReport, attempt: str) -> bool:
    """Return whether both were attacked with the same settings.

    They were then attacked on the same rows.
    """
    attacks = [subject.attacked.get(attempt.partition(".")[0]) for subject in (one, other)]
    settings = [None if attack is None else attack.settings for attack in attacks]
    return None not in settings and settings[0] == settings[1]


def attacked_table(subject: SubjectReport, retrained: SubjectReport | None, title: str = "") -> Table:
    """Return every attempt on one subject, with one row per set.

    Each metric is shown under the attack, on plain questions, and for the retrained model under the attack.
    """
    names = sorted({parse_attack(flat) for flat in subject.attacks})
    compared = ["retrained"] if retrained is not None else []
    heads = ["rows", *(head for doc in ATTACK_DOCS.values() for head in (doc.title, "plain", *compared))]
    sections = []
    for attempt, members in groupby(names, key=lambda name: name.attempt):
        reference = retrained if retrained is not None and alike(subject, retrained, attempt) else None
        rows = []
        for split in ordered_sets(name.split for name in members):
            cells, count = [], 0
            for metric, doc in ATTACK_DOCS.items():
                name = AttackName(attempt, split, metric)
                scores = [_score(subject, name), _score(subject, name._replace(metric=PLAIN + metric))]
                scores += [_score(reference, name) for _ in compared]
                cells += [cell(score, doc) for score in scores]
                count = max(count, scores[0].count)
            rows.append(Row(split, split, (Cell(f"{count:,}"), *cells)))
        sections.append(Section(attempt, attempt, tuple(rows)))
    columns = tuple(Column(head, head) for head in heads)
    return Table(columns, tuple(sections), title=title, note="- not measured")


def _section(report: Report, attempt: str, splits: Sequence[str]) -> Section:
    attacked = [s for s in report.subjects if any(parse_attack(flat).attempt == attempt for flat in s.attacks)]
    attack = attacked[0].attacked.get(attempt.partition(".")[0])
    rows = (
        subject_row(s, [_cell(s, AttackName(attempt, split, m), d) for split in splits for m, d in ATTACK_DOCS.items()])
        for s in attacked
    )
    return Section(attempt, attempt, tuple(rows), f"{attack.summary} Budget: {attack.budget}." if attack else "")


def _cell(subject: SubjectReport, name: AttackName, doc: ScoreDoc) -> Cell:
    """Return the value under the attack.

    In place of the interval it has the value on plain questions of the same rows.
    """
    attacked = cell(_score(subject, name), doc)
    if not attacked.value:
        return attacked
    plain = cell(_score(subject, name._replace(metric=PLAIN + name.metric)), doc).value or "-"
    out = _value(_score(subject, name._replace(metric=LEFT_OUT)))
    tip = attacked.tip + (f"; {out:.0f} left out" if out else "")
    return attacked._replace(interval=f"plain {plain}", tip=tip, bar=None)


def _widest_gap(own: Mapping[str, Score], theirs: Mapping[str, Score]) -> str:
    """Return the row set on which one score exceeds the other most."""
    return max(ordered_sets(own.keys() & theirs.keys()), key=lambda split: _excess(own[split], theirs[split]))


def _excess(one: Score, other: Score) -> float:
    return _value(one) - _value(other)


def _is_above(one: Score, other: Score) -> bool:
    """Return whether one interval is above the other.

    0 of n rows is compatible with a rate of up to 3/n, which a bootstrap interval does not show.
    """
    low = _value(one) if one.low is None else one.low
    high = _value(other) if other.high is None else other.high
    return low > (max(high, 3 / other.count) if other.value == 0 and other.count else high)


def _score(subject: SubjectReport | None, name: AttackName) -> Score:
    return NOT_MEASURED if subject is None else subject.attacks.get(str(name), NOT_MEASURED)


def _by_split(subject: SubjectReport, attempt: str, metric: str) -> dict[str, Score]:
    """Return the measured scores of a metric, by row set."""
    scores = {parse_attack(flat): score for flat, score in subject.attacks.items() if score.value is not None}
    return {name.split: score for name, score in scores.items() if (name.attempt, name.metric) == (attempt, metric)}


def _value(score: Score) -> float:
    return 0.0 if score.value is None else score.value
