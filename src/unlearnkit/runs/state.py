"""The stored state of a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from unlearnkit.core.settings import Value
from unlearnkit.models.settings import Bits, Dtype

COST_FILE = "cost.json"
"""Name of the file that records the cost of training a suite's model. The file is in the model's folder."""

PACKAGED_FILE = "packaged.json"
"""Name of the file that marks a suite's model that comes with the package. The file is in the model's folder. Such a
folder has no cost, because the cost on another machine cannot be compared with the costs on this machine."""


class SubjectSpec(Value):
    """The information needed to open the model under test again."""

    kind: Literal["weights", "adapter", "guarded", "ensemble"]
    path: str
    """Location of the model. Depending on `kind`, this is the location of the weights, of the adapter, of the model
    that a guard wraps, or of the folder with an ensemble's adapters. The value `model` means the folder of that name in
    the run's folder; any other value is an absolute path or a Hub id."""
    base: str | None = None
    """Base model of the adapter, or of all adapters of an ensemble."""
    dtype: Dtype = "float32"
    rounded: Bits | None = None
    """Integers to which the weights of the linear layers are rounded before the model is measured; None: the weights
    are measured as they are."""
    guard: dict[str, Any] | None = None
    """Name and settings of the guard; None if the model has no guard."""
    members: tuple[str, ...] = ()
    """Subfolders of `path` that hold the adapters of an ensemble."""
    capabilities: tuple[str, ...] = ()
    """Unused field that earlier versions wrote. The capabilities are now computed from the opened model."""


def now() -> str:
    """Return the current time in UTC, such as `2026-01-31 09:05 UTC`."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


class Stage(Value):
    """A finished stage of a run, with its duration."""

    seconds: float


class Lifted(Value):
    """Summary of lift: how much the targets' traces help to guess answers.

    The lift of a trace is a model's log-probability of the answer after the trace, minus the log-probability after the
    same trace with masked content words. The model should not know the answers. See `targets.lift` for the measurement.
    """

    renamed: ClassVar[Mapping[str, str]] = {"twin": "retrained"}

    retrained: bool
    """Whether lift was measured with the retrained model. Lift measured with any other model is weaker evidence."""
    targets: int
    """Number of measured targets. Only targets of rows with an answer are measured."""
    mean: float
    """Mean lift, in nats per token of the answer."""
    highest: float
    at_most: float | None = None
    """Limit on lift; None if there was no limit. Targets above the limit were rejected if a chat-model teacher
    wrote them."""
    above: int = 0
    """Number of targets that were kept although their lift exceeds the limit. Only targets from the template teacher
    and targets that a person edited are kept in this case."""

    def __str__(self) -> str:
        model = "the retrained model" if self.retrained else "another model, which is weaker evidence"
        summary = f"mean {self.mean:.3f}, highest {self.highest:.3f} nats per token, over {self.targets} targets"
        over = f"; {self.above} targets are above the limit of {self.at_most:g}" if self.above else ""
        return f"{summary}, measured with {model}{over}"


class Taught(Stage):
    """How the targets were made.

    `seconds` is the duration of the last session in which targets were made.
    """

    teacher: str = "template"
    prompts: str | None = None
    """Version of the prompts to the teacher. The value is None unless the teacher is a chat model."""
    written: int = 0
    """Number of targets that the teacher wrote."""
    replaced: int = 0
    """Number of targets that the template teacher wrote, because the chat-model teacher wrote no valid target."""
    turned_down: dict[str, int] = Field(default_factory=dict)
    """Number of rejected answers of the chat-model teacher. The keys are the reasons for the rejections."""
    edited: int = 0
    """Number of targets that a person edited."""
    lift: Lifted | None = None
    """Lift: how much the traces help to guess the answers. The value is None if lift was not measured."""
    tokens_in: int = 0
    """Number of tokens in the prompts of all sessions, as far as the server reported token counts."""
    tokens_out: int = 0
    """Number of tokens in the answers of all sessions, as far as the server reported token counts."""
    cost: float | None = None
    """Cost of the requests, if the recipe has prices. Failed requests are not included."""


class Composed(Stage):
    """How many rows were composed from the scope."""

    questions: int
    """Number of composed questions."""
    forget: int
    """Number of composed rows to forget: questions in scope that the method trains on."""
    retain: int
    """Number of composed rows to keep: questions out of scope whose answers passed the filter."""


class Training(Stage):
    """Outcome of training, over all sessions."""

    ended: Literal["finished", "non-finite", "harmful"]
    steps: int
    peak_rss_mb: float
    """Peak memory up to the end of training. If training was resumed, only the last process is counted."""
    rows: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Number of rows that the method trained on, by split and origin: `given` by the user or the suite, `composed` from
    the scope, or `written` by the target model. `doubtful` rows are composed, too, but their answers may be wrong, so
    that only the target model's distribution was kept. Empty for runs of earlier versions, and if no rows were trained
    on."""
    saved_as: str | None = None
    """Data type in which most weights were saved, which is that of the target model's files. The value is None if no
    weights were saved, or if only an adapter was."""
    returned: float | None = None
    """Share of the weights changed by training that saving in this data type rounded back to their earlier value. The
    value is None if this was not measured."""


