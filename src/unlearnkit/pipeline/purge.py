"""Remove the files of a run that contain forget text."""

from __future__ import annotations

import shutil

from unlearnkit.core.errors import InputError
from unlearnkit.report.build import build_report
from unlearnkit.report.render import write
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of


def purge(folder: RunFolder) -> list[str]:
    """Remove private files of a run and its references; return their folders.

    They are targets, records, scope and caches. Model, scores, log and report stay. A report that shows forget text is
    written again without it. Afterwards scores cannot be computed again, and a guard cannot be opened, since its scope
    is removed. Purging twice has no further effect.

    Raises:
        InputError: the run is not finished, and cannot continue without these files.
    """
    if folder.recipe_file.exists() and not folder.state().done:
        what = "the run is not finished, and cannot continue without the files that a purge removes"
        fix = "finish it: unlearn run RECIPE --resume; or delete the whole folder"
        raise InputError(what, where=str(folder.path), fix=fix)
    shows = folder.recipe().get("report", {}).get("show_forget_text", False)
    if shows and folder.report_file.exists() and folder.records_file.exists():
        # First, because it cannot be built without the records.
        write(build_report([*references_of(folder), folder], show_forget_text=False), folder.report_file)
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
