"""Find the reference models that a run is compared with."""

from __future__ import annotations

from pathlib import Path

from unlearnkit.data.vocabulary import REFERENCES, TARGET
from unlearnkit.runs.folder import RunFolder


def references_of(folder: RunFolder) -> list[RunFolder]:
    """Return the runs of the target and the retrained model.

    They are on the same suite as the run. They are in the run's parent folder, where all runs share them, or within the
    run's folder. A target model counts only if the run started from it.
    """
    places = (folder.path.resolve().parent, folder.references)
    candidates = [RunFolder(place / name) for name in REFERENCES for place in places]
    fitting = [run for run in candidates if run.path.resolve() != folder.path.resolve() and _fits(run, folder)]
    return list({run.name: run for run in reversed(fitting)}.values())[::-1]


def _fits(reference: RunFolder, run: RunFolder) -> bool:
    if not reference.scores_file.exists() or reference.state().suite != run.state().suite:
        return False
    if reference.path.parent == run.references:
        return True  # measured for this run, wherever the model is now
    model = run.recipe().get("model", {}).get("path")
    return reference.name != TARGET or model is None or same_model(reference.subject().path, model)


def same_model(one: str, other: str) -> bool:
    """Return whether two paths or hub ids name the same model."""
    return one == other or (Path(one).is_dir() and Path(other).is_dir() and Path(one).samefile(other))
