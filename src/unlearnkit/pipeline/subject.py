"""Open the model under test of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unlearnkit.core.files import reading
from unlearnkit.methods.base import GUARDS, Guard
from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import SubjectSpec
from unlearnkit.subjects.base import Subject
from unlearnkit.subjects.ensemble import EnsembleSubject
from unlearnkit.subjects.local import LocalSubject


def open_subject(folder: RunFolder) -> Subject:
    """Load the model under test of a run.

    Raises:
        InputError: the run has no model yet; its model is gone or cannot be used; or its guard has no scope any more.
    """
    spec = folder.subject()
    where = f"{folder.subject_file}, field path"
    if spec.kind == "ensemble":
        adapters = [Path(folder.subject_path()) / member for member in spec.members]
        return EnsembleSubject.load(spec.base or "", adapters, spec.dtype, where=str(folder.subject_file))
    guard = _guard(folder, spec) if spec.kind == "guarded" else None
    scope = folder.guard_scope() if guard is not None else None
    subject = LocalSubject.load(find_model(folder.subject_path(), where=where), spec.dtype, where=where)
    return subject if guard is None or scope is None else guard.wrap(subject, scope)


def _guard(folder: RunFolder, spec: SubjectSpec) -> Guard:
    """Make the guard that `subject.json` describes."""
    settings: dict[str, Any] = dict(spec.guard or {})
    with reading(folder.subject_file):
        guard: Guard = GUARDS.get(settings.pop("name")).plugin(**settings)
    return guard


def model_to_try(folder: RunFolder) -> str:
    """Return a model with the configuration and tokenizer of the run's model.

    For an ensemble it is the base.
    """
    spec = folder.subject()
    return spec.base if spec.kind == "ensemble" and spec.base is not None else folder.subject_path()


def spec_of_model(source: str | ModelFolder) -> SubjectSpec:
    """Describe a model outside of any run, by folder or Hub id."""
    found = find_model(source)
    if found.base is None:
        return SubjectSpec(kind="weights", path=found.name)
    return SubjectSpec(kind="adapter", path=found.name, base=found.base.name)
