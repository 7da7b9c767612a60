"""What a report shows, as values. The pipeline fills them from run folders; nothing here needs a model."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from unlearnkit.core.settings import Value
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.gradient_effect.table import EffectTable
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.records.schema import Record
from unlearnkit.runs.step_log import CurvePoint
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.base import GridReport

Ended = Literal["finished", "collapsed", "interrupted"]


class AttackWords(Value):
    """An attack that was made on a subject."""

    summary: str
    budget: str
    settings: dict[str, object]
    """All that decides it, the number of rows among it."""


class SubjectReport(Value):
    """A model under test: how it was made and what was measured on it."""

    name: str
    """`target`, `retrained`, or the run's name."""
    title: str
    """The name for a person."""
    method: str | None = None
    """The registered name of the method; None for a model that was only loaded."""
    ended: Ended = "finished"
    """`collapsed`: training stopped at a non-finite loss and the last finite checkpoint was measured."""
    stopped_after: int | None = None
    """Steps after which the run ended by itself, for its method did more harm than it forgot; None: it did not."""
    settings: dict[str, object] = Field(default_factory=dict)
    """The hyper-parameters that tell this run from another one."""
    prompted: bool = False
    """Whether it was measured under a system prompt of its own."""
    guarded: bool = False
    """Whether it is a model behind a guard, with its weights unchanged."""
    scores: dict[str, Score] = Field(default_factory=dict)
    """Flat name (`near.refusal_rate`, `cost.seconds`) to score."""
    attacks: dict[str, Score] = Field(default_factory=dict)
    """Flat name of an attack's figure (`jailbreak.forget.accuracy`) to score."""
    attacked: dict[str, AttackWords] = Field(default_factory=dict)
    """The attacks behind them, by their registered names."""
    judged_by: dict[str, str] = Field(default_factory=dict)
    """Name of a model judge to the model that it asked."""
    curve: tuple[CurvePoint, ...] = ()
    effects: EffectTable | None = None
    """What objectives do to risks at this run's checkpoints; None where that was not diagnosed."""
    records: tuple[Record, ...] = ()
    """What was measured on each row; the samples are chosen from here."""

    @property
    def is_reference(self) -> bool:
        """Whether methods are held against this subject."""
        return self.name in REFERENCES


class Report(Value):
    """Everything that one report file shows."""

    title: str
    scope: Scope
    request: str | None = None
    show_forget_text: bool = False
    """Whether secrets, and questions and outputs of the forget sets, may stand in the file."""
    subjects: tuple[SubjectReport, ...]
    """The target model first, the retrained one second where there is one, then the methods."""
    docs: ScoreDocs = Field(default_factory=ScoreDocs)
    """What the scores are called and mean."""
    gates: tuple[GateResult, ...] = ()
    limitations: tuple[str, ...] = ()
    grid: GridReport | None = None
    recipes: dict[str, str] = Field(default_factory=dict)
    """Subject name to its resolved recipe (YAML)."""
    environment: dict[str, str] = Field(default_factory=dict)
    created: str
    """When the report was made, as it shall be shown."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [s.name for s in self.subjects]
        if len(set(names)) < len(names):
            raise ValueError(f"two subjects have the same name: {names}")
        return self

    @property
    def methods(self) -> tuple[SubjectReport, ...]:
        """The subjects that a method made."""
        return tuple(s for s in self.subjects if not s.is_reference)

    def subject(self, name: str) -> SubjectReport | None:
        """The subject of that name, if it is in the report."""
        return next((s for s in self.subjects if s.name == name), None)
