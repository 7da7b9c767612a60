"""Board files that cannot be used, and what a full disk or a killed process leaves of a board."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bad_input.place import Case, Place, assert_readable, assert_told, recipe_data, unlearn
from tests.bad_input.test_machine import FULL, no_room_for
from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job
from unlearnkit.runs.folder import RunFolder

NAME = "board.yaml"
BOARD = ("board", NAME)


def board_data() -> dict[str, Any]:
    """A board in which all is right."""
    recipe = recipe_data()
    sections = {key: recipe[key] for key in ("model", "method", "train", "eval")}
    return {
        "name": "own",
        "suites": [{"name": "files", "data": recipe["data"]}],
        "seeds": [0],
        "methods": {"GradDiff": sections, "NPO": {**sections, "method": {"name": "npo"}}},
        "scores": {"forget.probability": "probable"},
        "keep": "kept/scores.json.gz",
    }


def write(place: Place, data: dict[str, Any]) -> None:
    place.write(NAME, yaml.dump(data, Dumper=NoAliases, sort_keys=False))


class NoAliases(yaml.SafeDumper):
    """Write equal sections out."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def having(**fields: Any) -> Callable[[Place], None]:
    """The board has these fields; None takes one out."""
    data = {key: value for key, value in {**board_data(), **fields}.items() if value is not None}
    return lambda place: write(place, data)


def method(title: str = "GA", **sections: Any) -> Callable[[Place], None]:
    """The board has one method more."""
    data = board_data()
    data["methods"][title] = {**data["methods"]["NPO"], **sections}
    return lambda place: write(place, data)


def suites(*sections: dict[str, Any]) -> Callable[[Place], None]:
    return having(suites=list(sections))


def finished_with_another_recipe(place: Place) -> None:
    """A finished run lies where the board's run would be, with another learning rate."""
    write(place, board_data())
    folder = place.root / "runs/boards/own/files/graddiff-seed-0"
    data = recipe_data()
    data["train"]["lr"] = 2e-3
    place.recipe(**{**data, "name": "graddiff-seed-0", "out": str(folder)})
    assert unlearn(("run", "recipe.yaml"), place.patch) == 0


OWN = board_data()["suites"][0]

