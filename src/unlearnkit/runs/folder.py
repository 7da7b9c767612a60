"""A run's folder: the one place where the names of its files stand, and typed access to each.

Everything that holds forget text lies in `private/`, which the owner alone may read. Nothing here needs torch.
"""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import reading, write_atomic
from unlearnkit.gradient_effect.table import EFFECTS_FILE, EffectTable
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_names import current_name
from unlearnkit.records.intervention import Intervention, read_turned
from unlearnkit.records.schema import Record, read_records
from unlearnkit.runs.state import RunState, SubjectSpec
from unlearnkit.runs.step_log import CurvePoint
from unlearnkit.scope.scope import Scope

T = TypeVar("T", bound=BaseModel)


_SCORES = TypeAdapter(dict[str, Score])


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
        self.guard_scope_file = self.private / "guard_scope.json"
        self.reference_values = self.private / "reference"
        self.turned_file = self.private / "turned.jsonl"
        self.judgments = _earlier(self.private / "judgments", self.private / "judgements")
        self.attack_records = self.private / "attacks"

    @classmethod
    def existing(cls, path: str | Path) -> Self:
        """The run in a folder. Raises `InputError` where there is none."""
        folder = cls(path)
        if not folder.is_run:
            raise InputError(
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
        write_atomic(self.state_file, state.model_dump_json(indent=1) + "\n")

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

    def subject(self) -> SubjectSpec:
        """What is under test here."""
        if not self.subject_file.exists():
            raise InputError("the run has no model yet", where=str(self.path), fix="go on with `unlearn run --resume`")
        return self._read(self.subject_file, SubjectSpec)

    def write_subject(self, subject: SubjectSpec) -> None:
        """Write `subject.json`."""
        write_atomic(self.subject_file, subject.model_dump_json(indent=1) + "\n")

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
        write_atomic(self.scope_file, scope.model_dump_json(indent=1) + "\n", mode=0o600)

    def guard_scope(self) -> Scope:
        """The scope that the run's guard enforces, even where it is measured by another one.

        Raises:
            InputError: the run was purged, or the file is gone.
        """
        if not self.guard_scope_file.exists():
            purged = self.state().purged
            raise InputError(
                "the guard cannot be opened: its scope " + ("was removed by a purge" if purged else "is gone"),
                where=str(self.guard_scope_file),
                fix="make the guard again in another folder: unlearn run RECIPE out=...",
            )
        return self._read(self.guard_scope_file, Scope)

    def write_guard_scope(self, scope: Scope) -> None:
        """Write the scope that the run's guard enforces; it holds the secrets."""
        write_atomic(self.guard_scope_file, scope.model_dump_json(indent=1) + "\n", mode=0o600)

    def records(self) -> list[Record]:
        """What was measured on each row."""
        if not self.records_file.exists():
            raise self._not_measured("records")
        with reading(self.records_file, fix=f"measure it again: unlearn eval {self.path}"):
            return read_records(self.records_file)

    def turned(self) -> list[Intervention]:
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
            scores = _SCORES.validate_json(self.scores_file.read_text(encoding="utf-8"))
            return {current_name(name): score for name, score in scores.items()}

    def write_scores(self, scores: dict[str, Score]) -> None:
        """Write `scores.json`."""
        write_atomic(self.scores_file, _SCORES.dump_json(scores, indent=1).decode() + "\n")

    def attack_scores(self) -> dict[str, Score]:
        """Every score of an attack by its flat name; none where the subject was not attacked."""
        if not self.attacks_file.exists():
            return {}
        with reading(self.attacks_file, fix=f"make it again: unlearn score {self.path}"):
            return _SCORES.validate_json(self.attacks_file.read_text(encoding="utf-8"))

    def write_attack_scores(self, scores: dict[str, Score]) -> None:
        """Write `attacks.json`."""
        write_atomic(self.attacks_file, _SCORES.dump_json(scores, indent=1).decode() + "\n")

    def drop_attacks(self) -> bool:
        """Remove the results of attacks after the plain records have changed. Return whether there were any."""
        if not self.attacks_file.exists() and not self.attack_records.exists():
            return False
        shutil.rmtree(self.attack_records, ignore_errors=True)
        self.attacks_file.unlink(missing_ok=True)
        self.update(attacks={})
        return True

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

    def _not_measured(self, what: str) -> InputError:
        if self.is_run and self.state().purged:
            fix = f"measure it again: unlearn eval {self.path}"
            return InputError(f"the run was purged, and its {what} with it", where=str(self.path), fix=fix)
        return InputError(f"the run has no {what}", where=str(self.path), fix=f"measure it: unlearn eval {self.path}")

    @staticmethod
    def _read(path: Path, kind: type[T]) -> T:
        with reading(path):
            return kind.model_validate_json(path.read_text(encoding="utf-8"))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _earlier(path: Path, old: Path) -> Path:
    """Return `path`, or the place where an earlier version kept the same if only that is there."""
    return old if old.exists() and not path.exists() else path
