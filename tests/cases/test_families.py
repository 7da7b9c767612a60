"""Decoders of every kind: what is generated and measured for a row does not depend on the other rows of its batch."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tests.tiny import PAD, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.batches import by_row
from unlearnkit.models.decoding import decoding_of
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import find_model
from unlearnkit.models.generate import generate
from unlearnkit.models.load import add_lora, load_model, save_model, set_trainable
from unlearnkit.models.settings import LoraSettings

V, ENDS = 80, [2, *range(3, 80, 4)]
B: dict[str, Any] = {
    "vocab_size": V, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "max_position_embeddings": 128, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
M: dict[str, Any] = {
    "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_n_groups": 1, "mamba_d_state": 8, "mamba_chunk_size": 8,
}  # fmt: skip
LINEAR: dict[str, Any] = {
    "linear_num_value_heads": 2, "linear_num_key_heads": 2, "linear_key_head_dim": 16, "linear_value_head_dim": 16,
    "layer_types": ["linear_attention", "full_attention"],
}  # fmt: skip
MLA: dict[str, Any] = {
    "num_key_value_heads": 2, "head_dim": 8, "q_lora_rank": 16, "kv_lora_rank": 16, "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1,
    "topk_group": 1, "moe_intermediate_size": 16, "first_k_dense_replace": 1,
}  # fmt: skip
REPORTED = {
    "llama": lambda: transformers.LlamaConfig(**B),
    "mamba": lambda: transformers.MambaConfig(**B, state_size=8),
    "mamba2": lambda: transformers.Mamba2Config(
        **B, state_size=8, num_heads=4, head_dim=16, n_groups=1, expand=2, chunk_size=8
    ),
    "falcon_mamba": lambda: transformers.FalconMambaConfig(**B, state_size=8),
    "rwkv": lambda: transformers.RwkvConfig(**B, context_length=128, attention_hidden_size=32),
    "lfm2": lambda: transformers.Lfm2Config(
        **B, layer_types=["conv", "full_attention"], block_auto_adjust_ff_dim=False
    ),
    "bamba": lambda: transformers.BambaConfig(**B, attn_layer_indices=[1], **M),
    "falcon_h1": lambda: transformers.FalconH1Config(
        **B, head_dim=16, mamba_d_ssm=32, mamba_n_heads=2, mamba_d_head=16, mamba_d_state=8, mamba_chunk_size=8
    ),
    "qwen3_next": lambda: transformers.Qwen3NextConfig(
        **B,
        **LINEAR,
        head_dim=16,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=16,
        shared_expert_intermediate_size=16,
    ),
    "granitemoehybrid": lambda: transformers.GraniteMoeHybridConfig(
        **B,
        num_local_experts=4,
        num_experts_per_tok=2,
        shared_intermediate_size=16,
        layer_types=["mamba", "attention"],
        **M,
    ),
    "recurrent_gemma": lambda: transformers.RecurrentGemmaConfig(
        **B, head_dim=16, lru_width=32, attention_window_size=16, block_types=["recurrent", "attention"]
    ),
    "minimax": lambda: transformers.MiniMaxConfig(
        **B,
        head_dim=16,
        layer_types=["linear_attention", "full_attention"],
        num_local_experts=4,
        num_experts_per_tok=2,
        block_size=8,
    ),
}
"""The families of the report, with a control."""
OTHERS = {
    "jamba": lambda: transformers.JambaConfig(
        **B, attn_layer_period=2, attn_layer_offset=1, num_experts=4, mamba_d_state=8, mamba_dt_rank=4
    ),
    "nemotron_h": lambda: transformers.NemotronHConfig(
        **B,
        hybrid_override_pattern="M*",
        mamba_num_heads=4,
        mamba_head_dim=16,
        ssm_state_size=8,
        n_groups=1,
        chunk_size=8,
        head_dim=16,
    ),
    "olmo_hybrid": lambda: transformers.OlmoHybridConfig(**B, **LINEAR),
    "qwen3_5": lambda: transformers.Qwen3_5TextConfig(**B, **LINEAR, head_dim=16),
    "xlstm": lambda: transformers.xLSTMConfig(vocab_size=V, hidden_size=32, num_blocks=2, num_heads=2),
    "openai-gpt": lambda: transformers.OpenAIGPTConfig(vocab_size=V, n_embd=32, n_layer=2, n_head=2, n_positions=128),
    "deepseek_v3": lambda: transformers.DeepseekV3Config(**{**B, **MLA}),
    "deepseek_v32": lambda: transformers.DeepseekV32Config(
        **{**B, **MLA}, index_n_heads=2, index_head_dim=16, index_topk=4
    ),
    "gpt_oss": lambda: transformers.GptOssConfig(
        **B, head_dim=16, num_local_experts=4, num_experts_per_tok=2, sliding_window=6
    ),
}
"""More families: hybrids, no cache at all, compressed and sparse attention, attention sinks."""
LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 1e4,
    "long_factor": [4.0] * 8,
    "short_factor": [1.0] * 8,
    "original_max_position_embeddings": 12,
}
ROPES = {
    "longrope": lambda: transformers.Phi3Config(**B, original_max_position_embeddings=12, rope_parameters=LONGROPE),
    "dynamic": lambda: transformers.LlamaConfig(
        **{**B, "max_position_embeddings": 12}, rope_parameters={"rope_type": "dynamic", "rope_theta": 1e2, "factor": 8}
    ),
    "by_layer_type": lambda: transformers.Gemma3TextConfig(
        **{**B, "max_position_embeddings": 12},
        head_dim=16,
        sliding_window=64,
        layer_types=["sliding_attention", "full_attention"],
        rope_parameters={
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            "full_attention": {"rope_type": "dynamic", "rope_theta": 1e2, "factor": 8},
        },
    ),
}
WANT = Quantity("v", "logps")


class Ids:
    """A tokenizer that decodes ids to numbers."""

    pad_token_id, eos_token_id = 0, 2

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        del skip_special_tokens
        return " ".join(map(str, ids))


def prompts(*lengths: int) -> list[list[int]]:
    r = random.Random(1)
    return [[r.randrange(3, V) for _ in range(n)] for n in lengths]


def loud(model: Any) -> Any:
    """The model with weights that make its distributions far from flat, and with many end tokens."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim > 1 and "A_log" not in name and "conv" not in name:
                p.copy_(torch.randn_like(p) * 0.25)
    model.generation_config.eos_token_id = ENDS
    return model.eval()


