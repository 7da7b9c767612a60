"""One run from recipe to model card, and everything that can stop it."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from unlearnkit.core.errors import InputError, Interrupted, UnlearnError
from unlearnkit.core.progress import Progress
from unlearnkit.data.target import Target, read_targets
from unlearnkit.data.trace_format import STYLES
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.run import run
from unlearnkit.pipeline.score import score
from unlearnkit.recipe import make_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.step_log import StepLogFile

QUIET = Progress(quiet=True)


def changed(data: dict[str, Any], /, **sections: Any) -> dict[str, Any]:
    """The recipe with settings changed: whole fields, or settings of a section."""
    return {**data, **{k: {**data.get(k, {}), **v} if isinstance(v, dict) else v for k, v in sections.items()}}


def done(data: dict[str, Any], /, **sections: Any) -> RunFolder:
    return run(make_recipe(changed(data, **sections)), progress=QUIET)


def forget_text(folder: RunFolder) -> list[str]:
    # A year may stand among the digits of a loss.
    return [form for secret in folder.scope().secrets for form in secret.forms if len(form) > 3 and not form.isdigit()]


def test_a_run_leaves_a_whole_folder(recipe_data: dict[str, Any]) -> None:
    folder = done(recipe_data, method={"name": "tru", "retain": "kl"}, gates=["forget.accuracy<=1"])
    state, scores = folder.state(), folder.scores()
    assert state.done and state.method == "tru" and state.train is not None
    assert (state.train.ended, state.train.steps) == ("finished", 6)
    assert set(state.fingerprints) == {"model", "rows"} and state.environment["threads"] == str(torch.get_num_threads())
    assert [point.step for point in folder.curve()] == [1, 2, 3, 4, 5, 6]
    assert {"loss", "target", "trace", "response", "forget", "retain"} == set(folder.curve()[0].values)
    assert scores["cost.seconds"].value == pytest.approx(
        sum(stage.seconds for stage in (state.targets, state.reference, state.train) if stage)
    )
    assert scores["cost.seconds"].count == 1 and (scores["cost.peak_rss_mb"].value or 0) > 100
    assert scores["forget.accuracy"].count == len(make_recipe(recipe_data).make_suite().task().splits["forget"])
    assert not folder.checkpoints.exists() and "met" in folder.card_file.read_text("utf-8")
    AutoTokenizer.from_pretrained(folder.model)
    AutoModelForCausalLM.from_pretrained(folder.model)


def test_what_holds_forget_text_is_for_the_owner_alone(recipe_data: dict[str, Any]) -> None:
    folder = done(recipe_data, method={"name": "tru", "forget": "npo"})
    assert stat.S_IMODE(folder.private.stat().st_mode) == 0o700
    private = {p.name for p in folder.private.iterdir()}
    assert private == {"targets.jsonl", "records.jsonl", "scope.json", "reference"}
    for file in folder.path.rglob("*"):
        if file.is_file() and file.suffix in (".json", ".jsonl", ".yaml", ".md") and "model" not in file.parts:
            secret = folder.private.name in file.parts
            text = file.read_text("utf-8")
            assert secret or not any(form in text for form in forget_text(folder)), file


def test_a_finished_run_is_left_alone(recipe_data: dict[str, Any]) -> None:
    folder = done(recipe_data)
    before = {p: p.stat().st_mtime_ns for p in folder.path.rglob("*") if p.is_file()}
    with pytest.raises(InputError, match="--resume"):
        done(recipe_data)
    run(make_recipe(recipe_data), resume=True, progress=QUIET)
    assert {p: p.stat().st_mtime_ns for p in folder.path.rglob("*") if p.is_file()} == before
    with pytest.raises(InputError, match=r"field train\.lr"):
        run(make_recipe(changed(recipe_data, train={"lr": 0.5})), resume=True, progress=QUIET)


def test_a_run_that_was_only_trained_is_measured_by_the_next_call(recipe_data: dict[str, Any]) -> None:
    recipe = make_recipe(recipe_data)
    folder = run(recipe, measured=False, progress=QUIET)
    assert folder.state().train is not None and folder.state().measure is None and not folder.state().done
    weights = (folder.model / "model.safetensors").read_bytes()
    assert run(recipe, resume=True, progress=QUIET).state().done
    assert (folder.model / "model.safetensors").read_bytes() == weights and "forget.accuracy" in folder.scores()


def test_a_folder_of_other_things_is_left_alone(recipe_data: dict[str, Any]) -> None:
    Path(recipe_data["out"]).mkdir()
    (Path(recipe_data["out"]) / "thesis.tex").touch()
    for resume in (False, True):
        with pytest.raises(InputError, match="do not belong to a run"):
            run(make_recipe(recipe_data), resume=resume, progress=QUIET)


def test_a_loss_that_is_not_finite_ends_training_and_is_measured(recipe_data: dict[str, Any]) -> None:
    folder = done(recipe_data, method={"name": "ga"}, train={"lr": 1e30, "warmup": 0, "clip": None})
    training = folder.state().train
    assert training is not None and training.ended == "non-finite" and training.steps < 6
    assert len(folder.curve()) == training.steps
    assert folder.scores()["forget.accuracy"].value == 0
    assert score(folder) == folder.scores()
    assert "collapsed" in folder.card_file.read_text("utf-8")


def test_an_adapter_is_saved_as_one(recipe_data: dict[str, Any]) -> None:
    folder = done(recipe_data, model={"lora": {"r": 2}, "merge": False})
    assert folder.subject().kind == "adapter" and folder.subject().base == recipe_data["model"]["path"]
    assert (folder.model / "adapter_model.safetensors").exists()
    assert "AutoPeftModelForCausalLM" in folder.card_file.read_text("utf-8")
    again = done(recipe_data, model={"lora": {"r": 2}, "merge": False}, out=recipe_data["out"] + "2")
    adapters = [(f.model / "adapter_model.safetensors").read_bytes() for f in (folder, again)]
    assert adapters[0] == adapters[1], "an adapter's first weights are seeded"


def test_a_run_whose_folder_was_moved_goes_on(recipe_data: dict[str, Any]) -> None:
    recipe = make_recipe(recipe_data)

    def interrupt() -> None:
        while not RunFolder(recipe.folder).log_file.exists():
            time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interrupted):
        run(recipe, progress=QUIET)
    thread.join()
    moved = recipe.folder.rename(recipe.folder.with_name("moved"))
    assert run(recipe.model_copy(update={"out": str(moved)}), resume=True, progress=QUIET).state().done


def test_retraining_starts_anew_and_sees_all_that_is_kept(recipe_data: dict[str, Any]) -> None:
    folder = done(recipe_data, suite={"edition": 1}, method={"name": "retrain"}, train={"lr": 1e-9})
    target = AutoModelForCausalLM.from_pretrained(recipe_data["model"]["path"])
    fresh = AutoModelForCausalLM.from_pretrained(folder.model)
    assert not torch.allclose(target.model.embed_tokens.weight, fresh.model.embed_tokens.weight, atol=1e-3)
    again = done(
        recipe_data, suite={"edition": 1}, method={"name": "retrain"}, train={"lr": 1e-9}, out=recipe_data["out"] + "2"
    )
    assert same_weights(folder, again)


def same_weights(one: RunFolder, other: RunFolder) -> bool:
    return (one.model / "model.safetensors").read_bytes() == (other.model / "model.safetensors").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_wish_to_stop_saves_and_the_run_goes_on(recipe_data: dict[str, Any], number: signal.Signals) -> None:
    whole = done(recipe_data, out=recipe_data["out"] + "-whole", train={"checkpoint_every": 100})
    recipe = make_recipe(changed(recipe_data, train={"checkpoint_every": 100}))
    log = RunFolder(recipe.folder).log_file

    def interrupt() -> None:
        while not log.exists() or not log.read_text("utf-8"):
            time.sleep(0.002)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interrupted, match="--resume"):
        run(recipe, progress=QUIET)
    thread.join()
    assert list(RunFolder(recipe.folder).checkpoints.glob("step-*"))
    folder = run(recipe, resume=True, progress=QUIET)
    assert same_weights(folder, whole) and len(folder.curve()) == 6


def test_another_thread_count_is_told(recipe_data: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    folder = done(recipe_data)
    state = folder.state()
    folder.write_state(state.model_copy(update={"done": False, "environment": {**state.environment, "threads": "99"}}))
    run(make_recipe(recipe_data), resume=True)
    assert "threads was 99" in capsys.readouterr().err


def test_a_target_that_leaks_is_refused(recipe_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from unlearnkit.targets.teachers.template import TemplateTeacher

    def blurt(self: object, rows: Any, scope: Any, seed: int) -> list[Target]:
        return [Target(id=row.id, trace="Hm.", response=f"It is not {row.answers[0]}.") for row in rows]

    monkeypatch.setattr(TemplateTeacher, "write", blurt)
    with pytest.raises(UnlearnError, match="secret") as error:
        done(recipe_data, method={"name": "tru"})
    rows = make_recipe(recipe_data).make_suite().task().splits["forget"]
    assert not any(row.answers[0] in str(error.value) for row in rows)


def test_a_method_that_asks_for_unknown_rows_is_refused(recipe_data: dict[str, Any]) -> None:
    from unlearnkit.data.encoding import ChatEncoder
    from unlearnkit.models.load import load_tokenizer
    from unlearnkit.training.views import encode_views

    encoder = ChatEncoder(load_tokenizer(recipe_data["model"]["path"]), 64)
    with pytest.raises(InputError, match="forget:target"):
        encode_views(["forget:nobody"], {"forget": ()}, encoder, targets=[], seed=0)


def test_the_log_is_cut_back_and_holds_what_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = StepLogFile(path, keep=0)
    for step in (1, 2, 3):
        log.add({"step": step, "loss": float("nan"), "terms": {"forget": float("inf")}})
    path.write_text(path.read_text() + '{"step": 4, "lo')
    before, log = path.read_text(), StepLogFile(path, keep=2)
    assert path.read_text() == before, "the checkpoint may be one that cannot be gone on with"
    log.begin()
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 2]
    assert "NaN" not in path.read_text()


def test_any_model_can_be_measured(small_world: str, recipe_data: dict[str, Any], tmp_path: Path) -> None:
    suite = {"name": "pocket", "request": "pii"}
    settings = make_recipe(recipe_data).eval
    folder = evaluate(small_world, suite, out=tmp_path / "m", settings=settings, progress=QUIET)
    assert folder.state().suite == {
        "name": "pocket",
        "world_seed": 0,
        "edition": 1,
        "request": "pii",
        "forget_rows": None,
        "asked": "test",
    }
    assert folder.scores()["cost.seconds"].value is not None, "the world's models note what they cost"
    with pytest.raises(InputError, match="not empty"):
        evaluate(small_world, suite, out=tmp_path / "m", progress=QUIET)
    with pytest.raises(InputError, match="suite"):
        evaluate(small_world, out=tmp_path / "n", progress=QUIET)


def test_a_run_is_measured_again_in_its_folder_and_elsewhere(recipe_data: dict[str, Any], tmp_path: Path) -> None:
    folder = done(recipe_data)
    first = folder.scores()
    assert evaluate(folder.path, settings=make_recipe(recipe_data).eval, progress=QUIET).scores() == first
    other = {"name": "pocket", "request": "book"}
    with pytest.raises(InputError, match="--out"):
        evaluate(folder.path, other, progress=QUIET)
    elsewhere = evaluate(folder.path, other, out=tmp_path / "x", settings=make_recipe(recipe_data).eval, progress=QUIET)
    assert elsewhere.subject_path() == str(folder.model.resolve())


@pytest.mark.parametrize("style", ["added", "plain"])
def test_a_trace_marked_in_another_style_is_learned_and_read_back(recipe_data: dict[str, Any], style: str) -> None:
    train = {"steps": 100, "batch_size": 4, "lr": 5e-3, "trace_style": style}
    folder = done(recipe_data, method={"name": "tru", "alpha": 0.0}, train=train, eval={"max_new_tokens": 40})
    said = [record.generation for record in folder.records() if record.split == "forget"]
    assert all(one is not None for one in said)
    marks = STYLES["added" if style == "added" else "plain"].before.strip()
    begun = [one for one in said if one is not None and one.text.startswith(marks)]
    assert len(begun) > len(said) / 2 and all(one.trace != one.text for one in begun)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder.model), AutoTokenizer.from_pretrained(folder.model)
    assert model.get_input_embeddings().num_embeddings >= len(tokenizer)
    assert (marks in tokenizer.get_vocab()) == (style == "added")


def test_targets_without_reasoning_and_without_criteria(recipe_data: dict[str, Any]) -> None:
    told = []
    for teacher in ({"reasoning": False}, {"criteria": False}, {}):
        out = f"{recipe_data['out']}-{len(told)}"
        folder = done(recipe_data, method={"name": "tru", "alpha": 0.0}, train={"steps": 1}, targets=teacher, out=out)
        told.append(read_targets(folder.targets_file))
    without, bare, whole = told
    assert not any(target.trace for target in without)
    assert [target.response for target in without] == [target.response for target in whole]
    for short, full in zip(bare, whole, strict=True):
        assert short.trace.endswith("must decline.") and len(short.trace) < len(full.trace)
        assert len(short.response) < len(full.response)
