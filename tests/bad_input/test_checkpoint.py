"""Runs that were stopped or ended, and whose files were damaged, changed or mixed up since."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from tests.bad_input.place import OWN, RESUME, RUN, Case, Place, assert_mended, assert_told

STEP = f"{OWN}/checkpoints/step-00000004"
SCORE, COMPARE, PURGE = ("score", OWN), ("compare", OWN), ("purge", OWN)
EXPORT = ("export", OWN, "--gguf")
REPORT = ("report", OWN, "-o", "report.html")
EVAL = ("eval", OWN)
TWIN = "runs/twin"


def cut(name: str, keep: float = 0.5) -> Callable[[Place], None]:
    return lambda place: place.cut(name, keep)


def gone(name: str) -> Callable[[Place], None]:
    return lambda place: place.remove(name)


def nothing(_: Place) -> None:
    """Only what is typed is wrong."""


def other_weights(place: Place) -> None:
    """A checkpoint that is whole, and of another model."""
    file = place.root / STEP / "weights.safetensors"
    weights = load_file(file)
    # One row for many: to copy it in would work, and be wrong.
    save_file({name: value[:1].clone() for name, value in weights.items()}, file)


def other_model(place: Place) -> None:
    """The target model was trained on since."""
    file = place.root / "model" / "model.safetensors"
    weights = load_file(file)
    save_file({name: value + 0.01 * torch.ones_like(value) for name, value in weights.items()}, file, {"format": "pt"})


def original_model(place: Place) -> None:
    file = place.root / "model" / "model.safetensors"
    shutil.copyfile(place.root / "model.kept", file)


def keeping_the_model(breaks: Callable[[Place], object]) -> Callable[[Place], None]:
    def both(place: Place) -> None:
        shutil.copyfile(place.root / "model" / "model.safetensors", place.root / "model.kept")
        breaks(place)

    return both


def purged(place: Place) -> None:
    place.edit(f"{OWN}/run.json", purged=True)


def another_row(place: Place) -> None:
    text = (place.root / "forget.jsonl").read_text("utf-8")
    place.write("forget.jsonl", text + '{"question": "Who is Ondra Kestrelby?", "answer": "A poet."}\n')


def without_the_row(place: Place) -> None:
    lines = (place.root / "forget.jsonl").read_text("utf-8").splitlines(keepends=True)
    place.write("forget.jsonl", "".join(lines[:-1]))


def other_rows_of_the_same_ids(place: Place) -> None:
    place.write("retain.jsonl", (place.root / "retain.jsonl").read_text("utf-8").replace("born in", "raised in"))


def twin(**changed: object) -> Callable[[Place], None]:
    """A second run, whose `run.json` differs."""

    def breaks(place: Place) -> None:
        shutil.copytree(place.root / OWN, place.root / TWIN)
        place.edit(f"{TWIN}/run.json", **changed)

    return breaks


def without_a_section(place: Place) -> None:
    data = yaml.safe_load((place.root / OWN / "recipe.yaml").read_text("utf-8"))
    del data["gates"]
    place.write(f"{OWN}/recipe.yaml", yaml.safe_dump(data))


def without_checkpoints(place: Place) -> None:
    place.remove(f"{OWN}/checkpoints")


def other_line(name: str, line: str) -> Callable[[Place], object]:
    """A file's second line is this."""

    def breaks(place: Place) -> None:
        lines = (place.root / name).read_text("utf-8").splitlines()
        lines[1] = line
        place.write(name, "\n".join(lines) + "\n")

    return breaks


RECORDS, SCOPE = f"{OWN}/private/records.jsonl", f"{OWN}/private/scope.json"
DAMAGED = "the checkpoint is damaged"
NOT_OURS = "this version cannot read the file"

