"""One run, from a recipe to a measured model. Every stage that is done is skipped when the run goes on."""

from __future__ import annotations

import shutil
import time
from typing import Any

from unlearnkit.core.environment import device_errors, peak_rss_mb, reset_peak_memory
from unlearnkit.core.files import writing
from unlearnkit.core.progress import Progress
from unlearnkit.llm.consent import Permission
from unlearnkit.methods.base import Guard
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.load import save_model
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.evaluate import measure_references, measure_subject
from unlearnkit.pipeline.g_effect import g_effect_watch
from unlearnkit.pipeline.open_run import open_run
from unlearnkit.recipe import Recipe
from unlearnkit.report.build import write_documents
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import Cost, SubjectSpec, Training
from unlearnkit.subjects.base import Subject
from unlearnkit.subjects.ensemble import EnsembleSubject
from unlearnkit.subjects.local import LocalSubject


def run(
    recipe: Recipe,
    *,
    resume: bool = False,
    measured: bool = True,
    permission: Permission | None = None,
    progress: Progress | None = None,
) -> RunFolder:
    """Make a model forget as the recipe says, measure it and score it.

    Args:
        recipe: what to do.
        resume: go on with the run in the recipe's folder, if there is one.
        measured: whether the model, and what it is compared with, are measured. False: the model is only made, and a
            later call with `resume` measures it.
        permission: what a teacher that is asked may be sent, and may spend; nothing is sent without it.
        progress: shows what is being done.

    Raises:
        InputError: the folder is taken, or holds a run of another recipe.
        Interrupted: the user stopped the training; it goes on with `resume`.
    """
    watched = recipe.diagnose.g_effect_every is not None
    context = RunContext(recipe, permission=permission, progress=progress, watch=g_effect_watch if watched else None)
    folder, progress = context.folder, context.progress
    open_run(context, resume=resume)
    if folder.state().done:
        progress.log(f"{folder.path}: this run is finished")
        return folder
    if folder.state().train is None:
        if unused := _unused_settings(recipe):
            progress.log(f"the method {recipe.method['name']} does not use these settings: {', '.join(unused)}")
        context.prepare()
        if measured and not context.suite.has_models:
            # Before the training, so that an error in rows or models costs none.
            measure_references(folder, recipe.eval, progress, context.suite, target=context.source)
        with device_errors():
            _fit(context)
    if not measured:
        return folder
    if folder.state().measure is None:
        # The references are there already, unless the model was made by a call that measured nothing.
        if not context.suite.has_models:
            measure_references(folder, recipe.eval, progress, context.suite, target=recipe.model.path)
        measure_subject(folder, recipe.eval, progress, context.suite)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    write_documents(folder, context.suite)
    folder.update(done=True)
    return folder


def _unused_settings(recipe: Recipe) -> list[str]:
    """Return the fields that the recipe sets to something else than the default, and that its method does not read."""
    found = []
    for path in recipe.make_method().unused:
        section, _, field = path.partition(".")
        settings = getattr(recipe, section)
        found += [
            f"{section}.{name}"
            for name, about in type(settings).model_fields.items()
            if name == (field or name) and getattr(settings, name) != about.get_default(call_default_factory=True)
        ]
    return found


def _fit(context: RunContext) -> None:
    """Make the model, save it, and record that this stage is done."""
    reset_peak_memory()
    began = time.monotonic()
    subject = context.method.fit(context)
    peak, seconds = peak_rss_mb(), time.monotonic() - began
    context.folder.write_subject(_saved(context, subject))
    state = context.folder.state()
    if context.results:
        # Of all sessions that the training took, which the checkpoints count.
        trained = sum(result.seconds for result in context.results)
        seconds = sum(stage.seconds for stage in (state.targets, state.reference) if stage) + trained
    ended = next((result.ended for result in context.results if result.ended != "finished"), "finished")
    context.folder.update(
        train=Training(
            seconds=sum(result.seconds for result in context.results) if context.results else seconds,
            ended=ended,
            steps=sum(result.steps for result in context.results),
            peak_rss_mb=peak,
        ),
        cost=Cost(seconds=seconds, peak_rss_mb=peak),
    )


def _saved(context: RunContext, subject: Subject) -> SubjectSpec:
    """Save the model under test, and return how to open it again."""
    if isinstance(context.method, Guard):
        return _saved_guard(context)
    if isinstance(subject, LocalSubject):
        return _saved_weights(context, subject.model)
    if isinstance(subject, EnsembleSubject):
        # The method wrote the adapters while it trained.
        folder = context.folder.model
        members = tuple(path.relative_to(folder.resolve()).as_posix() for path in subject.members.values())
        dtype = context.recipe.model.dtype
        return SubjectSpec(kind="ensemble", path=folder.name, base=subject.base, dtype=dtype, members=members)
    raise TypeError(f"{type(subject).__name__} cannot be saved")


def _saved_guard(context: RunContext) -> SubjectSpec:
    """Keep the scope in the private folder; of the model only its place is kept, since nothing of it changed."""
    context.folder.write_guard_scope(context.scope)
    return SubjectSpec(
        kind="guarded",
        path=context.found.name,
        dtype=context.dtype,
        guard={"name": context.recipe.method["name"], **context.method.model_dump(mode="json")},
    )


def _saved_weights(context: RunContext, model: Any) -> SubjectSpec:
    """Write the model beside its place and rename it.

    A new adapter on a target that is an adapter itself is merged whether or not the recipe says so. It was trained on
    base and old adapter together, which are in no folder; writing that sum out for the new adapter would take as much
    room as the whole result, and make two folders of it that are of no use apart.
    """
    settings, source, folder = context.recipe.model, context.found, context.folder
    adapter = settings.lora is not None and not settings.merge and source.base is None and hasattr(model, "peft_config")
    if not adapter:
        model = merge_adapter(model)
    beside = folder.path / "model.partial"
    shutil.rmtree(beside, ignore_errors=True)
    with writing(folder.model):
        try:
            save_model(model, context.tokenizer, beside)
            shutil.rmtree(folder.model, ignore_errors=True)
            beside.rename(folder.model)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return SubjectSpec(
        kind="adapter" if adapter else "weights",
        path=folder.model.name,
        base=source.name if adapter else None,
        dtype=settings.dtype,
    )