def model_of(config: Any) -> Any:
    torch.manual_seed(0)
    return loud(transformers.AutoModelForCausalLM.from_config(config))


def alone(model: Any, prompt: list[int], limit: int = 14) -> str:
    """Greedy decoding as it is defined: no cache, no padding; a new model each time, as rotary embeddings remember."""
    said: list[int] = []
    with torch.no_grad():
        while len(said) < limit and not set(said) & set(ENDS):
            logits = copy.deepcopy(model)(torch.tensor([[*prompt, *said]]), use_cache=False).logits[0, -1]
            said.append(int(logits.argmax()))
    return " ".join(map(str, said[:-1] if said[-1] in ENDS else said))


def check_generation(model: Any, asked: list[list[int]]) -> None:
    tokenizer: Any = Ids()
    expected = [alone(model, prompt) for prompt in asked]
    assert len(set(expected)) > 2
    assert [generate(model, tokenizer, [prompt], max_new_tokens=14)[0].text for prompt in asked] == expected
    assert [said.text for said in generate(model, tokenizer, asked, max_new_tokens=14)] == expected


def values(engine: Engine, rows: list[Encoded]) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    """Log-probabilities of each row in one call of the backbone, and the gradient of their sum."""
    engine.zero_grad()
    found = engine(pack({"v": rows}, PAD, overhead=10**6), [WANT])[WANT]
    found.sum().backward()
    gradients = {name: p.grad.clone() for name, p in engine.named_parameters() if p.grad is not None}
    return by_row(found.detach(), rows), gradients


