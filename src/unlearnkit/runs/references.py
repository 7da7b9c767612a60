"""Find the reference models that a run is compared with."""

from __future__ import annotations

from pathlib import Path

from unlearnkit.data.vocabulary import REFERENCES, TARGET
from unlearnkit.runs.folder import RunFolder


def references_of(folder: RunFolder) -> list[RunFolder]:
    """Return the runs that measured the target or the retrained model.

    The function searches two places: the parent folder of the given run, because all runs in the parent folder share
    their reference runs, and the given run's own folder of reference runs. Only runs on the given run's suite are
    returned. If a run in the parent folder measured a target model, the run is returned only if the given run started
    from that target model.
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
