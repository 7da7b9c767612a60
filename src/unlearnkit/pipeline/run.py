"""Execute a run, from a recipe to a measured model.

When a run is resumed, finished stages are skipped.
"""

from __future__ import annotations

import shutil
import time
from typing import Any

import torch

from unlearnkit.core.environment import device_errors, peak_rss_mb, reset_peak_memory
from unlearnkit.core.files import writing
from unlearnkit.core.processes import current
from unlearnkit.core.progress import Progress
from unlearnkit.data.rows import merged_note
from unlearnkit.llm.consent import Permission
from unlearnkit.methods.base import Guard
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.load import DTYPES, load_model, save_model
from unlearnkit.models.rounding import FileTypes, restore_frozen, round_like, type_name
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.evaluate import measure_references, measure_subject
from unlearnkit.pipeline.g_effect import g_effect_watch
from unlearnkit.pipeline.open_run import open_run
from unlearnkit.recipe import Recipe
from unlearnkit.report.build import adapter_note, write_documents
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
    """Unlearn according to the recipe, then measure and score the model.

    Args:
        recipe: the run's recipe.
        resume: whether to continue the run in the recipe's folder. If the folder contains no run, a new run is started.
        measured: whether to measure the model and the reference models. If false, they can be measured by a later call
            with `resume=True`.
        permission: what may be sent to a chat-model teacher, and how much may be spent on the teacher. Without a
            permission, nothing is sent.
        progress: reports progress.

    Returns:
        The run's folder.

    Raises:
        InputError: the folder is taken, or contains a run of another recipe.
        Interrupted: the user stopped the training. Call again with `resume=True` to continue.
    """
    watched = recipe.diagnose.g_effect_every is not None
    context = RunContext(recipe, permission=permission, progress=progress, watch=g_effect_watch if watched else None)
    folder, progress = context.folder, context.progress
    open_run(context, resume=resume)
    state = folder.state()
    if state.done:
        progress.log(f"{folder.path}: the run is finished already, so there is nothing to do")
        return folder
    if state.train is None:
        if unused := _unused_settings(recipe):
            progress.log(f"the recipe sets fields that the method {recipe.method['name']} ignores: {', '.join(unused)}")
        context.prepare()
        if state.merged_rows is None:
            merged, rows = context.merged_rows(context.tokenizer)
            folder.update(merged_rows=(merged, rows))
            if merged:
                progress.log(merged_note(merged, rows))
    if measured and state.measure is None:
        # The reference models are measured before training, so that an error in rows or models is found early.
        measure_references(
            folder, recipe.eval, progress, context.suite, target=context.source, dtype=recipe.model.dtype
        )
    if state.train is None:
        with device_errors():
            _fit(context)
    if (job := current()) is not None:
        job.dismiss()  # only this process measures the model
    if not measured:
        return folder
    if state.measure is None:
        measure_subject(folder, recipe.eval, progress, context.suite)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    write_documents(folder, context.suite)
    folder.update(done=True)
    if note := adapter_note(folder):
        progress.log(note)
    return folder


def _unused_settings(recipe: Recipe) -> list[str]:
    """Return the fields that the recipe sets but the method ignores."""
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
    """Train and save the model, and record that training is done."""
    reset_peak_memory()
    began = time.monotonic()
    subject = context.method.fit(context)
    peak, seconds = peak_rss_mb(), time.monotonic() - began
    spec, saved = _saved(context, subject)
    context.folder.write_subject(spec)
    results, state, trained = context.results, context.folder.state(), seconds
    if results:
        # If a training was interrupted and resumed, the seconds of the training include all sessions, because
        # checkpoints store the sum.
        trained = sum(result.seconds for result in results)
        seconds = trained + sum(stage.seconds for stage in (state.targets, state.reference) if stage)
    ended = next((result.ended for result in results if result.ended != "finished"), "finished")
    steps = sum(result.steps for result in results)
    context.folder.update(
        train=Training(
            seconds=trained,
            ended=ended,
            steps=steps,
            peak_rss_mb=peak,
            rows=context.augmentation.origins(context.splits),
            **saved,
        ),
        cost=Cost(seconds=seconds, peak_rss_mb=peak),
    )


