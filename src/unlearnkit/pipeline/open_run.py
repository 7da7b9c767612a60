"""Start a run: create the run's folder, or check the existing folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from unlearnkit.core.environment import device_errors, environment
from unlearnkit.core.errors import InputError
from unlearnkit.core.files import write_atomic
from unlearnkit.core.processes import is_alone_by_mistake
from unlearnkit.core.progress import Progress
from unlearnkit.data.encoding import layout_notes
from unlearnkit.llm.openai_server import ServerSettings
from unlearnkit.methods.base import METHODS
from unlearnkit.models.folder import find_model
from unlearnkit.models.load import meta_load
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.joint_training import refuse_several_processes
from unlearnkit.pipeline.lift import refuse_unusable_lift_model
from unlearnkit.pipeline.preflight import preflight
from unlearnkit.recipe import Recipe, make_recipe, suite_section
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import NEWER_DATA, RunState, now
from unlearnkit.targets.llm_teacher import ChatTeacher


def open_run(context: RunContext, *, resume: bool) -> None:
    """Create the folder of a run, or accept the existing folder.

    The folder is created only after rows, models and consent have been checked.

    Args:
        context: the run's context.
        resume: whether to continue an existing run.

    Raises:
        InputError: the folder contains other files or a run of another recipe; a row, model or setting is unusable; or
            consent is missing.
        MissingDependency: a required file, package or model is missing.
    """
    recipe, folder = context.recipe, context.folder
    refuse_several_processes(context)
    if is_alone_by_mistake():
        context.progress.log(
            "warning: accelerate launch --cpu started only one process; start several with torchrun, or with "
            "accelerate launch --multi_gpu, which needs no GPU"
        )
    with _folder_errors(folder):
        begun = folder.is_run
        found = {path.name for path in folder.path.iterdir()} if folder.path.exists() else set()
    if begun:
        if not resume:
            raise InputError(
                "this folder already contains a run",
                where=str(folder.path),
                fix="continue the run with --resume, choose another folder with out=..., or delete this folder",
            )
        context.recipe = same_recipe(recipe, folder)
        _warn_of_other_machine(folder, context.progress)
        if folder.state().targets is None:
            _refuse_missing_consent(context)
        return
    # If a run is killed right after its start, the run's folder contains at most the files that are named here.
    if {name for name in found if not name.endswith(".partial")} - {folder.private.name, folder.recipe_file.name}:
        raise InputError(
            "the run's folder is not empty, and its files do not belong to a run",
            where=str(folder.path),
            fix="choose another folder: out=...",
        )
    # Consent is checked before everything else, and rows and models are checked before anything is written.
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
            gates=recipe.gates,
        )
    )


def _refuse_missing_consent(context: RunContext) -> None:
    """Raise an error if a chat-model teacher lacks the user's consent.

    The consent is checked before anything is sent to the chat model.
    """
    teacher = context.recipe.make_teacher()
    if isinstance(teacher, ChatTeacher) and context.is_taught:
        teacher.ready(context.permission)


@contextmanager
def _folder_errors(folder: RunFolder) -> Iterator[None]:
    """Raise `InputError` if the run's folder cannot be read or created."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(
            f"the run's folder cannot be used: {getattr(error, 'strerror', error)}",
            where="out",
            value=str(folder.path),
            fix="choose a folder that you can write to: out=...",
        ) from error


def _check(context: RunContext) -> None:
    """Check rows and models without loading weights; log notes for the user."""
    suite, progress = context.suite, context.progress
    _ = context.training_splits  # this check comes first, because it takes no time
    retrained = None if suite.has_models else suite.retrained_model(progress)
    if retrained is not None:
        meta_load(find_model(retrained, where="suite.retrained"))
    _ = context.source  # if the suite builds its own target model, the model is built here
    preflight(context)
    context.method.check(context)
    if context.is_taught:
        refuse_unusable_lift_model(context.recipe, suite, progress)
    tokenizer, _ = context.meta_model
    for note in (*layout_notes(tokenizer), *context.found.notes, *context.task.notes):
        progress.log(note)
    if context.found.base is not None and context.lora is not None:
        progress.log(
            "model.path is an adapter. The adapter is merged into its base model before training, and the trained "
            "model is saved as a full set of weights, as with model.merge=true"
        )
    elif context.found.gguf is not None and context.lora is not None and not context.recipe.model.merge:
        progress.log(
            "model.path is a GGUF file, which no adapter can name as its base model. Therefore the trained adapter is "
            "merged, as with model.merge=true"
        )


def _without_newer_data(recipe: Recipe, folder: RunFolder) -> Recipe:
    """Return the recipe without the settings that are newer than the run.

    They get the value that they had, in effect, when the run was started. A setting that the recipe changes from its
    default is not replaced.
    """
    earlier = {key: value for key, value in NEWER_DATA.get(recipe.suite["name"], {}).items() if folder.predates(key)}
    unset = {key: value for key, value in recipe.data.items() if key not in (*earlier, "augment")}
    defaults = suite_section({**recipe.suite, "data": unset})["data"] if earlier else {}
    newer = {key: value for key, value in earlier.items() if recipe.data[key] == defaults[key]}
    return recipe.model_copy(update={"data": {**recipe.data, **newer}})


def same_recipe(
    recipe: Recipe,
    folder: RunFolder,
    *,
    fix: str = "choose another folder with out=..., or continue with the recipe in the folder",
) -> Recipe:
    """Return the recipe with which a run can be continued.

    This is the given recipe, without settings that are newer than the run.

    Raises:
        InputError: the run was started with a different recipe. `fix` is a part of the message.
    """
    recipe, stored = _without_newer_data(recipe, folder), folder.recipe()
    # The stored recipe is completed, because it lacks settings that are newer than the run.
    stored = make_recipe(stored).model_dump(mode="json") if stored else {}
    ours, theirs = _flat(recipe.model_dump(mode="json")), _flat(stored)
    # Neither the location of the folder nor the retries of requests to a server change the result.
    free = {"out", *(f"targets.server.{name}" for name in ServerSettings.changeable)}
    differing = [key for key in {**ours, **theirs} if key not in free and ours.get(key) != theirs.get(key)]
    if differing:
        key = differing[0]
        raise InputError(
            "the run in this folder was started with a different recipe",
            where=f"{folder.recipe_file}, field {key}",
            value=ours.get(key),
            allowed=f"{theirs.get(key)!r}, as at the start of the run",
            fix=fix,
        )
    return recipe


def _flat(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in section.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _warn_of_other_machine(folder: RunFolder, progress: Progress) -> None:
    before, here = ({"processes": "1", **each} for each in (folder.state().environment, environment()))
    differing = [
        f"{name} was {before.get(name)}, is now {new}" for name, new in here.items() if before.get(name) != new
    ]
    if differing:
        progress.log(
            "warning: the environment changed since the start of the run, so the weights may differ from those of an "
            f"uninterrupted run: {'; '.join(differing)}"
        )
