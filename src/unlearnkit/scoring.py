"""From records to scores; no model, no torch."""

from __future__ import annotations

from unlearnkit.attacks.files import score_attacks
from unlearnkit.judge.files import read_judged
from unlearnkit.judge.scores import judge_scores
from unlearnkit.metrics.board import score_records
from unlearnkit.metrics.faithfulness import faithfulness_scores
from unlearnkit.metrics.scope_accuracy import trace_scores
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.recipe import make_suite
from unlearnkit.references import references_of
from unlearnkit.report.names import RETRAINED
from unlearnkit.runfolder import RunFolder


def score(folder: RunFolder) -> dict[str, Score]:
    """Make the scores of a run from its records, those of the retrained model, judgements and costs, and write them.

    Those of attacks on it are made from their records, and written beside.
    """
    records = folder.records()
    known = {run.name: run for run in references_of(folder)} | {folder.name: folder}
    retrained = known[RETRAINED].records() if RETRAINED in known else []
    scores = score_records(records, folder.scope())
    scores |= trace_scores(records)
    scores |= faithfulness_scores(folder.turned(), records)
    scores |= make_suite(folder.state().suite).scores(records, retrained)
    scores |= judge_scores(read_judged(folder).values(), records, folder.scope())
    cost = folder.state().cost
    for name in ("seconds", "peak_rss_mb"):
        scores[f"cost.{name}"] = NOT_MEASURED if cost is None else Score(value=getattr(cost, name), count=1)
    folder.write_scores(scores)
    if folder.attack_records.exists():
        score_attacks(folder)
    return scores
