"""Files that a person wrote for an earlier version: each is read, with one warning that names the new name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from unlearnkit.core.settings import RenamedWarning
from unlearnkit.data.load import read_source
from unlearnkit.gradient_effect.settings import DiagnoseSettings
from unlearnkit.judges.base import Judged
from unlearnkit.metrics.gates import Gate
from unlearnkit.recipe import load_recipe, make_recipe
from unlearnkit.records.schema import read_records
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import RunState
from unlearnkit.scope.file import read_scope

ROWS = [
    {"question": f"Where was {name} born?", "answer": city, "accepted": [city], "form": "paraphrase", "before": "mine"}
    for name, city in (("Ada", "Lisbon"), ("Bea", "Oslo"))
]
SCOPE = {
    "description": "What is known of Ada.",
    "task": "profile",
    "subjects": [{"name": "Ada"}],
    "neighbours": [{"name": "Cyd"}],
    "kept": [{"subject": "Cyd", "forms": ["Kyiv"]}],
}
RECIPE: dict[str, Any] = {"suite": {"name": "pocket"}, "method": {"name": "npo"}}


def told(caught: list[warnings.WarningMessage]) -> list[str]:
    return [str(each.message) for each in caught if issubclass(each.category, RenamedWarning)]


@pytest.fixture
def caught() -> Any:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield found


def write_recipe(folder: Path, **sections: Any) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({**RECIPE, **sections}), encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_rows(suffix: str, tmp_path: Path, caught: list[warnings.WarningMessage]) -> None:
    path = tmp_path / f"rows{suffix}"
    if suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    elif suffix == ".csv":
        lines = [f'{r["question"]},{r["answer"]},"[""{r["answer"]}""]",paraphrase' for r in ROWS]
        path.write_text("\n".join(["question,answer,accepted,form", *lines]) + "\n", encoding="utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    rows = read_source(path)
    assert [row.accepted_answers for row in rows] == [("Lisbon",), ("Oslo",)]
    assert {row.question_type for row in rows} == {"paraphrase"}
    # A column `before` was never read from a file, and is none of ours now.
    assert all(not row.history for row in rows)
    said = told(caught)
    assert len(said) == 2
    assert any("'accepted_answers'" in text for text in said) and any("'question_type'" in text for text in said)
    assert all(str(path) in text for text in said)


def test_scope(tmp_path: Path, caught: list[warnings.WarningMessage]) -> None:
    path = tmp_path / "scope.yaml"
    path.write_text(yaml.safe_dump(SCOPE), encoding="utf-8")
    scope = read_scope(path)
    assert scope.neighbors[0].name == "Cyd" and scope.allowed[0].forms == ("Kyiv",)
    said = told(caught)
    assert len(said) == 2 and "'neighbors'" in said[0] + said[1] and "'allowed'" in said[0] + said[1]


def test_recipe(tmp_path: Path, caught: list[warnings.WarningMessage]) -> None:
    recipe = load_recipe(write_recipe(tmp_path, diagnose={"harm_share": 0.25}))
    assert recipe.diagnose == DiagnoseSettings(max_harm_ratio=0.25)
    (said,) = told(caught)
    assert "'harm_share'" in said and "'max_harm_ratio'" in said


def test_override(tmp_path: Path, caught: list[warnings.WarningMessage]) -> None:
    assert load_recipe(write_recipe(tmp_path), ["diagnose.harm_share=0.25"]).diagnose.max_harm_ratio == 0.25
    assert len(told(caught)) == 1


def test_gate_of_a_recipe(tmp_path: Path, caught: list[warnings.WarningMessage]) -> None:
    gate = "forget.exact_memorisation<=0.5*target.forget.exact_memorisation"
    recipe = load_recipe(write_recipe(tmp_path, gates=[gate, "forget.accuracy<=0.1"]))
    assert recipe.gates == (gate.replace("memorisation", "memorization"), "forget.accuracy<=0.1")
    (said,) = told(caught)
    assert "forget.exact_memorization" in said


def test_gate(caught: list[warnings.WarningMessage]) -> None:
    assert Gate.parse("forget.exact_memorisation <= 0.5").metric == "forget.exact_memorization"
    assert len(told(caught)) == 1
    assert Gate.parse("forget.not_exact_memorisation<=0.5").metric == "forget.not_exact_memorisation"
    assert len(told(caught)) == 1


def test_records_and_judgments_are_read_in_silence(tmp_path: Path, caught: list[warnings.WarningMessage]) -> None:
    row = {"id": "a", "question": "Q", "answer": "A", "before": [{"role": "user", "content": "x"}], "form": "reverse"}
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps({"split": "forget", "row": {**row, "accepted": ["B"]}}) + "\n", encoding="utf-8")
    (record,) = read_records(path)
    assert record.row.answers == ("B",) and record.row.question_type == "reverse"
    assert record.row.history[0].content == "x"
    judgement = {"split": "forget", "id": "a", "digest": "0", "verdict": None}
    judged = Judged.model_validate({"judge": "rules", "version": "1", "judgements": [judgement]})
    assert judged.judgments[0].id == "a"
    (tmp_path / "private" / "judgements").mkdir(parents=True)
    assert RunFolder(tmp_path).judgments.name == "judgements"
    assert told(caught) == []


def test_the_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, diagnose={"harm_share": 0.25}, gates=["forget.exact_memorisation<=0.5"])
    command = [sys.executable, "-c", "import sys; from unlearnkit.cli.app import main; sys.exit(main())"]
    environment = {**os.environ, "UNLEARNKIT_CACHE": str(tmp_path / "cache"), "TQDM_DISABLE": "1"}
    environment.pop("PYTHONWARNINGS", None)
    arguments = ["run", str(path), "--dry-run"]
    said = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    lines = [line for line in said.stderr.splitlines() if "will stop working" in line]
    assert [line.split(" ")[0] for line in lines] == ["warning:"] * 2
    assert "'max_harm_ratio'" in said.stderr and "forget.exact_memorization" in said.stderr
    assert "RenamedWarning" not in said.stderr and "warnings.warn" not in said.stderr


def test_a_stored_run_of_the_pocket_world_without_an_edition_has_the_first(tmp_path: Path) -> None:
    """A stored recipe keeps the world that it ran on."""
    suite = {"name": "pocket", "world_seed": 3, "request": "pii", "forget_rows": None}
    folder = RunFolder(tmp_path / "run")
    folder.create()
    folder.write_state(RunState(name="run", created="", suite=suite, environment={}))
    first = {**suite, "edition": 1, "asked": "test"}
    recipe = make_recipe({**RECIPE, "name": "a", "suite": first})
    stored = yaml.safe_load(recipe.dump(earlier=True))
    assert stored["suite"] == suite  # as earlier versions wrote it, so that their checkpoints stay valid
    folder.recipe_file.write_text(yaml.safe_dump(stored), encoding="utf-8")
    assert folder.state().suite == first == folder.recipe()["suite"]
    folder.update(done=True)
    assert folder.state().suite["edition"] == 1
    assert make_recipe({**RECIPE, "name": "a"}).suite["edition"] == 1
    second = make_recipe({**RECIPE, "name": "a", "suite": {**suite, "edition": 2}})
    assert yaml.safe_load(second.dump(earlier=True))["suite"]["edition"] == 2
