"""Jobs that `unlearn demo` and `unlearn board` run in subprocesses.

Finished work is not repeated.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.models.settings import Dtype
from unlearnkit.runs.folder import RunFolder

if TYPE_CHECKING:
    from unlearnkit.recipe import EvalSettings


def measure_reference(
    model: str,
    suite: dict[str, Any],
    path: Path,
    settings: EvalSettings | None,
    dtype: Dtype,
    progress: Progress,
) -> None:
    """Build a reference model if it is missing, and measure it.

    Args:
        model: `target`, `retrained`, or the folder or Hub id of the model.
        suite: the suite's recipe section, with the section `data`.
        path: folder for the records and scores.
        settings: settings of the measurement; None: the defaults.
        dtype: type of the model's weights.
        progress: shows the progress.

    Raises:
        InputError: the folder contains the measurement of another world or request.
    """
    from unlearnkit.pipeline.evaluate import evaluate

    folder = RunFolder(path)
    if not is_measured(folder, suite):
        evaluate(model, suite, out=folder.path, settings=settings, dtype=dtype, progress=progress)


def is_measured(folder: RunFolder, suite: dict[str, Any]) -> bool:
    """Return whether a model was measured on this suite in this folder.

    Raises:
        InputError: the model was measured on another suite, world or request.
    """
    from unlearnkit.recipe import suite_section

    if not folder.is_run or folder.state().measure is None:
        return False
    if folder.state().suite != suite_section(suite):
        raise InputError(
            "the folder contains a model that was measured on a different world or request",
            where=str(folder.path),
            value=str(folder.state().suite),
            fix="choose another folder for all results, or delete the folder that contains this one",
        )
    return True


def unlearn(recipe: dict[str, Any], progress: Progress) -> None:
    """Unlearn with one method, then measure and score the model."""
    from unlearnkit.pipeline.run import run
    from unlearnkit.recipe import make_recipe

    run(make_recipe(recipe), resume=True, progress=progress)
