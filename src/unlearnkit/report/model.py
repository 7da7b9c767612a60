"""The content of a report, which `build` reads from run folders.

Needs no language model.
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
from unlearnkit.records.schema import Record
from unlearnkit.runs.state import Attempted, Taught
from unlearnkit.runs.step_log import CurvePoint
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.base import GridReport


class SubjectReport(Value):
    """A model under test: how it was made, and its scores."""

    name: str
    """`target`, `retrained`, or the run's name."""
    title: str
    """Display name."""
    method: str | None = None
    """Registered name of the method; None for a model that was only measured."""
    collapsed: bool = False
    """Whether training stopped at a non-finite loss. The last finite checkpoint was then measured."""
    stopped_after: int | None = None
    """Number of steps after which a stop rule ended the run because of too much harm; None if none did."""
    settings: dict[str, object] = Field(default_factory=dict)
    """Hyperparameters that distinguish this run from others."""
    prompted: bool = False
    """Whether it was measured under a system prompt."""
    guarded: bool = False
    """Whether it is an unchanged model behind a guard."""
    targets: Taught | None = None
    """How its training targets were made; None without targets."""
    scores: dict[str, Score] = Field(default_factory=dict)
    """Scores by flat name (`near.refusal_rate`, `cost.seconds`)."""
    attacks: dict[str, Score] = Field(default_factory=dict)
    """Scores under attack by flat name (`jailbreak.forget.accuracy`)."""
    attacked: dict[str, Attempted] = Field(default_factory=dict)
    """The attacks that gave these scores, by registered name."""
    judged_by: dict[str, str] = Field(default_factory=dict)
    """Model that each model judge used, by the judge's name."""
    curve: tuple[CurvePoint, ...] = ()
    effects: EffectTable | None = None
    """G-effects of objectives on risks at this run's checkpoints; None if they were not measured."""
    records: tuple[Record, ...] = ()
    """Measurements of each row, from which the samples are chosen."""

    @property
    def is_reference(self) -> bool:
        """Whether methods are compared to this model."""
        return self.name in REFERENCES


class Report(Value):
    """The content of one report file."""

    title: str
    scope: Scope
    request: str | None = None
    show_forget_text: bool = False
    """Whether the file may contain secrets, and questions and outputs of the forget sets."""
    subjects: tuple[SubjectReport, ...]
    """The target model first, then the retrained model if there is one, then the methods."""
    docs: ScoreDocs = Field(default_factory=ScoreDocs)
    """Titles and meanings of the scores."""
    gates: tuple[GateResult, ...] = ()
    limitations: tuple[str, ...] = ()
    grid: GridReport | None = None
    recipes: dict[str, str] = Field(default_factory=dict)
    """Resolved recipes (YAML) by subject name."""
    environment: dict[str, str] = Field(default_factory=dict)
    created: str
    """When the report was made, as shown."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [s.name for s in self.subjects]
        if len(set(names)) < len(names):
            raise ValueError(f"two subjects have the same name: {names}; subjects need different names")
        return self

    @property
    def methods(self) -> tuple[SubjectReport, ...]:
        """The subjects that a method made."""
        return tuple(s for s in self.subjects if not s.is_reference)

    def subject(self, name: str) -> SubjectReport | None:
        """Return the subject of that name, or None."""
        return next((s for s in self.subjects if s.name == name), None)
