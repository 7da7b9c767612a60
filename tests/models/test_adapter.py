"""Targets that are an adapter on a base, and adapters that are merged."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from tests.tiny import PAD, adapted, logits, random_rows, tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.methods.objectives.finetune import Finetune
from unlearnkit.methods.objectives.forget.npo import NPO
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import find_model, weights_fingerprint
from unlearnkit.models.load import load_model, load_tokenizer, save_model, set_trainable
from unlearnkit.models.reference import reference_values
from unlearnkit.models.settings import LoraSettings
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

ROWS = random_rows(4, seed=1)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A model that is an adapter on a base."""
    save_model(tiny_model("llama_tied"), tiny_tokenizer(), tmp_path / "base")
    save_model(adapted(load_model(str(tmp_path / "base"))), tiny_tokenizer(), tmp_path / "target")
    return tmp_path / "target"


def edit(path: Path, **changed: Any) -> None:
    """Change fields of a JSON file; None takes one out."""
    data = {**json.loads(path.read_text("utf-8")), **changed}
    path.write_text(json.dumps({k: v for k, v in data.items() if v is not None}), "utf-8")


@pytest.mark.parametrize("lora", [None, LoraSettings(r=2)], ids=["full", "lora"])
def test_training_a_target_that_is_an_adapter_moves_it(target: Path, lora: LoraSettings | None) -> None:
    before = logits(load_model(str(target)).eval())
    model: Any = set_trainable(load_model(str(target)), lora=lora)
    torch.testing.assert_close(logits(model.eval()), before)
    settings = TrainSettings(epochs=None, steps=3, batch_size=4, lr=1e-2, max_length=32)
    Trainer(Engine(model), Finetune(), TrainData({"retain": ROWS}, PAD), settings, seed=0).run()
    assert float((logits(model.eval()) - before).abs().max()) > 0.01


def test_every_weight_of_a_merged_target_is_trained(target: Path) -> None:
    assert not any(p.requires_grad for p in load_model(str(target)).parameters())
    assert all(p.requires_grad for p in set_trainable(load_model(str(target))).parameters())
    some = set_trainable(load_model(str(target)), parameters=r"layers\.1\.mlp")
    assert {n.split(".mlp.")[0] for n, p in some.named_parameters() if p.requires_grad} == {"model.layers.1"}


