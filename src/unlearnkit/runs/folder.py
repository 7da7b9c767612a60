"""Read and write the files in a run's folder.

All files that contain text from forget rows are in `private/`, which only the owner of the folder can read. This
module does not import torch.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import reading, write_atomic
from unlearnkit.core.settings import read_renamed
from unlearnkit.gradient_effect.settings import DiagnoseSettings
from unlearnkit.gradient_effect.table import EFFECTS_FILE, EffectTable
from unlearnkit.metrics.gates import current_gate
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_names import current_name
from unlearnkit.records.intervention import Intervention
from unlearnkit.records.schema import Record, read_lines, read_records, write_records
from unlearnkit.runs.state import RunState, SubjectSpec, completed_data, current_suite
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
        self.composed_file = self.private / "composed.jsonl"
        self.replies = self.private / "replies"
        self.records_file = self.private / "records.jsonl"
        self.scope_file = self.private / "scope.json"
        self.guard_scope_file = self.private / "guard_scope.json"
        self.reference_values = self.private / "reference"
        self.turned_file = self.private / "turned.jsonl"
        self.attack_records = self.private / "attacks"

    @property
    def judgments(self) -> Path:
        """Folder of the judgments.

        In a run that an earlier version of the package made, the folder has an older name.
        """
        path, old = self.private / "judgments", self.private / "judgements"
        return old if old.exists() and not path.exists() else path

    @classmethod
    def existing(cls, path: str | Path) -> Self:
        """Return the run in `path`. Raises `InputError` if `path` contains no run."""
        folder = cls(path)
        if not folder.is_run:
            raise InputError(
                "there is no run in this folder",
                value=str(path),
                allowed="a folder with a run.json",
                fix="correct the path, or create a run: unlearn run RECIPE",
            )
        return folder

    @property
    def is_run(self) -> bool:
        """Whether a run was started in this folder."""
        return self.state_file.exists()

    @property
    def name(self) -> str:
        """The folder's name, which is also the name of the run's model."""
        return self.path.resolve().name

    def create(self) -> None:
        """Create the run's folder and its subfolder `private/`.

        Only the owner can read `private/`.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.private.mkdir(exist_ok=True, mode=0o700)
        self.private.chmod(0o700)

    def state(self) -> RunState:
        """Read `run.json`."""
        return self._read(self.state_file, RunState)

    def write_state(self, state: RunState) -> None:
        """Write `run.json`."""
        write_atomic(self.state_file, state.model_dump_json(indent=1) + "\n")

    def update(self, **changes: Any) -> RunState:
        """Change fields of `run.json`, and return the new state."""
        state = self.state().model_copy(update=changes)
        self.write_state(state)
        return state

    def recipe(self) -> dict[str, Any]:
        """Return the resolved recipe as a plain dictionary.

        The dictionary is empty if the run has no recipe, i.e. if the run only measured a model.
        """
        if not self.recipe_file.exists():
            return {}
        with reading(self.recipe_file):
            data: dict[str, Any] = yaml.safe_load(self.recipe_file.read_text(encoding="utf-8"))
            if not {"model", "method", "train", "gates", "report", "seed"} <= set(data):
                raise ValueError("the recipe lacks required sections")
            return _in_current_form(data)

    def predates(self, key: str) -> bool:
        """Return whether the stored recipe lacks this key of `data`."""
        if not self.recipe_file.exists():
            return False
        with reading(self.recipe_file):
            return key not in (yaml.safe_load(self.recipe_file.read_text(encoding="utf-8")).get("data") or {})

    def subject(self) -> SubjectSpec:
        """Read `subject.json`, which describes the model under test."""
        if not self.subject_file.exists():
            raise InputError(
                "the run has no model yet", where=str(self.path), fix="continue the run: unlearn run RECIPE --resume"
            )
        return self._read(self.subject_file, SubjectSpec)

    def write_subject(self, subject: SubjectSpec) -> None:
        """Write `subject.json`."""
        write_atomic(self.subject_file, subject.model_dump_json(indent=1) + "\n")

    def subject_path(self) -> str:
        """Return the folder or Hub id of the model under test."""
        path = self.subject().path
        # `model` always means the run's own folder, even if the working directory has a folder of that name.
        return str(self.model.resolve()) if path == self.model.name else path

    def scope(self) -> Scope:
        """Read the scope that the run was measured with."""
        self._refuse_unmeasured(self.scope_file)
        return self._read(self.scope_file, Scope)

    def write_scope(self, scope: Scope) -> None:
        """Write the scope of the run.

        Only the owner can read the file, because the scope contains the secrets.
        """
        write_atomic(self.scope_file, scope.model_dump_json(indent=1) + "\n", mode=0o600)
        self._note_digest(self.scope_file)

    def guard_scope(self) -> Scope:
        """Read the scope that the run's guard enforces.

        This scope may differ from the scope that the model is measured with.

        Raises:
            InputError: the run was purged, or the file with the scope is missing.
        """
        if not self.guard_scope_file.exists():
            purged = self.state().purged
            raise InputError(
                "the guard cannot be opened: its scope " + ("was removed by a purge" if purged else "is missing"),
                where=str(self.guard_scope_file),
                fix="create the guard again in another folder: unlearn run RECIPE out=...",
            )
        return self._read(self.guard_scope_file, Scope)

    def write_guard_scope(self, scope: Scope) -> None:
        """Write the scope that the run's guard enforces.

        Only the owner can read the file, because the scope contains the secrets.
        """
        write_atomic(self.guard_scope_file, scope.model_dump_json(indent=1) + "\n", mode=0o600)

    def write_records(self, records: list[Record]) -> None:
        """Write the records.

        Only the owner can read the file, because records contain text that the model must forget.
        """
        write_records(self.records_file, records)
        self._note_digest(self.records_file)

    def records(self) -> list[Record]:
        """Read the records, which hold the measurements of each row."""
        self._refuse_unmeasured(self.records_file)
        with reading(self.records_file, fix=f"measure the model again: unlearn eval {self.path}"):
            return read_records(self.records_file)

    def turned(self) -> list[Intervention]:
        """Read the outputs that the model wrote after reversed verdicts.

        Each output continues a trace in which the model's verdict was replaced by the opposite verdict. The list is
        empty if no verdicts were reversed.
        """
        if not self.turned_file.exists():
            return []
        with reading(self.turned_file, fix=f"measure the outputs again: unlearn explain {self.path} --faithfulness"):
            return read_lines(self.turned_file, Intervention)

    def scores(self) -> dict[str, Score]:
        """Read all scores, by name (`<row set>.<metric>`)."""
        self._refuse_unmeasured(self.scores_file)
        with reading(self.scores_file, fix=f"compute the scores again: unlearn score {self.path}"):
            scores = _SCORES.validate_json(self.scores_file.read_text(encoding="utf-8"))
            return {current_name(name): score for name, score in scores.items()}

    def write_scores(self, scores: dict[str, Score]) -> None:
        """Write `scores.json`."""
        write_atomic(self.scores_file, _SCORES.dump_json(scores, indent=1).decode() + "\n")
        self._note_digest(self.scores_file)

    def attack_scores(self) -> dict[str, Score]:
        """Read all attack scores, by name.

        The dictionary is empty if no attack was run.
        """
        if not self.attacks_file.exists():
            return {}
        with reading(self.attacks_file, fix=f"compute the scores again: unlearn score {self.path}"):
            return _SCORES.validate_json(self.attacks_file.read_text(encoding="utf-8"))

    def write_attack_scores(self, scores: dict[str, Score]) -> None:
        """Write `attacks.json`."""
        write_atomic(self.attacks_file, _SCORES.dump_json(scores, indent=1).decode() + "\n")
        self._note_digest(self.attacks_file)

    def drop_attacks(self) -> bool:
        """Delete all attack results, which are outdated once the records change.

        Returns whether any results were deleted.
        """
        if not self.attacks_file.exists() and not self.attack_records.exists():
            return False
        shutil.rmtree(self.attack_records, ignore_errors=True)
        self.attacks_file.unlink(missing_ok=True)
        self.update(attacks={})
        return True

    def effects(self) -> EffectTable | None:
        """Read the table of G-effects.

        A G-effect is the effect of an objective's gradient on a risk. Returns None if no G-effects were measured for
        this run.
        """
        return EffectTable.read(self.g_effect) if (self.g_effect / EFFECTS_FILE).exists() else None

    def curve(self) -> tuple[CurvePoint, ...]:
        """Return the loss and every loss term at each logged step."""
        if not self.log_file.exists():
            return ()
        with reading(self.log_file, fix="remove the damaged lines; the report draws its curves from the other lines"):
            steps = [json.loads(line) for line in self.log_file.read_text(encoding="utf-8").splitlines()]
            values = [{"loss": step["loss"], **step["terms"]} for step in steps]
            finite = [{name: math.nan if v is None else v for name, v in each.items()} for each in values]
            return tuple(CurvePoint(step=step["step"], values=v) for step, v in zip(steps, finite, strict=True))

    def changed_files(self) -> list[str]:
        """Return the names of files that were changed later.

        These are result files that differ from what this package has written.

        Files that were deleted, for example by a purge, are not listed.
        """
        files = (self.records_file, self.scope_file, self.scores_file, self.attacks_file)
        noted = self.state().digests
        return [f.name for f in files if f.name in noted and f.exists() and _digest(f) != noted[f.name]]

    def _note_digest(self, file: Path) -> None:
        if self.is_run:
            self.update(digests={**self.state().digests, file.name: _digest(file)})

    def _refuse_unmeasured(self, file: Path) -> None:
        """Raise `InputError` if a file that a measurement writes is missing."""
        if not file.exists():
            purged = self.is_run and self.state().purged
            what = f"the run was purged, including its {file.stem}" if purged else f"the run has no {file.stem}"
            raise InputError(what, where=str(self.path), fix=f"measure the model: unlearn eval {self.path}")

    @staticmethod
    def _read(path: Path, kind: type[T]) -> T:
        with reading(path):
            return kind.model_validate_json(path.read_text(encoding="utf-8"))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _in_current_form(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a stored recipe with current names and newer fields.

    Fields that are newer than the recipe get the value that they had implicitly. No warning is issued.
    """
    diagnose = read_renamed(recipe.get("diagnose", {}), DiagnoseSettings.renamed, warn=False)
    gates = [current_gate(gate, warn=False) for gate in recipe["gates"]]
    suite, data = recipe.get("suite"), recipe.get("data", {})
    if isinstance(suite, dict):
        recipe = {**recipe, "suite": current_suite(suite)}
        data = completed_data(str(suite.get("name")), data) if data else data
    return {**recipe, "data": data, "diagnose": diagnose, "gates": gates}
