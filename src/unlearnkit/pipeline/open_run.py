"""Beginning a run: its folder, made once all is known to fit, or found and known to be the same run's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from unlearnkit.core.environment import device_errors, environment
from unlearnkit.core.errors import InputError
from unlearnkit.core.files import write_atomic
from unlearnkit.core.progress import Progress
from unlearnkit.data.encoding import PLAIN, layout
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.openai_server import ServerSettings
from unlearnkit.models.folder import find_model
from unlearnkit.models.load import meta_load, set_trainable
from unlearnkit.pipeline.evaluate import now
from unlearnkit.pipeline.lift import try_lift
from unlearnkit.pipeline.preflight import rehearse, training_splits, try_weights
from unlearnkit.recipe import Recipe, make_suite, section_of
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import RunState
from unlearnkit.suites.base import Suite
from unlearnkit.targets.llm_teacher import ChatTeacher
from unlearnkit.training.views import taught_splits


def open_run(recipe: Recipe, *, resume: bool, progress: Progress, permission: Permission) -> RunFolder:
    """The recipe's folder, new or to go on with.

    Args:
        recipe: what to do.
        resume: whether a run that is there already is to go on.
        progress: tells what is being done.
        permission: what a teacher that is asked may be sent and may spend.

    Raises:
        InputError: the folder is taken, or holds a run of another recipe; or something cannot be used.
        Missing: something has to be provided first.
    """
    folder = RunFolder(recipe.folder)
    with _folder_told(folder):
        begun, found = folder.is_run, _lying_in(folder)
    if begun:
        if not resume:
            raise InputError(
                "there is a run in this folder already",
                where=str(folder.path),
                fix="go on with it: --resume; or take another folder: out=...; or delete it",
            )
        _refuse_other_recipe(recipe, folder)
        _warn_of_other_machine(folder, progress)
        if folder.state().targets is None:
            _ask_leave(recipe, permission)
        return folder
    # A run that was killed in its first moments leaves these and nothing else.
    if {name for name in found if not name.endswith(".partial")} - {folder.private.name, folder.recipe_file.name}:
        raise InputError(
            "the folder is not empty, and holds no run", where=str(folder.path), fix="take another: out=..."
        )
    # What is wrong with rows and models is told before anything is written, and what may not be sent before all else.
    _ask_leave(recipe, permission)
    with device_errors():
        _try(recipe, progress)
    with _folder_told(folder):
        folder.create()
    write_atomic(folder.recipe_file, recipe.dump())
    folder.write_state(
        RunState(
            name=recipe.name,
            method=recipe.method["name"],
            title=type(recipe.make_objective()).__name__,
            created=now(),
            seed=recipe.seed,
            suite=recipe.suite_section,
            environment=environment(),
        )
    )
    return folder


def prepared(recipe: Recipe, folder: RunFolder, progress: Progress) -> tuple[Suite, str]:
    """The suite, with all made that it needs of the target model, and that model's folder or hub id."""
    suite = make_suite(folder.state().suite)
    source = recipe.model.path or suite.target_model(progress)
    assert source is not None  # a recipe for a suite without models names one
    length = recipe.train.max_length
    with device_errors():
        suite = suite.prepared(source, folder.private, seed=recipe.seed, max_length=length, progress=progress)
    folder.update(suite=section_of(recipe.suite["name"], suite))
    return suite, source


def _ask_leave(recipe: Recipe, permission: Permission) -> None:
    """Complain of what a teacher lacks that would be asked, before anything is made or sent."""
    teacher = recipe.make_teacher()
    if isinstance(teacher, ChatTeacher) and taught_splits(recipe.make_objective()):
        teacher.ready(permission)


def _lying_in(folder: RunFolder) -> set[str]:
    return {path.name for path in folder.path.iterdir()} if folder.path.exists() else set()


@contextmanager
def _folder_told(folder: RunFolder) -> Iterator[None]:
    """Tell of a folder that cannot be one: there is a file, or the system does not let it be made."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(
            f"the run's folder cannot be used: {getattr(error, 'strerror', error)}",
            where="out",
            value=str(folder.path),
            fix="take a folder that can be written to: out=...",
        ) from error


def _try(recipe: Recipe, progress: Progress) -> None:
    """Complain of rows and models that cannot be used, or not as the recipe says. Loads no weights."""
    settings, suite = recipe.model, recipe.make_suite()
    training_splits(suite, recipe.make_objective())  # first, for it takes no time
    retrained = None if suite.has_models else suite.retrained_model(progress)
    if retrained is not None:
        meta_load(find_model(retrained, where="suite.retrained"))
    source = settings.path or suite.target_model(progress)
    assert source is not None  # a recipe for a suite without models names one
    found = find_model(source)
    tokenizer, model = meta_load(found)
    model = set_trainable(model, lora=settings.lora, parameters=settings.parameters)
    try_weights(recipe.make_objective(), model)
    rehearse(recipe, suite, found, tokenizer)
    if taught_splits(recipe.make_objective()):
        try_lift(recipe, suite, progress)
    if layout(tokenizer) == "plain":
        progress.log(PLAIN)
    if found.base is not None and settings.lora is not None:
        progress.log("the model is an adapter on a base: it is merged, and so will be the result; see model.merge")


def _refuse_other_recipe(recipe: Recipe, folder: RunFolder) -> None:
    ours, theirs = _flat(recipe.model_dump(mode="json")), _flat(folder.recipe())
    # Where the folder is does not change what is in it, nor how patiently a server is asked what it answers.
    free = {"out", *(f"targets.server.{name}" for name in ServerSettings.changeable)}
    differing = [key for key in {**ours, **theirs} if key not in free and ours.get(key) != theirs.get(key)]
    if differing:
        key = differing[0]
        raise InputError(
            "the run in this folder was begun with another recipe",
            where=f"{folder.recipe_file}, field {key}",
            value=ours.get(key),
            allowed=f"{theirs.get(key)!r}, as when it was begun",
            fix="take another folder: out=...; or go on with the recipe that lies in the folder",
        )


def _flat(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in section.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _warn_of_other_machine(folder: RunFolder, progress: Progress) -> None:
    before, here = folder.state().environment, environment()
    changed = {name: (before.get(name), value) for name, value in here.items() if before.get(name) != value}
    differing = [f"{name} was {old}, is {new}" for name, (old, new) in changed.items()]
    if differing:
        progress.log(f"warning: the weights may differ from those of an unbroken run: {'; '.join(differing)}")
