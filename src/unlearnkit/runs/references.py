"""Find the reference models that a run is compared with."""

from __future__ import annotations

from pathlib import Path

from unlearnkit.data.vocabulary import REFERENCES, TARGET
from unlearnkit.runs.folder import RunFolder


def references_of(folder: RunFolder) -> list[RunFolder]:
    """Return the runs that measured the target model and the retrained model.

    Only runs on the same suite as the run in `folder` are returned. The function searches the parent folder of
    `folder`, whose runs share their reference runs, and inside `folder`. A run of a target model in the parent folder
    is returned only if the run in `folder` started from that target model.
    """
    places = (folder.path.resolve().parent, folder.references)
    candidates = [RunFolder(place / name) for name in REFERENCES for place in places]
    fitting = [run for run in candidates if run.path.resolve() != folder.path.resolve() and _fits(run, folder)]
    return list({run.name: run for run in reversed(fitting)}.values())[::-1]


def _fits(reference: RunFolder, run: RunFolder) -> bool:
    if not reference.scores_file.exists() or reference.state().suite != run.state().suite:
        return False
    if reference.path.parent == run.references:
        return True  # a run inside the run's folder was measured for this run, even if the model has moved since
    model = run.recipe().get("model", {}).get("path")
    return reference.name != TARGET or model is None or same_model(reference.subject().path, model)


def same_model(one: str, other: str) -> bool:
    """Return whether two paths or Hub ids refer to the same model."""
    return one == other or (Path(one).is_dir() and Path(other).is_dir() and Path(one).samefile(other))
