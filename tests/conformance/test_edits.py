"""What every registered edit must do. A new one is found and tested by being registered."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tests.conformance.running import made, same_bits, saved, stopped_and_resumed, weights
from unlearnkit.core.progress import Progress
from unlearnkit.methods.base import EDITS
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.testing import checks_for

CHECKS = checks_for("edit")
every_edit = pytest.mark.parametrize("name", EDITS.names())


def steps_of(folder: Any) -> int:
    state = folder.state()
    assert state.train is not None
    return int(state.train.steps)


@every_edit
@pytest.mark.parametrize("check", CHECKS)
def test_an_edit_conforms(name: str, check: str) -> None:
    CHECKS[check](EDITS.get(name).plugin)


@every_edit
@pytest.mark.parametrize("model", [{}, {"lora": {"r": 2}}], ids=["full", "lora"])
def test_a_whole_run(name: str, model: dict[str, Any], recipe_data: dict[str, Any]) -> None:
    data = {**recipe_data, "method": {"name": name}, "model": {**recipe_data["model"], **model}}
    folder = run(make_recipe(data), progress=Progress(quiet=True))
    state, scores = folder.state(), folder.scores()
    assert state.done and state.train is not None and state.train.ended == "finished"
    assert folder.subject().kind == "weights" and not folder.checkpoints.exists()
    assert scores["forget.accuracy"].value is not None
    values = [score.value for score in scores.values() if score.value is not None]
    assert all(math.isfinite(value) for value in values)
    result, target = weights(folder.model), weights(recipe_data["model"]["path"])  # plain transformers
    assert result.keys() == target.keys()
    assert any(not torch.equal(result[key], weight) for key, weight in target.items())


@every_edit
def test_another_seed_gives_other_bits(name: str, recipe_data: dict[str, Any]) -> None:
    one, other = (made(recipe_data, f"seed-{seed}", method={"name": name}, seed=seed) for seed in (0, 1))
    assert not steps_of(one) or saved(one) != saved(other)


@every_edit
def test_without_strength_every_saved_bit_is_the_targets(name: str, recipe_data: dict[str, Any]) -> None:
    model = {"lora": {"r": 2}}
    folder = made(recipe_data, "still", method={"name": name, "strength": 0.0}, model=model)
    result, target = weights(folder.model), weights(recipe_data["model"]["path"])
    assert result.keys() == target.keys() and all(same_bits(result[key], weight) for key, weight in target.items())


@every_edit
@pytest.mark.parametrize("mask", [None, {"name": "gradient_saliency", "share": 0.3}], ids=["whole", "masked"])
def test_stopped_by_ctrl_c_it_goes_on_and_ends_in_the_same_bits(
    name: str, mask: dict[str, Any] | None, recipe_data: dict[str, Any]
) -> None:
    sections: dict[str, Any] = {"method": {"name": name, "mask": mask}, "train": {"checkpoint_every": 100}}
    whole = made(recipe_data, "whole", **sections)
    if not steps_of(whole):
        return  # it trains nothing, so there is nothing to stop
    assert saved(stopped_and_resumed(recipe_data, "broken", **sections)) == saved(whole)
