"""Memorization: how much of each answer a model reproduces.

ROUGE recall measures how many of the answer's words occur in the response. The other scores measure how much of the
answer greedy decoding would reproduce.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

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
    "rouge1_recall": (
        "ROUGE-1 recall",
        "share of the answer's words that the response contains in any order; low is wanted on forget sets, high "
        "elsewhere",
    ),
    "extraction_strength": (
        "Extraction strength",
        "share of the answer that the model completes by itself, given the beginning of the answer; low is wanted on "
        "forget sets",
    ),
    "exact_memorization": (
        "Exact memorization",
        "share of the answer's tokens that are the model's most likely choice, given all preceding tokens; low is "
        "wanted on forget sets",
    ),
}
MEMORIZATION_DOCS = {
    name: ScoreDoc(title, text, LOW_ON_FORGET, order=order)
    for order, (name, (title, text)) in enumerate(_TITLES_AND_HELP.items(), 70)
}
"""Docs of the scores that `memorization_scores` returns, by metric."""


def rouge(record: Record) -> RougeRecall | None:
    """Return the recall of the answer's words in the response.

    Returns None if nothing was generated, or if the answer has no word that rouge-score recognizes.
    """
    if record.generation is None or not has_rouge_words(record.row.answer):
        return None
    return rouge_recall(record.row.answer, record.generation.response)


def memorization_scores(records: Sequence[Record]) -> dict[str, Score]:
    """Return the memorization scores of a row set, averaged over rows.

    A score leaves out rows on which it was not measured.
    """
    ranks = _ranks(records)
    recalls = [recall for record in records if (recall := rouge(record)) is not None]
    return {
        "rouge1_recall": mean_score([recall.rouge1 for recall in recalls]),
        "rougeL_recall": mean_score([recall.rouge_l for recall in recalls]),
        "extraction_strength": mean_score([extraction_strength(of_row) for of_row in ranks]),
        "exact_memorization": mean_score([exact_memorization(of_row) for of_row in ranks]),
    }


def memorization_scores_open_unlearning(records: Sequence[Record]) -> dict[str, Score]:
    """Return the memorization scores that OpenUnlearning computes differently.

    The scores leave out answers of one token, of which OpenUnlearning counts no token. (OpenUnlearning averages the
    extraction strength of such an answer as 0.)
    """
    ranks = [of_row for of_row in _ranks(records) if len(of_row) > 1]
    return {
        "extraction_strength": mean_score([extraction_strength_open_unlearning(of_row) for of_row in ranks]),
        "exact_memorization": mean_score([exact_memorization_open_unlearning(of_row) for of_row in ranks]),
    }


def _ranks(records: Sequence[Record]) -> list[list[int]]:
    return [record.tokens.ranks for record in records if record.tokens is not None and record.tokens.ranks]


def mean_logp(logps: Sequence[float]) -> float:
    """Return the mean log-probability of an answer's tokens, in nats.

    The result is the logarithm of the length-normalized probability of the answer, P(a|q)^(1/|a|).

    Raises:
        InputError: `logps` is empty, or a value is not finite.
    """
    return statistics.fmean(checked(logps, "token log-probabilities"))


class RougeRecall(NamedTuple):
    """Shares of the reference's words that the response contains.

    Each share is in [0, 1].
    """

    rouge1: float
    """ROUGE-1 recall: the words may occur in any order."""
    rouge_l: float
    """ROUGE-L recall: the words must occur in the order of the reference (longest common subsequence)."""


@lru_cache(maxsize=16384)  # several metrics need the recall of the same texts
def rouge_recall(reference: str, response: str) -> RougeRecall:
    """Return the ROUGE-1 and ROUGE-L recall of a response (Lin 2004).

    TOFU reports the same two scores. The package `rouge-score` computes the scores, so that the scores are comparable
    with published numbers. Words are stemmed by Porter's stemmer. The package regards sequences of ASCII letters and
    digits as words. The package therefore ignores other scripts, and splits words at accented letters.

    Raises:
        InputError: the reference has no ASCII letter or digit.
    """
    if not has_rouge_words(reference):
        raise InputError(
            "rouge-score recognizes no word in the reference text",
            where="ROUGE recall",
            value=reference,
            allowed="a text with ASCII letters or digits",
            fix="use the metric accuracy, which supports every script",
        )
    scores = _scorer().score(reference, response)
    return RougeRecall(float(scores["rouge1"].recall), float(scores["rougeL"].recall))


def has_rouge_words(text: str) -> bool:
    """Return whether rouge-score finds at least one word in a text.

    rouge-score finds a word in every text that contains an ASCII letter or digit.
    """
    return any(character.isascii() and character.isalnum() for character in text.lower())


@cache
def _scorer() -> Any:
    # Imported here, because rouge-score imports scipy, and reading a recipe should be fast.
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rougeL"], use_stemmer=True)


def exact_memorization(ranks: Sequence[int]) -> float:
    """Return the share of an answer's tokens that greedy decoding predicts.

    The share is in [0, 1]. Every token in `ranks` counts, including the end-of-text token if `ranks` includes it.
    Source: Tirumala et al. 2022, arXiv 2205.10770.

    Args:
        ranks: rank of each token of the answer, given the preceding tokens of the answer. The most likely token has
            rank 0.

    Raises:
        InputError: `ranks` is empty, or a rank is negative.
    """
    return statistics.fmean(rank == 0 for rank in _checked_ranks(ranks))


def extraction_strength(ranks: Sequence[int]) -> float:
    """Return the share of an answer that greedy decoding completes.

    The result is 1 - k/n, in [0, 1]. Here n is the number of the answer's tokens, and k is the smallest number of
    leading tokens that must be given so that greedy decoding produces all remaining tokens (Carlini et al. 2021, arXiv
    2012.07805; used for unlearning by arXiv 2406.09179). As long as every predicted token is correct, greedy decoding
    sees the same preceding tokens as teacher forcing. Therefore one teacher-forced pass is enough: the result is the
    length of the longest suffix in which all ranks are 0, divided by n. If the last token is predicted wrongly, the
    result is 0, because greedy decoding completes no suffix of the answer. See `exact_memorization` for the argument
    and the errors.
    """
    checked_ranks = _checked_ranks(ranks)
    shown = max((at + 1 for at, rank in enumerate(checked_ranks) if rank != 0), default=0)
    return 1.0 - shown / len(checked_ranks)


def exact_memorization_open_unlearning(ranks: Sequence[int]) -> float:
    """Return the exact memorization that OpenUnlearning computes.

    OpenUnlearning (locuslab/open-unlearning, evals/metrics/utils.py) takes the last labeled token for the end token and
    leaves it out, whatever it is. The result is `exact_memorization` without this token.

    Args:
        ranks: rank of each token of the answer, including the last one; see `exact_memorization`.

    Raises:
        InputError: `ranks` has fewer than two entries, or a rank is negative.
    """
    return exact_memorization(ranks[:-1])


def extraction_strength_open_unlearning(ranks: Sequence[int]) -> float:
    """Return the extraction strength that OpenUnlearning computes.

    OpenUnlearning (locuslab/open-unlearning, evals/metrics/memorization.py) leaves out the last token, like
    `exact_memorization_open_unlearning`, and never gives all of the remaining n tokens. The result is therefore at
    least 1/n, even if no token is predicted correctly. Arguments and errors are those of
    `exact_memorization_open_unlearning`.
    """
    return max(extraction_strength(ranks[:-1]), 1.0 / (len(ranks) - 1))


def _checked_ranks(ranks: Sequence[int]) -> list[float]:
    values = checked(ranks, "token ranks")
    if min(values) < 0:
        raise InputError("a token rank is negative", where="token ranks", value=min(values), allowed="0 or more")
    return values
