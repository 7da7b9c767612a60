"""The content of a report, which `build` reads from run folders.

This module does not load language models.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from unlearnkit.core.settings import Value
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.gradient_effect.table import EffectTable
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.models.settings import Bits
from unlearnkit.records.schema import Record
from unlearnkit.runs.state import Attempted, Taught
from unlearnkit.runs.step_log import CurvePoint
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.base import GridReport


class SubjectReport(Value):
    """A model under test: how the model was made, and its scores."""

    name: str
    """Name of the model under test: `target`, `retrained`, or the name of the run."""
    title: str
    """Display name of the model in the report."""
    method: str | None = None
    """Registered name of the method that made the model. It is None if the model was only measured."""
    from_scratch: bool = False
    """Whether the method trained a new model on the suite's whole retain corpus."""
    collapsed: bool = False
    """Whether training stopped at an infinite or NaN loss. If so, the last checkpoint with a finite loss was
    measured."""
    stopped_after: int | None = None
    """Number of steps after which training was stopped because the training did too much harm. It is None if training
    was not stopped for this reason."""
    settings: dict[str, object] = Field(default_factory=dict)
    """Hyperparameters that distinguish this run from the report's other runs."""
    prompted: bool = False
    """Whether the model was measured with a system prompt."""
    guarded: bool = False
    """Whether this is an unchanged model behind a guard, i.e. behind rules that filter its inputs and outputs."""
    saved_as: str | None = None
    """Data type in which most weights were saved. It is None if no weights were saved."""
    returned: float | None = None
    """Share of the weights changed by training that saving rounded back to their earlier value. It is None if this was
    not measured."""
    rounded: Bits | None = None
    """Integers to which the linear layers were rounded for the measurement. It is None if they were not rounded."""
    adapter: bool = False
    """Whether the run saved only an adapter, so that the unchanged target model is needed to load the result."""
    trained_on: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Number of rows that the method trained on, by split and origin (see `Training.rows`)."""
    targets: Taught | None = None
    """How the training targets were written. It is None if the method has no training targets."""
    scores: dict[str, Score] = Field(default_factory=dict)
    """Scores by name, such as `near.refusal_rate` or `cost.seconds`."""
    attacks: dict[str, Score] = Field(default_factory=dict)
    """Scores that were measured under attacks, by name, such as `jailbreak.forget.accuracy`."""
    attacked: dict[str, Attempted] = Field(default_factory=dict)
    """The attacks that were run on this model, by the attack's registered name."""
    judged_by: dict[str, str] = Field(default_factory=dict)
    """The language model that each judge used, by the judge's name."""
    curve: tuple[CurvePoint, ...] = ()
    effects: EffectTable | None = None
    """G-effects of objectives on risks at this run's checkpoints. It is None if no G-effects were measured."""
    records: tuple[Record, ...] = ()
    """The measurements of each row. The report's sample questions are chosen from these records."""

    @property
    def is_reference(self) -> bool:
        """Whether this is a reference model, to which methods are compared."""
        return self.name in REFERENCES


class Report(Value):
    """The content of one report."""

    title: str
    scope: Scope
    request: str | None = None
    show_forget_text: bool = False
    """Whether the report may contain secrets, and the questions and outputs of the forget sets."""
    show_names: bool = False
    """Whether the report may contain the names of the subjects to forget."""
    subjects: tuple[SubjectReport, ...]
    """The target model, the retrained model (if any), and the models that methods made, in this order."""
    docs: ScoreDocs = Field(default_factory=ScoreDocs)
    """Titles and descriptions of the scores."""
    gates: tuple[GateResult, ...] = ()
    doubts: tuple[str, ...] = ()
    """Reasons to doubt the numbers, such as a file that was changed after it was written."""
    limitations: tuple[str, ...] = ()
    grid: GridReport | None = None
    recipes: dict[str, str] = Field(default_factory=dict)
    """Resolved recipes as YAML text, by the name of the model under test."""
    environment: dict[str, str] = Field(default_factory=dict)
    created: str
    """Time at which the report was created, as text."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [s.name for s in self.subjects]
        if len(set(names)) < len(names):
            raise ValueError(f"two subjects have the same name: {names}; every subject in a report needs its own name")
        return self

    @property
    def methods(self) -> tuple[SubjectReport, ...]:
        """The subjects that are not reference models."""
        return tuple(s for s in self.subjects if not s.is_reference)

    def subject(self, name: str) -> SubjectReport | None:
        """Return the subject with this name, or None if there is none."""
        return next((s for s in self.subjects if s.name == name), None)