def _saved(context: RunContext, subject: Subject) -> tuple[SubjectSpec, dict[str, Any]]:
    """Save the model under test.

    Returns:
        The model's `SubjectSpec`, and the fields of `Training` that state what rounding did.
    """
    if isinstance(context.method, Guard):
        # A guard does not change the model, so only the guard's scope is saved.
        context.folder.write_guard_scope(context.scope)
        guard = {"name": context.recipe.method["name"], **context.method.model_dump(mode="json")}
        return SubjectSpec(kind="guarded", path=context.found.name, dtype=context.dtype, guard=guard), {}
    if isinstance(subject, LocalSubject):
        return _saved_weights(context, subject.model)
    if isinstance(subject, EnsembleSubject):
        # The method has already saved the adapters during training.
        folder = context.folder.model
        members = tuple(path.relative_to(folder.resolve()).as_posix() for path in subject.members.values())
        base, dtype = subject.base, context.dtype
        return SubjectSpec(kind="ensemble", path=folder.name, base=base, dtype=dtype, members=members), {}
    raise TypeError(f"{type(subject).__name__} cannot be saved")


def _saved_weights(context: RunContext, model: Any) -> tuple[SubjectSpec, dict[str, Any]]:
    """Save the model to a temporary folder, then rename the folder.

    The weights are saved in the data types of the target model's files. The saved model is the one that is measured
    later, so scores include the effect of this rounding.

    If the target model is itself an adapter, the new adapter is always merged. The new adapter was trained on top of
    the base model with the old adapter merged in. No folder contains that merged model, so the new adapter alone could
    not be loaded again. An adapter of a GGUF file is merged, too, because peft cannot load such a base model.
    """
    settings, source, folder = context.recipe.model, context.found, context.folder
    alone = source.base is None and source.gguf is None
    adapter = settings.saves_adapter and alone and hasattr(model, "peft_config")
    saved: dict[str, Any] = {}
    if not adapter:
        model, saved = _rounded(context, model)
    partial = folder.path / "model.partial"
    shutil.rmtree(partial, ignore_errors=True)
    with writing(folder.model):
        try:
            save_model(model, context.tokenizer, partial)
            shutil.rmtree(folder.model, ignore_errors=True)
            partial.rename(folder.model)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    # If the files have more precision than the recipe's dtype, the model is measured in float32. In the recipe's dtype,
    # the measured weights would not be the saved ones.
    exact = adapter or FileTypes.of_source(source).all_are(DTYPES[settings.dtype])
    spec = SubjectSpec(
        kind="adapter" if adapter else "weights",
        path=folder.model.name,
        base=source.name if adapter else None,
        dtype=settings.dtype if exact else "float32",
    )
    return spec, saved


def _rounded(context: RunContext, model: Any) -> tuple[Any, dict[str, Any]]:
    """Merge the model's adapter, and round the weights for saving.

    The weights get the data types that they have in the target model's files.

    Returns:
        The model, and the fields of `Training` that state what rounding did.
    """
    types = FileTypes.of_source(context.found)
    lossless = context.dtype == "float32" and types.all_are(torch.float32)
    before = None
    if not lossless and not context.method.from_scratch:
        before = merge_adapter(load_model(context.found, "float32"))
        restore_frozen(model, before)
    model = merge_adapter(model)
    returned, name = round_like(model, types, before), type_name(types.usual)
    if returned:
        context.progress.log(
            f"the model is saved in {name}, as its target is: this rounds {returned:.0%} of the weights that training "
            "changed back to their earlier value; the saved model is measured"
        )
    return model, {"saved_as": name, "returned": 0.0 if lossless else returned}
