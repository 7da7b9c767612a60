"""G-effects of a run during or after training, or of any model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.environment import device_errors
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.order import batch_indices
from unlearnkit.data.rows import Row
from unlearnkit.gradient_effect.callback import GEffectWatch
from unlearnkit.gradient_effect.diagnosis import Diagnosis, needs_of
from unlearnkit.gradient_effect.effects import label_of
from unlearnkit.gradient_effect.settings import DiagnoseSettings
from unlearnkit.gradient_effect.sweep import Sweep, sweep
from unlearnkit.gradient_effect.table import EffectTable
from unlearnkit.llm.consent import Permission
from unlearnkit.methods.objective import OBJECTIVES, Objective, View
from unlearnkit.methods.objective_method import ObjectiveMethod
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import positions as most_positions
from unlearnkit.models.load import load_model
from unlearnkit.models.reference import reference_values
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.open_run import open_run
from unlearnkit.recipe import Recipe, make_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.training.loop import Trainer
from unlearnkit.training.step import split_of
from unlearnkit.training.views import encode_views


def g_effect(
    model: PreTrainedModel,
    objectives: str | Objective | Sequence[str | Objective],
    forget: Sequence[Row],
    retain: Sequence[Row],
    *,
    tokenizer: PreTrainedTokenizerBase,
    reference: PreTrainedModel | None = None,
    risks: Mapping[str, Sequence[Row]] | None = None,
    settings: DiagnoseSettings | None = None,
    seed: int = 0,
) -> EffectTable:
    """Measure the effect of objectives' gradients on the risks of a model.

    Args:
        model: the model; effects are computed over its parameters that require a gradient.
        objectives: one or several: registered names (with default settings) or objectives.
        forget: rows that objectives forget; their risk is `forget`.
        retain: rows that must stay; retain terms read them, and their risk is `retain`.
        tokenizer: the model's tokenizer.
        reference: the model before unlearning, for objectives that compare with it; None: the model itself.
        risks: further rows whose risk is measured, by name (`near`).
        settings: groups, limit of rows, and so on; its `risks` and `objectives` are ignored.
        seed: seeds the choice of rows if there are more than `settings.rows`, and of "I don't know" answers.

    Returns:
        Table of effects and instances, at step 0.

    Raises:
        InputError: there is no such objective, a row does not fit, or a split that an objective reads is not given.
    """
    settings = settings or DiagnoseSettings()
    given = [objectives] if isinstance(objectives, str | Objective) else objectives
    chosen = dict(_labeled(each) for each in given)
    sets = {"forget": forget, "retain": retain}
    encoder = ChatEncoder(tokenizer, most_positions(model.config))
    views = encode_views(needs_of(chosen.values()).views, sets, encoder, targets=(), seed=seed)
    measured = _risk_rows(encoder, {**sets, **(risks or {})})
    pad_id = int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id)
    engine = Engine(model)
    compared = engine if reference is None else Engine(reference)
    diagnosis = _sampled(Diagnosis(engine, chosen, views, measured, pad_id, settings), compared, seed)
    return diagnosis.table(diagnosis.measure(), 0)


def diagnose(
    what: Recipe | RunFolder,
    objectives: Sequence[str] | None = None,
    *,
    sweeps: Sequence[Sweep] = (),
    settings: DiagnoseSettings | None = None,
    permission: Permission | None = None,
    progress: Progress | None = None,
) -> tuple[RunFolder, EffectTable]:
    """Measure G-effects of a run at every step whose weights are available.

    They are written to the run's folder.

    Args:
        what: a run, which is measured at the target model and at the weights that were kept
            (`train.keep_weights_every`) or, if none were, at its result. Or a recipe: its folder is created, with its
            targets, and measured before training.
        objectives: registered names; None: the run's own method.
        sweeps: settings to vary in every named objective that has them; they need no pass of the model.
        settings: settings of the diagnosis; None: the recipe's.
        permission: what may be sent to a teacher, and what it may spend.
        progress: reports progress.

    Raises:
        InputError: there is no such objective or risk, or the run's rows were purged.
    """
    if isinstance(what, Recipe):
        context = RunContext(what, permission=permission, progress=progress)
        open_run(context, resume=True)
    else:
        context = RunContext(make_recipe(what.recipe()), folder=what, permission=permission, progress=progress)
    recipe, folder = context.recipe, context.folder
    if folder.state().purged:
        raise InputError("the rows of the run were purged", where=str(folder.path), fix="make it again: out=...")
    context.prepare()
    with device_errors():
        names = [recipe.method["name"]] if objectives is None else objectives
        diagnosis = _diagnosis_of(context, settings or recipe.diagnose, _chosen_objectives(recipe, names))
        swept = _swept(recipe, names, sweeps)
        table = EffectTable([])
        checkpoints = _checkpoints(folder, context.engine)
        with context.progress.task(f"G-effects of {folder.name}", len(checkpoints)) as counter:
            for step, load_weights in checkpoints:
                _set_weights(context.engine, load_weights())
                found = diagnosis.measure()
                rows = [row for name, each, fixed in swept for row in sweep(found, name, each, step=step, **fixed)]
                table += replace(diagnosis.table(found, step), sweeps=rows)
                counter.advance(1)
    table.write(folder.g_effect)
    return folder, table


def _swept(recipe: Recipe, names: Sequence[str], sweeps: Sequence[Sweep]) -> list[tuple[str, Sweep, dict[str, object]]]:
    """Return (objective, sweep, other settings) for each objective with the setting."""
    swept = []
    fields = {name: OBJECTIVES.get(name).plugin.model_fields for name in names}
    for each in sweeps:
        having = [name for name in names if each.field in fields[name]]
        if not having:
            raise InputError(
                "no named objective has the setting that is to be swept",
                where="--sweep",
                value=each.field,
                allowed=", ".join(sorted({field for name in names for field in fields[name]})),
                fix="name one of these, or other objectives",
            )
        for name in having:
            own = recipe.method if name == recipe.method["name"] else {}
            fixed = {key: value for key, value in own.items() if key not in ("name", each.field)}
            each.objectives(name, **fixed)  # raises for an invalid value before anything runs
            swept.append((name, each, fixed))
    return swept


def _chosen_objectives(recipe: Recipe, names: Iterable[str]) -> dict[str, Objective]:
    """Return objectives by label.

    The recipe's own has the recipe's settings, every other one its defaults.
    """
    chosen = {}
    for name in names:
        objective = _own_objective(recipe) if name == recipe.method["name"] else OBJECTIVES.get(name).plugin()
        if objective.from_scratch:
            raise InputError("it trains new weights and does not change this model", value=name, fix="name others")
        chosen[label_of(name, objective)] = objective
    return chosen


def _own_objective(recipe: Recipe) -> Objective:
    """Return the objective of the recipe's method.

    Raises:
        InputError: the method is not an objective.
    """
    method = recipe.make_method()
    if not isinstance(method, ObjectiveMethod):
        raise InputError(
            "the method is not an objective, so it has no G-effect",
            where="method.name",
            value=recipe.method["name"],
            allowed="a registered objective",
            fix="name objectives: --objectives ga,npo",
        )
    return method.objective


def _diagnosis_of(context: RunContext, settings: DiagnoseSettings, objectives: Mapping[str, Objective]) -> Diagnosis:
    """Create the diagnosis of a run.

    Call it before the first update, while the model is still the reference.
    """
    sets = {**context.task.measured, **context.splits}
    unknown = [name for name in settings.risks if not sets.get(name)]
    if unknown:
        raise InputError(
            "there are no rows of that name to measure a risk on",
            where="diagnose.risks",
            value=unknown[0],
            allowed=", ".join(name for name, rows in sets.items() if rows),
            fix="name some of these",
        )
    views = context.views(needs_of(objectives.values()))
    risks = _risk_rows(context.encoder, {name: sets[name] for name in settings.risks})
    diagnosis = Diagnosis(context.engine, objectives, views, risks, context.pad_id, settings)
    return _sampled(diagnosis, context.engine, context.recipe.seed)


def _sampled(diagnosis: Diagnosis, compared: Engine, seed: int) -> Diagnosis:
    """Return the diagnosis on a sample of its rows, with reference values.

    `compared` is the reference model.
    """
    settings, needs = diagnosis.settings, needs_of(diagnosis.objectives.values())
    views, risks = (_sample(rows, settings.rows, seed) for rows in (diagnosis.views, diagnosis.risks))
    if needs.reference_states:
        diagnosis.engine.freeze_reference_head(of=compared)
    reference = None
    if needs.reads_reference:
        # Not stored on disk: they cover a part of the rows and are computed quickly.
        reference = reference_values(compared, needs, views, pad_id=diagnosis.pad_id)
    return replace(diagnosis, views=views, risks=risks, reference=reference)


def g_effect_watch(context: RunContext, trainer: Trainer) -> GEffectWatch:
    """Create the callback that measures objectives during training.

    Call it before the first update.
    """
    settings, own = context.recipe.diagnose, context.recipe.method["name"]
    assert settings.g_effect_every is not None  # otherwise there is no callback
    objectives = _chosen_objectives(context.recipe, dict.fromkeys([own, *settings.objectives]))
    watch = GEffectWatch(
        diagnosis=_diagnosis_of(context, settings, objectives),
        folder=context.folder.g_effect,
        every=settings.g_effect_every,
        total=trainer.total,
        optimizer=getattr(trainer.optimizer, "optimizer", trainer.optimizer),
        own=next(iter(objectives)),
        steering=trainer.steering,
        use=frozenset(settings.use),
    )
    watch.resume()
    return watch


def _risk_rows(encoder: ChatEncoder, sets: Mapping[str, Sequence[Row]]) -> dict[str, list[Encoded]]:
    """Encode rows with labels on the answers and not on the traces.

    The risk is about what the model knows.
    """

    def encoded(row: Row, name: str) -> Encoded:
        where = f"{name}, row {row.id}"
        return encoder.answer(
            row.question, row.answer, history=row.history, trace=row.trace, label_trace=False, where=where
        )

    return {name: [encoded(row, name) for row in rows] for name, rows in sets.items()}


def _sample(views: Mapping[View, Sequence[Encoded]], at_most: int, seed: int) -> dict[View, list[Encoded]]:
    """Draw at most `at_most` rows of each view, the same per split."""
    sample = {}
    for view, rows in views.items():
        drawn = batch_indices(seed, split_of(view), len(rows), 0, min(at_most, len(rows)))
        sample[view] = [rows[i] for i in sorted(drawn)]
    return sample


def _labeled(given: str | Objective) -> tuple[str, Objective]:
    if isinstance(given, str):
        return given, OBJECTIVES.get(given).plugin()
    name = next(n for n in OBJECTIVES.names() if OBJECTIVES.get(n).plugin is type(given))
    return label_of(name, given), given


def _checkpoints(folder: RunFolder, engine: Engine) -> list[tuple[int, Callable[[], Mapping[str, Tensor]]]]:
    """Return the steps at which a run is measured.

    Each has a function that loads its weights, because together they would take as many copies of them. Weights have
    the engine's names. The first step is the target model, whose weights the engine has already.

    Raises:
        InputError: the weights of the result are not available.
    """
    kept = sorted(folder.kept_weights.glob("step-*.safetensors"))
    checkpoints: list[tuple[int, Callable[[], Mapping[str, Tensor]]]] = [(0, dict)]
    checkpoints += [(int(file.stem.rpartition("-")[2]), partial(load_file, file)) for file in kept]
    training = folder.state().train
    if kept or training is None:
        return checkpoints
    kind = folder.subject().kind
    if kind == "guarded":
        raise InputError(
            "a guard changes no weights, so there is no training to measure the effects of",
            where=str(folder.path),
            fix="measure a run whose method trains or edits weights",
        )
    if kind != "weights" or hasattr(engine.model, "get_base_model"):
        raise InputError(
            "the run trained an adapter, and no weights were kept along it",
            where=str(folder.path),
            fix="train with train.keep_weights_every=N, and measure that run",
        )
    return [*checkpoints, (training.steps, partial(_result, folder))]


def _result(folder: RunFolder) -> dict[str, Tensor]:
    model: Any = load_model(folder.subject_path(), folder.subject().dtype)
    return {f"model.{name}": parameter for name, parameter in model.named_parameters()}


@torch.no_grad()
def _set_weights(engine: Engine, weights: Mapping[str, Tensor]) -> None:
    for name, parameter in engine.named_parameters():
        if name in weights:
            parameter.copy_(weights[name])
