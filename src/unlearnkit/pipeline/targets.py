"""Write, export and import the targets of a run before training."""

from __future__ import annotations

from pathlib import Path

from unlearnkit.core.environment import device_errors
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.core.renamed_arguments import renamed_arguments
from unlearnkit.llm.consent import Permission
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.open_run import open_run
from unlearnkit.recipe import Recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.targets.review import write_review


@renamed_arguments(take_from="import_from", give_to="export_to")
def teach(
    recipe: Recipe,
    *,
    permission: Permission | None = None,
    import_from: str | Path | None = None,
    export_to: str | Path | None = None,
    progress: Progress | None = None,
) -> RunFolder:
    """Write a run's targets to the run's folder, before training.

    To train on the targets, call `run` with `resume=True`. Existing targets are not written again. If a call was
    interrupted, the next call continues the work.

    Args:
        recipe: the run's recipe.
        permission: what may be sent to a chat-model teacher, and how much may be spent on the teacher. Without a
            permission, nothing is sent.
        import_from: file with targets that a person edited, in the format of `export_to`. The edited targets replace
            the run's targets with the same ids.
        export_to: file to which the targets and their questions are written, for a person to read and edit.
        progress: reports progress.

    Raises:
        InputError: the method does not train on targets, the run was trained already, or an edited target is invalid.
        Interrupted, UnlearnError: the teacher did not finish. Finished targets are kept.
    """
    context = RunContext(recipe, permission=permission, progress=progress)
    if not context.is_taught:
        raise InputError(
            "the method does not train on targets, so there are no targets to write",
            where="method.name",
            value=recipe.method["name"],
            fix="choose a method that trains on targets, for example method.name=tru",
        )
    open_run(context, resume=True)
    folder, place = context.folder, str(context.folder.path)
    if import_from is not None and folder.state().fingerprints:
        raise InputError(
            "the edited targets cannot be imported, because the run has already started to train on its targets",
            where=place,
            fix="import the edited targets into a new run in another folder: out=...",
        )
    if folder.state().purged:
        fix = "start again in another folder: out=..."
        raise InputError("the run was purged, so its targets no longer exist", where=place, fix=fix)
    if folder.state().targets is not None and import_from is None and export_to is None:
        return folder
    context.prepare()
    builder = context.target_builder
    with device_errors():
        targets = builder.targets()
    if import_from is not None:
        targets = builder.replace(Path(import_from), targets)
    if export_to is not None:
        write_review(Path(export_to), targets, builder.rows)
    return folder
