"""The one metric that sums up what a subject still knows: the axes of the plane, and what a verdict tells first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from unlearnkit.data.vocabulary import is_forget, ordered_sets, stays
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs


class Headline(NamedTuple):
    """A metric, and the words in which a verdict tells it; braces stand for the value."""

    metric: str
    name: str
    forget: str
    other_forms: str
    stay: str
    """With braces for the sets, too."""
    why: str
    """Why it is this one, where that is not plain."""


class Axes(NamedTuple):
    """The row sets over which a metric's means are taken."""

    forget: tuple[str, ...]
    stay: tuple[str, ...]


HEADLINES = (
    Headline(
        "rougeL_recall",
        "ROUGE-L recall",
        "Of the words of the answers that it was to forget it gives back {value}",
        "it gives back {value} of them",
        "Of the words of the answers that must stay ({sets}) it gives back {value}",
        "ROUGE-L recall is the share of an answer's words that come back in their order. Accuracy asks for the whole "
        "answer word for word, which says little of long answers. Some words come back from a model that never knew: "
        "what matters is the distance to the retrained model or, without one, to the target model.",
    ),
    Headline(
        "accuracy",
        "accuracy",
        "Of the questions it was to forget it answers {value} correctly",
        "it is correct in {value}",
        "Of what must stay ({sets}) it answers {value} correctly",
        "",
    ),
    Headline(
        "exact_memorization",
        "exact memorization",
        "Of the tokens it was to forget it still expects {value}",
        "it still expects {value}",
        "Of the tokens that must stay ({sets}) it expects {value}",
        "Exact memorization is the share of tokens that the model finds the likeliest after those before them. Texts "
        "ask for nothing, so no answer to them can be right or wrong. Many tokens can be guessed by a model that never "
        "read the text: what matters is the distance to the retrained model or, without one, to the target model.",
    ),
)
"""The first one that was measured is taken. A suite that brings ROUGE-L recall asks for answers in whole sentences."""


def headline(subject_scores: Iterable[Mapping[str, Score]], docs: ScoreDocs) -> Headline:
    """The metric to sum up these subjects by: measured on what must be forgotten and on what must stay, if one was."""
    scores = list(subject_scores)
    found = [(each, axes(scores, each.metric, docs)) for each in HEADLINES]
    both = [each for each, sets in found if sets.forget and sets.stay]
    forget = [each for each, sets in found if sets.forget]
    return next(iter([*both, *forget, *(each for each in HEADLINES if each.metric == "accuracy")]))


def axes(subject_scores: Iterable[Mapping[str, Score]], metric: str, docs: ScoreDocs) -> Axes:
    """The sets to be forgotten, and those that must stay, on which a metric was measured for any of the subjects."""
    names = {name for scores in subject_scores for name in docs.on_board(scores)}
    splits = ordered_sets(name.split for name in names if name.metric == metric)
    return Axes(tuple(filter(is_forget, splits)), tuple(filter(stays, splits)))
