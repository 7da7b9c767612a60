"""Compute scores from records, without a model and without torch."""

from __future__ import annotations

from unlearnkit.attacks.scores import attack_scores
from unlearnkit.attacks.store import read_attempts
from unlearnkit.data.vocabulary import RETRAINED, TARGET
from unlearnkit.judges.aggregate import judge_scores
from unlearnkit.judges.store import read_judged
from unlearnkit.metrics.board import score_records
from unlearnkit.metrics.faithfulness import faithfulness_scores
from unlearnkit.metrics.scope_accuracy import trace_scores
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.wordings import wording_scores
from unlearnkit.recipe import make_suite
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of
from unlearnkit.suites.base import Suite


def score(folder: RunFolder, suite: Suite | None = None) -> dict[str, Score]:
    """Compute and write the scores of a run.

    The scores are computed from the run's records, judgments and costs, and from the records of the target model and
    the retrained model. The scores of attacks are computed from the attack records and written to a separate file.

    Args:
        folder: a measured run.
        suite: the suite; None: the suite that is recorded in the run's state.

    Returns:
        The run's scores by name, without the scores of attacks.
    """
    records = folder.records()
    known = {run.name: run for run in references_of(folder)} | {folder.name: folder}
    retrained = known[RETRAINED].records() if RETRAINED in known else []
    suite = suite or make_suite(folder.state().suite)
    scores = score_records(records, folder.scope())
    scores |= trace_scores(records)
    target = known[TARGET].records() if TARGET in known else []
    scores |= wording_scores(records, target, folder.scope())
    scores |= faithfulness_scores(folder.turned(), records)
    scores |= suite.scores(records, retrained)
    scores |= judge_scores(read_judged(folder.judgments).values(), records, folder.scope())
    cost = folder.state().cost
    for name in ("seconds", "peak_rss_mb"):
        scores[f"cost.{name}"] = NOT_MEASURED if cost is None else Score(value=getattr(cost, name), count=1)
    folder.write_scores(scores)
    if folder.attack_records.exists():
        score_attacks(folder)
    return scores


def score_attacks(folder: RunFolder) -> None:
    """Compute the scores of a run's attacks, and write them to `attacks.json`.

    The scores are computed from the records of the attacks and the records of the unattacked model.
    """
    plain, scope, done = folder.records(), folder.scope(), folder.state().attacks
    left_out = {name: counts for each in done.values() for name, counts in each.left_out.items()}
    scores: dict[str, Score] = {}
    for name, records in read_attempts(folder.attack_records).items():
        scores |= attack_scores(name, records, plain, scope, left_out.get(name, {}))
    folder.write_attack_scores(scores)
