"""Open the model under test of a run; the one place that does so."""

from __future__ import annotations

from pathlib import Path

from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import SubjectSpec
from unlearnkit.subjects.base import Subject
from unlearnkit.subjects.ensemble import EnsembleSubject
from unlearnkit.subjects.local import LocalSubject


def open_subject(folder: RunFolder) -> Subject:
    """Load the model under test of a run.

    Raises:
        InputError: the run has no model yet, or its model is gone or cannot be used.
    """
    spec = folder.subject()
    where = f"{folder.subject_file}, field path"
    if spec.kind == "ensemble":
        adapters = [Path(folder.subject_path()) / member for member in spec.members]
        return EnsembleSubject.load(spec.base or "", adapters, spec.dtype, where=str(folder.subject_file))
    return LocalSubject.load(find_model(folder.subject_path(), where=where), spec.dtype, where=where)


def model_to_try(folder: RunFolder) -> str:
    """Return a model whose configuration and tokenizer are those of the run's: of an ensemble, its base."""
    spec = folder.subject()
    return spec.base if spec.kind == "ensemble" and spec.base is not None else folder.subject_path()


def spec_of_model(source: str | ModelFolder) -> SubjectSpec:
    """Describe a model that no run made, from its folder or Hub id."""
    found = find_model(source)
    if found.base is None:
        return SubjectSpec(kind="weights", path=found.name)
    return SubjectSpec(kind="adapter", path=found.name, base=found.base.name)
