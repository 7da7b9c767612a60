"""G-effects of a run, along it and afterwards, of a recipe, and of a model in hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import unlearnkit
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.data.rows import Row
from unlearnkit.gradient_effect import callback as watch
from unlearnkit.gradient_effect.settings import DiagnoseSettings
from unlearnkit.gradient_effect.table import EffectTable
from unlearnkit.pipeline.g_effect import diagnose
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.step_log import StepLogFile
from unlearnkit.suites.pocket.suite import Pocket

QUIET = Progress(quiet=True)
FEW = {"rows": 6, "groups": "none"}


def with_(data: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {**data, **{name: {**data.get(name, {}), **values} for name, values in sections.items()}}


@pytest.fixture
def watched(recipe_data: dict[str, Any]) -> RunFolder:
    data = with_(
        recipe_data,
        diagnose={**FEW, "g_effect_every": 2, "objectives": ["npo", "rmu"], "risks": ["forget", "near"]},
        train={"keep_weights_every": 4},
    )
    return run(make_recipe(data), progress=QUIET)


def test_a_run_is_measured_while_it_trains_and_ends_in_the_same_weights(
    watched: RunFolder, recipe_data: dict[str, Any], tmp_path: Path
) -> None:
    alone = run(make_recipe({**recipe_data, "out": str(tmp_path / "alone")}), progress=QUIET)
    ours, theirs = (AutoModelForCausalLM.from_pretrained(folder.model) for folder in (watched, alone))
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    table = EffectTable.read(watched.g_effect)
    assert {row.step for row in table.effects} == {0, 2, 4, 6}
    assert {row.objective for row in table.effects} == {"graddiff", "npo", "rmu"}
    assert {row.risk for row in table.effects} == {"forget", "near"}
    assert [row.step for row in table.steps] == [0, 0, 2, 2, 4, 4]


def test_afterwards_the_kept_weights_give_what_was_measured_along_the_run(watched: RunFolder) -> None:
    live = EffectTable.read(watched.g_effect)
    _, table = diagnose(watched, ["graddiff", "npo"], progress=QUIET)
    assert {row.step for row in table.effects} == {0, 4, 6}
    for row in table.chosen(term="objective"):
        (same,) = live.chosen(term="objective", step=row.step, objective=row.objective, risk=row.risk)
        assert row.effect == pytest.approx(same.effect, rel=1e-4, abs=1e-9)
        assert (same.per_update is None) == (row.step == 0)
        assert row.per_update is None  # the optimizer is gone


def test_a_run_without_kept_weights_is_measured_at_its_beginning_and_its_end(recipe_data: dict[str, Any]) -> None:
    folder = run(make_recipe(recipe_data), progress=QUIET)
    _, table = diagnose(folder, ["npo", "ga"], settings=DiagnoseSettings(**FEW), progress=QUIET)
    assert {row.step for row in table.effects} == {0, 6}
    before, after = (table.chosen(step=step, objective="ga", term="objective", risk="forget")[0] for step in (0, 6))
    assert before.risk_value < after.risk_value
    # NPO is ascent at the model it is compared with, over sequences in place of tokens; later it is not.
    assert table.chosen(step=0, objective="npo", risk="forget", term="objective")[0].effect < 0


def test_a_recipe_is_measured_before_it_is_trained_and_can_be_run_then(recipe_data: dict[str, Any]) -> None:
    data = with_(recipe_data, method={"name": "tru"})
    folder, table = diagnose(make_recipe(data), settings=DiagnoseSettings(**FEW), progress=QUIET)
    assert {row.step for row in table.effects} == {0} and folder.targets_file.exists()
    assert {row.term for row in table.effects} == {"target", "forget", "retain", "objective"}
    assert run(make_recipe(data), resume=True, progress=QUIET).state().done


def test_an_adapter_is_measured_along_its_kept_weights(recipe_data: dict[str, Any]) -> None:
    data = with_(recipe_data, train={"keep_weights_every": 3}, diagnose=FEW)
    folder = run(make_recipe({**data, "model": {**data["model"], "lora": {"r": 2}}}), progress=QUIET)
    _, table = diagnose(folder, ["ga"], progress=QUIET)
    assert {row.step for row in table.effects} == {0, 3, 6}
    plain = run(
        make_recipe({**with_(recipe_data, model={"lora": {"r": 2}}), "out": f"{folder.path}-2"}), progress=QUIET
    )
    with pytest.raises(InputError, match="kept no weights during training"):
        diagnose(plain, ["ga"], progress=QUIET)


def test_a_risk_or_objective_that_is_not_there_is_told(recipe_data: dict[str, Any]) -> None:
    recipe = make_recipe(recipe_data)
    with pytest.raises(InputError, match="no split or probe set with this name contains rows") as told:
        diagnose(recipe, ["ga"], settings=DiagnoseSettings(risks=("forget", "far away")), progress=QUIET)
    assert "near" in told.value.render()
    with pytest.raises(InputError, match="no objective"):
        diagnose(recipe, ["gaa"], progress=QUIET)
    with pytest.raises(InputError, match="trains newly initialized weights"):
        diagnose(recipe, ["retrain"], progress=QUIET)


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        ("g_effect_every", {"use": ["stop"]}),
        ("risks", {"use": ["weaken"], "g_effect_every": 2, "risks": ["forget"]}),
        ("groups", {"use": ["mask"], "g_effect_every": 2, "groups": "none"}),
    ],
)
def test_what_is_used_has_to_be_measured(recipe_data: dict[str, Any], field: str, settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="effects are not measured") as told:
        make_recipe(with_(recipe_data, diagnose=settings))
    assert f"diagnose.{field}" in told.value.render()


def test_a_run_goes_by_its_effects_and_ends_the_same_when_it_was_killed(
    recipe_data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use = {**FEW, "groups": "layers", "g_effect_every": 3, "use": ["weaken", "mask"]}
    data = with_(recipe_data, diagnose=use, train={"checkpoint_every": 2})
    whole = run(make_recipe({**data, "out": str(tmp_path / "whole")}), progress=QUIET)
    plain = run(make_recipe({**recipe_data, "out": str(tmp_path / "plain")}), progress=QUIET)

    class Killed(Exception):
        pass

    def kill(_: StepLogFile, step: dict[str, Any]) -> None:
        if step["step"] == 5:  # the checkpoint of step 4 lies between two measurements
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(StepLogFile, "add", kill)
        run(make_recipe(data), progress=QUIET)
    again = run(make_recipe(data), resume=True, progress=QUIET)
    ends = [list(AutoModelForCausalLM.from_pretrained(run.model).parameters()) for run in (whole, again, plain)]
    assert all(torch.equal(a, b) for a, b in zip(ends[0], ends[1], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(ends[0], ends[2], strict=True))
    assert EffectTable.read(again.g_effect) == EffectTable.read(whole.g_effect)


def test_of_a_model_in_hand(small_world: str) -> None:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(small_world), AutoTokenizer.from_pretrained(small_world)
    splits = Pocket().task().splits
    forget, retain = splits["forget"][:5], splits["retain"][:5]
    table = unlearnkit.g_effect(model, "ga", forget, retain, tokenizer=tokenizer)
    (row,) = table.chosen(term="objective", group="all", risk="forget")
    assert row.effect < 0 and row.cosine == pytest.approx(-1, abs=1e-5)
    kl = unlearnkit.g_effect(
        model,
        ["npo", "graddiff"],
        forget,
        retain,
        tokenizer=tokenizer,
        risks={"one": [Row(id="a", question="?", answer="b")]},
    )
    assert {row.objective for row in kl.effects} == {"npo", "graddiff"}
    assert {row.risk for row in kl.effects} == {"forget", "retain", "one"}
    assert len(kl.chosen(group="block 0", term="objective", objective="npo")) == 3


def test_a_run_ends_by_itself_where_it_is_harmful(recipe_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    use = {**FEW, "g_effect_every": 2, "use": ["stop"]}
    with monkeypatch.context() as patch:
        # A model that learned next to nothing is hardly harmed, so harm is said where there is none.
        patch.setattr(watch, "harmed", lambda rows, own, step, share: list(rows) if step >= 4 else [])
        folder = run(make_recipe(with_(recipe_data, diagnose=use)), progress=QUIET)
    training = folder.state().train
    assert training is not None and (training.ended, training.steps) == ("harmful", 4)
    assert "was stopped early, after step 4" in folder.report_file.read_text(encoding="utf-8")
