"""Write, review and replace the targets of a run before it is trained."""

from __future__ import annotations

import warnings
from pathlib import Path

from unlearnkit.core.environment import device_errors
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.llm.consent import Permission
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.open_run import open_run
from unlearnkit.recipe import Recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.targets.review import write_review


def teach(
    recipe: Recipe,
    *,
    permission: Permission | None = None,
    import_from: str | Path | None = None,
    export_to: str | Path | None = None,
    progress: Progress | None = None,
    take_from: str | Path | None = None,
    give_to: str | Path | None = None,
) -> RunFolder:
    """Write the targets of a run before it is trained, in its folder; `run` with `resume` then trains on them.

    Targets that are there already are not written again. Called again after a stop, it goes on.

    Args:
        recipe: of the run.
        permission: what a teacher that is asked may be sent, and may spend; nothing is sent without it.
        import_from: a file of targets that a person edited, as `export_to` writes it; they replace those in the run.
        export_to: file for the targets, with their questions, for a person to read and edit.
        progress: shows what is being done.
        take_from: earlier name of `import_from`.
        give_to: earlier name of `export_to`.

    Raises:
        InputError: the method trains on no targets, or was trained already; or an edited target cannot be used.
        Interrupted, UnlearnError: the teacher did not finish; what it wrote is kept.
    """
    for old, new, value in (("take_from", "import_from", take_from), ("give_to", "export_to", give_to)):
        if value is not None:
            warnings.warn(f"the argument {old!r} is now called {new!r}", FutureWarning, stacklevel=2)
    import_from, export_to = import_from or take_from, export_to or give_to
    context = RunContext(recipe, permission=permission, progress=progress)
    if not context.is_taught:
        raise InputError(
            "the method is taught no targets",
            where="method.name",
            value=recipe.method["name"],
            fix="take one that is: method.name=tru",
        )
    open_run(context, resume=True)
    folder = context.folder
    if import_from is not None and folder.state().fingerprints:
        raise InputError(
            "the run was trained on its targets already, or is being trained",
            where=str(folder.path),
            fix="begin anew in another folder, and give the edited targets to that: out=...",
        )
    if folder.state().purged:
        where, fix = str(folder.path), "begin anew in another folder: out=..."
        raise InputError("the run was purged, and its targets with it", where=where, fix=fix)
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
