"""Measure a model on a suite, and write the records and scores."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unlearnkit.core.environment import device_errors, environment
from unlearnkit.core.errors import InputError, NonFinite
from unlearnkit.core.files import reading
from unlearnkit.core.progress import Progress
from unlearnkit.data.vocabulary import REFERENCES, RETRAINED, TARGET
from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.models.load import meta_load
from unlearnkit.models.settings import Bits, Dtype
from unlearnkit.pipeline.preflight import refuse_unmeasurable
from unlearnkit.pipeline.score import score
from unlearnkit.pipeline.subject import model_to_try, open_subject, spec_of_model
from unlearnkit.recipe import EvalSettings, make_suite, suite_section
from unlearnkit.records.elicit import elicit
from unlearnkit.records.measure import measure
from unlearnkit.records.schema import ELICITED_SET, Record
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of
from unlearnkit.runs.state import COST_FILE, Cost, Measured, RunState, SubjectSpec, now
from unlearnkit.suites.base import SUITES, Suite


def evaluate(
    subject: str | Path,
    suite: dict[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    settings: EvalSettings | None = None,
    rounded: Bits | None = None,
    dtype: Dtype = "float32",
    progress: Progress | None = None,
) -> RunFolder:
    """Measure and score a run's model or any other model.

    Args:
        subject: the folder of a run, or the folder or Hub id of a model. `target` stands for the target model of the
            suite, and `retrained` for the retrained model of the suite.
        suite: name and settings of the suite; None: the suite of the run. A suite is required if `subject` is not a
            run.
        out: folder for records and scores; None: the run's folder, or `runs/<name of the model>` if `subject` is not
            a run. If `rounded` is given, `-` and its value are appended to the name.
        settings: settings of the measurement; None: the settings with which the run was last measured, or the defaults.
        rounded: measure a copy whose linear layers are rounded to integers of 8 or 4 bits, as in a quantized model;
            None: measure the model as it is.
        dtype: type of the weights of a model that belongs to no run. A run's model has the type of the run.
        progress: reports progress.

    Returns:
        The folder with the records and scores.

    Raises:
        InputError: the model or the settings cannot be used; for example, the model is an ensemble, whose weights
            cannot be rounded.
    """
    progress, source = progress or Progress(), RunFolder(subject)
    if source.is_run:
        if rounded is not None and out is None:
            out = source.path.with_name(f"{source.path.resolve().name}-{rounded}")
        return _again(source, suite, out, settings, rounded, progress)
    if suite is None:
        raise InputError(
            "this is not the folder of a run, so the suite must be named",
            value=str(subject),
            fix=f"name the suite with --suite: {', '.join(SUITES.names())}",
        )
    name = Path(subject).name.removesuffix(".gguf") + ("" if rounded is None else f"-{rounded}")
    folder = RunFolder(out if out is not None else Path("runs") / name)
    settings = settings or EvalSettings()
    measured_on, section = make_suite(suite), suite_section(suite)
    model = suite_model(measured_on, str(subject), progress) if str(subject) in REFERENCES else str(subject)
    model_folder = _tried(model, measured_on, "the model to measure", settings.system_prompt)
    for note in model_folder.notes:
        progress.log(note)
    if not measured_on.has_models and (retrained := measured_on.retrained_model(progress)) is not None:
        _tried(retrained, measured_on, "suite.retrained")
    # The cost of training the target model is not a cost of unlearning.
    cost = None if str(subject) == TARGET else _read_cost(model)
    _begin(folder, section, spec_of_model(model_folder, dtype).model_copy(update={"rounded": rounded}), cost)
    if not measured_on.has_models:
        measure_references(folder, settings, progress, measured_on)
    measure_subject(folder, settings, progress, measured_on)
    return folder


def measure_references(
    folder: RunFolder,
    settings: EvalSettings,
    progress: Progress,
    suite: Suite,
    *,
    target: str | None = None,
    dtype: Dtype = "float32",
) -> None:
    """Measure a run's reference models, unless they are already measured.

    The records and scores are written to subfolders of the run's folder. The reference models are measured without the
    system prompt, because the system prompt belongs only to the model under test.

    Args:
        folder: the run.
        settings: settings of the measurement.
        progress: reports progress.
        suite: the suite. If the suite names a retrained model, the retrained model is measured, too. A retrained model
            that the suite trains itself is not measured here.
        target: folder or Hub id of the target model, i.e. the model before unlearning; None: the target model is not
            measured.
        dtype: type of the models' weights.
    """
    settings = settings.model_copy(update={"system_prompt": None})
    section, known = folder.state().suite, {run.name for run in references_of(folder)}
    retrained = None if suite.has_models else suite.retrained_model(progress)
    # The retrained model is measured first, because the scores of the target model include comparisons with the
    # retrained model.
    for name, model in ((RETRAINED, retrained), (TARGET, target)):
        if model is not None and name not in known:
            reference = RunFolder(folder.references / name)
            if reference.path.exists():
                shutil.rmtree(reference.path)  # an earlier call created the folder, but did not finish the measurement
            cost = _read_cost(model) if name == RETRAINED else None
            _begin(reference, section, spec_of_model(model, dtype), cost)
            measure_subject(reference, settings, progress, suite)


def _again(
    run: RunFolder,
    suite: dict[str, Any] | None,
    out: str | Path | None,
    settings: EvalSettings | None,
    rounded: Bits | None,
    progress: Progress,
) -> RunFolder:
    """Measure a run's model again.

    The records and scores are written to the run's folder or, if `out` is given, to the folder `out`.
    """
    state = run.state()
    chosen = state.suite if suite is None else suite_section(suite)
    measured_on = make_suite(chosen)
    settings, folder = settings or last_settings(run), run
    fix = "write the new records to another folder: --out runs/<name>"
    if out is not None and Path(out).resolve() != run.path.resolve():
        folder = RunFolder(out)
        where = f"{run.subject_file}, field path"
        model_folder = _tried(model_to_try(run), measured_on, where, settings.system_prompt)
        spec = run.subject()
        if spec.kind == "ensemble" and rounded is not None:
            raise InputError(
                "the models of an ensemble are adapters on one base model, which cannot be rounded",
                where=str(run.path),
                value=rounded,
                fix="measure the ensemble without rounding",
            )
        guard_scope = run.guard_scope() if spec.kind == "guarded" else None
        path = run.subject_path() if spec.kind == "ensemble" else model_folder.name
        spec = spec.model_copy(update={"path": path, "rounded": rounded or spec.rounded})
        _begin(folder, chosen, spec, state.cost)
        if guard_scope is not None:
            folder.write_guard_scope(guard_scope)
    elif chosen != state.suite:
        what = "the run was measured on a different suite or request, and its records would be overwritten"
        raise InputError(what, where=str(run.path), value=chosen, allowed=str(state.suite), fix=fix)
    elif state.measure is not None and state.measure.system_prompt != settings.system_prompt:
        # A measurement reuses the settings of the previous measurement. If the new system prompt were accepted here,
        # all later measurements of the run would silently use the new system prompt, too.
        what = "the run was measured with another system prompt or without one, and its records would be overwritten"
        raise InputError(what, where=str(run.path), fix=fix)
    measure_subject(folder, settings, progress, measured_on)
    return folder


def last_settings(run: RunFolder) -> EvalSettings:
    """Return the settings of a run's last measurement.

    If the run was never measured, the default settings are returned.
    """
    measured = run.state().measure
    if measured is None:
        return EvalSettings()
    return EvalSettings(**measured.model_dump(include=set(EvalSettings.model_fields)))


def measure_subject(folder: RunFolder, settings: EvalSettings, progress: Progress, suite: Suite) -> None:
    """Measure a run's model on a suite's rows, and score the records."""
    started, task = time.monotonic(), suite.task()
    max_new_tokens = settings.max_new_tokens or suite.max_new_tokens
    gradients = task.gradients if settings.gradients else frozenset()
    total = sum(len(rows) * (1 + (name in gradients)) for name, rows in task.measured.items())
    sets = {
        name: [row.with_system_prompt(settings.system_prompt) for row in rows] for name, rows in task.measured.items()
    }
    if ELICITED_SET not in task.unspoken:
        total += 2 * sum(bool(row.question) for row in task.measured.get(ELICITED_SET, ()))
    subject = open_subject(folder)
    for note in subject.layout_notes:
        progress.log(note)
    with progress.task(f"measuring {folder.name}", total) as shown, device_errors():
        records = measure(
            subject,
            sets,
            max_new_tokens=max_new_tokens,
            unspoken=task.unspoken,
            gradients=gradients,
            on_rows=shown.advance,
        )
        records = elicit(subject, records, max_new_tokens=max_new_tokens, on_rows=shown.advance)
    _refuse_not_finite(records, folder.subject_path())
    folder.write_records(records)
    folder.write_scope(task.scope)
    if folder.drop_attacks():
        progress.log(
            f"{folder.path}: attack results were deleted, because they belonged to the previous records; "
            "to attack the model again, run unlearn attack"
        )
    score(folder, suite)
    measured = Measured(
        seconds=time.monotonic() - started,
        max_new_tokens=max_new_tokens,
        gradients=settings.gradients,
        system_prompt=settings.system_prompt,
        layout=subject.layout,
        layout_notes=tuple(subject.layout_notes),
        rows={name: len(rows) for name, rows in task.measured.items()},
    )
    folder.update(measure=measured)


def _refuse_not_finite(records: Sequence[Record], path: str) -> None:
    """Raise `NonFinite` if a log-probability in the records is not finite.

    A log-probability is not finite if, for example, the weights diverged in the last step of training.
    """
    if any(record.tokens and not all(map(math.isfinite, record.tokens.logps)) for record in records):
        raise NonFinite(
            "the model's log-probabilities are not finite (infinite or NaN)",
            where=path,
            fix="train the model again in another folder, with a lower train.lr: train.lr=... out=...",
        )


def suite_model(suite: Suite, name: str, progress: Progress) -> str:
    """Return the folder of the suite's target or retrained model."""
    path = suite.target_model(progress) if name == TARGET else suite.retrained_model(progress)
    if path is None:
        raise InputError(
            "the suite does not provide this model", value=name, fix="give the folder or Hub id of the model instead"
        )
    return path