def check_values(model: Any, lengths: Sequence[int]) -> None:
    plain = copy.deepcopy(model)
    engine = Engine(model).eval()
    rows = [Encoded(ids=tuple(ids), prompt=1 + at % 2) for at, ids in enumerate(prompts(*lengths))]
    together, gradients = values(engine, rows)
    summed: dict[str, torch.Tensor] = {}
    for row, found in zip(rows, together, strict=True):
        (single,), parts = values(engine, [row])
        with torch.no_grad():
            logps = copy.deepcopy(plain)(torch.tensor([row.ids]), use_cache=False).logits[0].log_softmax(-1)
        direct = logps[:-1].gather(1, torch.tensor(row.ids[1:])[:, None])[row.prompt - 1 :, 0]
        torch.testing.assert_close(found, single, rtol=0, atol=2e-5)
        torch.testing.assert_close(found, direct, rtol=0, atol=2e-5)
        for name, part in parts.items():
            summed[name] = summed.get(name, 0) + part
    assert set(gradients) == set(summed)
    scale = max(float(each.abs().max()) for each in summed.values())
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, summed[name], rtol=1e-3, atol=1e-5 * scale)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("family", [*REPORTED, *OTHERS])
def test_greedy_decoding_is_that_without_cache_and_padding(family: str) -> None:
    check_generation(model_of((REPORTED | OTHERS)[family]()), prompts(2, 3, 5, 9, 14, 5, 2))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("family", [*REPORTED, *OTHERS])
def test_a_row_has_the_same_values_and_gradients_alone_and_in_a_batch(family: str) -> None:
    check_values(model_of((REPORTED | OTHERS)[family]()), (3, 4, 11, 17, 4))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", [transformers.BertConfig, transformers.RobertaConfig, transformers.RemBertConfig])
def test_an_encoder_that_is_configured_as_a_decoder_runs_as_one(kind: Any) -> None:
    small = {name: value for name, value in B.items() if name != "num_key_value_heads"}
    model = model_of(kind(**small, is_decoder=True))
    check_generation(model, prompts(2, 3, 5, 9))
    check_values(model, (3, 4, 11))


@pytest.mark.parametrize("rope", ROPES)
def test_rotary_embeddings_do_not_depend_on_longer_rows(rope: str) -> None:
    model = model_of(ROPES[rope]())
    check_generation(model, prompts(2, 3, 10, 11, 12, 13, 25, 5))
    check_values(model, (3, 11, 12, 13, 25, 14))


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("llama", "padded"),
        ("gpt_oss", "padded"),
        ("mamba", "aligned"),
        ("lfm2", "aligned"),
        ("recurrent_gemma", "aligned"),
    ],
)
def test_the_fastest_right_way_is_chosen(family: str, expected: str) -> None:
    assert decoding_of(model_of((REPORTED | OTHERS)[family]())) == expected


def test_a_model_whose_cache_is_wrong_says_so() -> None:
    with pytest.warns(UserWarning, match="reads the whole text for every token"):
        assert decoding_of(model_of(transformers.RwkvConfig(**{**B, "hidden_size": 48}, context_length=128))) == "whole"