STOPPED = [
    Case(
        "checkpoint-weights-truncated",
        cut(f"{STEP}/weights.safetensors"),
        [DAMAGED, STEP, "delete runs/own/checkpoints"],
        RESUME,
        mend=without_checkpoints,
    ),
    Case(
        "checkpoint-weights-empty",
        cut(f"{STEP}/weights.safetensors", 0),
        [DAMAGED, STEP],
        RESUME,
        mend=without_checkpoints,
    ),
    Case("checkpoint-weights-gone", gone(f"{STEP}/weights.safetensors"), [DAMAGED, "weights.safetensors"], RESUME),
    Case(
        "checkpoint-optimizer-truncated",
        cut(f"{STEP}/optimizer.safetensors", 0.9),
        [DAMAGED, STEP],
        RESUME,
        mend=without_checkpoints,
    ),
    Case("checkpoint-random-state-gone", gone(f"{STEP}/random.safetensors"), [DAMAGED, STEP], RESUME),
    Case("checkpoint-state-truncated", cut(f"{STEP}/state.json"), [DAMAGED, STEP], RESUME),
    Case(
        "checkpoint-state-without-a-step",
        lambda place: place.edit(f"{STEP}/state.json", step=None),
        [DAMAGED, "step"],
        RESUME,
    ),
    Case(
        "checkpoint-of-another-model",
        other_weights,
        [DAMAGED, "its weights do not match the trained weights"],
        RESUME,
        mend=without_checkpoints,
    ),
    Case(
        "recipe-changed-since",
        lambda place: place.change("recipe.yaml", "lr: 0.001", "lr: 0.002"),
        ["started with a different recipe", "runs/own/recipe.yaml, field train.lr", "0.002", "0.001"],
        RESUME,
        mend=lambda place: place.change("recipe.yaml", "lr: 0.002", "lr: 0.001"),
    ),
    Case(
        "override-changed-since",
        nothing,
        ["started with a different recipe", "field train.steps", "9", "6"],
        (*RESUME, "train.steps=9"),
        mend=nothing,
    ),
    Case(
        "row-added-since",
        another_row,
        ["changed after", "forget.jsonl:11", "restore the rows"],
        RESUME,
        mend=without_the_row,
    ),
    Case(
        "rows-changed-since",
        other_rows_of_the_same_ids,
        ["the rows changed since the run was started", OWN, "restore"],
        RESUME,
    ),
    Case(
        "model-changed-since",
        keeping_the_model(other_model),
        ["the model changed since the run was started", OWN, "restore"],
        RESUME,
        mend=original_model,
    ),
    Case("model-gone-since", gone("model"), ["no such model folder", "model.path", "'./model'"], RESUME),
    Case("run-json-truncated", cut(f"{OWN}/run.json"), [NOT_OURS, f"{OWN}/run.json"], RESUME),
    Case("run-json-empty", cut(f"{OWN}/run.json", 0), [NOT_OURS, f"{OWN}/run.json"], RESUME),
    Case(
        "run-json-of-a-newer-version",
        lambda place: place.edit(f"{OWN}/run.json", colour="red"),
        [NOT_OURS, "field colour"],
        RESUME,
    ),
    Case(
        "run-json-not-text",
        lambda place: place.write(f"{OWN}/run.json", b"\xff\xfe{}"),
        [NOT_OURS, f"{OWN}/run.json"],
        RESUME,
    ),
    Case(
        "run-recipe-damaged",
        lambda place: place.write(f"{OWN}/recipe.yaml", "suite: ["),
        [NOT_OURS, f"{OWN}/recipe.yaml"],
        RESUME,
    ),
    Case("run-recipe-gone", gone(f"{OWN}/recipe.yaml"), [f"{OWN}/recipe.yaml", "fix"], RESUME),
    Case("targets-truncated", cut(f"{OWN}/private/targets.jsonl"), [NOT_OURS, "private/targets.jsonl"], RESUME),
    Case(
        "targets-gone",
        gone(f"{OWN}/private/targets.jsonl"),
        [NOT_OURS, "private/targets.jsonl", "No such file"],
        RESUME,
    ),
    Case(
        "target-scores-truncated",
        cut(f"{OWN}/references/target/run.json"),
        [NOT_OURS, "references/target/run.json"],
        RESUME,
    ),
    Case(
        "run-again-without-resume",
        nothing,
        ["this folder already contains a run", OWN, "--resume"],
        RUN,
        mend=nothing,
    ),
    Case("score-of-an-unfinished-run", nothing, ["the run has no records", OWN], SCORE, mend=nothing),
    Case("report-of-an-unfinished-run", nothing, ["the run has no", OWN], REPORT),
    Case("eval-of-an-unfinished-run", nothing, ["the run has no model yet", OWN, "--resume"], EVAL),
    Case("export-of-an-unfinished-run", nothing, ["the run is not finished", OWN, "--resume"], EXPORT, mend=nothing),
    Case("purge-of-an-unfinished-run", nothing, ["the run is not finished", OWN, "--resume"], PURGE, mend=nothing),
]

