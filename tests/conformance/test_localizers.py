"""What every registered localizer must do. A new one is found and tested by being registered."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.conformance.running import begun, made, same_bits, saved, stopped_and_resumed, weights
from unlearnkit.localization.base import LOCALIZERS
from unlearnkit.testing import checks_for

CHECKS = checks_for("localizer")
every_localizer = pytest.mark.parametrize("name", LOCALIZERS.names())

NPO = {"name": "npo", "retain": "nll"}


@every_localizer
@pytest.mark.parametrize("check", CHECKS)
def test_a_localizer_conforms(name: str, check: str) -> None:
    CHECKS[check](LOCALIZERS.get(name).plugin)


@every_localizer
@pytest.mark.parametrize("train", [{}, {"weight_decay": 0.1}], ids=["plain", "weight-decay"])
def test_a_run_leaves_what_is_outside_the_mask(name: str, train: dict[str, Any], recipe_data: dict[str, Any]) -> None:
    sections = {"method": {**NPO, "mask": {"name": name}}, "train": train}
    kept = begun(recipe_data, "mask", **sections).mask.kept
    result = weights(made(recipe_data, "run", **sections).model)
    moved = 0
    for key, weight in weights(recipe_data["model"]["path"]).items():
        allowed = kept.get(f"model.{key}", torch.zeros_like(weight, dtype=torch.bool))
        assert same_bits(result[key][~allowed], weight[~allowed]), key
        moved += int((result[key] != weight).sum())
    assert moved > 0


@every_localizer
def test_stopped_by_ctrl_c_a_run_goes_on_and_ends_in_the_same_bits(name: str, recipe_data: dict[str, Any]) -> None:
    sections: dict[str, Any] = {
        "method": {**NPO, "mask": {"name": name}},
        "train": {"checkpoint_every": 100, "weight_decay": 0.1},
    }
    whole = made(recipe_data, "whole", **sections)
    assert saved(stopped_and_resumed(recipe_data, "broken", **sections)) == saved(whole)
