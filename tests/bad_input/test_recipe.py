"""Recipes that are no recipe, or whose keys and values cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.bad_input.place import CHECK, RUN, Case, Place, assert_told, recipe_data, unlearn
from unlearnkit.core.registry import Registry
from unlearnkit.methods.base import GUARDS, SCHEMES, Guard, Method, Scheme

NAME = "recipe.yaml"


def text(content: str | bytes) -> Callable[[Place], object]:
    """The recipe is this, and nothing else."""
    return lambda place: place.write(NAME, content)


def having(**sections: Any) -> Callable[[Place], None]:
    return lambda place: place.recipe(**sections)


def changed(old: str, new: str) -> Callable[[Place], None]:
    return lambda place: place.change(NAME, old, new)


def over(*overrides: str) -> tuple[str, ...]:
    return (*CHECK, *overrides)


def right(_: Place) -> None:
    """Only what is typed is wrong."""


def latin(place: Place) -> None:
    place.write(NAME, "name: café\n".encode("latin-1"))


def as_a_folder(place: Place) -> None:
    place.folder(NAME)


def sisa(holdout: str | None = "holdout.jsonl", **settings: Any) -> Callable[[Place], None]:
    return having(method={"name": "sisa", **settings}, data={"holdout": holdout} if holdout else {})


class Unmaskable(Guard):
    """A guard that does nothing."""

    def wrap(self, subject: Any, scope: Any) -> Any:
        del scope
        return subject


class UnmaskableScheme(Scheme):
    """A scheme that trains nothing."""

    def fit(self, context: Any) -> Any:
        return context.target()


def masked(registry: Registry[Any], plugin: type[Method]) -> Callable[[Place], None]:
    """A mask on a method that takes none, of a package that is not this one."""

    def breaks(place: Place) -> None:
        place.patch.setattr(registry, "_entries", dict(registry._entries))
        registry.register("unmaskable")(plugin)
        place.recipe(method={"name": "unmaskable", "mask": {"name": "gradient_saliency"}})

    return breaks


EDIT = {"name": "task_arithmetic"}
SECTION = "a section, i.e. settings"
GRU = {"combiner": {"name": "gru"}}

CASES = [
    # No recipe at all
    Case("recipe-is-not-there", right, ["the recipe cannot be read", "none.yaml"], ("run", "none.yaml")),
    Case("recipe-is-a-folder", as_a_folder, ["the recipe cannot be read: Is a directory", NAME]),
    Case(
        "recipe-show-names-neither-true-nor-false",
        having(report={"show_names": "of the press"}),
        ["field report.show_names", "'of the press'", NAME],
    ),
    Case("recipe-empty", text(""), ["a recipe must be a mapping of fields", NAME, "start with `suite:`"]),
    Case("recipe-not-a-mapping", text("- a\n- b\n"), ["a recipe must be a mapping of fields", "a list of 2"]),
    Case("recipe-not-utf-8", latin, ["the recipe cannot be read: it is not UTF-8 text", NAME]),
    Case("recipe-nul", text("name: a\nseed: \0\n"), ["not YAML", f"{NAME}:2", "U+0000", "remove the character"]),
    Case("recipe-not-yaml", changed("suite:", "suite: ["), ["not YAML", f"{NAME}:3"]),
    Case(
        "recipe-tab",
        changed("  name: files", "\tname: files"),
        ["not YAML", f"{NAME}:2", "replace the tab with spaces"],
    ),
    Case(
        "recipe-code", text("suite: !!python/object/apply:os.system [ls]\n"), ["not YAML", "constructor", f"{NAME}:1"]
    ),
    Case("recipe-two-documents", text("seed: 1\n---\nseed: 2\n"), ["not YAML", "single document", f"{NAME}:2"]),
    Case("recipe-nested-without-end", text("a: " + "[" * 5000), ["cannot be read: it is nested too deeply", NAME]),
    Case("recipe-holds-itself", text("suite: &a\n  name: *a\n"), ["the recipe contains itself", NAME]),
    Case("recipe-no-such-date", text("name: 2024-02-31\n"), ["the recipe cannot be read", "day", NAME]),
    Case(
        "recipe-key-twice",
        changed("  steps: 6", "  steps: 6\n  steps: 7"),
        ["written twice", f"{NAME}:13", f"{NAME}:14", "train.steps"],
    ),
    Case("recipe-key-a-number", changed("suite:", "1: 2\nsuite:"), ["name is not text", f"{NAME}:1", "in quotes"]),
    Case(
        "recipe-is-json-lines",
        lambda place: place.write(NAME, (place.root / "forget.jsonl").read_bytes()),
        ["not YAML", NAME],
        RUN,
    ),
    # Keys
    Case(
        "recipe-unknown-section",
        changed("train:", "trian:"),
        ["no such setting", f"{NAME}:11", "field trian", "did you mean train?"],
    ),
    Case(
        "recipe-unknown-key",
        changed("lr:", "lrr:"),
        ["no such setting", f"{NAME}:15, field train.lrr", "did you mean lr?", "batch_size"],
    ),
    Case(
        "recipe-key-in-the-wrong-place",
        changed("suite:", "lr: 1\nsuite:"),
        ["no such setting", f"{NAME}:1", "did you mean train.lr?"],
    ),
    Case(
        "recipe-unknown-key-of-the-method",
        having(method={"betta": 1}),
        ["no such setting", "field method.betta", "retain_weight"],
        RUN,
    ),
    Case(
        "recipe-unknown-key-of-the-data",
        having(data={"forgett": "x"}),
        ["no such setting", "field data.forgett", "did you mean forget?"],
    ),
    Case(
        "recipe-unknown-key-of-an-adapter",
        having(model={"lora": {"rank": 3}}),
        ["no such setting", "field model.lora.rank", "target_modules"],
    ),
    Case(
        "recipe-names-a-device",
        having(model={"device": "cuda:7"}),
        ["no such setting", "field model.device", "path, dtype"],
        RUN,
    ),
    Case(
        "recipe-no-suite",
        lambda place: place.write(NAME, "method: {name: ga}\n"),
        ["a setting is missing", "field suite", "add the field suite"],
    ),
    Case("recipe-no-method", lambda place: place.recipe(method=None), [SECTION, "field method", "null"]),
    Case(
        "recipe-suite-without-a-name",
        changed("  name: files", "  nam: files"),
        ["the suite has no name", "field suite.name", "files, pocket, tofu"],
    ),
    Case("recipe-no-model", having(model={"path": None}), ["the recipe names no model", "field model.path"], RUN),
    Case("recipe-no-data", lambda place: place.recipe(data=None), ["a setting is missing", "field data"]),
    Case(
        "recipe-data-in-the-suite",
        having(suite={"data": {"forget": "x"}}),
        ["is inside the section", f"{NAME}:3, field suite.data", "next to `suite:`"],
    ),
    Case(
        "recipe-data-for-a-suite-without",
        lambda place: place.recipe(suite={"name": "pocket"}),
        ["no such setting", "field data", "world_seed"],
    ),
    # Names of plug-ins
    Case(
        "recipe-unknown-method",
        changed("graddiff", "grdaiff"),
        ["no method of that name", f"{NAME}:10, field method.name", "did you mean graddiff", "npo"],
    ),
    Case(
        "recipe-unknown-suite",
        changed("name: files", "name: tofuu"),
        ["no suite of that name", f"{NAME}:2, field suite.name", "did you mean tofu?"],
    ),
    Case(
        "recipe-unknown-teacher",
        having(targets={"teacher": "templat"}),
        ["no teacher of that name", "field targets.teacher", "did you mean template?"],
    ),
    Case(
        "recipe-unknown-retain-term",
        having(method={"name": "npo", "retain": "nlll"}),
        ["field method", "'nlll'", "did you mean nll"],
        RUN,
    ),
    Case("recipe-not-a-gate", having(gates=["forget.accuracy=<1"]), ["not a gate", "field gates.0", "write the"], RUN),
    Case("recipe-a-gate-alone", having(gates="forget.accuracy<=1"), ["field gates", "forget.accuracy<=1"]),
    Case("option-not-a-gate", right, ["not a gate", "--gate", "write the gate"], (*RUN, "--gate", "accuracy")),
    # Values
    Case(
        "recipe-wrong-type",
        changed("lr: 0.001", "lr: fast"),
        [f"{NAME}:15, field train.lr", "'fast'", "a valid number", "the default is 1e-05"],
    ),
    Case("recipe-out-of-range", changed("lr: 0.001", "lr: -1"), ["field train.lr", "-1", "greater than 0"]),
    Case("recipe-nan", changed("lr: 0.001", "lr: .nan"), ["field train.lr", "a finite number"]),
    Case("recipe-infinite", changed("lr: 0.001", "lr: .inf"), ["field train.lr", "a finite number"]),
    Case(
        "recipe-infinite-epochs",
        having(train={"epochs": float("inf"), "steps": None}),
        ["field train.epochs", "a finite number"],
    ),
    Case(
        "recipe-infinite-of-the-method",
        having(method={"retain_weight": float("inf")}),
        ["field method.retain_weight", "a finite number"],
    ),
    Case("recipe-half-a-step", changed("steps: 6", "steps: 2.5"), ["field train.steps", "2.5", "integer"]),
    Case("recipe-yes-for-a-number", changed("lr: 0.001", "lr: yes"), ["field train.lr", "True", "YAML reads yes"]),
    Case(
        "recipe-no-for-a-name", changed("suite:", "name: no\nsuite:"), [f"{NAME}:1, field name", "False", "in quotes"]
    ),
    Case(
        "recipe-date-for-a-name",
        changed("suite:", "name: 2024-01-02\nsuite:"),
        ["field name", "2024", "in quotes"],
    ),
    Case("recipe-number-for-a-name", changed("suite:", "name: 12\nsuite:"), ["field name", "12", "in quotes"]),
    Case("recipe-name-is-a-path", changed("suite:", "name: ../up\nsuite:"), ["field name", "'../up'"]),
    Case("recipe-name-of-a-reference", changed("suite:", "name: target\nsuite:"), ["field name", "reserved"]),
    Case(
        "recipe-negative-seed", having(seed=-1), ["field seed", "-1", "greater than or equal to 0", "the default is 0"]
    ),
    Case("recipe-huge-seed", having(seed=10**30), ["field seed", "less than or equal to 4294967295"]),
    Case(
        "recipe-huge-world-seed",
        lambda place: place.write(NAME, f"suite: {{name: pocket, world_seed: {10**30}}}\nmethod: {{name: ga}}\n"),
        ["field suite.world_seed", "less than or equal to"],
    ),
    Case("recipe-number-of-5000-digits", changed("steps: 6", "steps: " + "9" * 5000), [NAME]),
    Case("recipe-section-is-a-word", having(model="./model"), [SECTION, "field model", "'./model'"]),
    Case(
        "recipe-section-is-empty", lambda place: place.recipe(train=None), [SECTION, "field train", "remove the line"]
    ),
    Case("recipe-method-is-a-word", having(method="npo"), [SECTION, "field method", "{name: npo}"]),
    Case("recipe-combiner-is-a-word", having(train={"combiner": "gru"}), [SECTION, "train.combiner", "{name: gru}"]),
    Case(
        "recipe-combiner-without-a-name",
        having(train={"combiner": {"gamma": 1.0}}),
        ["the combiner has no name", "field train.combiner.name", "gru, pcgrad", "add the field train.combiner.name"],
    ),
    Case(
        "recipe-combiner-of-no-such-name",
        having(train={"combiner": {"name": "grru"}}),
        ["there is no combiner of that name", "field train.combiner.name", "did you mean gru"],
    ),
    Case(
        "recipe-combiner-unknown-setting",
        having(train={"combiner": {"name": "gru", "gama": 0.9}}),
        ["no such setting", "field train.combiner.gama", "did you mean gamma?"],
    ),
    Case(
        "recipe-combiner-out-of-range",
        having(train={"combiner": {"name": "gru", "gamma": 0}}),
        ["field train.combiner.gamma", "greater than 0", "the default is 0.8"],
    ),
    Case("recipe-list-for-a-path", having(data={"forget": ["a", "b"]}), ["field data.forget", "['a', 'b']", "string"]),
    Case(
        "recipe-dtype-of-another-kind",
        having(model={"dtype": "float16"}),
        ["field model.dtype", "'float16'", "'float32' or 'bfloat16'"],
    ),
    Case("recipe-unknown-shape", having(data={"shape": "chat"}), ["field data.shape", "'chat'", "'messages'"]),
    Case("recipe-long-value", having(model={"dtype": "x" * 9000}), ["field model.dtype", "'bfloat16'", "..."]),
    Case("recipe-empty-model-path", having(model={"path": ""}), ["field model.path", "at least 1 character"], RUN),
    Case("recipe-empty-forget", having(data={"forget": ""}), ["field data.forget", "at least 1 character"]),
    Case("recipe-empty-out", having(out=""), ["field out", "at least 1 character"], RUN),
    Case("recipe-huge-batch", having(train={"batch_size": 10**30}), ["field train.batch_size", "1048576"], RUN),
    Case(
        "recipe-huge-seed-of-the-method",
        having(method={"name": "rmu", "vector_seed": 10**30}),
        ["field method.vector_seed", "4294967295"],
        RUN,
    ),
    # Edits and masks
    Case("recipe-negative-strength", having(method={**EDIT, "strength": -1}), ["field method.strength", "equal to 0"]),
    Case(
        "recipe-infinite-strength",
        having(method={**EDIT, "strength": float("inf")}),
        ["field method.strength", "a finite number"],
        RUN,
    ),
    Case("recipe-nan-strength", having(method={**EDIT, "strength": float("nan")}), ["method.strength", "a finite"]),
    Case("recipe-setting-of-no-edit", having(method={**EDIT, "strenght": 1}), ["field method.strenght", "strength?"]),
    Case("recipe-mask-is-a-word", having(method={"mask": "saliency"}), [SECTION, "field method.mask", "'saliency'"]),
    Case(
        "recipe-mask-without-a-name",
        having(method={"mask": {"share": 0.5}}),
        ["the localizer has no name", "field method.mask.name", "gradient_saliency", "add the field method.mask.name"],
    ),
    Case(
        "recipe-mask-of-no-such-name",
        having(method={"mask": {"name": "gradient_salience"}}),
        ["no localizer of that name", "field method.mask.name", "did you mean gradient_saliency?"],
    ),
    Case(
        "recipe-mask-of-no-share",
        having(method={"mask": {"name": "gradient_saliency", "share": 0}}),
        ["field method.mask.share", "greater than 0", "the default is 0.5"],
        RUN,
    ),
    Case(
        "recipe-mask-of-more-than-all",
        having(method={**EDIT, "mask": {"name": "gradient_saliency", "share": 1.5}}),
        ["field method.mask.share", "less than or equal to 1"],
    ),
    Case(
        "recipe-mask-share-nan",
        having(method={"mask": {"name": "gradient_saliency", "share": float("nan")}}),
        ["field method.mask.share", "finite"],
    ),
    Case(
        "recipe-mask-unknown-setting",
        having(method={"mask": {"name": "gradient_saliency", "shar": 0.5}}),
        ["no such setting", "field method.mask.shar", "did you mean share?"],
    ),
    Case(
        "recipe-mask-on-a-guard",
        masked(GUARDS, Unmaskable),
        ["cannot be restricted to a part of the weights", "field method.mask", "method.mask: null"],
    ),
    Case(
        "recipe-mask-on-a-scheme",
        masked(SCHEMES, UnmaskableScheme),
        ["cannot be restricted to a part of the weights", "field method.mask", "method.mask: null"],
    ),
    Case(
        "recipe-mask-on-fresh-weights",
        having(method={"name": "retrain", "mask": {"name": "gradient_saliency"}}),
        ["cannot be restricted to a part of the weights", "field method.mask", "method.mask: null"],
    ),
    Case(
        "recipe-combiner-with-an-edit",
        having(method=EDIT, train=GRU),
        ["gradients can be combined only if", "field train.combiner", "train.combiner: null"],
    ),
    Case(
        "recipe-g-effects-of-an-edit",
        having(method=EDIT, diagnose={"g_effect_every": 2}),
        ["only if the method is an objective", "field diagnose.g_effect_every", "g_effect_every: null"],
    ),
    Case(
        "recipe-edit-with-added-tokens",
        having(method=EDIT, train={"trace_style": "added"}),
        ["a method that edits weights cannot add", "field train.trace_style", "trace_style: null"],
    ),
    # Values that do not fit together
    Case("recipe-steps-and-epochs", having(train={"epochs": 2}), ["either steps or epochs", "field train", "to null"]),
    Case("recipe-neither-steps-nor-epochs", having(train={"steps": None}), ["either steps or epochs", "field train"]),
    Case(
        "recipe-combiner-without-a-retain-term",
        having(method={"name": "ga"}, train=GRU),
        ["gru needs the gradient of a retain term", f"{NAME}:17, field train.combiner", "method.retain=nll"],
        RUN,
    ),
    Case(
        "recipe-combiner-with-a-retain-term-that-does-not-count",
        having(method={"retain_weight": 0}, train=GRU),
        ["the method has no retain term", "field train.combiner", "a weight above 0"],
        RUN,
    ),
    Case(
        "recipe-guard-with-a-blank-prompt",
        having(method={"name": "refusal_prompt", "prompt": "  "}),
        ["field method.prompt", "a text that is not blank"],
        RUN,
    ),
    Case(
        "recipe-guard-with-an-unknown-setting",
        having(method={"name": "refusal_prompt", "filter": True}),
        ["no such setting", "field method.filter", "input_filter"],
        RUN,
    ),
    Case(
        "recipe-guard-with-a-combiner",
        having(method={"name": "refusal_prompt"}, train=GRU),
        ["gradients can be combined only if", "field train.combiner"],
        RUN,
    ),
    Case(
        "recipe-combiner-without-a-forget-term",
        having(method={"name": "finetune"}, train=GRU),
        ["no forget term with a weight above 0", "field train.combiner", "train.combiner=null"],
        RUN,
    ),
    Case(
        "recipe-adapter-and-parameters",
        having(model={"lora": {"r": 2}, "parameters": "mlp"}),
        ["field model", "lora or parameters, not both"],
        RUN,
    ),
    Case("recipe-merge-without-adapter", right, ["field model", "nothing to merge"], (*RUN, "--merge")),
    Case(
        "recipe-overlap-of-a-whole-chunk",
        having(data={"chunks": {"tokens": 4, "overlap": 4}}),
        ["field data.chunks", "overlap"],
    ),
    Case("recipe-probe-of-a-taken-name", having(data={"probes": {"retain": "x"}}), ["field data", "key data.retain"]),
    Case(
        "recipe-no-pattern",
        having(model={"parameters": "("}),
        ["not a regular expression", "model.parameters", "'('"],
        RUN,
    ),
    Case(
        "recipe-pattern-finds-nothing",
        having(model={"parameters": "no_such"}),
        ["no weight of the model has a name that matches", "model.parameters"],
        RUN,
    ),
    Case(
        "recipe-layers-of-another-family",
        having(model={"lora": {"target_modules": ["c_attn"]}}),
        ["does not support this adapter", "target_modules", "q_proj"],
        RUN,
    ),
    Case("recipe-layer-that-is-not-there", having(method={"name": "rmu", "layer": 99}), ["layer", "99"], RUN),
    Case(
        "recipe-weights-above-the-layer-that-is-read",
        having(method={"name": "rmu", "layer": 0}, model={"parameters": r"layers\.1\.mlp\.down_proj"}),
        ["cannot change the trained weights", "model.parameters", "model.layers.1.mlp.down_proj", "weights of layer 0"],
        RUN,
    ),
    # Overrides
    Case("override-without-a-value", right, ["not an override", "'train.lr'", "key=value"], over("train.lr")),
    Case("override-not-yaml", right, ["not YAML", "'train.lr=['"], over("train.lr=[")),
    Case("override-of-no-field", right, ["no such setting", "override 'lr=1'", "did you mean train.lr?"], over("lr=1")),
    Case("override-into-a-value", right, ["not a section", "field out", "out.x=1"], over("out.x=1")),
    Case(
        "override-out-of-range", right, ["override 'train.lr=0', field train.lr", "greater than 0"], over("train.lr=0")
    ),
    Case(
        "override-unknown-method",
        right,
        ["override 'method.name=nppo', field method.name", "did you mean npo"],
        over("method.name=nppo"),
    ),
    # Other verbs
    Case(
        "eval-suite-without-data",
        right,
        ["a setting is missing", "add the option --data"],
        ("eval", "./model", "--suite", "tofu", "--out", "e"),
    ),
    Case(
        "eval-unknown-suite",
        right,
        ["no suite of that name", "did you mean tofu?"],
        ("eval", "./model", "--suite", "tofuu", "--out", "e"),
    ),
    Case(
        "eval-unknown-split",
        right,
        ["split", "'forget20'", "forget10"],
        ("eval", "./model", "--suite", "tofu", "--data", "tofu", "--split", "forget20", "--out", "e"),
    ),
    Case("eval-no-suite", right, ["the suite must be named", "--suite"], ("eval", "./model")),
    Case(
        "eval-own-files",
        right,
        ["a setting is missing", "--data"],
        ("eval", "./model", "--suite", "files", "--data", "forget.jsonl", "--out", "e"),
    ),
    # A scheme with shards
    Case("shards-none", sisa(shards=0), ["greater than or equal to 1", "method.shards", NAME]),
    Case("shards-base-missing", sisa(base="./nowhere"), ["no such model folder", "method.base"], RUN),
    Case("shards-base-is-to-be-retrained", sisa(), ["retrained model, but the suite has none", "suite.retrained"], RUN),
    Case("shards-nothing-stays", sisa(holdout=None), ["holdout rows, and there are none", "data.holdout=FILE"], RUN),
    Case("shards-no-ensemble", sisa(base="./model", ensemble="runs/none"), ["no finished ensemble", "method.ens"], RUN),
    Case("shards-nothing-deleted", sisa(ensemble="runs/none", delete=False), ["delete: true", "method", NAME]),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recipe_that_cannot_be_used_is_told(case: Case, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, place, capsys)


@pytest.mark.parametrize(
    "odd",
    [
        {"content": lambda text: text.replace("\n", "\r\n")},
        {"content": lambda text: "\ufeff" + text},
        {"content": lambda text: text.replace("lr: 0.001", "lr: 1e-5")},  # to YAML 1.1 that is text
        {"content": lambda text: text.replace("suite:", "name: модель-é\nsuite:", 1)},
        {"content": lambda text: text.replace("steps: 6", "steps: 6.0")},
    ],
    ids=["windows-line-ends", "byte-order-mark", "rate-without-a-dot", "unicode-name", "whole-number-with-a-dot"],
)
def test_what_only_looks_wrong_is_taken(odd: dict[str, Any], place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    text = (place.root / NAME).read_text("utf-8")
    changed = odd["content"](text)
    assert changed != text
    place.write(NAME, changed)
    assert unlearn(CHECK, place.patch) == 0, capsys.readouterr().err


def test_the_recipe_itself_is_right(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert recipe_data()["model"]["path"] == "./model"
    before = place.snapshot()
    assert unlearn(CHECK, place.patch) == 0, capsys.readouterr().err
    assert unlearn(("run", NAME, "--dry-run"), place.patch) == 0, capsys.readouterr().err
    assert place.snapshot() == before