class Measured(Stage):
    """The settings with which the records were measured."""

    max_new_tokens: int
    gradients: bool = True
    system_prompt: str | None = None
    """System message before every question; None if the questions had no system message."""
    layout: Literal["template", "plain"] = "template"
    """How prompts were formatted: by the model's chat template, or as plain text if the model has none."""
    layout_notes: tuple[str, ...] = ()
    """What is unusual about this format, in sentences (see `layout_notes`)."""
    rows: dict[str, int] = Field(default_factory=dict)
    """Number of rows that were to be measured, by row set. Empty for runs that an earlier version measured."""


class Attempted(Stage):
    """A finished attack on the model."""

    summary: str
    """One-line description of the attack."""
    budget: str
    """The resources that the attacker used, in words."""
    settings: dict[str, Any]
    """All settings of the attack. The results of two models are compared only if their settings are equal."""
    left_out: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Number of rows that the attack could not use. The first key is the name of an attempt, because an attack may make
    several attempts; the second key is the name of a row set."""


class Exported(Value):
    """A file that the run's model was exported to."""

    path: str
    """Absolute path at the time of the export."""
    dtype: str
    """Data type of the matrices in the file."""
    sha256: str
    created: str


class Cost(Value):
    """The time and memory used to make the model, without evaluation."""

    seconds: float
    peak_rss_mb: float


NEWER_DATA = {"files": {"retain_held_out": 0}, "tofu": {"retain_held_out": 0}}
"""Settings of the section `data`, by suite, that runs of earlier versions did not store, with their value in these
runs."""


def completed_data(suite: str, data: dict[str, Any]) -> dict[str, Any]:
    """Add settings that are newer than a run to its `data`."""
    return _completed(data, NEWER_DATA.get(suite, {}))


EARLIER_SUITES: dict[str, dict[str, Any]] = {"pocket": {"edition": 1, "asked": "test"}}
"""For each suite, the fields that earlier versions of the suite lack, with the values that these versions mean."""


def current_suite(section: dict[str, Any]) -> dict[str, Any]:
    """Complete the stored section of a suite that an earlier version wrote."""
    return _completed(section, EARLIER_SUITES.get(str(section.get("name")), {}))


def earlier_suite(section: dict[str, Any]) -> dict[str, Any]:
    """Return the section of a suite as an earlier version writes it.

    Fields that earlier versions lack are left out if they have the earlier meaning.
    """
    added = EARLIER_SUITES.get(str(section.get("name")), {})
    return {key: value for key, value in section.items() if key not in added or value != added[key]}


def _completed(section: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    """Add missing settings after those that are present."""
    return {**section, **{key: value for key, value in added.items() if key not in section}}


class RunState(Value):
    """Content of `run.json`: the run, its environment and its finished stages."""

    name: str
    method: str | None = None
    """Registered name of the method; None if the model was only measured."""
    title: str | None = None
    """The method's display name."""
    created: str
    seed: int | None = None
    suite: dict[str, Any]
    """Name and settings of the suite."""
    environment: dict[str, str]
    fingerprints: dict[str, str] = Field(default_factory=dict)
    """Fingerprints of the inputs that must not change between sessions, such as the model and the encoded rows."""
    merged_rows: tuple[int, int] | None = None
    """Number of rows in which the prompt and the answer share a token, and number of rows with a question. Rows that
    are trained and rows that are measured are counted. The value is None if the rows were not counted."""
    composed: Composed | None = None
    """The rows that were composed from the scope. The value is None if none were composed."""
    targets: Taught | None = None
    reference: Stage | None = None
    train: Training | None = None
    measure: Measured | None = None
    attacks: dict[str, Attempted] = Field(default_factory=dict)
    """Finished attacks on the model, by registered name."""
    gates: tuple[str, ...] | None = None
    """The gates of the recipe when the run was started. The value is None for runs that an earlier version started."""
    digests: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of files that results depend on, by the name of the file, as they were last written."""
    cost: Cost | None = None
    done: bool = False
    """Whether all stages are finished."""
    exports: tuple[Exported, ...] = ()
    """Files that the run's model was exported to. A purge does not delete them."""
    purged: bool = False
    """Whether the files with forget text were removed."""

    @field_validator("suite")
    @classmethod
    def _complete_suite(cls, suite: dict[str, Any]) -> dict[str, Any]:
        suite, data = current_suite(suite), suite.get("data")
        return {**suite, "data": completed_data(str(suite.get("name")), data)} if isinstance(data, dict) else suite
