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
    """Write the targets of a run to its folder, before training.

    `run` with `resume` then trains on them. Existing targets are not written again. A call that was stopped is
    continued by the next one.

    Args:
        recipe: the recipe of the run.
        permission: what a teacher that is a chat model may be sent, and may spend; nothing is sent without it.
        import_from: file of targets that a person edited, in the format of `export_to`; they replace those of the run.
        export_to: file for the targets and their questions, for a person to read and edit.
        progress: reports progress.

    Raises:
        InputError: the method trains on no targets, or was trained already; or an edited target cannot be used.
        Interrupted, UnlearnError: the teacher did not finish; what it wrote is kept.
    """
    context = RunContext(recipe, permission=permission, progress=progress)
    if not context.is_taught:
        raise InputError(
            "the method trains on no targets",
            where="method.name",
            value=recipe.method["name"],
            fix="choose one that does: method.name=tru",
        )
    open_run(context, resume=True)
    folder, place = context.folder, str(context.folder.path)
    if import_from is not None and folder.state().fingerprints:
        raise InputError(
            "the run was trained on its targets already, or is being trained",
            where=place,
            fix="start again in another folder, and import the edited targets there: out=...",
        )
    if folder.state().purged:
        fix = "start again in another folder: out=..."
        raise InputError("the run was purged, and its targets with it", where=place, fix=fix)
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
