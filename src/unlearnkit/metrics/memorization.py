"""Memorization: how much of the answers a model reproduces.

ROUGE measures recall of the answer's words in the response. The other scores measure what greedy decoding would
extract.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from rouge_score.rouge_scorer import RougeScorer

from unlearnkit.core.errors import InputError
from unlearnkit.metrics.score import Score, mean_score
from unlearnkit.metrics.score_doc import LOW_ON_FORGET, ScoreDoc
from unlearnkit.metrics.values import checked
from unlearnkit.records.schema import Record

_TITLES_AND_HELP = {
    "rougeL_recall": (
        "ROUGE-L recall",
        "share of the answer's words that the response contains in the same order; low is wanted on forget sets, high "
        "elsewhere",
    ),
    "rouge1_recall": ("ROUGE-1 recall", "the same in any order"),
    "extraction_strength": (
        "Extraction strength",
        "share of the answer that the model completes by itself, given the beginning; low is wanted on forget sets",
    ),
    "exact_memorization": (
        "Exact memorization",
        "share of the answer's tokens that are the most likely ones after those before them; low is wanted on forget "
        "sets",
    ),
}
MEMORIZATION_DOCS = {
    name: ScoreDoc(title, text, LOW_ON_FORGET, order=order)
    for order, (name, (title, text)) in enumerate(_TITLES_AND_HELP.items(), 70)
}
"""Docs of the scores of `memorization_scores`, by metric."""


def rouge(record: Record) -> RougeRecall | None:
    """Return the recall of the answer's words in the response.

    None if nothing was generated, or if the answer has no word in rouge-score's alphabet.
    """
    if record.generation is None or not has_rouge_words(record.row.answer):
        return None
    return rouge_recall(record.row.answer, record.generation.response)


def memorization_scores(records: Sequence[Record]) -> dict[str, Score]:
    """Return the memorization scores of one set: means over its rows."""
    ranks = [record.tokens.ranks for record in records if record.tokens is not None]
    recalls = [recall for record in records if (recall := rouge(record)) is not None]
    return {
        "rouge1_recall": mean_score([recall.rouge1 for recall in recalls]),
        "rougeL_recall": mean_score([recall.rouge_l for recall in recalls]),
        "extraction_strength": mean_score([extraction_strength(of_row) for of_row in ranks]),
        "exact_memorization": mean_score([exact_memorization(of_row) for of_row in ranks]),
    }


def mean_logp(logps: Sequence[float]) -> float:
    """Return the mean log-probability of an answer's tokens, in nats.

    This is the logarithm of P(a|q)^(1/|a|).

    Raises:
        InputError: there is no token, or a value is not finite.
    """
    return statistics.fmean(checked(logps, "token log-probabilities"))


class RougeRecall(NamedTuple):
    """Shares of the reference's words in the response, in [0, 1]."""

    rouge1: float
    """In any order."""
    rouge_l: float
    """In the order of the reference: the longest common subsequence."""


@lru_cache(maxsize=16384)  # several metrics need the recall of the same texts
def rouge_recall(reference: str, response: str) -> RougeRecall:
    """Return the ROUGE recall of a response.

    ROUGE-1 and ROUGE-L recall (Lin 2004) as reported by TOFU. Words are stemmed by Porter's stemmer. Computed by
    `rouge-score`, for comparability with published numbers. Its words are runs of ASCII letters and digits: it ignores
    other scripts and splits words at accented letters.

    Raises:
        InputError: the reference has no such word.
    """
    if not has_rouge_words(reference):
        raise InputError(
            "the reference has no word that rouge-score recognizes",
            where="ROUGE recall",
            value=reference,
            allowed="texts with ASCII letters or digits",
            fix="measure accuracy, which supports every script",
        )
    scores = _scorer().score(reference, response)
    return RougeRecall(float(scores["rouge1"].recall), float(scores["rougeL"].recall))


def has_rouge_words(text: str) -> bool:
    """Return whether rouge-score finds a word.

    That is, an ASCII letter or digit.
    """
    return any(character.isascii() and character.isalnum() for character in text.lower())


@cache
def _scorer() -> RougeScorer:
    return RougeScorer(["rouge1", "rougeL"], use_stemmer=True)


def exact_memorization(ranks: Sequence[int]) -> float:
    """Return the share of an answer's tokens that greedy decoding predicts.

    The share is in [0, 1]. Every token counts, including the end-of-text token if it is in the list. Source: Tirumala
    et al. 2022, arXiv 2205.10770.

    Args:
        ranks: rank of each true token given the true tokens before it, 0 for the most likely one.

    Raises:
        InputError: there is no rank, or one is negative.
    """
    return statistics.fmean(rank == 0 for rank in _checked_ranks(ranks))


def extraction_strength(ranks: Sequence[int]) -> float:
    """Return the share of an answer that greedy decoding completes.

    It is 1 - k/n, in [0, 1], where k is the smallest number of first tokens after which greedy decoding produces the
    rest of the n tokens (Carlini et al. 2021, arXiv 2012.07805; used for unlearning by arXiv 2406.09179). As long as
    greedy decoding is correct, it follows the answer, so one teacher-forced pass is enough: the result is the length of
    the longest suffix of ranks 0, divided by n. It is 0 if the last token is wrong, since nothing was extracted. For
    the argument and errors see `exact_memorization`.
    """
    checked_ranks = _checked_ranks(ranks)
    shown = max((at + 1 for at, rank in enumerate(checked_ranks) if rank != 0), default=0)
    return 1.0 - shown / len(checked_ranks)


def _checked_ranks(ranks: Sequence[int]) -> list[float]:
    values = checked(ranks, "token ranks")
    if min(values) < 0:
        raise InputError("a token rank is negative", where="token ranks", value=min(values), allowed="0 or more")
    return values
