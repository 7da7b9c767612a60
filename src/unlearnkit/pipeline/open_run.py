"""Begin a run: create its folder, or check the existing one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from unlearnkit.core.environment import device_errors, environment
from unlearnkit.core.errors import InputError
from unlearnkit.core.files import write_atomic
from unlearnkit.core.progress import Progress
from unlearnkit.data.encoding import PLAIN, layout
from unlearnkit.llm.openai_server import ServerSettings
from unlearnkit.methods.base import METHODS
from unlearnkit.models.folder import find_model
from unlearnkit.models.load import meta_load
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.lift import refuse_unusable_lift_model
from unlearnkit.pipeline.preflight import preflight
from unlearnkit.recipe import Recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import RunState, now
from unlearnkit.targets.llm_teacher import ChatTeacher


def open_run(context: RunContext, *, resume: bool) -> None:
    """Create the folder of a recipe's run, or accept an existing one.

    The folder is created only after rows, models and consent were checked.

    Args:
        context: context of the run.
        resume: whether to continue an existing run.

    Raises:
        InputError: the folder is taken, or holds a run of another recipe; or something cannot be used.
        MissingDependency: something has to be provided first.
    """
    recipe, folder = context.recipe, context.folder
    with _folder_errors(folder):
        begun = folder.is_run
        found = {path.name for path in folder.path.iterdir()} if folder.path.exists() else set()
    if begun:
        if not resume:
            raise InputError(
                "there is a run in this folder already",
                where=str(folder.path),
                fix="go on with it: --resume; or take another folder: out=...; or delete it",
            )
        _refuse_other_recipe(recipe, folder)
        _warn_of_other_machine(folder, context.progress)
        if folder.state().targets is None:
            _refuse_missing_consent(context)
        return
    # A run that was killed in its first moments leaves these and nothing else.
    if {name for name in found if not name.endswith(".partial")} - {folder.private.name, folder.recipe_file.name}:
        raise InputError(
            "the folder is not empty, and holds no run", where=str(folder.path), fix="take another: out=..."
        )
    # Consent comes before everything else; rows and models are checked before anything is written.
    _refuse_missing_consent(context)
    with device_errors():
        _check(context)
    with _folder_errors(folder):
        folder.create()
    write_atomic(folder.recipe_file, recipe.dump())
    folder.write_state(
        RunState(
            name=recipe.name,
            method=recipe.method["name"],
            title=METHODS.get(recipe.method["name"]).plugin.__name__,
            created=now(),
            seed=recipe.seed,
            suite=recipe.suite_section,
            environment=environment(),
        )
    )


def _refuse_missing_consent(context: RunContext) -> None:
    """Raise if a chat teacher lacks consent, before anything is sent."""
    teacher = context.recipe.make_teacher()
    if isinstance(teacher, ChatTeacher) and context.is_taught:
        teacher.ready(context.permission)


@contextmanager
def _folder_errors(folder: RunFolder) -> Iterator[None]:
    """Raise `InputError` if the path is a file or cannot be created."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(
            f"the run's folder cannot be used: {getattr(error, 'strerror', error)}",
            where="out",
            value=str(folder.path),
            fix="take a folder that can be written to: out=...",
        ) from error


def _check(context: RunContext) -> None:
    """Check rows and models without loading weights, and log notes."""
    suite, progress = context.suite, context.progress
    _ = context.training_splits  # first, because it takes no time
    retrained = None if suite.has_models else suite.retrained_model(progress)
    if retrained is not None:
        meta_load(find_model(retrained, where="suite.retrained"))
    _ = context.source  # a suite that builds its own model builds it now
    preflight(context)
    context.method.check(context)
    if context.is_taught:
        refuse_unusable_lift_model(context.recipe, suite, progress)
    tokenizer, _ = context.meta_model
    if layout(tokenizer) == "plain":
        progress.log(PLAIN)
    if context.found.base is not None and context.lora is not None:
        progress.log("the model is an adapter on a base: it is merged, and so will be the result; see model.merge")


def _refuse_other_recipe(recipe: Recipe, folder: RunFolder) -> None:
    ours, theirs = _flat(recipe.model_dump(mode="json")), _flat(folder.recipe())
    # Neither the folder's place nor the retries of a server change the result.
    free = {"out", *(f"targets.server.{name}" for name in ServerSettings.changeable)}
    differing = [key for key in {**ours, **theirs} if key not in free and ours.get(key) != theirs.get(key)]
    if differing:
        key = differing[0]
        raise InputError(
            "the run in this folder was begun with another recipe",
            where=f"{folder.recipe_file}, field {key}",
            value=ours.get(key),
            allowed=f"{theirs.get(key)!r}, as when it was begun",
            fix="take another folder: out=...; or go on with the recipe that is in the folder",
        )


def _flat(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in section.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _warn_of_other_machine(folder: RunFolder, progress: Progress) -> None:
    before, here = folder.state().environment, environment()
    differing = [f"{name} was {before.get(name)}, is {new}" for name, new in here.items() if before.get(name) != new]
    if differing:
        progress.log(f"warning: the weights may differ from those of an unbroken run: {'; '.join(differing)}")
