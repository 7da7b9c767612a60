"""Reported faults: weights that have no place in the configured model were skipped without a word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.cases.tokenizers_and_models import llama, tok
from unlearnkit.core.errors import InputError
from unlearnkit.models.load import load_model, meta_load, save_model

SIZE = {
    name: value
    for name, value in llama(tok()).config.to_dict().items()
    if name in {
        "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "max_position_embeddings", "pad_token_id", "eos_token_id", "bos_token_id",
    }
}  # fmt: skip

MODELS: dict[str, Callable[[], Any]] = {
    "qwen2": lambda: transformers.AutoModelForCausalLM.from_config(transformers.Qwen2Config(**SIZE)),
    "qwen3": lambda: transformers.AutoModelForCausalLM.from_config(transformers.Qwen3Config(**SIZE, head_dim=16)),
    "gemma": lambda: transformers.AutoModelForCausalLM.from_config(transformers.GemmaConfig(**SIZE, head_dim=16)),
    "biased": lambda: llama(tok(), attention_bias=True),
    "two layers": lambda: llama(tok()),
    "four layers": lambda: llama(tok(), num_hidden_layers=4),
    "tied": lambda: llama(tok(), tie_word_embeddings=True),
    "mixtral": lambda: transformers.AutoModelForCausalLM.from_config(
        transformers.MixtralConfig(**SIZE, num_local_experts=2)
    ),
    "gpt2": lambda: transformers.AutoModelForCausalLM.from_config(
        transformers.GPT2Config(vocab_size=len(tok()), n_embd=32, n_layer=2, n_head=2, n_positions=64)
    ),
    "neox": lambda: transformers.AutoModelForCausalLM.from_config(
        transformers.GPTNeoXConfig(**{k: v for k, v in SIZE.items() if k != "num_key_value_heads"})
    ),
}
AS_LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
Weights = dict[str, Tensor]


def model(folder: Path, name: str, **changed: Any) -> Any:
    """Save a model; `changed` are fields of its config.json afterwards."""
    made = MODELS[name]()
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in made.parameters():
            weight.normal_(std=0.3)
    save_model(made, tok(), folder)
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changed}), "utf-8")
    return made.eval()


def change(folder: Path, edit: Callable[[Weights], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    edit(weights)
    save_file({k: v.contiguous() for k, v in weights.items()}, folder / "model.safetensors", metadata={"format": "pt"})


CONTRADICTIONS: dict[str, tuple[str, dict[str, Any], str]] = {
    "04, biases": ("qwen2", AS_LLAMA, r"(?s)6 weights in the files have no place.*llama.*k_proj\.bias.*model_type"),
    "04, layers": ("four layers", {"num_hidden_layers": 2}, r"(?s)18 weights.*2 layers.*set num_hidden_layers to 4"),
    "no bias is configured": ("biased", {"attention_bias": False}, r"(?s)8 weights.*k_proj\.bias.*attention_bias"),
    "norms of queries and keys": ("qwen3", AS_LLAMA, r"(?s)4 weights.*k_norm"),
    "experts": ("mixtral", AS_LLAMA, r"(?s)no place|missing"),
    "only the type is another": ("gemma", {"model_type": "llama"}, r"(?s)contradicts itself.*llama and GemmaForCausal"),
    "only the architecture is another": ("two layers", {"architectures": ["Qwen3ForCausalLM"]}, "contradicts itself"),
    "one layer more": ("two layers", {"num_hidden_layers": 3}, "9 of the model's weights are missing"),
    "another width": ("two layers", {"intermediate_size": 32}, "6 of the model's weights"),
    "a head that is configured away": ("two layers", {"tie_word_embeddings": True}, r"(?s)ties weights.*lm_head"),
    "a head that is not there": ("tied", {"tie_word_embeddings": False}, r"(?s)1 of the model's weights.*lm_head"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_configuration_that_contradicts_the_file_is_an_error(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name, changed, says = CONTRADICTIONS[case]
    model(tmp_path, name, **changed)
    for load in (meta_load, load_model):
        with pytest.raises(InputError, match=says) as raised:
            load(str(tmp_path))
        assert str(tmp_path) in str(raised.value.where)
    assert "REPORT" not in capfd.readouterr().err, "the error says it all"


def adding(name: str, tensor: Tensor) -> Callable[[Weights], None]:
    return lambda weights: weights.update({name: tensor})


EXTRA: dict[str, tuple[str, Callable[[Weights], object]]] = {
    "a bias": ("two layers", adding("model.layers.0.self_attn.o_proj.bias", torch.ones(32))),
    "a bias of a whole attention": ("two layers", adding("model.layers.0.self_attn.attn.bias", torch.ones(32))),
    "a second head": ("two layers", adding("score.weight", torch.ones(2, 32))),
    "a layer of prediction ahead": ("two layers", adding("model.layers.2.eh_proj.weight", torch.ones(32, 64))),
}


@pytest.mark.parametrize("case", EXTRA)
def test_a_weight_too_many_is_an_error(case: str, tmp_path: Path) -> None:
    name, edit = EXTRA[case]
    model(tmp_path, name)
    change(tmp_path, edit)
    for load in (meta_load, load_model):
        with pytest.raises(InputError, match=r"1 weight in the files has no place"):
            load(str(tmp_path))


def without_prefix(weights: Weights) -> None:
    for name in [name for name in weights if name.startswith("transformer.")]:
        weights[name.removeprefix("transformer.")] = weights.pop(name)


MASK = torch.ones(1, 1, 64, 64).tril()
HARMLESS: dict[str, tuple[str, Callable[[Weights], object]]] = {
    "frequencies": ("two layers", adding("model.layers.0.self_attn.rotary_emb.inv_freq", torch.ones(8))),
    "tables": ("two layers", adding("model.layers.1.self_attn.rotary_emb.cos_cached", torch.ones(1, 1, 9, 16))),
    "masks": ("gpt2", adding("transformer.h.0.attn.bias", MASK)),
    "numbers of masks": ("gpt2", adding("transformer.h.1.attn.masked_bias", torch.tensor(-1e4))),
    "masks of another family": ("neox", adding("gpt_neox.layers.0.attention.bias", MASK.bool())),
    "names without the model's": ("gpt2", without_prefix),
    "numbers and names without the model's": (
        "gpt2",
        lambda w: (w.update({"transformer.h.1.attn.masked_bias": torch.tensor(-1e4)}), without_prefix(w)),
    ),
    "a copy of tied weights": ("tied", lambda w: w.update({"lm_head.weight": w["model.embed_tokens.weight"].clone()})),
    "experts apart": ("mixtral", lambda _: None),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_is_no_weight_does_no_harm(case: str, tmp_path: Path) -> None:
    name, edit = HARMLESS[case]
    made = model(tmp_path, name)
    change(tmp_path, edit)
    meta_load(str(tmp_path))
    ids = torch.tensor([[5, 9, 30, 41]])
    with torch.no_grad():
        assert torch.equal(load_model(str(tmp_path)).eval()(ids).logits, made(ids).logits)


def shards(folder: Path) -> dict[str, str]:
    """Save a model in several files, and return its index."""
    MODELS["two layers"]().save_pretrained(folder, max_shard_size="20KB")
    tok().save_pretrained(folder)
    return dict(json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))["weight_map"])


def test_an_index_is_compared_with_its_files(tmp_path: Path) -> None:
    index = shards(tmp_path)
    files = sorted(set(index.values()))
    assert len(files) > 2
    moved = next(name for name, file in index.items() if file != files[0])
    norm = "model.norm.weight"
    wrong: dict[str, tuple[dict[str, str], str]] = {
        "a weight in another file": ({**index, moved: files[0]}, rf"(?s)1 weight that the index lists is not.*{moved}"),
        "a weight that is nowhere": (
            {**index, "model.layers.2.mlp.up_proj.weight": files[0]}, r"(?s)1 weight that the index lists.*layers\.2"
        ),
        "a file that is nowhere": ({**index, norm: "model-9.safetensors"}, r"(?s)files.*are missing.*model-9"),
        "a file that is not listed": (
            {name: file for name, file in index.items() if file != files[1]}, "of the model's weights are missing"
        ),
    }  # fmt: skip
    for changed, says in wrong.values():
        (tmp_path / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {}, "weight_map": changed}), "utf-8"
        )
        with pytest.raises(InputError, match=says):
            meta_load(str(tmp_path))
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}), "utf-8")
    meta_load(str(tmp_path))


def test_the_base_of_an_adapter_is_checked_too(tmp_path: Path) -> None:
    from tests.tiny import adapted

    model(tmp_path / "base", "qwen2")
    save_model(adapted(load_model(str(tmp_path / "base"))), tok(), tmp_path / "adapter")
    meta_load(str(tmp_path / "adapter"))
    file = tmp_path / "base" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **AS_LLAMA}), "utf-8")
    with pytest.raises(InputError, match="no place") as raised:
        meta_load(str(tmp_path / "adapter"))
    assert str(tmp_path / "base") in str(raised.value.where)
