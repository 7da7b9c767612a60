"""A board: what it runs, what it writes, and how it goes on."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import yaml

from tests.suites import test_files
from unlearnkit.core.errors import InputError, Interrupted, NonFinite, UnlearnError
from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job
from unlearnkit.pipeline import board as board_module
from unlearnkit.pipeline.board import BoardResult, board, plan_text
from unlearnkit.pipeline.board_file import load_board
from unlearnkit.pipeline.subprocess_jobs import unlearn
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.raw_results import read_results

QUIET = Progress(quiet=True)
pile = test_files.pile
TRAIN = {"epochs": None, "steps": 3, "batch_size": 4, "lr": 1e-3, "max_length": 192}
EVAL = {"max_new_tokens": 2}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Work is done in this process; gives the names of what was done."""
    done: list[str] = []

    def in_turn(
        jobs: Sequence[Job], progress: Progress, *, at_once: int, keep_going: bool, on_end: Callable[[int, Any], None]
    ) -> None:
        for place, job in enumerate(jobs):
            done.append(job.name)
            try:
                result = job.work(*job.arguments, progress)
            except Interrupted:
                raise
            except UnlearnError as error:
                assert keep_going
                result = error
            on_end(place, result)

    monkeypatch.setattr(board_module, "run_all", in_turn)
    return done


def written(folder: Path, **fields: Any) -> Path:
    """A board file; `fields` are put in place of those of a board on made-up rows of a user."""
    path = folder / "b.yaml"
    path.write_text(yaml.safe_dump({"out": str(folder / "b"), **fields}, sort_keys=False), "utf-8")
    return path


def own(pile: dict[str, str], folder: Path, **fields: Any) -> Path:
    """A board of two seeds on a user's own rows."""
    sections = {"model": {"path": pile["model"]}, "train": TRAIN, "eval": EVAL}
    return written(
        folder,
        **{
            "suites": [{"name": "files", "data": {"forget": pile["forget"], "retain": pile["retain"]}}],
            "seeds": [0, 1],
            "methods": {"NPO": {**sections, "method": {"name": "npo"}}, "GA": {**sections, "method": {"name": "ga"}}},
            "scores": {"forget.probability": "probable"},
            "keep": str(folder / "kept.json.gz"),
            **fields,
        },
    )


def test_a_method_is_compared_with_and_without_composed_rows(pile: dict[str, str], tmp_path: Path) -> None:
    """Only `augment` differs: the rows are the board's."""
    sections = {"model": {"path": pile["model"]}, "method": {"name": "npo"}}
    plan = load_board(own(pile, tmp_path, methods={"A": {**sections, "data": {"augment": {}}}, "B": sections}))
    first, _, second, _ = (run.recipe for run in plan.groups[0].runs)
    assert first.augment is not None and second.augment is None
    assert {**first.data, "augment": None} == second.data and first.suite_section == second.suite_section


