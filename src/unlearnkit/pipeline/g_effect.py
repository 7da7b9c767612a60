"""Measure G-effects: during a run, after a run, or for any model."""

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
    """Measure how gradients of objectives affect the risks of a model.

    A risk is the model's mean negative log-likelihood of the answers in a set of rows.

    Args:
        model: the model to measure. Effects are computed only over parameters that require a gradient.
        objectives: one or more objectives. A registered name stands for the objective with its default settings.
        forget: rows to forget. The risk on these rows is called `forget`.
        retain: rows to keep. The retain terms of objectives are computed on these rows. The risk on these rows is
            called `retain`.
        tokenizer: the model's tokenizer.
        reference: the model before unlearning, for objectives that compare the model with a reference; None: `model`
            is its own reference.
        risks: additional sets of rows, on each of which a risk is measured. The keys are the names of the risks, for
            example `near`.
        settings: settings such as the weight groups and the maximum number of rows. The fields `risks` and
            `objectives` of the settings are ignored.
        seed: seed for choosing "I don't know" answers, and for choosing rows if there are more than `settings.rows`.

    Returns:
        The table of effects, at step 0. If `settings.instances` is true, the table also contains each row's share of
        the effects.

    Raises:
        InputError: an objective is not registered, a row is too long for the model, or an objective needs a split that
            is neither `forget` nor `retain`.
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
    """Measure a run's G-effects at every step whose weights are available.

    The G-effects are written to the run's folder.

    Args:
        what: a run or a recipe. For a run, G-effects are measured with the target model's weights and with all weights
            that were kept during training (`train.keep_weights_every`). If no weights were kept, the final weights are
            used instead. For a recipe, the run's folder and targets are created, and G-effects are measured before
            training.
        objectives: names of registered objectives; None: the objective of the run.
        sweeps: settings to vary. Each setting is varied in every chosen objective that has the setting. A sweep needs
            no additional forward or backward pass.
        settings: settings of the measurement; None: the recipe's section `diagnose`.
        permission: what may be sent to a chat-model teacher, and how much may be spent on the teacher.
        progress: reports progress.

    Raises:
        InputError: an objective or risk does not exist, or the run's rows were purged.
    """
    if isinstance(what, Recipe):
        context = RunContext(what, permission=permission, progress=progress)
        open_run(context, resume=True)
    else:
        context = RunContext(make_recipe(what.recipe()), folder=what, permission=permission, progress=progress)
    recipe, folder = context.recipe, context.folder
    if folder.state().purged:
        raise InputError(
            "G-effects cannot be measured, because the rows of this run were purged",
            where=str(folder.path),
            fix="repeat the run in another folder: out=...",
        )
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
    """Assign each sweep to the objectives that have the varied setting.

    Returns:
        Tuples of an objective's name, a sweep, and the values of the objective's settings that the sweep does not vary.
    """
    swept = []
    fields = {name: OBJECTIVES.get(name).plugin.model_fields for name in names}
    for each in sweeps:
        having = [name for name in names if each.field in fields[name]]
        if not having:
            raise InputError(
                "none of the chosen objectives has the setting that --sweep varies",
                where="--sweep",
                value=each.field,
                allowed=", ".join(sorted({field for name in names for field in fields[name]})),
                fix="sweep one of the allowed settings, or choose other objectives: --objectives",
            )
        for name in having:
            own = recipe.method if name == recipe.method["name"] else {}
            fixed = {key: value for key, value in own.items() if key not in ("name", each.field)}
            each.objectives(name, **fixed)  # raises an error for an invalid value before anything is measured
            swept.append((name, each, fixed))
    return swept


def _chosen_objectives(recipe: Recipe, names: Iterable[str]) -> dict[str, Objective]:
    """Create the objectives with the given names, and return them by label.

    If an objective is the recipe's own method, the objective gets the settings in the recipe. All other objectives get
    default settings.
    """
    chosen = {}
    for name in names:
        objective = _own_objective(recipe) if name == recipe.method["name"] else OBJECTIVES.get(name).plugin()
        if objective.from_scratch:
            raise InputError(
                "this objective trains newly initialized weights, so it has no G-effect on the target model",
                value=name,
                fix="choose other objectives",
            )
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
            fix="choose the objectives to measure, for example --objectives ga,npo",
        )
    return method.objective


def _diagnosis_of(context: RunContext, settings: DiagnoseSettings, objectives: Mapping[str, Objective]) -> Diagnosis:
    """Collect the model, objectives and rows for measuring a run's G-effects.

    Call this function before the first update, while the model still equals the reference model.
    """
    sets = {**context.task.measured, **context.splits}
    unknown = [name for name in settings.risks if not sets.get(name)]
    if unknown:
        raise InputError(
            "the risk cannot be measured, because no split or probe set with this name contains rows",
            where="diagnose.risks",
            value=unknown[0],
            allowed=", ".join(name for name, rows in sets.items() if rows),
            fix="choose from the allowed names",
        )
    views = context.views(needs_of(objectives.values()))
    risks = _risk_rows(context.encoder, {name: sets[name] for name in settings.risks})
    diagnosis = Diagnosis(context.engine, objectives, views, risks, context.pad_id, settings)
    return _sampled(diagnosis, context.engine, context.recipe.seed)


def _sampled(diagnosis: Diagnosis, compared: Engine, seed: int) -> Diagnosis:
    """Return a copy of the diagnosis that measures only sampled rows.

    If an objective compares the model with a reference model, the reference model's outputs on the sampled rows are
    added to the copy.

    Args:
        diagnosis: the model and objectives to measure, with all rows.
        compared: the engine that runs the reference model.
        seed: seed of the sample.
    """
    settings, needs = diagnosis.settings, needs_of(diagnosis.objectives.values())
    views, risks = (_sample(rows, settings.rows, seed) for rows in (diagnosis.views, diagnosis.risks))
    if needs.reference_states:
        diagnosis.engine.freeze_reference_head(of=compared)
    reference = None
    if needs.reads_reference:
        # These reference values are not stored on disk, because they cover only the sampled rows and are computed
        # quickly.
        reference = reference_values(compared, needs, views, pad_id=diagnosis.pad_id)
    return replace(diagnosis, views=views, risks=risks, reference=reference)


def g_effect_watch(context: RunContext, trainer: Trainer) -> GEffectWatch:
    """Create the training callback that measures G-effects.

    Call this function before the first update, while the model still equals the reference model.
    """
    settings, own = context.recipe.diagnose, context.recipe.method["name"]
    assert settings.g_effect_every is not None  # the caller creates the callback only in this case
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
    """Encode rows with labels on the answers, but not on the traces.

    A risk measures what the model knows, so only the tokens of the answers contribute to a risk.
    """

    def encoded(row: Row, name: str) -> Encoded:
        return encoder.row(row, label_trace=False, where=f"{name}, row {row.id}")

    return {name: [encoded(row, name) for row in rows] for name, rows in sets.items()}


def _sample(views: Mapping[View, Sequence[Encoded]], at_most: int, seed: int) -> dict[View, list[Encoded]]:
    """Draw at most `at_most` rows from each set of rows.

    Each key of `views` names a set of rows, such as `near`, or a view, such as `forget:target`. If several keys belong
    to the same split, the same rows are drawn for these keys.
    """
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
    """Return the steps to measure, each with a function that loads weights.

    The weights are loaded one step at a time, because the weights of all steps may not fit in memory. The weights have
    the same names as the engine's parameters. The first step is 0, which stands for the target model. For step 0
    nothing is loaded, because the engine already has the target model's weights.

    Raises:
        InputError: the final weights of the run are not available.
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
            "G-effects cannot be measured, because the method of this run is a guard and changes no weights",
            where=str(folder.path),
            fix="choose a run whose method trains or edits weights",
        )
    if kind != "weights" or hasattr(engine.model, "get_base_model"):
        raise InputError(
            "the run trained an adapter and kept no weights during training, so there are no weights to measure",
            where=str(folder.path),
            fix="repeat the run with train.keep_weights_every=N, and measure that run",
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
