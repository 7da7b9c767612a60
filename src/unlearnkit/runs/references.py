"""The models that a run is held against: where their records and scores lie."""

from __future__ import annotations

from pathlib import Path

from unlearnkit.data.vocabulary import REFERENCES, TARGET
from unlearnkit.runs.folder import RunFolder


def references_of(folder: RunFolder) -> list[RunFolder]:
    """The target and the retrained model, measured on the run's suite: in folders beside the run's, or within it.

    Those beside are shared by all runs there. A target model counts only if it is the one that the run began with.
    """
    places = (folder.path.resolve().parent, folder.references)
    found = [RunFolder(place / name) for name in REFERENCES for place in places]
    fitting = [run for run in found if run.path.resolve() != folder.path.resolve() and _fits(run, folder)]
    return list({run.name: run for run in reversed(fitting)}.values())[::-1]


def _fits(reference: RunFolder, run: RunFolder) -> bool:
    if not reference.scores_file.exists() or reference.state().suite != run.state().suite:
        return False
    if reference.path.parent == run.references:
        return True  # measured for this run, wherever the model lies now
    model = run.recipe().get("model", {}).get("path")
    return reference.name != TARGET or model is None or same_model(reference.subject().path, model)


def same_model(one: str, other: str) -> bool:
    """Whether two paths or hub ids name one model."""
    return one == other or (Path(one).is_dir() and Path(other).is_dir() and Path(one).samefile(other))
