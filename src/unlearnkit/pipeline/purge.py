"""Delete those files in a run's folder that contain forget text."""

from __future__ import annotations

import shutil

from unlearnkit.core.errors import InputError
from unlearnkit.report.build import build_report
from unlearnkit.report.render import write
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of


def purge(folder: RunFolder) -> list[str]:
    """Delete the private files of a run.

    The private files are targets, records, scope and caches. The private files of reference models in the run's folder
    are deleted, too. The model, scores, log and report are kept. If the report shows forget text or names, the report
    is written again without them.

    After a purge, scores can no longer be computed, because the records are deleted. If the run's method is a guard,
    the run's model can no longer be opened, because the guard needs the scope. A second purge has no effect.

    Returns:
        The folders that were deleted.

    Raises:
        InputError: the run is not finished, and could not continue without the private files.
    """
    if folder.recipe_file.exists() and not folder.state().done:
        what = "the run is not finished, and could not continue without the files that a purge deletes"
        fix = "finish the run first (unlearn run RECIPE --resume), or delete the whole folder"
        raise InputError(what, where=str(folder.path), fix=fix)
    shown = folder.recipe().get("report", {})
    shows = shown.get("show_forget_text", False) or shown.get("show_names", False)
    if shows and folder.report_file.exists() and folder.records_file.exists():
        # The report is written first, because it cannot be built without the records.
        report = build_report([*references_of(folder), folder], show_forget_text=False, show_names=False)
        write(report, folder.report_file)
    within = [RunFolder(path) for path in sorted(folder.references.glob("*"))]
    removed = []
    for run in (*within, folder):
        if run.private.exists():
            shutil.rmtree(run.private)
            removed.append(str(run.private))
        if run.is_run:
            run.update(purged=True)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    return removed
