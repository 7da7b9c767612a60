"""Removing what holds forget text from a run, when it is no longer needed."""

from __future__ import annotations

import shutil

from unlearnkit.core.errors import InputError
from unlearnkit.report.build import build_report
from unlearnkit.report.render import write
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of


def purge(folder: RunFolder) -> list[str]:
    """Remove targets, records, scope and caches of a run and of the references in it; return what was removed.

    Model, scores, log and report stay. A report that shows forget text is written again without it. Scores cannot be
    made anew afterwards, and a guard cannot be opened any more, since its scope is removed. Purging twice does no harm.

    Raises:
        InputError: the run is not finished, and could not go on without them.
    """
    if folder.recipe_file.exists() and not folder.state().done:
        raise InputError(
            "the run is not finished, and cannot go on without what a purge removes",
            where=str(folder.path),
            fix="finish it: unlearn run RECIPE --resume; or delete the whole folder",
        )
    shows = folder.recipe().get("report", {}).get("show_forget_text", False)
    if shows and folder.report_file.exists() and folder.records_file.exists():
        # First: it cannot be made without the records.
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
