"""Find the reference models that a run is compared with."""

from __future__ import annotations

from pathlib import Path

from unlearnkit.data.vocabulary import REFERENCES, TARGET
from unlearnkit.runs.folder import RunFolder


def references_of(folder: RunFolder) -> list[RunFolder]:
    """Return the measured reference models of a run.

    The reference models are the target model and the retrained model. The records of a reference model are in a run
    folder of their own. The function searches for such folders in two places: next to the given run's folder, where
    several runs share their reference models, and in the subfolder `references` of the given run.

    A reference model is returned only if it was measured on the same suite as the given run. A target model next to the
    given run's folder must also be the model that the given run started from.
    """
    places = (folder.path.resolve().parent, folder.references)
    candidates = [RunFolder(place / name) for name in REFERENCES for place in places]
    fitting = [run for run in candidates if run.path.resolve() != folder.path.resolve() and _fits(run, folder)]
    return list({run.name: run for run in reversed(fitting)}.values())[::-1]


def _fits(reference: RunFolder, run: RunFolder) -> bool:
    if not reference.scores_file.exists() or reference.state().suite != run.state().suite:
        return False
    if reference.path.parent == run.references:
        return True  # a reference in the run's own folder was measured for this run, even if the model was moved later
    model = run.recipe().get("model", {}).get("path")
    return reference.name != TARGET or model is None or same_model(reference.subject().path, model)


def same_model(one: str, other: str) -> bool:
    """Return whether two paths or Hub ids refer to the same model."""
    return one == other or (Path(one).exists() and Path(other).exists() and Path(one).samefile(other))