@pytest.mark.parametrize("lora", [None, LoraSettings(r=2)], ids=["full", "lora"])
def test_the_reference_is_the_target_with_its_adapter(target: Path, lora: LoraSettings | None) -> None:
    engine = Engine(set_trainable(load_model(str(target)), lora=lora))
    needs = NPO().needs()
    (quantity,) = needs.of_reference
    got = reference_values(engine, needs, {"forget": ROWS}, pad_id=PAD).of(quantity, range(4))
    whole = load_model(str(target)).eval()
    expected = []
    for row in ROWS:
        logps = whole(input_ids=torch.tensor([row.ids])).logits[0].double().log_softmax(-1)
        expected += [float(logps[at - 1, row.ids[at]]) for at in range(row.prompt, len(row.ids))]
    torch.testing.assert_close(got.double(), torch.tensor(expected, dtype=torch.float64), rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("family", ["llama", "llama_tied", "gpt2"])
@pytest.mark.parametrize(
    "settings",
    [
        {"target_modules": ["lm_head"]},
        {"target_modules": ["EMBEDDINGS"]},
        {"target_modules": "all-linear", "modules_to_save": ["lm_head", "EMBEDDINGS"]},
    ],
    ids=["head", "embeddings", "saved modules"],
)
def test_an_adapter_on_head_or_embeddings_is_merged_into_that_one_alone(
    family: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    name = "wte" if family == "gpt2" else "embed_tokens"
    settings = {
        key: [name if part == "EMBEDDINGS" else part for part in value] if isinstance(value, list) else value
        for key, value in settings.items()
    }
    save_model(tiny_model(family), tiny_tokenizer(), tmp_path / "base")
    transposed = family == "gpt2" and settings["target_modules"] == "all-linear"
    config = LoraConfig(r=2, task_type="CAUSAL_LM", fan_in_fan_out=transposed, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ties, which this is about
        model = get_peft_model(load_model(str(tmp_path / "base")), config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.3)
    expected = logits(model.eval())
    save_model(model, tiny_tokenizer(), tmp_path / "target")
    torch.testing.assert_close(logits(load_model(str(tmp_path / "target")).eval()), expected)
    merged = merge_adapter(load_model(str(tmp_path / "target"))).eval()
    torch.testing.assert_close(logits(merged), expected, rtol=2e-4, atol=5e-5)
    save_model(merged, tiny_tokenizer(), tmp_path / "merged")
    torch.testing.assert_close(logits(load_model(str(tmp_path / "merged")).eval()), expected, rtol=2e-4, atol=5e-5)


def test_in_bfloat16_merging_costs_no_more_than_bfloat16_does(target: Path) -> None:
    exact = logits(load_model(str(target)).eval())
    apart = logits(load_model(str(target), "bfloat16").eval()).float()
    merged = merge_adapter(load_model(str(target), "bfloat16")).eval()
    assert merged.dtype == torch.bfloat16 and {p.dtype for p in merged.parameters()} == {torch.bfloat16}
    loss = float((apart - exact).abs().max())
    assert 0 < loss < 0.1 * float(exact.abs().max())
    assert float((logits(merged).float() - exact).abs().max()) < 2 * loss


def test_a_model_without_an_adapter_is_left_as_it_is() -> None:
    model = tiny_model()
    assert merge_adapter(model) is model


def test_the_fingerprint_of_an_adapter_follows_its_base(target: Path) -> None:
    before = weights_fingerprint(str(target))
    save_model(tiny_model("llama_tied", seed=3), tiny_tokenizer(), target.parent / "base")
    assert weights_fingerprint(str(target)) != before


def test_an_adapter_without_a_tokenizer_has_that_of_its_base(target: Path) -> None:
    for file in target.glob("tokenizer*"):
        file.unlink()
    assert load_tokenizer(str(target)).get_vocab() == tiny_tokenizer().get_vocab()


def test_a_base_is_noted_so_that_it_is_found_from_anywhere(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(target.parent)
    save_model(adapted(load_model("base")), tiny_tokenizer(), target.parent / "other")
    settings = json.loads((target.parent / "other" / "adapter_config.json").read_text("utf-8"))
    assert settings["base_model_name_or_path"] == str((target.parent / "base").resolve())


@pytest.mark.parametrize("written", ["base", "./base", "../base"])
def test_a_relative_base_is_looked_for_in_the_working_directory_and_beside_the_adapter(
    target: Path, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = logits(load_model(str(target)).eval())
    edit(target / "adapter_config.json", base_model_name_or_path=written)
    if written == "../base":
        monkeypatch.chdir("/")  # from here it is nothing
    else:
        monkeypatch.chdir(target.parent)
    assert torch.equal(logits(load_model(str(target)).eval()), expected)
    assert find_model(str(target)).base.path == (target.parent / "base").resolve()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"base_model_name_or_path": "/nowhere/base"}, r"(?s)no such model folder.*base_model_name_or_path"),
        ({"base_model_name_or_path": "./nowhere"}, r"(?s)no such model folder.*base_model_name_or_path"),
        ({"base_model_name_or_path": None}, "does not name its base"),
        ({"base_model_name_or_path": 3}, "does not name its base"),
        ({"peft_type": "PROMPT_TUNING"}, r"(?s)not supported.*PROMPT_TUNING.*LORA"),
        ({"peft_type": None}, r"(?s)not supported.*LORA"),
        ({"target_modules": ["nobody"]}, "does not fit its base"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, r"(?s)does not fit its base model: .*missing from the file"),
        ({"r": 3}, "does not fit its base"),
    ],
)
def test_an_adapter_that_fits_no_base_is_told(target: Path, changed: dict[str, Any], match: str) -> None:
    edit(target / "adapter_config.json", **changed)
    with pytest.raises(InputError, match=match) as raised:
        load_model(str(target))
    assert "target" in str(raised.value.where)


def test_an_adapter_on_an_adapter_is_refused(target: Path) -> None:
    edit(target / "adapter_config.json", base_model_name_or_path=str(target))
    with pytest.raises(InputError, match="itself an adapter"):
        find_model(str(target))


def test_layers_that_are_not_there_are_told() -> None:
    with pytest.raises(InputError, match=r"(?s)does not support this adapter.*model\.lora\.target_modules.*q_proj"):
        set_trainable(tiny_model(), lora=LoraSettings(target_modules=("c_attn",)))
