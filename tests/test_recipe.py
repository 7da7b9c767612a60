"""Recipes: what is filled in, what is refused, and what the refusal says."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from unlearnkit.core.errors import InputError
from unlearnkit.localization.base import LOCALIZERS
from unlearnkit.methods.base import METHODS as EVERY_METHOD
from unlearnkit.pipeline.demo import METHODS, Demo, method_settings
from unlearnkit.recipe import Recipe, load_recipe, make_recipe, recipe_schema
from unlearnkit.training.combiner import COMBINERS
from unlearnkit.training.combiners.gru import GRU

GOOD = """\
suite:
  name: pocket
  request: pii
method:
  name: npo
train:
  lr: 1e-4
  epochs: 3
"""
RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))
TUNED = sorted(f.name.removesuffix(".yaml") for f in (files("unlearnkit.suites.pocket") / "methods").iterdir())


def written(folder: Path, text: str) -> Path:
    path = folder / "first-try.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_left_out_is_filled_in(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, GOOD))
    assert recipe.name == "first-try" and recipe.folder == Path("runs/first-try")
    suite = {"name": "pocket", "world_seed": 0, "edition": 1, "request": "pii", "forget_rows": None, "asked": "test"}
    assert recipe.suite == suite
    assert recipe.method == {"name": "npo", "retain": None, "retain_weight": 1.0, "beta": 0.1}
    assert recipe.train.lr == 1e-4 and recipe.train.batch_size == 16
    assert (recipe.seed, recipe.eval.max_new_tokens, recipe.model.path, recipe.targets.teacher) == (
        0,
        72,
        None,
        "template",
    )


def test_a_combiner_is_filled_in_and_another_takes_its_own_settings(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("name: npo", "name: npo\n  retain: nll"))
    assert load_recipe(path).train.combiner is None and load_recipe(path).train.make_combiner() is None
    recipe = load_recipe(path, ["train.combiner={name: gru, gamma: 0.9}"])
    assert recipe.train.combiner == {"name": "gru", "gamma": 0.9, "add_retain": False}
    assert recipe.train.make_combiner() == GRU(gamma=0.9)
    again = load_recipe(written(tmp_path, recipe.dump()))
    assert again == recipe
    other = load_recipe(tmp_path / "first-try.yaml", ["train.combiner.name=pcgrad"])
    assert other.train.combiner == {"name": "pcgrad"}


def test_a_dumped_recipe_is_the_same_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, GOOD), ["model.lora={r: 4}", "gates=['forget.accuracy<=0.1']", "out=x/y"])
    again = load_recipe(written(tmp_path, recipe.dump()))
    assert again == recipe and again.dump() == recipe.dump()


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("train.lr=3e-5", ("train", "lr"), 3e-5),
        ("train.clip=null", ("train", "clip"), None),
        ("method.beta=0.5", ("method", "beta"), 0.5),
        ("method={name: ga}", ("method",), {"name": "ga", "retain": None, "retain_weight": 1.0}),
        ("model.lora.r=4", ("model", "lora", "r"), 4),
        ("suite.world_seed=7", ("suite", "world_seed"), 7),
        ("name=other", ("name",), "other"),
        ("out='a=b'", ("out",), "a=b"),
    ],
)
def test_overrides(tmp_path: Path, override: str, path: tuple[str, ...], value: object) -> None:
    found: Any = load_recipe(written(tmp_path, GOOD), [override]).model_dump(mode="json")
    for part in path:
        found = found[part]
    assert found == value


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "lr: 1e-4",
            "lrr: 1e-4",
            ["no such setting", "first-try.yaml:7, field train.lrr", "did you mean lr?", "epochs"],
        ),
        ("lr: 1e-4", "lr: -1", ["field train.lr", ":7", "-1", "greater than 0"]),
        ("lr: 1e-4", "lr: fast", ["field train.lr", "'fast'", "a valid number"]),
        ("lr: 1e-4", "schedule: step", ["field train.schedule", "'constant', 'linear' or 'cosine'"]),
        ("lr: 1e-4", "lr: 1e-4\n  lr: 2e-4", ["written twice", ":7", ":8", "train.lr"]),
        ("lr: 1e-4", "steps: 5", ["either steps or epochs", "field train"]),
        ("name: npo", "name: npo\n  betta: 1", [":6, field method.betta", "did you mean beta?"]),
        ("name: npo", "name: npo\n  beta: 0", ["field method.beta", "greater than 0"]),
        ("name: npo", "name: nppo", [":5, field method.name", "'nppo'", "did you mean", "graddiff"]),
        ("name: npo", "name: npo\n  retain: klx", ["field method", "'klx'", "did you mean kl"]),
        ("name: npo", "beta: 1", ["has no name", "field method.name", "npo"]),
        ("request: pii", "request: people", [":3, field suite.request", "'authors', 'book', 'pii' or 'hazard'"]),
        ("request: pii", "world_seed: -3", ["field suite.world_seed", "greater than or equal to 0"]),
        ("suite:\n  name: pocket\n  request: pii\n", "", ["missing", "field suite"]),
        (
            "suite:\n  name: pocket\n  request: pii\n",
            "suite: pocket\n",
            ["field suite", "'pocket'", "a section", "{name: pocket}"],
        ),
        ("train:", "trian:", ["no such setting", "'trian'", "did you mean train?"]),
        ("method:", "seed: -1\nmethod:", ["field seed", "greater than or equal to 0"]),
        ("method:", "name: target\nmethod:", ["field name", "reserved for a reference model"]),
        ("method:", "name: ../x\nmethod:", ["field name", "pattern"]),
        ("method:", "gates: ['forget.accuracy=<1']\nmethod:", ["not a gate", "field gates.0"]),
        ("method:", "targets: {teacher: tempalte}\nmethod:", ["teacher", "did you mean template?"]),
        ("method:", "model: {lora: {rank: 3}}\nmethod:", ["field model.lora.rank", "target_modules"]),
        ("method:", "model: {dtype: int8}\nmethod:", ["field model.dtype", "'float32' or 'bfloat16'"]),
        ("method:", "method", ["not YAML", "first-try.yaml:5"]),
        (
            "train:",
            "model: {lora: {r: 4}}\ntrain:\n  trace_style: added",
            ["field train.trace_style", "adapter", "plain"],
        ),
        ("suite:", "[", ["not YAML", "first-try.yaml:"]),
    ],
)
def test_a_bad_recipe_says_where_and_what_is_allowed(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as error:
        load_recipe(written(tmp_path, GOOD.replace(old, new)))
    for words in expected:
        assert words in str(error.value), str(error.value)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("lr=3", ["override 'lr=3'", "did you mean train.lr?"]),
        ("train.lr", ["not an override", "key=value"]),
        ("=3", ["not an override"]),
        ("train..lr=3", ["not an override"]),
        ("seed.x=3", ["not a section", "field seed"]),
        ("train.lr=[", ["not YAML"]),
        ("train.lr=0", ["override 'train.lr=0', field train.lr", "greater than 0"]),
        ("method.name=truu", ["field method.name", "did you mean"]),
    ],
)
def test_a_bad_override_is_told_by_itself(tmp_path: Path, override: str, expected: list[str]) -> None:
    text = GOOD.replace("name: npo", "name: npo\n  beta: 0.2").replace("suite:", "seed: 1\nsuite:")
    with pytest.raises(InputError) as error:
        load_recipe(written(tmp_path, text), [override])
    for words in expected:
        assert words in str(error.value), str(error.value)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"])
def test_a_recipe_is_a_mapping(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="mapping"):
        load_recipe(written(tmp_path, text))


def test_a_recipe_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: café".encode("latin-1"))
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "latin.yaml"):
        with pytest.raises(InputError, match="cannot be read"):
            load_recipe(path)


def test_the_schema_offers_every_method() -> None:
    schema = recipe_schema()
    methods = {choice["properties"]["name"]["const"]: choice for choice in schema["properties"]["method"]["oneOf"]}
    assert set(methods) == set(EVERY_METHOD.names())
    for name in ("npo", "task_arithmetic"):
        *localizers, none = methods[name]["properties"]["mask"]["anyOf"]
        assert {choice["properties"]["name"]["const"] for choice in localizers} == set(LOCALIZERS.names())
        assert none == {"type": "null"}
    assert methods["npo"]["properties"]["beta"]["description"] == "Inverse temperature."
    *combiners, none = schema["$defs"]["TrainSettings"]["properties"]["combiner"]["anyOf"]
    assert {choice["properties"]["name"]["const"] for choice in combiners} == set(COMBINERS.names())
    assert none == {"type": "null"}
    assert schema["additionalProperties"] is False and "suite" in schema["required"]
    teachers = {choice["properties"]["teacher"]["const"]: choice for choice in schema["properties"]["targets"]["oneOf"]}
    assert all({"lift_model", "lift_at_most"} <= set(choice["properties"]) for choice in teachers.values())


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_that_come_with_the_project_are_valid(path: Path) -> None:
    own = "pocket" in path.stem
    recipe = load_recipe(path, [] if own else ["model.path=somewhere"])
    assert recipe.name == path.stem
    if not own:
        return
    # The demo's settings were tuned; a recipe that shows the same method must not lag behind.
    tuned = make_recipe({**Demo().recipe(recipe.method["name"]), "name": recipe.name})
    assert (recipe.method, recipe.train, recipe.model, recipe.data) == (
        tuned.method,
        tuned.train,
        tuned.model,
        tuned.data,
    )


@pytest.mark.parametrize("method", TUNED)
def test_the_demos_settings_are_valid(method: str) -> None:
    assert set(method_settings(method)) <= {"data", "method", "model", "train"}
    assert make_recipe(Demo(request="hazard").recipe(method)).method["name"] == method


def test_the_demo_knows_its_methods() -> None:
    assert {*METHODS, "po", "finetune", "retrain"} <= set(TUNED)
    with pytest.raises(InputError, match="graddiff"):
        method_settings("nppo")


def test_a_recipe_is_frozen(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 3  # type: ignore[misc]
    assert isinstance(recipe, Recipe) and yaml.safe_load(recipe.dump())["seed"] == 0


def test_another_name_takes_its_own_defaults(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)
    assert load_recipe(file, ["method.name=rmu"]).method["name"] == "rmu"
    chosen = load_recipe(file, ["method.delta=0.5", "method.name=simnpo"]).method
    assert (chosen["name"], chosen["delta"]) == ("simnpo", 0.5)
    same = load_recipe(file, ["method.beta=0.7"]).method
    assert load_recipe(file, ["method.name=npo", "method.beta=0.7"]).method == same
