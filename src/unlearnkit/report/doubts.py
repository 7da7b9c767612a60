"""Reasons to doubt the numbers of a run.

Every report states them first.

The checks notice files that were changed after they were written, rows that are missing, models that were measured on
different rows or with different scopes, copied records, and a retrained model that cannot be one. They are no
signatures: whoever changes a file can also change what `run.json` notes about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from unlearnkit.core.number_format import percent
from unlearnkit.data.vocabulary import RETRAINED, TARGET, ordered_sets
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.records.schema import by_set
from unlearnkit.runs.folder import RunFolder

_ASKED = "forget.accuracy"
KNOWS = 0.5
"""Smallest share of forget questions that a target model answers if it knows them."""
ALIKE = 0.8
"""Share of the target model's accuracy on forget questions from which on the retrained model is doubted."""


def doubts_about(folder: RunFolder) -> list[str]:
    """Return sentences on files of a run that do not fit together."""
    state, name = folder.state(), folder.name
    sentences = [
        f"{name}: the file {file} was changed after it was written, so the results may not be those of this run. To "
        f"compute everything again, run unlearn eval {folder.path}."
        for file in folder.changed_files()
    ]
    gates = tuple(folder.recipe().get("gates", ()))
    if state.gates is not None and folder.recipe_file.exists() and gates != state.gates:
        before = ", ".join(state.gates) or "none"
        sentences.append(f"{name}: the gates in its recipe were changed after the run was started. Before: {before}.")
    if state.measure is not None and folder.records_file.exists():
        counts = Counter(record.split for record in folder.records())
        for split, rows in state.measure.rows.items():
            if counts[split] != rows:
                sentences.append(
                    f"{name}: the records have {counts[split]:,} rows of the set {split}, but {rows:,} were measured."
                )
    return sentences


def doubts_about_comparisons(runs: Sequence[RunFolder]) -> list[str]:
    """Return sentences on runs that cannot be compared with each other.

    Rows and scope of each run are compared with those of the first run on the same suite. Purged runs are left out,
    because a purge deletes rows and scope.
    """
    sentences = []
    kept = [run for run in runs if run.records_file.exists() and run.scope_file.exists()]
    first: list[RunFolder] = []
    for run in kept:
        other = next((each for each in first if each.state().suite == run.state().suite), None)
        if other is None:
            first.append(run)
            continue
        if differing := _differing_sets(other, run):
            sentences.append(
                f"{run.name} and {other.name} were measured on different rows of {', '.join(differing)}, so their "
                "scores cannot be compared."
            )
        if run.scope() != other.scope():
            sentences.append(
                f"{run.name} and {other.name} were measured with different scopes, so their scores cannot be compared."
            )
    for one, two in combinations(kept, 2):
        if one.records_file.read_bytes() == two.records_file.read_bytes():
            sentences.append(
                f"{one.name} and {two.name} have identical records. Either they are the same model, or the records "
                "were copied."
            )
    return sentences


def _differing_sets(one: RunFolder, two: RunFolder) -> list[str]:
    """Return the row sets of two runs that have different rows."""
    rows = [
        {split: sorted((r.row.id, r.row.question, r.row.answer) for r in records) for split, records in sets.items()}
        for sets in (by_set(run.records()) for run in (one, two))
    ]
    return [split for split in ordered_sets([*rows[0], *rows[1]]) if rows[0].get(split) != rows[1].get(split)]


def doubts_about_references(scores: Mapping[str, Mapping[str, Score]]) -> list[str]:
    """Return a sentence if the retrained model knows too much.

    Args:
        scores: scores by name of the model and name of the score.
    """
    target, retrained = (scores.get(name, {}).get(_ASKED, NOT_MEASURED).value for name in (TARGET, RETRAINED))
    if target is None or retrained is None or target < KNOWS or retrained < ALIKE * target:
        return []
    return [
        f"The retrained model answers {percent(retrained)} of the forget questions (target model: {percent(target)}). "
        "Either it was trained on the forget rows, or the answers can be guessed. Comparisons with it show little."
    ]
