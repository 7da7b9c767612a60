"""The state of a run as it lies in its folder: what the run is and which stages are done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from unlearnkit.core.settings import Value
from unlearnkit.models.settings import Dtype

COST_FILE = "cost.json"
"""Beside a model that a suite trained: what that took."""


class SubjectSpec(Value):
    """How to open the model under test again."""

    kind: Literal["weights", "adapter", "guarded", "ensemble"]
    path: str
    """`model` for the folder of that name in the run's folder; otherwise an absolute path or a Hub id. The weights; the
    adapter; the model behind a guard; or the folder of the adapters of an ensemble."""
    base: str | None = None
    """The model that an adapter, or every adapter of an ensemble, belongs to."""
    dtype: Dtype = "float32"
    guard: dict[str, Any] | None = None
    """Name and settings of the guard of a guarded model."""
    members: tuple[str, ...] = ()
    """Sub-folders of `path` that hold the adapters of an ensemble."""
    capabilities: tuple[str, ...] = ()
    """Written by earlier versions; today computed from the opened subject."""


def now() -> str:
    """Return the time in UTC, as it is shown and kept."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


class Stage(Value):
    """A stage that is done."""

    seconds: float


class Lifted(Value):
    """How much the targets' traces help a model that should not know the answers to say them: see `targets.lift`."""

    renamed: ClassVar[Mapping[str, str]] = {"twin": "retrained"}

    retrained: bool
    """Whether that model was the retrained model; any other is weaker evidence."""
    targets: int
    """How many were measured: those of rows that have an answer."""
    mean: float
    """In nats per token of the answer."""
    highest: float
    at_most: float | None = None
    """Above which a target was turned down; None: none was."""
    above: int = 0
    """Targets above that all the same: the template teacher's, or edited ones."""

    def __str__(self) -> str:
        model = "the retrained model" if self.retrained else "another model, which is weaker evidence"
        told = f"mean {self.mean:.3f}, highest {self.highest:.3f} nats per token, of {self.targets} targets"
        over = f"; {self.above} of them above {self.at_most:g}" if self.above else ""
        return f"{told}, under {model}{over}"


class Taught(Stage):
    """How the targets came to be. The seconds are those of the sitting in which the last of them came."""

    teacher: str = "template"
    prompts: str | None = None
    """Version of the prompts of a teacher that is a chat model; None for any other teacher."""
    written: int = 0
    """Targets of the teacher."""
    replaced: int = 0
    """Targets of the template teacher, where the teacher's were turned down each time."""
    turned_down: dict[str, int] = Field(default_factory=dict)
    """Answers that could not be used, and were asked for again, by what was wrong with them."""
    edited: int = 0
    """Targets that a person changed."""
    lift: Lifted | None = None
    """How much the traces help to guess the answers; None where that was not measured."""
    tokens_in: int = 0
    """Tokens of all prompts, those of earlier sittings too, as far as the server told."""
    tokens_out: int = 0
    """The same of all answers."""
    cost: float | None = None
    """What they cost, where the recipe has the prices; requests that failed are not in it."""


class Training(Stage):
    """How training went, over all sittings."""

    ended: Literal["finished", "non-finite", "harmful"]
    steps: int
    peak_rss_mb: float
    """Of the process that ended it, before anything was measured."""


class Measured(Stage):
    """The settings under which records were made."""

    max_new_tokens: int
    gradients: bool = True
    system_prompt: str | None = None
    """What the model was told before every question."""
    layout: Literal["template", "plain"] = "template"
    """How questions were put to the model: by its chat template, or as plain text where it has none."""


class Attempted(Stage):
    """An attack that was made on the subject."""

    summary: str
    """What it is, in a line."""
    budget: str
    """What the attacker spent."""
    settings: dict[str, Any]
    """Everything that decides it: two subjects are held against each other only where this is the same."""
    left_out: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Rows that could not be asked so, by attempt and set."""


class Cost(Value):
    """What making the subject took; evaluation is not part of it."""

    seconds: float
    peak_rss_mb: float


class RunState(Value):
    """`run.json`: what the run is, what it ran on, and which of its stages are done."""

    name: str
    method: str | None = None
    """Registered name; None for a model that was only measured."""
    title: str | None = None
    """The method's name for a person."""
    created: str
    seed: int | None = None
    suite: dict[str, Any]
    """The suite's name and settings."""
    environment: dict[str, str]
    fingerprints: dict[str, str] = Field(default_factory=dict)
    """Of what must not change between two sittings: the model, the encoded rows."""
    targets: Taught | None = None
    reference: Stage | None = None
    train: Training | None = None
    measure: Measured | None = None
    attacks: dict[str, Attempted] = Field(default_factory=dict)
    """Attacks on the subject, by their registered names."""
    cost: Cost | None = None
    done: bool = False
    """Whether nothing is left to do."""
    purged: bool = False
    """Whether what held forget text was removed."""
