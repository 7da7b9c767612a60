"""What every registered localizer must do. A new one is found and tested by being registered."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import torch

from tests.conformance.running import begun, made, same_bits, saved, stopped_and_resumed, weights
from unlearnkit.localization.base import LOCALIZERS, Localizer

every_localizer = pytest.mark.parametrize("name", LOCALIZERS.names())

NPO = {"name": "npo", "retain": "nll"}


@every_localizer
def test_it_says_where_it_is_from_and_what_its_settings_mean(name: str) -> None:
    entry = LOCALIZERS.get(name)
    assert re.fullmatch(r"arXiv:\d{4}\.\d{5}|https?://\S+", entry.paper or "") and entry.equation
    assert entry.plugin.__doc__ != Localizer.__doc__
    assert entry.summary.endswith(".") and len(entry.summary) <= 120
    schema = entry.plugin.model_json_schema()
    json.dumps(schema)
    assert schema["additionalProperties"] is False
    for field, description in schema.get("properties", {}).items():
        assert description.get("description", "").endswith("."), f"say in a docstring what {field!r} is"
        assert "default" in description, f"{field!r} needs a default, so that the localizer runs by its name alone"
    made_by_name = entry.plugin()
    assert entry.plugin.model_validate_json(made_by_name.model_dump_json()) == made_by_name


@every_localizer
@pytest.mark.parametrize("model", [{}, {"lora": {"r": 2}}, {"parameters": "mlp"}], ids=["full", "lora", "some"])
def test_its_mask_is_of_the_trained_weights_and_the_same_every_time(
    name: str, model: dict[str, Any], recipe_data: dict[str, Any]
) -> None:
    masks = []
    for out in ("one", "again"):
        context = begun(recipe_data, out, method={**NPO, "mask": {"name": name}}, model=model)
        asked: set[str] = set()
        views = context.views

        def noted(needs: Any, asked: set[str] = asked, views: Any = views) -> Any:
            asked.update(needs.views)
            return views(needs)

        context.views = noted
        before = {key: weight.detach().clone() for key, weight in context.engine.named_parameters()}
        masks.append(context.mask)
        assert asked <= set(context.recipe.make_localizer().needs().views)
        trained = {key: weight for key, weight in context.engine.named_parameters() if weight.requires_grad}
        assert set(context.mask.kept) <= set(trained)
        for key, kept in context.mask.kept.items():
            assert kept.dtype == torch.bool and kept.shape == trained[key].shape
        # It looks, and leaves all as it was.
        assert all(same_bits(before[key], weight) for key, weight in context.engine.named_parameters())
        assert all(weight.grad is None for weight in context.engine.parameters())
    assert 0 < masks[0].share <= 1
    assert all(torch.equal(kept, masks[1].kept[key]) for key, kept in masks[0].kept.items())


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
