"""Open a run's subject, that is, the model under test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unlearnkit.core.files import reading
from unlearnkit.methods.base import GUARDS, Guard
from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.models.settings import Dtype
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import SubjectSpec
from unlearnkit.subjects.base import Subject
from unlearnkit.subjects.ensemble import EnsembleSubject
from unlearnkit.subjects.local import LocalSubject


def open_subject(folder: RunFolder) -> Subject:
    """Load a run's subject, that is, the model under test.

    Raises:
        InputError: the run has no model yet, the run's model is missing or unusable, or the scope of the run's guard
            was removed.
    """
    spec = folder.subject()
    if spec.kind == "ensemble":
        adapters = [Path(folder.subject_path()) / member for member in spec.members]
        return EnsembleSubject.load(spec.base or "", adapters, spec.dtype, where=str(folder.subject_file))
    guard = _guard(folder, spec) if spec.kind == "guarded" else None
    scope = folder.guard_scope() if guard is not None else None
    subject = LocalSubject.load(find_subject(folder), spec.dtype, rounded=spec.rounded)
    return subject if guard is None or scope is None else guard.wrap(subject, scope)


def find_subject(folder: RunFolder) -> ModelFolder:
    """Return the checked folder of a run's model.

    For a guard, this is the folder of the model that the guard wraps.
    """
    return find_model(folder.subject_path(), where=f"{folder.subject_file}, field path")


def _guard(folder: RunFolder, spec: SubjectSpec) -> Guard:
    """Create the guard that is described in `subject.json`."""
    settings: dict[str, Any] = dict(spec.guard or {})
    with reading(folder.subject_file):
        guard: Guard = GUARDS.get(settings.pop("name")).plugin(**settings)
    return guard


def model_to_try(folder: RunFolder) -> str:
    """Return the model with which to check whether rows are too long.

    The check reads only the configuration and tokenizer of the model.

    Returns:
        A folder or Hub id. For an ensemble, this is the base model. For a guard, this is the model that the guard
        wraps. In all other cases, this is the model under test.
    """
    spec = folder.subject()
    return spec.base if spec.kind == "ensemble" and spec.base is not None else folder.subject_path()


def spec_of_model(source: str | ModelFolder, dtype: Dtype = "float32") -> SubjectSpec:
    """Return the `SubjectSpec` of a model that belongs to no run.

    Args:
        source: the model's folder or Hub id.
        dtype: type of the weights.
    """
    found = find_model(source)
    if found.base is None:
        return SubjectSpec(kind="weights", path=found.name, dtype=dtype)
    return SubjectSpec(kind="adapter", path=found.name, base=found.base.name, dtype=dtype)
