"""From records to scores; no model, no torch."""

from __future__ import annotations

from unlearnkit.metrics.board import score_records
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.runfolder import RunFolder


def score(folder: RunFolder) -> dict[str, Score]:
    """Make the scores of a run from its records and its costs, and write them."""
    scores = score_records(folder.records(), folder.scope())
    cost = folder.state().cost
    for name in ("seconds", "peak_rss_mb"):
        scores[f"cost.{name}"] = NOT_MEASURED if cost is None else Score(value=getattr(cost, name), count=1)
    folder.write_scores(scores)
    return scores