def qwen2_vl() -> transformers.Qwen2VLConfig:
    text = {**B, "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e4}}
    vision = {"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "patch_size": 8}
    special = {"image_token_id": 77, "video_token_id": 78, "vision_start_token_id": 76, "vision_end_token_id": 75}
    return transformers.Qwen2VLConfig(text_config=text, vision_config=vision, **special)


def llava() -> transformers.LlavaConfig:
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    return transformers.LlavaConfig(
        text_config={**B, "model_type": "llama"},
        vision_config={
            **vision,
            "image_size": 16,
            "patch_size": 8,
            "projection_dim": 32,
            "model_type": "clip_vision_model",
        },
        image_token_index=77,
    )


def gemma3() -> transformers.Gemma3Config:
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    return transformers.Gemma3Config(
        text_config={**B, "head_dim": 16, "sliding_window": 6},
        vision_config={**vision, "image_size": 16, "patch_size": 8},
        mm_tokens_per_image=4,
        image_token_index=77,
    )


@pytest.mark.parametrize("config", [qwen2_vl, llava, gemma3])
def test_a_vision_language_model_runs_as_its_decoder_and_is_saved_whole(config: Any, tmp_path: Path) -> None:
    source = loud(transformers.AutoModelForImageTextToText.from_config(config()))
    source.save_pretrained(tmp_path / "source")
    tiny_tokenizer().save_pretrained(tmp_path / "source")
    (tmp_path / "source" / "preprocessor_config.json").write_text('{"a": 1}', "utf-8")
    model = set_trainable(load_model(str(tmp_path / "source"))).eval()
    check_generation(model, [[min(token, 74) for token in prompt] for prompt in prompts(2, 3, 5, 9)])
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    engine = Engine(model).train()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    engine(pack({"v": [Encoded((5, 6, 7, 8), 1)]}, PAD), [WANT])[WANT].sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    optimizer.step()
    save_model(model, tiny_tokenizer(), tmp_path / "saved")
    again = transformers.AutoModelForImageTextToText.from_pretrained(tmp_path / "saved")
    now = dict(again.named_parameters())
    assert set(now) == set(before)
    assert {name for name in now if not torch.equal(now[name], before[name])} <= trained
    assert any("layers" in name and not torch.equal(now[name], before[name]) for name in trained)
    assert not any("vis" in name for name in trained) and any("vis" in name for name in now)
    assert json.loads((tmp_path / "saved" / "preprocessor_config.json").read_text("utf-8")) == {"a": 1}


def test_an_adapter_takes_only_the_text_part_of_a_vision_language_model() -> None:
    model = add_lora(transformers.AutoModelForImageTextToText.from_config(gemma3()), LoraSettings(r=2))
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    assert len(names) == 28 and all("language_model" in name for name in names)


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("bert", {}),
        ("bert", {"architectures": ["BertLMHeadModel"]}),
        ("t5", {}),
        ("bart", {}),
        ("whisper", {}),
        ("xlnet", {}),
        ("xlm", {}),
        ("cpmant", {}),
        ("paligemma", {}),
        ("blip", {}),
        ("vit", {}),
        ("clip", {}),
    ],
)
def test_what_is_no_decoder_is_refused_by_name_before_any_weights(
    kind: str, changed: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, **changed}), "utf-8")
    with pytest.raises(InputError, match=rf"(?s)not a decoder.*{kind}"):
        find_model(str(tmp_path))


@pytest.mark.parametrize("kind", ["llama", "gpt_neox", "mamba", "qwen2_vl", "gemma3", "lfm2"])
def test_what_is_a_decoder_is_not_refused_by_name(kind: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}), "utf-8")
    with pytest.raises(InputError, match="no safetensors file"):
        find_model(str(tmp_path))


def test_the_weights_of_rwkv_are_saved_as_they_were_loaded(tmp_path: Path) -> None:
    source = model_of(transformers.RwkvConfig(**{**B, "num_hidden_layers": 3}, context_length=128, rescale_every=2))
    before = {name: p.detach().clone() for name, p in source.named_parameters()}
    source.save_pretrained(tmp_path / "source")
    model = load_model(str(tmp_path / "source")).eval()
    Engine(model)
    save_model(model, tiny_tokenizer(), tmp_path / "saved")
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "saved")
    assert all(torch.equal(p, before[name]) for name, p in again.named_parameters())
