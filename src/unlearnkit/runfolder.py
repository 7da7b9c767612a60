"""A run's folder: the one place where the names of its files stand, and typed access to each.

Everything that holds forget text lies in `private/`, which the owner alone may read. Nothing here needs torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self, TextIO, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from unlearnkit.errors import BadInput
from unlearnkit.gradient_effect.table import EFFECTS_FILE, EffectTable
from unlearnkit.metrics.score import Score
from unlearnkit.models.settings import Dtype
from unlearnkit.records.schema import Record, read_records
from unlearnkit.records.turned import Turned, read_turned
from unlearnkit.report.model import CurvePoint
from unlearnkit.scope import Scope
from unlearnkit.writing import write_whole, writing

T = TypeVar("T", bound=BaseModel)

COST_FILE = "cost.json"
"""Beside a model that a suite trained: what that took."""

_SCORES = TypeAdapter(dict[str, Score])


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Subject(_Value):
    """A model under test, and how to load it again."""

    kind: Literal["weights", "adapter"]
    path: str
    """`model` for the one in the run's folder; else an absolute path or a hub id."""
    base: str | None = None
    """The model that an adapter belongs to."""
    dtype: Dtype = "float32"
    capabilities: tuple[str, ...] = ("generate", "token_logprobs", "full_logits", "hidden", "gradients", "weights")
    """What can be asked of it."""


class Stage(_Value):
    """A stage that is done."""

    seconds: float


class Lifted(_Value):
    """How much the targets' traces help a model that should not know the answers to say them: see `targets.lift`."""

    twin: bool
    """Whether that model was the retrained twin; any other is weaker evidence."""
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
        model = "the retrained twin" if self.twin else "another model than the retrained twin, which is weaker evidence"
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
    turned_down: dict[str, int] = {}
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
    left_out: dict[str, dict[str, int]] = {}
    """Rows that could not be asked so, by attempt and set."""


class Cost(_Value):
    """What making the subject took; evaluation is not part of it."""

    seconds: float
    peak_rss_mb: float


class RunState(_Value):
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
    fingerprints: dict[str, str] = {}
    """Of what must not change between two sittings: the model, the encoded rows."""
    targets: Taught | None = None
    reference: Stage | None = None
    train: Training | None = None
    measure: Measured | None = None
    attacks: dict[str, Attempted] = {}
    """Attacks on the subject, by their registered names."""
    cost: Cost | None = None
    done: bool = False
    """Whether nothing is left to do."""
    purged: bool = False
    """Whether what held forget text was removed."""