def _read_cost(model: str) -> Cost | None:
    """Read the training cost from a model's folder.

    Returns None if the folder contains no cost.
    """
    file = Path(model) / COST_FILE
    if not file.exists():
        return None
    with reading(file, fix="delete the file; the model is then measured, but its training cost is not reported"):
        return Cost.model_validate_json(file.read_text(encoding="utf-8"))


def _tried(model: str, suite: Suite, where: str, system_prompt: str | None = None) -> ModelFolder:
    """Find a model, and check that the suite's rows fit the model.

    A row fits if the row is not too long for the model.

    Call this function before anything is written, so that an error leaves no files behind.
    """
    found = find_model(model, where=where)
    refuse_unmeasurable(suite.task(), found.config, meta_load(found)[0], system_prompt)
    return found


def _begin(folder: RunFolder, suite: dict[str, Any], subject: SubjectSpec, cost: Cost | None) -> None:
    """Create the folder of a measurement.

    An existing folder is accepted if it was created for the same suite and the same model, and if nothing has been
    measured yet.
    """
    state = folder.state() if folder.is_run else None
    if state is not None and state.measure is None and (state.suite, folder.subject()) == (suite, subject):
        return
    if folder.path.exists() and any(folder.path.iterdir()):
        raise InputError(
            "the folder for the results is not empty",
            where=str(folder.path),
            fix="choose another folder with --out, or delete this folder",
        )
    folder.create()
    folder.write_subject(subject)
    folder.write_state(RunState(name=folder.name, created=now(), suite=suite, environment=environment(), cost=cost))
