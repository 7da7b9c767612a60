"""Reasons to doubt the numbers of a run.

Every report states them first.

The checks notice files that were changed after they were written, rows that are missing, and a retrained model that
cannot be one. They are no signatures: whoever changes a file can also change what `run.json` notes about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from unlearnkit.core.number_format import percent
from unlearnkit.data.vocabulary import RETRAINED, TARGET
from unlearnkit.metrics.score import NOT_MEASURED, Score
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