CASES = [
    Case("board-missing", lambda place: None, ["the board cannot be read", NAME], BOARD),
    Case("board-that-is-a-list", lambda place: place.write(NAME, "- a\n"), ["must be a mapping", "`name:`"], BOARD),
    Case("board-no-yaml", lambda place: place.write(NAME, "a: [\n"), ["the board is not YAML", "board.yaml:2"], BOARD),
    Case("board-without-methods", having(methods=None), ["a setting is missing", "methods"], BOARD),
    Case("board-with-no-method", having(methods={}), ["field methods", "at least 1 item"], BOARD),
    Case("board-without-scores", having(scores={}), ["field scores", "at least 1 item"], BOARD),
    Case("board-unknown-field", having(method={}), ["no such setting", "did you mean methods"], BOARD),
    Case("board-name-with-a-slash", having(name="a/b"), ["board.yaml:1, field name", "'a/b'"], BOARD),
    Case("board-seed-twice", having(seeds=[1, 2, 1]), ["contains a number twice", "field seeds", "1"], BOARD),
    Case("board-seed-negative", having(seeds=[-1]), ["field seeds.0", "-1"], BOARD),
    Case("board-seed-too-large", having(seeds=[2**32]), ["field seeds.0", "4294967295"], BOARD),
    Case("board-keep-is-no-json", having(keep="kept.csv"), ["field keep", "kept.csv"], BOARD),
    Case("board-suite-without-a-name", suites({"worlds": [7]}), ["has no name", "field suites.0.name"], BOARD),
    Case("board-suite-unknown", suites(OWN, {"name": "poket"}), ["field suites.1.name", "pocket"], BOARD),
    Case("board-suite-setting", suites({"name": "pocket", "editon": 2}), ["suites.0.editon", "did you mean"], BOARD),
    Case(
        "board-suite-data",
        suites({"name": "files", "data": {**OWN["data"], "retain": 3}}),
        ["field suites.0.data.retain"],
        BOARD,
    ),
    Case("board-no-worlds", suites({"name": "pocket", "worlds": []}), ["field suites.0.worlds"], BOARD),
    Case("board-worlds-of-real-data", suites({**OWN, "worlds": [7]}), ["no made-up worlds", "suites.0.worlds"], BOARD),
    Case(
        "board-world-twice",
        suites({"name": "pocket", "worlds": [7, 7]}),
        ["contains a number twice", "field suites.0.worlds"],
        BOARD,
    ),
    Case(
        "board-worlds-and-world-seed",
        suites({"name": "pocket", "worlds": [7], "world_seed": 3}),
        ["both worlds and a world_seed", "field suites.0.world_seed"],
        BOARD,
    ),
    Case("board-suite-twice", suites(OWN, OWN), ["two suites would have the same folder", "a `title`"], BOARD),
    Case("board-suite-titled-by-signs", suites({**OWN, "title": "***"}), ["suites.0.title", "letters"], BOARD),
    Case("board-method-sets-the-seed", method(seed=3), ["methods.GA.seed", "must not set it"], BOARD),
    Case("board-method-sets-the-suite", method(suite={"name": "tofu"}), ["methods.GA.suite"], BOARD),
    Case("board-method-sets-rows", method(data={"forget": "x"}), ["methods.GA.data.forget", "must not set"], BOARD),
    Case("board-method-data-is-text", method(data="x"), ["methods.GA.data", "not a mapping", "augment"], BOARD),
    Case("board-method-augment", method(data={"augment": {"share": 2}}), ["methods.GA.data.augment.share"], BOARD),
    Case("board-method-unknown", method(method={"name": "nppo"}), ["methods.GA.method.name", "npo"], BOARD),
    Case(
        "board-method-setting",
        method(method={"name": "npo", "beta": -1}),
        ["board.yaml:", "field methods.GA.method.beta", "-1"],
        BOARD,
    ),
    Case("board-method-without-a-method", method(method=None), ["field methods.GA.method"], BOARD),
    Case("board-method-is-null", having(methods={"GA": None}), ["field methods.GA", "a section"], BOARD),
    Case("board-method-gate", method(gates=["forget.accuracy"]), ["field methods.GA.gates.0"], BOARD),
    Case("board-methods-of-one-folder", method("npo!"), ["two methods would have the same folder", "'npo!'"], BOARD),
    Case("board-method-titled-by-signs", method("***"), ["no folder can be named", "'***'"], BOARD),
    Case("board-method-titled-too-long", method("x" * 151), ["no folder can be named", "150"], BOARD),
    Case("board-method-called-target", method("Target"), ["reserved for a reference model"], BOARD),
    Case(
        "board-of-different-models",
        method(model={"path": "./other"}),
        ["same model.path", "methods.GA.model.path", "'./model'"],
        BOARD,
    ),
    Case(
        "board-measured-differently",
        method(eval={"max_new_tokens": 9}),
        ["same eval.max_new_tokens", "as for GradDiff"],
        BOARD,
    ),
    Case("board-without-a-model", method(model={}), ["names no model", "methods.GA.model.path"], BOARD),
    Case("board-plan-without-a-file", lambda place: None, ["the board cannot be read"], (*BOARD, "--plan")),
    Case(
        "board-below-a-file",
        having(out="forget.jsonl/b"),
        ["cannot be written: Not a directory", "forget.jsonl/b"],
        BOARD,
        1,
    ),
    Case(
        "board-with-a-run-of-another-recipe",
        finished_with_another_recipe,
        ["graddiff-seed-0/recipe.yaml, field train.lr", "delete the run's folder"],
        BOARD,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_board_that_cannot_be_used_starts_nothing(
    case: Case, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_told(case, place, capsys)


@pytest.fixture
def in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is done in this process, in which the disk can be made full."""

    def run(jobs: Sequence[Job], progress: Progress, *, on_end: Callable[[int, Any], None], **_: Any) -> None:
        for number, job in enumerate(jobs):
            try:
                result = job.work(*job.arguments, progress)
            except Exception as error:  # noqa: BLE001  # as `run_all` does
                result = error
            on_end(number, result)

    monkeypatch.setattr("unlearnkit.pipeline.board.run_all", run)


@pytest.mark.parametrize(
    ("name", "number", "where"),
    [
        ("board.html", 1, "runs/boards/own/board.html"),
        ("board.md", 1, "runs/boards/own/board.md"),
        ("scores.json", 2, "files/graddiff-seed-0: the file cannot be written"),
    ],
)
def test_a_board_goes_on_where_the_disk_was_full(
    name: str, number: int, where: str, place: Place, in_turn: None, capsys: pytest.CaptureFixture[str]
) -> None:
    write(place, board_data())
    with place.patch.context() as patch:
        no_room_for(name, number)(Place(place.root, patch))
        assert unlearn(BOARD, patch) == 1
    said = capsys.readouterr().err
    error = said[said.index("error: ") :]
    assert_readable(error)
    assert FULL in said and where in error
    assert not list(place.root.rglob("*.partial"))
    runs = [RunFolder(place.root / f"runs/boards/own/files/{run}-seed-0") for run in ("graddiff", "npo")]
    assert [run.state().done for run in runs] == [name != "scores.json", True]
    kept = runs[1].records_file.stat().st_mtime_ns
    assert unlearn(BOARD, place.patch) == 0, capsys.readouterr().err
    assert runs[1].records_file.stat().st_mtime_ns == kept
    assert (place.root / "runs/boards/own/board.md").exists() and (place.root / "kept/scores.json.gz").exists()


@pytest.mark.extended
def test_a_board_that_is_stopped_and_killed_goes_on(place: Place) -> None:
    data = board_data()
    data["methods"]["NPO"]["train"] = {**data["methods"]["NPO"]["train"], "steps": 300, "checkpoint_every": 20}
    write(place, data)
    code = "import sys; from unlearnkit.cli.app import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *BOARD, "--at-once", "1"]
    first, second = (RunFolder(place.root / f"runs/boards/own/files/{name}-seed-0") for name in ("graddiff", "npo"))
    measured = []
    for sign, code_of_exit in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        before = size(second.log_file)
        process = subprocess.Popen(
            command, cwd=place.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        while size(second.log_file) == before:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.01)
        os.kill(process.pid, sign)
        _, err = process.communicate()
        assert process.returncode == code_of_exit and ("to continue the board" in err) == (sign is signal.SIGINT)
        assert first.state().done and not second.state().done
        measured.append(first.records_file.stat().st_mtime_ns)
    while size(second.log_file) > before:
        # The process of the run ends soon after its parent was killed.
        before = size(second.log_file)
        time.sleep(0.5)
    done = subprocess.run(command, cwd=place.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert second.state().done and {first.records_file.stat().st_mtime_ns} == set(measured)
    text = (place.root / "runs/boards/own/board.md").read_text("utf-8")
    assert "| GradDiff | 0" in text and "| NPO | 0" in text


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
