"""How much of the answers a subject gives back: recall of their words, and what greedy decoding would extract."""

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

MEMORIZATION_DOCS = {
    "rougeL_recall": ScoreDoc(
        "ROUGE-L recall",
        "share of the answer's words that the response gives back in their order; low is wanted on forget sets, high "
        "elsewhere",
        LOW_ON_FORGET,
        order=70,
    ),
    "rouge1_recall": ScoreDoc("ROUGE-1 recall", "the same in any order", LOW_ON_FORGET, order=71),
    "extraction_strength": ScoreDoc(
        "Extraction strength",
        "share of the answer that the model goes on with by itself, once it is given the beginning; low is wanted on "
        "forget sets",
        LOW_ON_FORGET,
        order=72,
    ),
    "exact_memorization": ScoreDoc(
        "Exact memorization",
        "share of the answer's tokens that are the likeliest after those before them; low is wanted on forget sets",
        LOW_ON_FORGET,
        order=73,
    ),
}
"""Docs of what `memorization_scores` gives, by metric."""


def rouge(record: Record) -> RougeRecall | None:
    """Recall of the answer's words in the response.

    None where nothing was generated, or where the answer has no word in rouge-score's alphabet.
    """
    if record.generation is None or not has_rouge_words(record.row.answer):
        return None
    return _recall(record.row.answer, record.generation.response)


def memorization_scores(records: Sequence[Record]) -> dict[str, Score]:
    """ROUGE-1 and ROUGE-L recall, extraction strength and exact memorization: means over the rows of one set."""
    tokens = [record.tokens for record in records if record.tokens is not None]
    recalls = [recall for record in records if (recall := rouge(record)) is not None]
    return {
        "rouge1_recall": mean_score([recall.rouge1 for recall in recalls]),
        "rougeL_recall": mean_score([recall.rouge_l for recall in recalls]),
        "extraction_strength": mean_score([extraction_strength(t.ranks) for t in tokens]),
        "exact_memorization": mean_score([exact_memorization(t.ranks) for t in tokens]),
    }


def mean_logp(logps: Sequence[float]) -> float:
    """Mean of the log-probabilities of an answer's tokens, in nats: the logarithm of P(a|q)^(1/|a|).

    InputError if there is no token, or a value is not finite.
    """
    return statistics.fmean(checked(logps, "token log-probabilities"))


class RougeRecall(NamedTuple):
    """Shares of the reference's words found in what was said, each in [0, 1]."""

    rouge1: float
    """In any order."""
    rouge_l: float
    """In the order of the reference: the longest common subsequence."""


def rouge_recall(reference: str, said: str) -> RougeRecall:
    """ROUGE-1 and ROUGE-L recall (Lin 2004) of `said`, words stemmed by Porter's stemmer, as TOFU reports them.

    Computed by `rouge-score`, for parity with published numbers. Its words are runs of ASCII letters and digits: it is
    blind to other scripts and splits words at accented letters. InputError if the reference has no such word.
    """
    if not has_rouge_words(reference):
        raise InputError(
            "The reference has no word that rouge-score knows.",
            where="ROUGE recall",
            value=reference,
            allowed="texts with ASCII letters or digits",
            fix="measure accuracy, which knows every script",
        )
    scores = _scorer().score(reference, said)
    return RougeRecall(float(scores["rouge1"].recall), float(scores["rougeL"].recall))


_recall = lru_cache(maxsize=16384)(rouge_recall)
"""Each text is looked at several times over."""


def has_rouge_words(text: str) -> bool:
    """Whether rouge-score finds any word in a text: an ASCII letter or digit."""
    return any(character.isascii() and character.isalnum() for character in text.lower())


@cache
def _scorer() -> RougeScorer:
    return RougeScorer(["rouge1", "rougeL"], use_stemmer=True)


def exact_memorization(ranks: Sequence[int]) -> float:
    """Share of an answer's tokens that greedy decoding gets right, in [0, 1] (Tirumala et al. 2022, arXiv 2205.10770).

    `ranks` holds the rank of each true token given the true ones before it, 0 for the most likely. Every token counts,
    the end of text too if it is in the list. InputError if there is none, or one is negative.
    """
    return statistics.fmean(rank == 0 for rank in _ranks(ranks))


def extraction_strength(ranks: Sequence[int]) -> float:
    """1 - k/n, k being the least number of first tokens after which greedy decoding says the rest of the n tokens.

    Extraction strength (Carlini et al. 2021, arXiv 2012.07805), as used for unlearning by arXiv 2406.09179; in [0, 1].
    Greedy decoding stays on the answer as long as it is right, so one teacher-forced pass tells: it is the length of
    the longest suffix of ranks 0, over n. 0 where the last token is wrong: nothing was extracted. Same argument and
    errors as `exact_memorization`.
    """
    checked_ranks = _ranks(ranks)
    shown = max((at + 1 for at, rank in enumerate(checked_ranks) if rank != 0), default=0)
    return 1.0 - shown / len(checked_ranks)


def _ranks(ranks: Sequence[int]) -> list[float]:
    found = checked(ranks, "token ranks")
    if min(found) < 0:
        raise InputError("A token rank is negative.", where="token ranks", value=min(found), allowed="0 or more")
    return found
