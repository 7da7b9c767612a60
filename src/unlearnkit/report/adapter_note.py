"""State how a run's model answers without its adapter."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnkit.core.number_format import percent
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.score_names import ScoreName
from unlearnkit.report.headline import headline


def without_adapter(scores: Mapping[str, Score], target: Mapping[str, Score] | None, docs: ScoreDocs) -> str:
    """Return a sentence on how a run's model answers without its adapter.

    The base model is the run's target model.

    Args:
        scores: scores of the model with its adapter.
        target: scores of the target model; None if the target model was not measured.
        docs: descriptions of the scores.
    """
    first = headline([scores, target or {}], docs)
    name = ScoreName("forget", first.metric)
    here, before = (docs.on_board(of).get(name, NOT_MEASURED).value for of in (scores, target or {}))
    sentence = "Only an adapter was saved. Without this adapter, the model answers as before"
    if before is None:
        return f"{sentence}. How it answers then was not measured."
    with_it = "not measured" if here is None else percent(here)
    return f"{sentence} (measured: {first.name} on the set forget {percent(before)}; with the adapter {with_it})."
