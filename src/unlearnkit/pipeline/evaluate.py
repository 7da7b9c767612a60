"""Measure a subject on a suite: write records, then scores from them."""

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
from unlearnkit.data.encoding import PLAIN
from unlearnkit.data.vocabulary import REFERENCES, RETRAINED, TARGET
from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.models.load import meta_load
from unlearnkit.pipeline.preflight import refuse_unmeasurable
from unlearnkit.pipeline.score import score
from unlearnkit.pipeline.subject import model_to_try, open_subject, spec_of_model
from unlearnkit.recipe import EvalSettings, make_suite, suite_section
from unlearnkit.records.measure import measure
from unlearnkit.records.schema import Record, write_records
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of
from unlearnkit.runs.state import COST_FILE, Cost, Measured, RunState, SubjectSpec, now
from unlearnkit.suites.base import Suite


def evaluate(
    subject: str | Path,
    suite: dict[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    settings: EvalSettings | None = None,
    progress: Progress | None = None,
) -> RunFolder:
    """Measure a run's model, or any model, and score it.

    Args:
        subject: a run's folder, a model's folder or hub id; `target` or `retrained` for the suite's own models.
        suite: name and settings of the suite; None for the one that the run was made with.
        out: folder for records and scores; None for the run's own folder, or `runs/<name of the model>`.
        settings: how to measure.
        progress: reports progress.
    """
    progress, source = progress or Progress(), RunFolder(subject)
    if source.is_run:
        return _again(source, suite, out, settings, progress)
    if suite is None:
        raise InputError("no suite is named to measure the model on", value=str(subject), fix="add --suite pocket")
    folder = RunFolder(out if out is not None else Path("runs") / Path(subject).name)
    settings = settings or EvalSettings()
    measured_on, section = make_suite(suite), suite_section(suite)
    model = _suite_model(measured_on, str(subject), progress) if str(subject) in REFERENCES else str(subject)
    model_folder = _tried(model, measured_on, "the model to measure", settings.system_prompt)
    if not measured_on.has_models and (retrained := measured_on.retrained_model(progress)) is not None:
        _tried(retrained, measured_on, "suite.retrained")
    # The cost of training the target model is not a cost of unlearning.
    cost = None if str(subject) == TARGET else _read_cost(model)
    _begin(folder, section, spec_of_model(model_folder), cost)
    if not measured_on.has_models:
        measure_references(folder, settings, progress, measured_on)
    measure_subject(folder, settings, progress, measured_on)
    return folder


def measure_references(
    folder: RunFolder, settings: EvalSettings, progress: Progress, suite: Suite, *, target: str | None = None
) -> None:
    """Measure the references of a run, in sub-folders, unless already done.

    The retrained model is the suite's; `target` is the model before it forgets, or None to leave it out. Neither gets
    the system prompt, which is a treatment of the subject.
    """
    settings = settings.model_copy(update={"system_prompt": None})
    section, known = folder.state().suite, {run.name for run in references_of(folder)}
    # The retrained model first: the target model's scores are compared with it too.
    for name, model in ((RETRAINED, suite.retrained_model(progress)), (TARGET, target)):
        if model is not None and name not in known:
            reference = RunFolder(folder.references / name)
            if reference.path.exists():
                shutil.rmtree(reference.path)  # created for this run, but never measured
            cost = _read_cost(model) if name == RETRAINED else None
            _begin(reference, section, spec_of_model(model), cost)
            measure_subject(reference, settings, progress, suite)


def _again(
    run: RunFolder,
    suite: dict[str, Any] | None,
    out: str | Path | None,
    settings: EvalSettings | None,
    progress: Progress,
) -> RunFolder:
    """Measure a run's model again, into its own folder or another."""
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
        guard_scope = run.guard_scope() if spec.kind == "guarded" else None
        path = run.subject_path() if spec.kind == "ensemble" else model_folder.name
        _begin(folder, chosen, spec.model_copy(update={"path": path}), state.cost)
        if guard_scope is not None:
            folder.write_guard_scope(guard_scope)
    elif chosen != state.suite:
        what = "the run's own records belong to another request"
        raise InputError(what, where=str(run.path), value=chosen, allowed=str(state.suite), fix=fix)
    elif state.measure is not None and state.measure.system_prompt != settings.system_prompt:
        # Otherwise the next measurement, which takes the settings of the last one, would silently use the prompt too.
        what = "the run's own records were measured with another system prompt, or without one"
        raise InputError(what, where=str(run.path), fix=fix)
    measure_subject(folder, settings, progress, measured_on)
    return folder


def last_settings(run: RunFolder) -> EvalSettings:
    """Return the settings of a run's last measurement, or the defaults."""
    measured = run.state().measure
    if measured is None:
        return EvalSettings()
    return EvalSettings(**measured.model_dump(include=set(EvalSettings.model_fields)))


def measure_subject(folder: RunFolder, settings: EvalSettings, progress: Progress, suite: Suite) -> None:
    """Measure and score a begun folder's subject on a suite's rows."""
    started, task = time.monotonic(), suite.task()
    max_new_tokens = settings.max_new_tokens or suite.max_new_tokens
    gradients = task.gradients if settings.gradients else frozenset()
    total = sum(len(rows) * (1 + (name in gradients)) for name, rows in task.measured.items())
    sets = {
        name: [row.with_system_prompt(settings.system_prompt) for row in rows] for name, rows in task.measured.items()
    }
    subject = open_subject(folder)
    if subject.layout == "plain":
        progress.log(PLAIN)
    with progress.task(f"measuring {folder.name}", total) as shown, device_errors():
        records = measure(
            subject,
            sets,
            max_new_tokens=max_new_tokens,
            unspoken=task.unspoken,
            gradients=gradients,
            on_rows=shown.advance,
        )
    _refuse_not_finite(records, folder.subject_path())
    write_records(folder.records_file, records)
    folder.write_scope(task.scope)
    if folder.drop_attacks():
        progress.log(f"{folder.path}: the results of attacks on the previous records were deleted: run unlearn attack")
    score(folder, suite)
    measured = Measured(
        seconds=time.monotonic() - started,
        max_new_tokens=max_new_tokens,
        gradients=settings.gradients,
        system_prompt=settings.system_prompt,
        layout=subject.layout,
    )
    folder.update(measure=measured)


def _refuse_not_finite(records: Sequence[Record], path: str) -> None:
    """Raise `NonFinite` if a log-probability is not finite.

    It happens if the weights diverge in the last step of training.
    """
    if any(record.tokens and not all(map(math.isfinite, record.tokens.logps)) for record in records):
        raise NonFinite(
            "the model gives probabilities that are not finite",
            where=path,
            fix="train it again with a lower train.lr, in another folder: out=...",
        )


def _suite_model(suite: Suite, name: str, progress: Progress) -> str:
    """Return the folder of the suite's target or retrained model."""
    path = suite.target_model(progress) if name == TARGET else suite.retrained_model(progress)
    if path is None:
        raise InputError("the suite has no such model", value=name, fix="give the model's folder or hub id")
    return path


def _read_cost(model: str) -> Cost | None:
    """Return the training cost in the model's folder, if any."""
    file = Path(model) / COST_FILE
    if not file.exists():
        return None
    with reading(file, fix="delete the file: the model is then measured without its cost"):
        return Cost.model_validate_json(file.read_text(encoding="utf-8"))


def _tried(model: str, suite: Suite, where: str, system_prompt: str | None = None) -> ModelFolder:
    """Find a model, and check that the suite's rows can be measured.

    An error is raised before anything is written.
    """
    found = find_model(model, where=where)
    refuse_unmeasurable(suite.task(), found.config, meta_load(found)[0], system_prompt)
    return found


def _begin(folder: RunFolder, suite: dict[str, Any], subject: SubjectSpec, cost: Cost | None) -> None:
    """Create the folder, or accept the same one if not measured yet."""
    state = folder.state() if folder.is_run else None
    if state is not None and state.measure is None and (state.suite, folder.subject()) == (suite, subject):
        return
    if folder.path.exists() and any(folder.path.iterdir()):
        raise InputError("the folder is not empty", where=str(folder.path), fix="give another --out, or delete it")
    folder.create()
    folder.write_subject(subject)
    folder.write_state(RunState(name=folder.name, created=now(), suite=suite, environment=environment(), cost=cost))
