"""The stored state of a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from unlearnkit.core.settings import Value
from unlearnkit.models.settings import Dtype

COST_FILE = "cost.json"
"""File in the folder of a model that a suite trained, with the cost of training it."""


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
    """How much the targets' traces help a model guess the answers.

    See `targets.lift`. The model should not know the answers.
    """

    renamed: ClassVar[Mapping[str, str]] = {"twin": "retrained"}

    retrained: bool
    """Whether it was the retrained model; any other is weaker evidence."""
    targets: int
    """Number of measured targets: those of rows with an answer."""
    mean: float
    """Mean lift, in nats per token of the answer."""
    highest: float
    at_most: float | None = None
    """Limit above which targets were rejected; None if there was no limit."""
    above: int = 0
    """Number of targets above the limit that were kept: the template teacher's, or edited ones."""

    def __str__(self) -> str:
        model = "the retrained model" if self.retrained else "another model, which is weaker evidence"
        summary = f"mean {self.mean:.3f}, highest {self.highest:.3f} nats per token, of {self.targets} targets"
        over = f"; {self.above} of them above {self.at_most:g}" if self.above else ""
        return f"{summary}, under {model}{over}"


class Taught(Stage):
    """How the targets were made.

    `seconds` counts the last session that made any.
    """

    teacher: str = "template"
    prompts: str | None = None
    """Version of the prompts if the teacher is a chat model, else None."""
    written: int = 0
    """Number of targets from the teacher."""
    replaced: int = 0
    """Number of targets from the template teacher, used where all of the teacher's were rejected."""
    turned_down: dict[str, int] = Field(default_factory=dict)
    """Number of rejected answers, which were requested again, by the reason."""
    edited: int = 0
    """Number of targets that a person edited."""
    lift: Lifted | None = None
    """How much the traces help to guess the answers; None if it was not measured."""
    tokens_in: int = 0
    """Tokens of all prompts in all sessions, as far as the server reported them."""
    tokens_out: int = 0
    """Tokens of all answers, likewise."""
    cost: float | None = None
    """Their cost, if the recipe has prices; without failed requests."""


class Training(Stage):
    """How training went, over all sessions."""

    ended: Literal["finished", "non-finite", "harmful"]
    steps: int
    peak_rss_mb: float
    """Peak memory of the process that ended training, before any measuring."""


class Measured(Stage):
    """The settings with which records were made."""

    max_new_tokens: int
    gradients: bool = True
    system_prompt: str | None = None
    """System message before every question."""
    layout: Literal["template", "plain"] = "template"
    """How prompts were formatted: by the model's chat template, or as plain text if it has none."""


class Attempted(Stage):
    """An attack on the model."""

    summary: str
    """One-line description."""
    budget: str
    """What the attacker spent."""
    settings: dict[str, Any]
    """All settings of the attack: two models are compared only if these are equal."""
    left_out: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Number of rows that the attack could not use, by attempt and set."""


class Cost(Value):
    """The cost of making the model, without evaluation."""

    seconds: float
    peak_rss_mb: float


class RunState(Value):
    """`run.json`: what the run is, its environment, and which stages are done."""

    name: str
    method: str | None = None
    """Registered name; None for a model that was only measured."""
    title: str | None = None
    """The method's display name."""
    created: str
    seed: int | None = None
    suite: dict[str, Any]
    """Name and settings of the suite."""
    environment: dict[str, str]
    fingerprints: dict[str, str] = Field(default_factory=dict)
    """Fingerprints of what must not change between sessions: the model, the encoded rows."""
    targets: Taught | None = None
    reference: Stage | None = None
    train: Training | None = None
    measure: Measured | None = None
    attacks: dict[str, Attempted] = Field(default_factory=dict)
    """Attacks on the model, by their registered names."""
    cost: Cost | None = None
    done: bool = False
    """Whether all stages are done."""
    purged: bool = False
    """Whether the files with forget text were removed."""