ENDED = [
    Case("records-truncated", cut(RECORDS), [NOT_OURS, RECORDS, "line ", "unlearn eval runs/own"], SCORE),
    Case(
        "records-of-another-kind",
        other_line(RECORDS, '{"split": "forget"}'),
        [NOT_OURS, RECORDS, "line 2", "unlearn eval"],
        SCORE,
    ),
    Case("records-not-text", lambda place: place.write(RECORDS, b"\xff\xfe"), [NOT_OURS, RECORDS], SCORE),
    Case("records-gone", gone(RECORDS), ["the run has no records", "unlearn eval runs/own"], SCORE),
    Case("scope-of-the-run-truncated", cut(SCOPE), [NOT_OURS, SCOPE], SCORE),
    Case(
        "scores-truncated",
        cut(f"{OWN}/scores.json"),
        [NOT_OURS, f"{OWN}/scores.json", "unlearn score runs/own"],
        COMPARE,
    ),
    Case("scores-truncated-in-a-report", cut(f"{OWN}/scores.json"), [NOT_OURS, f"{OWN}/scores.json"], REPORT),
    Case(
        "scores-of-another-kind",
        lambda place: place.edit(f"{OWN}/scores.json", **{"forget.accuracy": "good"}),
        [NOT_OURS, "field forget.accuracy"],
        (*COMPARE, "--json"),
    ),
    Case("log-truncated", cut(f"{OWN}/log.jsonl", 0.45), [NOT_OURS, f"{OWN}/log.jsonl"], REPORT),
    Case(
        "log-of-another-kind", other_line(f"{OWN}/log.jsonl", "{}"), [NOT_OURS, f"{OWN}/log.jsonl, field loss"], REPORT
    ),
    Case("run-recipe-without-gates", without_a_section, [NOT_OURS, f"{OWN}/recipe.yaml"], REPORT),
    Case("run-json-truncated-in-score", cut(f"{OWN}/run.json"), [NOT_OURS, f"{OWN}/run.json"], SCORE),
    Case("run-json-truncated-in-compare", cut(f"{OWN}/run.json"), [NOT_OURS, f"{OWN}/run.json"], REPORT),
    Case("run-json-truncated-in-purge", cut(f"{OWN}/run.json"), [NOT_OURS, f"{OWN}/run.json"], PURGE),
    Case("subject-gone", gone(f"{OWN}/subject.json"), ["the run has no model yet", OWN], EVAL),
    Case("subject-truncated", cut(f"{OWN}/subject.json"), [NOT_OURS, f"{OWN}/subject.json"], EVAL),
    Case("model-of-the-run-gone", gone(f"{OWN}/model"), ["model", "subject.json, field path"], EVAL),
    Case(
        "model-of-the-run-truncated",
        cut(f"{OWN}/model/model.safetensors"),
        ["damaged, truncated", f"{OWN}/model/model.safetensors"],
        EVAL,
    ),
    Case(
        "model-of-the-run-truncated-elsewhere",
        cut(f"{OWN}/model/model.safetensors"),
        ["damaged, truncated", f"{OWN}/model/model.safetensors"],
        (*EVAL, "--out", "again"),
    ),
    Case("rows-gone-since", gone("forget.jsonl"), ["no such file", "data.forget", "'forget.jsonl'"], EVAL),
    Case("rows-gone-since-elsewhere", gone("forget.jsonl"), ["no such file", "data.forget"], (*EVAL, "--out", "again")),
    Case(
        "eval-on-another-suite",
        nothing,
        ["its records would be overwritten", OWN, "--out"],
        (*EVAL, "--suite", "pocket"),
    ),
    Case(
        "eval-into-a-folder-that-is-taken",
        nothing,
        ["the folder for the results is not empty", "tofu", "--out"],
        (*EVAL, "--out", "tofu"),
    ),
    Case(
        "report-of-two-suites",
        twin(suite={"name": "pocket", "world_seed": 0, "request": "pii"}),
        ["different suites", "own and twin", "pocket"],
        ("report", OWN, TWIN, "-o", "r.html"),
    ),
    Case("report-onto-a-folder", nothing, ["cannot be written", "tofu"], ("report", OWN, "-o", "tofu"), 1),
    Case(
        "report-below-a-file",
        nothing,
        ["cannot be written", "forget.jsonl/r.html"],
        ("report", OWN, "-o", "forget.jsonl/r.html"),
        1,
    ),
    Case(
        "compare-one-name-twice",
        lambda place: shutil.copytree(place.root / OWN, place.root / "other" / "own"),
        ["the same name", "'own'", "rename"],
        ("compare", OWN, "other/own"),
    ),
    Case("compare-no-run", nothing, ["no measured run", "'tofu'"], ("compare", "tofu")),
    Case("score-no-run", nothing, ["no run in this folder", "'tofu'", "run.json"], ("score", "tofu")),
    Case("score-a-file", nothing, ["no run in this folder", "'recipe.yaml'"], ("score", "recipe.yaml")),
    Case("export-no-run", nothing, ["no run in this folder", "'tofu'"], ("export", "tofu", "--gguf")),
    Case("export-without-a-format", nothing, ["no file format was chosen", "--gguf"], ("export", OWN)),
    Case("export-in-another-dtype", nothing, ["data type", "'q4_0'", "float16"], (*EXPORT, "--dtype", "q4_0")),
    Case("export-onto-a-file", nothing, ["exists already", "'recipe.yaml'"], (*EXPORT, "--out", "recipe.yaml")),
    Case("export-onto-a-folder", nothing, ["exists already", "'tofu'"], (*EXPORT, "--out", "tofu")),
    Case(
        "export-by-a-converter-that-is-not-there",
        nothing,
        ["no such file", "--converter", "'llama.cpp/convert.py'"],
        (*EXPORT, "--converter", "llama.cpp/convert.py"),
    ),
    Case(
        "export-of-another-kind-of-tokenizer",
        lambda place: place.edit(f"{OWN}/model/tokenizer.json", pre_tokenizer={"type": "Whitespace"}),
        ["tokenizer cannot be written", "Whitespace", "byte-level BPE", "--converter"],
        EXPORT,
    ),
    Case("export-of-a-purged-run", purged, ["the run was purged", OWN], EXPORT),
    Case("export-of-a-model-that-is-gone", gone(f"{OWN}/model"), ["model", "subject.json, field path"], EXPORT),
    Case("purge-no-run", nothing, ["no run in this folder", "'tofu'"], ("purge", OWN, "tofu")),
    Case(
        "run-with-another-recipe",
        lambda place: place.recipe(),
        ["started with a different recipe", "field method.name"],
        RESUME,
    ),
]


@pytest.mark.parametrize("case", STOPPED, ids=str)
def test_a_run_that_was_stopped_goes_on_as_it_was_or_not_at_all(
    case: Case, after_a_stop: Place, ended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_told(case, after_a_stop, capsys)
    if case.mend is not None:
        assert_mended(case, after_a_stop, ended, capsys)


@pytest.mark.parametrize("case", ENDED, ids=str)
def test_a_run_that_ended_keeps_what_it_has(case: Case, after_a_run: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, after_a_run, capsys)
