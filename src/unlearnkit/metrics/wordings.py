"""Accuracy and refusals by the form of questions.

A form is, for example, keywords or a surname. Rows name the form in the field `wording`. The names of the scores are
`wording.<set>.<form>.<part>`. The form `any` stands for all rows of the set that have a form. The parts are:

- `accuracy`: all questions of the set in this form;
- `known`: accuracy on those that the target model answers correctly;
- `unfamiliar`: accuracy on those whose note is no training label. A note is a label if a row of the set `forget` has it
  as its trace. A paraphrase of a forget row has such a note, so a method has learned what to write after this note.
  Missing if the forget rows have no traces.
- `declined`: refusal rate on all questions of the set in this form;
- `declined_known`: refusal rate on those that the target model answers correctly.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from unlearnkit.data.vocabulary import is_forget, set_title
from unlearnkit.metrics.base import Metric
from unlearnkit.metrics.board import mean_of
from unlearnkit.metrics.plugins.accuracy import Accuracy
from unlearnkit.metrics.plugins.refusal_rate import RefusalRate
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_doc import ScoreDoc, ScoreTable
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope

ALL, KNOWN, UNFAMILIAR, DECLINED, DECLINED_KNOWN = "accuracy", "known", "unfamiliar", "declined", "declined_known"
ANY = "any"
"""Name that stands for all forms of a set."""
_VARIANTS = {
    KNOWN: (
        "Questions that the target model answers correctly",
        "Accuracy on these questions alone. On the others, a wrong answer shows no forgetting.",
    ),
    UNFAMILIAR: (
        "Questions whose note is no training label",
        "Accuracy on forget questions without those that only paraphrase a row on which methods train.",
    ),
    DECLINED: ("Share of questions that are declined", "Refusal rate on all questions of the form."),
    DECLINED_KNOWN: (
        "Share that is declined of the questions that the target model answers correctly",
        "Refusal rate on these questions alone.",
    ),
}
WORDINGS = ScoreTable(
    "wordings",
    "Accuracy and refusals by the form of the question",
    "Each row is one form in which people ask, such as keywords, a surname alone, or typing errors. Low accuracy is "
    "wanted on forget sets, high accuracy elsewhere. The forms are those of the questions, whatever their language.",
    tuple(_VARIANTS.values()),
    "On some of the questions",
)
_NAME = re.compile(rf"wording\.(.+)\.([^.]+)\.({'|'.join((ALL, *_VARIANTS))})")


class WordingName(NamedTuple):
    """The name of a score by form, split into its parts."""

    split: str
    wording: str
    part: str


def parse_wording(flat: str) -> WordingName | None:
    """Parse the name of a score by form.

    Returns None if `flat` is not the name of such a score.
    """
    match = _NAME.fullmatch(flat)
    return None if match is None else WordingName(*match.groups())


def wording_doc(name: WordingName) -> ScoreDoc:
    """Return the title and explanation of a score by form."""
    title, _ = _VARIANTS.get(name.part, ("", ""))
    set_name = f"forget, {set_title(name.split)}" if is_forget(name.split) else set_title(name.split)
    form = "all forms" if name.wording == ANY else name.wording.replace("_", " ")
    low = is_forget(name.split) != (name.part in (DECLINED, DECLINED_KNOWN))
    return ScoreDoc(f"{set_name}: {form}", f"{'low' if low else 'high'} is wanted", table=WORDINGS, variant=title)


def wording_scores(records: Sequence[Record], target: Sequence[Record], scope: Scope) -> dict[str, Score]:
    """Return accuracies and refusal rates by set and form.

    Rows without a form are left out. The result is empty if no row has a form.

    Args:
        records: records of the model under test.
        target: records of the target model; empty if there are none. Without them, the parts `known` and
            `declined_known` are missing.
        scope: the scope.
    """
    right = {(r.split, r.row.id) for r in target if Accuracy.measure(r, scope) == 1.0}
    labels = {record.row.trace for record in records if record.split == "forget"} - {""}
    groups: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.row.wording:
            for form in (record.row.wording, ANY):
                groups[record.split, form].append(record)
    scores: dict[str, Score] = {}
    for (split, wording), members in sorted(groups.items()):
        known = [r for r in members if (r.split, r.row.id) in right]
        parts: dict[str, tuple[type[Metric], list[Record]]] = {
            ALL: (Accuracy, members),
            DECLINED: (RefusalRate, members),
        }
        if target:
            parts |= {KNOWN: (Accuracy, known), DECLINED_KNOWN: (RefusalRate, known)}
        if is_forget(split) and labels:
            parts[UNFAMILIAR] = (Accuracy, [r for r in members if r.row.trace not in labels])
        for part, (metric, chosen) in parts.items():
            scores[f"wording.{split}.{wording}.{part}"] = mean_of(metric, chosen, scope)
    return scores
