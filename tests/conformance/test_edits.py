"""What every registered edit must do. A new one is found and tested by being registered."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
import torch

from tests.conformance.running import begun, made, same_bits, saved, stopped_and_resumed, weights
from unlearnkit.core.progress import Progress
from unlearnkit.methods.base import EDITS, Edit
from unlearnkit.methods.objective import OBJECTIVES
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.subjects.local import LocalSubject

every_edit = pytest.mark.parametrize("name", EDITS.names())


def steps_of(folder: Any) -> int:
    state = folder.state()
    assert state.train is not None
    return int(state.train.steps)


@every_edit
def test_it_says_where_it_is_from_and_what_its_settings_mean(name: str) -> None:
    entry = EDITS.get(name)
    assert re.fullmatch(r"arXiv:\d{4}\.\d{5}|https?://\S+", entry.paper or "") and entry.equation
    assert entry.plugin.__doc__ != Edit.__doc__
    assert entry.summary.endswith(".") and len(entry.summary) <= 120
    assert name not in OBJECTIVES.names()
    schema = entry.plugin.model_json_schema()
    json.dumps(schema)
    assert schema["additionalProperties"] is False
    for field, description in schema.get("properties", {}).items():
        assert description.get("description", "").endswith("."), f"say in a docstring what {field!r} is"
        assert "default" in description, f"{field!r} needs a default, so that the edit runs by its name alone"
    edit = entry.plugin()
    assert entry.plugin.model_validate_json(edit.model_dump_json()) == edit
    assert "strength" in schema["properties"], "an edit can be made weaker, down to nothing"


@every_edit
def test_it_reads_only_the_views_that_it_needs_and_its_model_measures(name: str, recipe_data: dict[str, Any]) -> None:
    context = begun(recipe_data, "one", method={"name": name})
    asked: set[str] = set()
    views = context.views

    def noted(needs: Any) -> Any:
        asked.update(needs.views)
        return views(needs)

    context.views = noted
    subject = context.method.fit(context)
    assert asked <= set(context.method.needs().views)
    assert isinstance(subject, LocalSubject) and "token_logprobs" in subject.capabilities
    assert all(bool(weight.isfinite().all()) for weight in subject.model.parameters())
    assert not hasattr(subject.model, "peft_config")


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
def test_the_same_seed_gives_the_same_bits(name: str, recipe_data: dict[str, Any]) -> None:
    one, again = (made(recipe_data, out, method={"name": name}) for out in ("one", "again"))
    assert saved(one) == saved(again)
    if steps_of(one):
        assert saved(made(recipe_data, "other", method={"name": name}, seed=1)) != saved(one)


@every_edit
@pytest.mark.parametrize("model", [{}, {"lora": {"r": 2}}], ids=["full", "lora"])
def test_without_strength_every_bit_is_the_targets(
    name: str, model: dict[str, Any], recipe_data: dict[str, Any]
) -> None:
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
