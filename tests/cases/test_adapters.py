"""Reported faults: adapters of other kinds than plain LoRA were refused, merged wrongly, or ended in a traceback."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from torch import Tensor

from tests.cases.tokenizers_and_models import llama, tok
from unlearnkit.core.errors import InputError
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.load import load_model, load_tokenizer, meta_load, save_model, set_trainable

LAYERS = ["q_proj", "v_proj", "down_proj"]
IDS = torch.tensor([[5, 9, 30, 41, 77, 100, 12, 8]])
EXACT = 1e-5
"""Largest difference between logits, relative to the largest logit."""
SMALL: dict[str, Any] = {"vocab_size": len(tok()), "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}


def gpt2() -> Any:
    config = transformers.GPT2Config(**SMALL, bos_token_id=None, eos_token_id=tok().eos_token_id)
    return transformers.AutoModelForCausalLM.from_config(config)


def of(kind: Any, **changed: Any) -> Callable[[], Any]:
    """A model of another family, of the same size as the Llama."""
    size = {name: value for name, value in llama(tok()).config.to_dict().items() if name in SIZES}
    return lambda: transformers.AutoModelForCausalLM.from_config(kind(**{**size, **changed}))


SIZES = {
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "max_position_embeddings", "pad_token_id", "eos_token_id", "bos_token_id",
}  # fmt: skip

BASES: dict[str, Callable[[], Any]] = {
    "llama": lambda: llama(tok()),
    "tied": lambda: llama(tok(), tie_word_embeddings=True),
    "biased": lambda: llama(tok(), attention_bias=True),
    "gpt2": gpt2,
    "mixtral": of(transformers.MixtralConfig, num_local_experts=4),
    "gemma3": of(transformers.Gemma3TextConfig, head_dim=16, tie_word_embeddings=True),
}

LORA: dict[str, tuple[str, dict[str, Any]]] = {
    "18, plain": ("llama", {}),
    "18, dora": ("llama", {"use_dora": True}),
    "18, pissa": ("llama", {"init_lora_weights": "pissa"}),
    "18, olora": ("llama", {"init_lora_weights": "olora"}),
    "18, ensure_weight_tying": ("tied", {"modules_to_save": ["embed_tokens"], "ensure_weight_tying": True}),
    "18, layer_replication": ("llama", {"layer_replication": [[0, 2], [1, 2]]}),
    "lora_bias on layers that have a bias": ("biased", {"lora_bias": True, "target_modules": ["q_proj", "k_proj"]}),
    "rslora": ("llama", {"use_rslora": True}),
    "patterns": ("llama", {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 16}}),
    "bias": ("biased", {"bias": "all"}),
    "pissa and dora": ("llama", {"init_lora_weights": "pissa", "use_dora": True}),
    "pissa on replicated layers": ("llama", {"init_lora_weights": "pissa", "layer_replication": [[0, 2], [1, 2]]}),
    "replicated layers under tied weights": ("tied", {"layer_replication": [[0, 2], [0, 2]]}),
    "whole modules": ("llama", {"modules_to_save": ["embed_tokens", "lm_head", "input_layernorm"]}),
    "the whole head of tied weights": ("tied", {"modules_to_save": ["lm_head"]}),
    "tied embeddings, kept tied": ("tied", {"target_modules": ["embed_tokens"], "ensure_weight_tying": True}),
    "tied head and embeddings, apart": ("tied", {"target_modules": ["lm_head", "embed_tokens"]}),
    "some tokens": ("llama", {"trainable_token_indices": [5, 9, 30]}),
    "some tokens of tied weights": ("tied", {"trainable_token_indices": [5, 9, 30]}),
    "some tokens of scaled embeddings": ("gemma3", {"trainable_token_indices": {"embed_tokens": [5, 9]}}),
    "transposed layers": ("gpt2", {"target_modules": ["c_attn", "c_fc"], "fan_in_fan_out": True}),
    "pissa of transposed layers": (
        "gpt2",
        {"target_modules": ["c_attn"], "fan_in_fan_out": True, "init_lora_weights": "pissa"},
    ),
    "embeddings of positions": ("gpt2", {"target_modules": ["wte", "wpe"]}),
    "parameters of experts": ("mixtral", {"target_modules": [], "target_parameters": ["mlp.experts.gate_up_proj"]}),
    "mica": ("llama", {"init_lora_weights": "mica"}),
}

OTHERS: dict[str, Callable[[], Any]] = {
    "ia3": lambda: peft.IA3Config(target_modules=LAYERS, feedforward_modules=["down_proj"]),
    "loha": lambda: peft.LoHaConfig(target_modules=LAYERS, r=4),
    "lokr": lambda: peft.LoKrConfig(target_modules=LAYERS, r=4),
    "adalora": lambda: peft.AdaLoraConfig(target_modules=LAYERS, total_step=10),
    "oft": lambda: peft.OFTConfig(target_modules=LAYERS, oft_block_size=4),
    "boft": lambda: peft.BOFTConfig(target_modules=LAYERS, boft_block_size=4),
    "vera": lambda: peft.VeraConfig(target_modules=LAYERS, r=4),
    "hira": lambda: peft.HiraConfig(target_modules=LAYERS, r=4),
    "shira": lambda: peft.ShiraConfig(target_modules=LAYERS, r=4),
    "norms": lambda: peft.LNTuningConfig(target_modules=["input_layernorm"]),
    "tokens alone": lambda: peft.TrainableTokensConfig(target_modules=["embed_tokens"], token_indices=[5, 9]),
}


def logits(model: Any) -> Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=IDS).logits  # type: ignore[no-any-return]


def adapter(folder: Path, base: str, config: Any) -> Tensor:
    """Save a base and an adapter with weights of its own, and return the logits of both together."""
    made = BASES[base]()
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in made.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
    save_model(made, tok(), folder / "base")
    config.task_type = "CAUSAL_LM"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ties, of what cannot be merged
        loaded = transformers.AutoModelForCausalLM.from_pretrained(folder / "base")
        model = peft.get_peft_model(loaded, config)
        before = logits(loaded.__class__.from_pretrained(folder / "base"))
        torch.manual_seed(3)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.requires_grad:
                    weight.add_(torch.randn_like(weight) * 0.1)
        expected = logits(model)
        model.save_pretrained(folder / "adapter")
    assert float((expected - before).abs().max()) > 1e-2, "the adapter changes something"
    return expected


def assert_merged_exactly(folder: Path, expected: Tensor) -> None:
    """The adapter merges exactly, and so does what is saved and loaded by bare transformers."""
    source = str(folder / "adapter")
    meta_load(source)
    model = load_model(source)
    assert float((logits(model) - expected).abs().max()) <= EXACT * float(expected.abs().max())
    merged = set_trainable(model)
    assert all(weight.requires_grad for weight in merged.parameters())
    save_model(merged, load_tokenizer(source), folder / "merged")
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder / "merged")
    for found in (logits(merged), logits(plain), logits(load_model(str(folder / "merged")))):
        assert float((found - expected).abs().max()) <= EXACT * float(expected.abs().max())


def lora(**settings: Any) -> peft.LoraConfig:
    return peft.LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": LAYERS, **settings})


@pytest.mark.parametrize("kind", LORA)
def test_a_lora_adapter_merges_exactly(kind: str, tmp_path: Path) -> None:
    base, settings = LORA[kind]
    assert_merged_exactly(tmp_path, adapter(tmp_path, base, lora(**settings)))


@pytest.mark.parametrize("kind", OTHERS)
def test_an_adapter_of_another_type_merges_exactly(kind: str, tmp_path: Path) -> None:
    assert_merged_exactly(tmp_path, adapter(tmp_path, "llama", OTHERS[kind]()))


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "18, alora": (lambda: lora(alora_invocation_tokens=[41, 77]), r"(?s)aLoRA.*alora_invocation_tokens"),
    "18, lora_bias": (lambda: lora(lora_bias=True), r"(?s)cannot be merged.*base layer has no bias.*LORA"),
    "lily": (lambda: peft.LilyConfig(target_modules=LAYERS, r=4), r"(?s)cannot be merged.*LILY"),
    "prefix": (lambda: peft.PrefixTuningConfig(num_virtual_tokens=2), r"(?s)cannot be merged.*PREFIX_TUNING"),
    "lora-ga": (lambda: lora(init_lora_weights="lora_ga"), r"(?s)LoRA-GA.*init_lora_weights"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_adapter_that_cannot_be_merged_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    config, says = REFUSED[kind]
    adapter(tmp_path, "llama", config())
    with pytest.raises(InputError, match=says) as raised:
        meta_load(str(tmp_path / "adapter"))
    assert str(tmp_path / "adapter") in str(raised.value.where)
    with pytest.raises(InputError, match=says):
        set_trainable(load_model(str(tmp_path / "adapter")))


@pytest.mark.parametrize("changed", [
    {"peft_type": "PROMPT_TUNING"}, {"peft_type": "P_TUNING"}, {"peft_type": "CPT"}, {"peft_type": "ADAPTION_PROMPT"},
    {"peft_type": "OF_NEXT_YEAR"}, {"task_type": "SEQ_CLS"}, {"init_lora_weights": "corda"},
    {"arrow_config": {"top_k": 1}}, {"revision": 3},
])  # fmt: skip
def test_what_the_configuration_tells_is_refused_without_the_base(changed: dict[str, Any], tmp_path: Path) -> None:
    adapter(tmp_path, "llama", lora())
    file = tmp_path / "adapter" / "adapter_config.json"
    nowhere = {"base_model_name_or_path": "/nowhere/at/all"}
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **nowhere, **changed}), "utf-8")
    (field,) = changed
    with pytest.raises(InputError, match=f"field {field}"):
        meta_load(str(tmp_path / "adapter"))


def test_an_initialization_by_random_numbers_that_are_lost_is_refused(tmp_path: Path) -> None:
    adapter(tmp_path, "llama", lora(init_lora_weights="pissa_niter_2"))
    with pytest.raises(InputError, match=r"(?s)depends on random numbers.*pissa_niter_2"):
        load_model(str(tmp_path / "adapter"))


@pytest.mark.parametrize("part", ["lm_head", "lora_A"])
@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_a_file_with_other_weights_than_the_adapter_is_refused(part: str, change: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    adapter(tmp_path, "llama", lora(modules_to_save=["lm_head"]))
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    weights = load_file(file)
    name = next(name for name in weights if part in name)
    if change == "unknown":
        weights[name.replace("lm_head", "lm_tail").replace("layers.0", "layers.7")] = weights[name].clone()
    else:
        del weights[name]
    save_file(weights, file, metadata={"format": "pt"})
    says = "missing from the file" if change == "missing" else "no place"
    for load in (meta_load, load_model):
        with pytest.raises(InputError, match=rf"(?s)does not fit its base model.*{says}"):
            load(str(tmp_path / "adapter"))


def test_a_bfloat16_base_is_merged_in_float32_and_rounded_once(tmp_path: Path) -> None:
    adapter(tmp_path, "llama", lora())
    exact = merge_adapter(load_model(str(tmp_path / "adapter")))
    loaded = {n: w.float() for n, w in load_model(str(tmp_path / "base"), "bfloat16").named_parameters()}
    plain = dict(load_model(str(tmp_path / "base")).named_parameters())
    got = merge_adapter(load_model(str(tmp_path / "adapter"), "bfloat16"))
    for name, weight in got.named_parameters():
        change = dict(exact.named_parameters())[name] - plain[name]  # in float32
        assert weight.dtype == torch.bfloat16
        # Rounded once, the result is within half a unit in the last place (8 bits) of the float32 sum.
        wanted = loaded[name] + change
        assert bool(((weight.float() - wanted).abs() <= wanted.abs() * 2**-8 + 1e-7).all()), name
        assert bool(
            ((weight.float() - wanted).abs() <= 1.001 * (wanted.bfloat16().float() - wanted).abs() + 1e-6).all()
        )


def test_a_merge_that_computes_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter(tmp_path, "llama", lora())
    model: Any = load_model(str(tmp_path / "adapter"))
    layer = model.base_model.model.model.layers[0].self_attn.v_proj
    layer.get_base_layer().register_forward_hook(lambda _, __, out: out * (1.0 if layer.merged else 1.5))
    with pytest.raises(InputError, match=r"(?s)merged model does not compute.*the logits differ by up to"):
        merge_adapter(model)
