"""How much of the answers a subject gives back: recall of their words, and what greedy decoding would extract."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from unlearnkit.metrics import tofu
from unlearnkit.metrics.score import Score, mean_score
from unlearnkit.records.schema import Record

_recall = lru_cache(maxsize=16384)(tofu.rouge_recall)
"""Each text is looked at several times over."""


def rouge(record: Record) -> tofu.RougeRecall | None:
    """Recall of the answer's words in the response.

    None where nothing was generated, or where the answer has no word in rouge-score's alphabet.
    """
    if record.generation is None or not tofu.has_rouge_words(record.row.answer):
        return None
    return _recall(record.row.answer, record.generation.response)


def memorisation_scores(records: Sequence[Record]) -> dict[str, Score]:
    """ROUGE-1 and ROUGE-L recall, extraction strength and exact memorisation: means over the rows of one set."""
    tokens = [record.tokens for record in records if record.tokens is not None]
    recalls = [recall for record in records if (recall := rouge(record)) is not None]
    return {
        "rouge1_recall": mean_score([recall.rouge1 for recall in recalls]),
        "rougeL_recall": mean_score([recall.rouge_l for recall in recalls]),
        "extraction_strength": mean_score([tofu.extraction_strength(t.ranks) for t in tokens]),
        "exact_memorisation": mean_score([tofu.exact_memorization(t.ranks) for t in tokens]),
    }