class RunFolder:
    """Typed access to the files of one run."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.recipe_file = self.path / "recipe.yaml"
        self.state_file = self.path / "run.json"
        self.log_file = self.path / "log.jsonl"
        self.subject_file = self.path / "subject.json"
        self.scores_file = self.path / "scores.json"
        self.attacks_file = self.path / "attacks.json"
        self.report_file = self.path / "report.html"
        self.card_file = self.path / "README.md"
        self.model = self.path / "model"
        self.checkpoints = self.path / "checkpoints"
        self.kept_weights = self.path / "weights"
        self.g_effect = self.path / "g_effect"
        self.references = self.path / "references"
        self.private = self.path / "private"
        self.targets_file = self.private / "targets.jsonl"
        self.replies = self.private / "replies"
        self.records_file = self.private / "records.jsonl"
        self.scope_file = self.private / "scope.json"
        self.reference_values = self.private / "reference"
        self.turned_file = self.private / "turned.jsonl"
        self.judgements = self.private / "judgements"
        self.attack_records = self.private / "attacks"

    @classmethod
    def existing(cls, path: str | Path) -> Self:
        """The run in a folder. Raises `BadInput` where there is none."""
        folder = cls(path)
        if not folder.is_run:
            raise BadInput(
                "there is no run in this folder",
                value=str(path),
                allowed="a folder with a run.json in it",
                fix="correct the path; or make the run: unlearn run RECIPE",
            )
        return folder

    @property
    def is_run(self) -> bool:
        """Whether a run was begun here."""
        return self.state_file.exists()

    @property
    def name(self) -> str:
        """The folder's name, by which its subject is called."""
        return self.path.resolve().name

    def create(self) -> None:
        """Make the folder, and `private/` for the owner alone."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.private.mkdir(exist_ok=True, mode=0o700)
        self.private.chmod(0o700)

    def state(self) -> RunState:
        """What `run.json` says."""
        return self._read(self.state_file, RunState)

    def write_state(self, state: RunState) -> None:
        """Write `run.json`."""
        write_whole(self.state_file, state.model_dump_json(indent=1) + "\n")

    def update(self, **changes: Any) -> RunState:
        """Change fields of `run.json`."""
        state = self.state().model_copy(update=changes)
        self.write_state(state)
        return state

    def recipe(self) -> dict[str, Any]:
        """The resolved recipe as plain values; empty where the subject was only measured."""
        if not self.recipe_file.exists():
            return {}
        with reading(self.recipe_file):
            data: dict[str, Any] = yaml.safe_load(self.recipe_file.read_text(encoding="utf-8"))
            if not {"model", "method", "train", "gates", "report", "seed"} <= set(data):
                raise ValueError("sections are missing")
            return data

    def subject(self) -> Subject:
        """What is under test here."""
        if not self.subject_file.exists():
            raise BadInput("the run has no model yet", where=str(self.path), fix="go on with `unlearn run --resume`")
        return self._read(self.subject_file, Subject)

    def write_subject(self, subject: Subject) -> None:
        """Write `subject.json`."""
        write_whole(self.subject_file, subject.model_dump_json(indent=1) + "\n")

    def subject_path(self) -> str:
        """Where the subject's model is: a folder or a hub id."""
        path = self.subject().path
        # The run's own, and never what else has that name in the working directory, be it there or gone.
        return str(self.model.resolve()) if path == self.model.name else path

    def scope(self) -> Scope:
        """The scope that the subject was made to forget, or is measured by."""
        if not self.scope_file.exists():
            raise self._not_measured("scope")
        return self._read(self.scope_file, Scope)

    def write_scope(self, scope: Scope) -> None:
        """Write the scope; it holds the secrets."""
        write_whole(self.scope_file, scope.model_dump_json(indent=1) + "\n", mode=0o600)

    def records(self) -> list[Record]:
        """What was measured on each row."""
        if not self.records_file.exists():
            raise self._not_measured("records")
        with reading(self.records_file, fix=f"measure it again: unlearn eval {self.path}"):
            return read_records(self.records_file)

    def turned(self) -> list[Turned]:
        """What the subject said after its traces with the verdict turned; none where that was never measured."""
        if not self.turned_file.exists():
            return []
        with reading(self.turned_file, fix=f"measure it again: unlearn explain {self.path} --faithfulness"):
            return read_turned(self.turned_file)

    def scores(self) -> dict[str, Score]:
        """Every score by its flat name."""
        if not self.scores_file.exists():
            raise self._not_measured("scores")
        with reading(self.scores_file, fix=f"make it again: unlearn score {self.path}"):
            return _SCORES.validate_json(self.scores_file.read_text(encoding="utf-8"))

    def write_scores(self, scores: dict[str, Score]) -> None:
        """Write `scores.json`."""
        write_whole(self.scores_file, _SCORES.dump_json(scores, indent=1).decode() + "\n")

    def attack_scores(self) -> dict[str, Score]:
        """Every score of an attack by its flat name; none where the subject was not attacked."""
        if not self.attacks_file.exists():
            return {}
        with reading(self.attacks_file, fix=f"make it again: unlearn score {self.path}"):
            return _SCORES.validate_json(self.attacks_file.read_text(encoding="utf-8"))

    def write_attack_scores(self, scores: dict[str, Score]) -> None:
        """Write `attacks.json`."""
        write_whole(self.attacks_file, _SCORES.dump_json(scores, indent=1).decode() + "\n")

    def effects(self) -> EffectTable | None:
        """What objectives do to risks at this run's checkpoints; None where that was not diagnosed."""
        return EffectTable.read(self.g_effect) if (self.g_effect / EFFECTS_FILE).exists() else None

    def curve(self) -> tuple[CurvePoint, ...]:
        """The loss and every term at each step that was logged."""
        if not self.log_file.exists():
            return ()
        with reading(self.log_file, fix="take the damaged lines out: the report's curves are drawn from the others"):
            steps = [json.loads(line) for line in self.log_file.read_text(encoding="utf-8").splitlines()]
            return tuple(
                CurvePoint(
                    step=step["step"],
                    values={name: _number(v) for name, v in {"loss": step["loss"], **step["terms"]}.items()},
                )
                for step in steps
            )

    def _not_measured(self, what: str) -> BadInput:
        if self.is_run and self.state().purged:
            fix = f"measure it again: unlearn eval {self.path}"
            return BadInput(f"the run was purged, and its {what} with it", where=str(self.path), fix=fix)
        return BadInput(f"the run has no {what}", where=str(self.path), fix=f"measure it: unlearn eval {self.path}")

    @staticmethod
    def _read(path: Path, kind: type[T]) -> T:
        with reading(path):
            return kind.model_validate_json(path.read_text(encoding="utf-8"))


class StepLogFile:
    """`log.jsonl`: one line a step, written as the steps are done."""

    def __init__(self, path: Path, keep: int) -> None:
        """`keep`: the steps of the checkpoint. The ones after it will be done again, and go when the log begins."""
        self._path, self._keep = path, keep
        self._stream: TextIO | None = None

    def begin(self) -> TextIO:
        """Cut the log back, once it is certain that the checkpoint can be gone on with."""
        if self._stream is not None:
            return self._stream
        path, kept = self._path, []
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            # A line that a kill cut off comes after the last checkpoint, and goes with the rest.
            kept = [line for line in lines[: self._keep] if line.endswith("\n")]
        write_whole(path, "".join(kept))
        with writing(path):
            self._stream = path.open("a", encoding="utf-8")
        return self._stream

    def add(self, step: dict[str, Any]) -> None:
        """Write one step; what is not finite becomes null, which JSON can hold."""
        stream = self.begin()
        with writing(self._path):
            stream.write(json.dumps(_finite(step), allow_nan=False) + "\n")
            stream.flush()

    def close(self) -> None:
        """No more steps."""
        if self._stream is not None:
            with writing(self._path):
                self._stream.close()


@contextmanager
def reading(path: Path, fix: str | None = None) -> Iterator[None]:
    """Tell of a file of the run that was damaged or edited. What stands in it is not told: it may be a secret."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        why, where = first["msg"], f"{path}, field {field}" if field else str(path)
        raise _unreadable(why, where, fix) from error
    except KeyError as error:
        raise _unreadable("a field is missing", f"{path}, field {error.args[0]}", fix) from error
    except OSError as error:
        raise _unreadable(error.strerror or str(error), str(path), fix) from error
    except (ValueError, TypeError, yaml.YAMLError) as error:  # no JSON, no UTF-8, no YAML, no mapping
        raise _unreadable(str(error).splitlines()[0], str(path), fix) from error


def _unreadable(why: str, where: str, fix: str | None) -> BadInput:
    return BadInput(
        f"the file is not one that this version wrote: {why}",
        where=where,
        fix=fix or "bring it back as it was; or delete the run's folder and begin anew",
    )


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else value
