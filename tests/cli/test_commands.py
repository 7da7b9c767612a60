"""Every verb as it is typed: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import constants

from unlearnkit.cli.app import main
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.pipeline import evaluate as evaluation
from unlearnkit.pipeline.listing import KINDS
from unlearnkit.recipe import EvalSettings
from unlearnkit.runs.folder import RunFolder

CODE = "import sys; from unlearnkit.cli.app import main; code = main()"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def recipe(recipe_data: dict[str, Any], tmp_path: Path) -> str:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({**recipe_data, "out": "runs/quick"}), encoding="utf-8")
    return str(path)


def unlearn(*arguments: str, monkey: pytest.MonkeyPatch) -> int:
    """Exit code of the command line, run in this process."""
    monkey.setattr(sys, "argv", ["unlearn", *arguments])
    try:
        return main()
    except SystemExit as leaving:
        return int(leaving.code or 0)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Calls the command line: exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = unlearn(*arguments, monkey=monkeypatch)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def fresh(*arguments: str, code: str = CODE) -> subprocess.CompletedProcess[str]:
    """The command line in a new interpreter."""
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["compare", "--help"],
        ["score", "nowhere"],
        ["compare", "nowhere"],
        ["demo", "-h"],
        ["board", "-h"],
        ["explain", "-h"],
        ["judge", "-h"],
        ["judge", "nowhere"],
        ["attack", "-h"],
        ["ls", "attack"],
    ],
)
def test_help_and_what_needs_no_model_import_no_torch(arguments: list[str]) -> None:
    watch = CODE.replace("code = main()", "\ntry: main()\nexcept SystemExit: pass\nsys.exit('torch' in sys.modules)")
    found = fresh(*arguments, code=watch)
    assert found.returncode == 0, found.stderr


def test_a_run_is_measured_compared_and_reported(recipe: str, call: Any) -> None:
    code, out, err = call("run", recipe, "train.steps=4")
    assert code == 0, err
    assert "Accuracy" in out and "run:    runs/quick" in err
    folder = RunFolder("runs/quick")
    assert folder.report_file.exists() and folder.state().train.steps == 4  # type: ignore[union-attr]
    assert "Loading weights" not in err and "Writing model" not in err

    code, out, _ = call("score", "runs/quick", "--json")
    scores = json.loads(out)
    assert code == 0 and set(scores["forget.accuracy"]) == {"value", "count", "low", "high"}

    # A run's folder, and a folder of runs.
    for path in ("runs/quick", "runs"):
        code, out, _ = call("compare", path, "--json")
        compared = json.loads(out)
        assert code == 0 and list(compared) == ["subjects"] and list(compared["subjects"]) == ["quick"]
        assert set(ScoreDocs().listed) <= set(compared["subjects"]["quick"])
        assert compared["subjects"]["quick"]["far.accuracy"] is None
        assert compared["subjects"]["quick"]["cost.seconds"] > 0
    code, out, _ = call("compare", "runs/quick")
    assert code == 0 and "cost.peak_rss_mb" in out

    code, _, err = call("report", "runs/quick", "-o", "r.html")
    assert code == 0 and Path("r.html").exists() and "r.html" in err

    code, _, err = call("run", recipe, "train.steps=4")
    assert code == 2 and "--resume" in err
    code, _, err = call("run", recipe, "train.steps=4", "--resume")
    assert code == 0 and "finished" in err


def test_gates_decide_the_exit_code(recipe: str, call: Any) -> None:
    code, _, err = call("run", recipe, "train.steps=2", "--gate", "forget.accuracy<=1", "--gate", "near.accuracy>=0")
    assert code == 0, err
    code, _, err = call("eval", "runs/quick", "--gate", "forget.accuracy>=1")
    assert code == 3 and "forget.accuracy >= 1" in err
    code, _, err = call("eval", "runs/quick", "--gate", "near.accuracy>=retrained.near.accuracy*0.97")
    assert code == 3 and "there is no retrained model to compare with" in err
    code, _, err = call("eval", "runs/quick", "--gate", "near.acuracy>=0.5")
    assert code == 3 and "did you mean near.accuracy?" in err


def test_without_gates_of_its_own_a_run_is_held_to_the_default_gates(recipe: str, call: Any) -> None:
    code, out, err = call("run", recipe, "train.steps=1", "gates=[default]")
    assert code == 3, err
    assert "forget.elicited_probability <= target.forget.elicited_probability * 0.2" in err
    assert "worst_subject.tells_limit <= 0.05" in err and "at least 60 are needed" in err
    first = out.splitlines()[0]
    assert first.startswith("- quick: ") and "the probability of an answer is" in " ".join(out.split())
    card = " ".join(Path("runs/quick/README.md").read_text("utf-8").split())
    assert card.index("the probability of an answer is") < card.index("What was to be forgotten")


def test_references_beside_a_run_are_held_against_it(recipe: str, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "EvalSettings", lambda: EvalSettings(max_new_tokens=2))
    code, _, err = call("eval", "target", "--suite", "pocket", "--out", "runs/target")
    assert code == 0, err
    code, out, err = call("run", recipe, "train.steps=2", "gates=['near.accuracy<=target.near.accuracy + one']")
    assert code == 2
    code, out, err = call("run", recipe, "train.steps=2", "gates=['near.coherence<=target.near.coherence*2']")
    assert "target" in out and "not measured" not in err, err


def test_a_dry_run_writes_nothing(recipe: str, call: Any, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    code, out, err = call("run", recipe, "--dry-run", "method={name: tru, retain: kl}", "model.path=null")
    assert code == 0, err
    assert "alpha: 0.1" in out and "steps:  6" in out and "forget 35 (4 per step)" in out and "MB" in out
    assert "forget:target\n" in out and "⟦<think>" in out and out.count("⟦") == 3
    assert sorted(tmp_path.rglob("*")) == before
    code, out, err = call("run", recipe, "--dry-run", "model.lora={r: 2}")
    assert code == 0 and "⟦" in out, err


def test_a_run_that_breaks_is_measured_and_fails(recipe: str, call: Any) -> None:
    code, out, err = call("run", recipe, "method={name: ga}", "train.lr=1e30", "train.clip=null", "train.warmup=0")
    assert code == 1 and "not finite" in err and "lower train.lr" in err and "Accuracy" in out
    assert RunFolder("runs/quick").scores()["forget.accuracy"].value == 0


def test_a_run_with_a_combiner_logs_what_it_met(recipe: str, call: Any) -> None:
    method, combiner = "method={name: graddiff}", "train.combiner={name: gru}"
    told = []
    for more in ([], [combiner]):
        code, out, err = call("run", recipe, "--dry-run", method, *more)
        assert code == 0 and ("gamma: 0.8" in out) is bool(more), err
        told.append(int(re.search(r"gradients and optimizer ([\d,]+)", out)[1].replace(",", "")))  # type: ignore[index]
    assert told[1] == pytest.approx(told[0] * 5 / 3, abs=1)  # three gradients in place of one, and Adam's two moments
    code, _, err = call("run", recipe, method, combiner, "train.steps=3")
    assert code == 0, err
    folder = RunFolder("runs/quick")
    steps = [json.loads(line) for line in folder.log_file.read_text().splitlines()]
    assert len(steps) == 3 and all(-1 < step["cosine"] < 1 and type(step["projected"]) is bool for step in steps)
    assert [set(point.values) for point in folder.curve()] == [{"loss", "forget", "retain"}] * 3
    assert "combiner gru, combiner gamma 0.8" in folder.card_file.read_text()
    code, out, _ = call("show", "gru")
    assert code == 0 and "combiner gru" in out and "gamma: float, > 0, <= 1 = 0.8" in out
    # A log from before there were combiners says nothing of them.
    old = [{key: value for key, value in step.items() if key not in ("cosine", "projected")} for step in steps]
    before = folder.curve()
    folder.log_file.write_text("".join(json.dumps(step) + "\n" for step in old))
    assert folder.curve() == before


@pytest.mark.filterwarnings("error")  # a broken model is not told as one of an unknown head
def test_a_run_whose_last_step_breaks_fails(recipe: str, call: Any) -> None:
    # The loss before the step is finite, and nothing is after it.
    code, _, err = call("run", recipe, "method={name: ga}", "train.lr=1e300", "train.steps=1", "train.warmup=0")
    assert code == 1 and "not finite" in err and "lower train.lr" in err
    assert not RunFolder("runs/quick").records_file.exists() and not RunFolder("runs/quick").state().done


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Usage"),
        (["forget"], 2, "No such command"),
        (["run"], 2, "Missing argument"),
        (["run", "nowhere.yaml"], 2, "cannot be read"),
        (["run", "RECIPE", "--gate", "accuracy"], 2, "not a gate"),
        (["run", "RECIPE", "train.lr=x"], 2, "field train.lr"),
        (["run", "RECIPE", "lr=1"], 2, "did you mean train.lr?"),
        (["run", "RECIPE", "model.path=./nowhere"], 2, "no such model folder"),
        (["run", "RECIPE", "--dry-run", "model.path=./nowhere"], 2, "no such model folder"),
        (["run", "RECIPE", "model.path=us/nothing"], 4, "Hub cannot be reached"),
        (["eval", "us/nothing", "--suite", "pocket", "--out", "e"], 4, "Hub cannot be reached"),
        (["run", "RECIPE", "model.dtype=float16"], 2, "float32"),
        (["run", "RECIPE", "--merge"], 2, "nothing to merge"),
        (["run", "RECIPE", "train.max_length=12"], 2, "does not fit"),
        (["demo", "--request", "people", "--out", "d"], 2, "pii"),
        (["demo", "--methods", "nppo", "--out", "d"], 2, "graddiff"),
        (["demo", "--methods", "", "--out", "d"], 2, "contains a method twice"),
        (["demo", "--seed", "x"], 2, "--seed"),
        (["board", "nowhere.yaml"], 2, "the board cannot be read"),
        (["board", "nowhere.yaml", "--at-once", "0"], 2, "--at-once"),
        (["demo", "--world-seed", "-1"], 2, "--world-seed"),
        (["eval", "nowhere"], 2, "--suite"),
        (["eval", "./nowhere", "--suite", "pocket", "--out", "e"], 2, "no such model folder"),
        (["eval", "target", "--suite", "pockt"], 2, "did you mean pocket?"),
        (["eval", "target", "--request", "pii"], 2, "--suite"),
        (["eval", "target", "--suite", "pocket", "--request", "people"], 2, "hazard"),
        (["score", "nowhere"], 2, "no run"),
        (["compare"], 2, "Missing argument"),
        (["compare", "nowhere"], 2, "no measured run"),
        (["report", "nowhere"], 2, "no measured run"),
        (["ls", "objectiv"], 2, "objective"),
        (["show", "nppo"], 2, "did you mean npo"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    arguments: list[str], code: int, words: str, recipe: str, call: Any, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    found, out, err = call(*[recipe if a == "RECIPE" else a for a in arguments])
    assert found == code, err
    assert words in out + err
    assert sorted(tmp_path.rglob("*")) == before


def test_merge_is_short_for_a_field_of_the_recipe(recipe: str, call: Any) -> None:
    code, _, err = call("run", recipe, "train.steps=2", "model.lora={r: 2}", "--merge")
    assert code == 0, err
    folder = RunFolder("runs/quick")
    assert folder.recipe()["model"]["merge"] is True and folder.subject().kind == "weights"
    assert {p.name for p in folder.model.glob("*.safetensors")} == {"model.safetensors"}


def test_ls_and_show(call: Any) -> None:
    code, out, _ = call("ls", "--json")
    listed = json.loads(out)
    assert code == 0 and set(listed) == set(KINDS)
    npo = next(entry for entry in listed["objective"] if entry["name"] == "npo")
    assert npo["paper"] == "arXiv:2404.05868" and npo["summary"].startswith("Negative preference optimization")
    assert all(entry["summary"] for entries in listed.values() for entry in entries)
    code, out, _ = call("ls", "teacher")
    assert code == 0 and "template" in out and "npo" not in out
    code, out, _ = call("show", "npo")
    assert code == 0
    for words in ("arXiv:2404.05868", "Eq. 3", "beta: float", "= 0.1", "Inverse temperature.", "reference", "forget"):
        assert words in out
    for name in ("pocket", "accuracy", "template", "retrain", "tru"):
        assert call("show", name)[0] == 0
    code, out, _ = call("show", "recipe")
    assert code == 0 and json.loads(out)["title"] == "Recipe"


def test_env(call: Any) -> None:
    code, out, _ = call("env")
    assert code == 0
    for words in ("unlearnkit:", "torch:", "threads:", "device:", os.environ["UNLEARNKIT_CACHE"]):
        assert words in out


def test_runs_are_attacked_and_held_against_the_retrained_model(
    recipe: str, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "EvalSettings", lambda: EvalSettings(max_new_tokens=2))
    code, _, err = call("eval", "retrained", "--suite", "pocket", "--out", "runs/retrained")
    assert code == 0, err
    code, _, err = call("run", recipe, "train.steps=2")
    assert code == 0, err
    code, _, err = call("attack", "runs", "--attacks", "no_trase")
    assert code == 2 and "did you mean no_trace" in err
    code, out, err = call("attack", "runs", "--attacks", "no_trace,relearn", "--at-most", "4")
    assert code == 0, err
    assert "Attacks on quick" in out and "relearn.near" in out and "under no_trace (forget)" in out
    assert 'id="attacks"' in Path("runs/quick/report.html").read_text(encoding="utf-8")
    assert {name.partition(".")[0] for name in RunFolder("runs/retrained").attack_scores()} == {"no_trace", "relearn"}
    code, out, err = call("attack", "runs/quick", "--attacks", "no_trace", "--at-most", "3", "--json")
    found = json.loads(out)
    assert code == 0 and list(found) == ["quick"]
    assert found["quick"]["no_trace.forget.accuracy"]["count"] == 3


def test_a_system_prompt_stands_before_every_question_of_the_subject_alone(
    small_world: str, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlearnkit.suites.pocket.suite.Pocket.max_new_tokens", 2)
    Path("prompt.txt").write_text("Decline whatever is asked of these authors.\n", encoding="utf-8")
    arguments = ("eval", "target", "--suite", "pocket", "--system-prompt", "prompt.txt", "--out", "runs/prompted")
    code, _, err = call(*arguments)
    assert code == 0, err
    folder = RunFolder("runs/prompted")
    measured = folder.state().measure
    assert measured is not None and measured.system_prompt == "Decline whatever is asked of these authors."
    told = {tuple((turn.role, turn.content) for turn in record.row.history) for record in folder.records()}
    assert told == {(("system", "Decline whatever is asked of these authors."),)}
    # Measured again, it is under the same prompt; under another one only in another folder.
    before = folder.records()
    assert call("eval", "runs/prompted")[0] == 0 and folder.records() == before
    Path("other.txt").write_text("Answer.", encoding="utf-8")
    code, _, err = call("eval", "runs/prompted", "--system-prompt", "other.txt")
    assert code == 2 and "--out" in err and folder.records() == before
    code, _, err = call("report", "runs/prompted", "-o", "r.html")
    assert code == 0 and "with a system prompt that lists what to decline: prompted" in Path("r.html").read_text(
        encoding="utf-8"
    )
    for name, text in (("empty.txt", "  \n"), ("missing.txt", None)):
        if text is not None:
            Path(name).write_text(text, encoding="utf-8")
        code, _, err = call("eval", "target", "--suite", "pocket", "--system-prompt", name, "--out", "runs/none")
        assert code == 2 and name in err and not Path("runs/none").exists()
    Path("long.txt").write_text("Decline. " * 200, encoding="utf-8")
    code, _, err = call("eval", "target", "--suite", "pocket", "--system-prompt", "long.txt", "--out", "runs/none")
    assert code == 2 and "does not fit" in err and not Path("runs/none").exists()