def test_each_world_is_a_group_with_references_and_means_over_seeds(
    small_world: str, here: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "looked_at.jsonl"
    monkeypatch.setenv("UNLEARNKIT_LOOKED_AT", str(log))
    methods = {"Ascent | *plain*": {"method": {"name": "ga"}, "train": TRAIN, "eval": EVAL}}
    scores = {"forget.probability": "probable", "cost.seconds": "time", "near.nothing": "nothing"}
    suites = [{"name": "pocket", "worlds": [0, 5], "request": "pii"}]
    path = written(tmp_path, suites=suites, seeds=[0, 3], methods=methods, scores=scores)
    result = board(load_board(path), progress=QUIET)
    assert not result.failed and result.page.exists()
    assert len(result.notes) == 1 and result.notes[0].startswith("No model has the score near.nothing; did you mean")
    first, second = "pocket-request-pii-world-0", "pocket-request-pii-world-5"
    expected = [f"{world}/{name}" for name in ("retrained", "target") for world in (first, second)]
    expected += [f"{world}/ascent-plain-seed-{seed}" for world in (first, second) for seed in (0, 3)]
    assert here == expected
    assert [section.title for section in result.table.sections] == [
        "pocket (request pii), world 0",
        "pocket (request pii), world 5",
    ]
    rows = result.table.sections[1].rows
    assert [row.title for row in rows] == ["target", "retrained", "Ascent | *plain*"]
    runs = [RunFolder(tmp_path / "b" / second / f"ascent-plain-seed-{seed}") for seed in (0, 3)]
    values = [run.scores()["forget.probability"].value or 0.0 for run in runs]
    assert values[0] != values[1]
    assert rows[2].cells[0].value == f"{fmean(values):.3f}"
    assert rows[2].cells[0].interval == f"{min(values):.3f}–{max(values):.3f}, n=2"
    target = RunFolder(tmp_path / "b" / second / "target").scores()["forget.probability"].value or 0.0
    assert rows[0].cells[0].value == f"{target:.3f}" and rows[0].cells[0].interval == ""
    assert rows[2].cells[2].tip == "not measured"
    assert runs[0].state().suite["world_seed"] == 5 and runs[1].state().seed == 3 and runs[0].state().gates == ()
    assert runs[0].report_file.exists() and "Retrained model" in runs[0].report_file.read_text("utf-8")
    text = (tmp_path / "b" / "board.md").read_text("utf-8")
    assert text.startswith("# b\n\n## pocket (request pii), world 0\n\n| method | probable | time | nothing |\n")
    assert f"| Ascent \\| \\*plain\\* | {fmean(values):.3f} ({min(values):.3f}–{max(values):.3f}, n=2) |" in text
    page = result.page.read_text("utf-8")
    assert "Ascent | *plain*" in page and "n=2" in page and "<script" not in page

    looks = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [(look["world"], look["seed"]) for look in looks] == [(0, 0), (0, 3), (5, 0), (5, 3)]
    suite = {"name": "pocket", "edition": 1, "request": "pii", "forget_rows": None, "asked": "test"}
    assert looks[0]["suite"] == suite
    sections = json.dumps(methods["Ascent | *plain*"], sort_keys=True)
    assert {look["settings"] for look in looks} == {hashlib.sha256(sections.encode()).hexdigest()}
    assert set(looks[0]) == {"suite", "world", "seed", "settings", "verb"} and looks[0]["verb"] == "board"

    here.clear()
    before = log.read_bytes()
    again = board(load_board(path), progress=QUIET)
    assert here == [] and again.table == result.table and log.read_bytes() == before
    assert plan_text(load_board(path)).count("finished  ") == 8


def test_a_run_that_fails_stops_no_other_and_is_done_later(
    pile: dict[str, str], here: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverging(recipe: dict[str, Any], progress: Progress) -> None:
        if recipe["method"]["name"] == "ga" or recipe["seed"] == 1:
            raise NonFinite("the loss is infinite", fix="lower train.lr")
        unlearn(recipe, progress)

    monkeypatch.setattr(board_module, "unlearn", diverging)
    plan = load_board(own(pile, tmp_path))
    result = board(plan, progress=QUIET)
    assert here == [f"files/{name}" for name in ("target", "npo-seed-0", "npo-seed-1", "ga-seed-0", "ga-seed-1")]
    assert sorted(result.failed) == ["files/ga-seed-0", "files/ga-seed-1", "files/npo-seed-1"]
    target, npo, ga = (row.cells[0] for row in result.table.rows)
    assert npo.interval == "n=1, 1 failed" and ga.value == "failed" and target.value > "0"
    with pytest.raises(
        UnlearnError, match=r"3 of the board's models.*\n  files/npo-seed-1: the loss is infinite"
    ) as error:
        result.raise_failed()
    assert error.value.exit_code == 1
    kept = json.loads(gzip.decompress((tmp_path / "kept.json.gz").read_bytes()))
    assert sorted(kept["runs"]) == ["files/npo-seed-0", "files/target"] and len(kept["failed"]) == 3

    monkeypatch.setattr(board_module, "unlearn", unlearn)
    here.clear()
    result = board(plan, progress=QUIET)
    assert here == ["files/npo-seed-1", "files/ga-seed-0", "files/ga-seed-1"] and not result.failed
    result.raise_failed()
    content = (tmp_path / "kept.json.gz").read_bytes()
    kept = json.loads(gzip.decompress(content))
    assert kept["board"] == (tmp_path / "b.yaml").read_text("utf-8") and kept["failed"] == []
    score = kept["runs"]["files/ga-seed-1"]["forget.probability"]
    assert set(score) == {"value", "low", "high", "count"}
    assert read_results(tmp_path / "kept.json.gz")["files/ga-seed-1"]["forget.probability"].value == score["value"]
    (tmp_path / "kept.json.gz").unlink()
    board(plan, progress=QUIET)
    assert (tmp_path / "kept.json.gz").read_bytes() == content


def test_a_board_goes_on_from_the_scores_that_it_kept(pile: dict[str, str], here: list[str], tmp_path: Path) -> None:
    """As on another machine, where the runs' folders are not."""
    kept = tmp_path / "kept.json.gz"
    first = board(load_board(own(pile, tmp_path)), progress=QUIET)
    content = kept.read_bytes()
    shutil.rmtree(tmp_path / "b")
    here.clear()
    again = board(load_board(own(pile, tmp_path)), progress=QUIET)
    assert here == [] and kept.read_bytes() == content
    assert again.table.sections == first.table.sections
    # A method is added: its runs are compared with the target model, which is measured again.
    added = yaml.safe_load((tmp_path / "b.yaml").read_text("utf-8"))["methods"]
    added["WGA"] = {**added["GA"], "method": {"name": "wga"}}
    board(load_board(own(pile, tmp_path, methods=added)), progress=QUIET)
    assert here == ["files/target", "files/wga-seed-0", "files/wga-seed-1"]
    assert len(read_results(kept)) == 7
    # Other settings: what was kept does not count.
    shutil.rmtree(tmp_path / "b")
    here.clear()
    added["GA"] = {**added["GA"], "train": {**TRAIN, "lr": 0.5}}
    board(load_board(own(pile, tmp_path, methods=added)), progress=QUIET)
    assert here == ["files/target", "files/ga-seed-0", "files/ga-seed-1"]


def test_a_group_without_its_target_model_starts_no_run(
    pile: dict[str, str], here: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> None:
        raise UnlearnError("no memory")

    monkeypatch.setattr(board_module, "measure_reference", failing)
    result = board(load_board(own(pile, tmp_path)), progress=QUIET)
    assert here == ["files/target"] and len(result.failed) == 5
    assert {cell.value for row in result.table.rows for cell in row.cells} == {"failed"}


def test_a_stopped_board_goes_on_and_other_recipes_are_refused(
    pile: dict[str, str], here: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(recipe: dict[str, Any], progress: Progress) -> None:
        if recipe["method"]["name"] == "ga":
            raise Interrupted("stopped")
        unlearn(recipe, progress)

    monkeypatch.setattr(board_module, "unlearn", stopped)
    path = own(pile, tmp_path, seeds=[0])
    with pytest.raises(Interrupted, match="start it again with the same options"):
        board(load_board(path), progress=QUIET)
    assert sorted(read_results(tmp_path / "kept.json.gz")) == ["files/npo-seed-0", "files/target"]
    (tmp_path / "kept.json.gz").unlink()
    shown = plan_text(load_board(path))
    assert "finished  files/npo-seed-0\n" in shown and "to do     files/ga-seed-0: about" in shown
    assert "runs:   3 with the reference models, 2 of them finished" in shown
    monkeypatch.setattr(board_module, "unlearn", unlearn)
    here.clear()
    board(load_board(path), progress=QUIET)
    assert here == ["files/ga-seed-0"]

    data = yaml.safe_load(path.read_text("utf-8"))
    data["methods"]["NPO"]["train"]["lr"] = 0.5
    path.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    with pytest.raises(InputError, match=r"npo-seed-0/recipe\.yaml, field train\.lr") as error:
        board(load_board(path), progress=QUIET)
    assert "delete the run's folder" in str(error.value.fix)
    for method in data["methods"].values():
        method["eval"]["max_new_tokens"] = 3
    path.write_text(yaml.safe_dump({**data, "seeds": [5]}), "utf-8")
    with pytest.raises(InputError, match=r"files/target, field eval.max_new_tokens"):
        board(load_board(path), progress=QUIET)


def test_references_of_a_users_models_are_measured_once(pile: dict[str, str], here: list[str], tmp_path: Path) -> None:
    data = {"forget": pile["forget"], "retain": pile["retain"]}
    suites = [{"name": "files", "data": data, "retrained": pile["model"], "title": "Own rows"}]
    result = board(load_board(own(pile, tmp_path, suites=suites, seeds=[0])), progress=QUIET)
    assert here[:2] == ["own-rows/retrained", "own-rows/target"] and not result.failed
    run = RunFolder(tmp_path / "b" / "own-rows" / "npo-seed-0")
    assert not run.references.exists(), "the run uses the models next to it"
    assert not RunFolder(tmp_path / "b" / "own-rows" / "target").references.exists()


def result_of(error: Exception) -> BoardResult:
    from unlearnkit.report.tables.table import Table

    return BoardResult(Table((), ()), (), Path(), {"a/b": error})


def test_only_the_first_line_of_an_error_is_repeated() -> None:
    with pytest.raises(UnlearnError) as error:
        result_of(RuntimeError("it failed\nTraceback ...")).raise_failed()
    assert "a/b: it failed" in str(error.value) and "Traceback" not in str(error.value)
