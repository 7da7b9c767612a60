"""A run of a guard: its folder, how it is opened again, attacked and explained, and what a purge does to it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import call as call
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.models.folder import find_model, weights_fingerprint
from unlearnkit.pipeline.attack import attack
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.explain import explain
from unlearnkit.pipeline.g_effect import diagnose
from unlearnkit.pipeline.judge import judge_outputs
from unlearnkit.pipeline.purge import purge
from unlearnkit.pipeline.run import run
from unlearnkit.pipeline.score import score
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.recipe import make_recipe
from unlearnkit.records.probe import Probe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.text.refusal import is_refusal

QUIET = Progress(quiet=True)
METHOD = {"name": "refusal_prompt", "prompt": "Decline.", "secrets": "beside_a_name"}


@pytest.fixture
def data(recipe_data: dict[str, Any]) -> dict[str, Any]:
    return {**recipe_data, "method": METHOD}


@pytest.fixture
def folder(data: dict[str, Any]) -> RunFolder:
    return run(make_recipe(data), progress=QUIET)


def test_a_run_keeps_the_place_of_the_model_and_the_scope_in_private(
    folder: RunFolder, data: dict[str, Any], small_world: str
) -> None:
    spec, state = folder.subject(), folder.state()
    assert (spec.kind, spec.path, spec.base) == ("guarded", small_world, None)
    assert spec.guard == {**METHOD, "input_filter": True, "output_filter": True, "response": None}
    assert state.train is not None and (state.train.ended, state.train.steps) == ("finished", 0) and state.done
    assert not folder.model.exists() and not folder.log_file.exists() and not folder.checkpoints.exists()
    assert {path.name for path in folder.private.iterdir()} == {"guard_scope.json", "records.jsonl", "scope.json"}
    assert stat.S_IMODE(folder.guard_scope_file.stat().st_mode) == 0o600
    assert folder.guard_scope() == make_recipe(data).make_suite().task().scope
    names = [subject.name for subject in folder.guard_scope().subjects]
    for file in folder.path.rglob("*"):
        if file.is_file() and folder.private.name not in file.parts and file.name != "report.html":
            assert not [name for name in names if name in file.read_text("utf-8")], file


def test_what_a_guard_does_not_offer_is_not_measured_and_never_0(folder: RunFolder, small_world: str) -> None:
    scores = folder.scores()
    assert scores["forget.refusal_rate"].value == 1.0 and scores["forget.leak_rate"].value == 0.0
    hidden = {name: one for name, one in scores.items() if "probability" in name or "memorization" in name}
    assert hidden and all(one.value is None for one in hidden.values())
    assert all(record.tokens is None for record in folder.records())
    fingerprint = weights_fingerprint(find_model(small_world))
    open_subject(folder).generate([Probe(folder.records()[0].row)], max_new_tokens=2)
    assert weights_fingerprint(find_model(small_world)) == fingerprint
    card, report = folder.card_file.read_text("utf-8"), folder.report_file.read_text("utf-8")
    assert "Nothing was erased: anyone who can access the weights gets the original model" in card
    assert "Nothing was trained" in card and "epochs" not in card and "open_subject" in card
    assert "AutoModelForCausalLM" not in card
    assert "A guard erases nothing" in report and "not measured, which is not the same as 0" in report


def test_opened_again_it_answers_as_it_was_measured(folder: RunFolder) -> None:
    records = [record for record in folder.records() if record.generation is not None]
    outputs = open_subject(folder).generate([Probe(record.row) for record in records], max_new_tokens=2)
    assert outputs == [record.generation for record in records]
    assert any(is_refusal(output.response) for output in outputs)
    assert not all(is_refusal(output.response) for output in outputs)


@pytest.mark.parametrize("moment", ["write_guard_scope", "write_subject", "write_scope"])
def test_a_run_that_was_killed_goes_on(
    moment: str, data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(make_recipe({**data, "out": str(tmp_path / "whole")}), progress=QUIET)

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, moment, kill)
        with pytest.raises(KeyboardInterrupt):
            run(make_recipe(data), progress=QUIET)
    assert not RunFolder(data["out"]).state().done
    folder = run(make_recipe(data), resume=True, progress=QUIET)
    assert folder.state().done and folder.records() == whole.records()
    assert folder.subject() == whole.subject() and folder.guard_scope() == whole.guard_scope()


def test_attacks_that_it_allows_are_made_and_the_others_are_named(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = attack(folder, at_most=3, progress=Progress())
    assert set(folder.state().attacks) == {"jailbreak", "no_trace", "prefilled_answer", "prefilled_trace"}
    told = " ".join(capsys.readouterr().err.split())
    assert "relearn is skipped" in told and "gradients, token_logprobs, weights" in told
    assert scores["prefilled_trace.forget.accuracy"].value is not None
    assert scores["prefilled_trace.forget.log_probability"].value is None
    with pytest.raises(InputError, match="the attack relearn needs"):
        attack(folder, ["jailbreak", "relearn"], progress=QUIET)
    assert score(folder) == folder.scores()


def test_it_is_explained_judged_and_measured_elsewhere(folder: RunFolder, tmp_path: Path) -> None:
    name = folder.scope().subjects[0].name
    first, second = explain(folder, [f"Where was {name} born?", "Where is it?"], progress=QUIET)
    assert first.declines and not first.trace and first.line is not None and first.target is not None
    assert second.line is None
    assert judge_outputs(folder, progress=QUIET)
    other = evaluate(folder.path, out=tmp_path / "other", progress=QUIET)
    assert other.subject() == folder.subject() and other.guard_scope() == folder.guard_scope()
    assert [record.generation for record in other.records()] == [record.generation for record in folder.records()]
    with pytest.raises(InputError, match="is a guard and changes no weights"):
        diagnose(folder, ["ga"], progress=QUIET)


def test_the_guard_keeps_its_own_scope_where_it_is_measured_by_another(folder: RunFolder, tmp_path: Path) -> None:
    other = evaluate(folder.path, {"name": "pocket", "request": "book"}, out=tmp_path / "book", progress=QUIET)
    assert other.scope() != other.guard_scope() == folder.guard_scope()
    assert other.scores()["forget.refusal_rate"].value == 0.0


def test_a_purge_disables_it_and_says_so(folder: RunFolder, call: Any) -> None:
    code, _, err = call("purge", str(folder.path))
    assert code == 0 and "the guard can no longer be opened" in err
    assert not folder.private.exists() and folder.card_file.exists()
    for arguments in (("eval", str(folder.path)), ("explain", str(folder.path), "Who?")):
        code, _, err = call(*arguments)
        assert code == 2 and "its scope was removed by a purge" in err and "out=" in err
    assert purge(folder) == []


def test_files_that_were_damaged_are_told(folder: RunFolder, call: Any) -> None:
    def told(*words: str) -> None:
        code, _, err = call("eval", str(folder.path))
        assert code == 2 and all(word in err for word in words), err

    kept = {path: path.read_bytes() for path in (folder.guard_scope_file, folder.subject_file)}
    folder.guard_scope_file.write_bytes(kept[folder.guard_scope_file][:40])
    told("guard_scope.json", "this version cannot read the file")
    folder.guard_scope_file.unlink()
    told("guard_scope.json", "its scope is missing")
    folder.guard_scope_file.write_bytes(kept[folder.guard_scope_file])
    spec = json.loads(kept[folder.subject_file])
    for change, words in (
        ({"guard": {**spec["guard"], "name": "refusal_promt"}}, ("no guard of that name", "refusal_prompt")),
        ({"guard": {**spec["guard"], "prompt": []}}, ("subject.json", "prompt")),
        ({"guard": {}}, ("subject.json", "field name")),
        ({"path": "/nowhere/at-all"}, ("there is no such model folder", "subject.json, field path")),
    ):
        folder.subject_file.write_text(json.dumps({**spec, **change}), encoding="utf-8")
        told(*words)


def test_a_composed_prompt_that_leaves_no_room_is_told(data: dict[str, Any]) -> None:
    long = {**data, "method": {**METHOD, "prompt": "Decline. " * 200}}
    with pytest.raises(InputError, match="the guard's system turn and the question leave no room"):
        run(make_recipe(long), progress=QUIET)


def test_it_is_listed(call: Any) -> None:
    code, out, _ = call("ls", "guard")
    assert code == 0 and "refusal_prompt" in out and "2403.03329" in out
    code, out, _ = call("show", "refusal_prompt")
    assert code == 0 and "guard refusal_prompt" in out and "output_filter" in out


def test_a_run_says_which_settings_its_method_does_not_use(data: dict[str, Any]) -> None:
    said: list[str] = []

    class Listening(Progress):
        def log(self, line: str) -> None:
            said.append(line)

    given = {**data, "train": {"epochs": 3}, "model": {**data.get("model", {}), "lora": {"r": 2}}}
    run(make_recipe(given), measured=False, progress=Listening(quiet=True))
    assert "the recipe sets fields that the method refusal_prompt ignores: train.epochs, model.lora" in said
