"""Try every decoder family of the installed transformers at random weights.

    python experiments/families.py [--part 0/4] [--vision] [--out FILE]

Each family gets a tiny random model. The Markdown table says whether the model is refused before loading, how it is
decoded, and whether greedy decoding (one row at a time, and all rows together) and the log-probabilities of rows in one
batch equal those of the plain model without cache and padding.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import CONFIG_MAPPING
from transformers.models.auto import modeling_auto

from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.batches import by_row
from unlearnkit.models.decoding import decoding_of
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import find_model
from unlearnkit.models.generate import generate
from unlearnkit.models.load import load_model

VOCABULARY, NEW_TOKENS, ENDS = 80, 14, [2, *range(3, 75, 4)]
LENGTHS = (2, 3, 5, 9, 14, 5, 2)
SMALL: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "emb_dim", "dim_model", "embed_dim", "lru_width"), 32),
    **dict.fromkeys(("word_embed_proj_dim", "attention_hidden_size", "out_hidden_size", "projection_dim"), 32),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "decoder_ffn_dim", "encoder_ffn_dim", "d_inner"), 64),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers", "depth"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "num_heads", "n_heads", "decoder_attention_heads"), 2),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "context_length"), 128),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "num_experts_per_token", "moe_k"), 2),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size", "shared_intermediate_size"), 16),
    **dict.fromkeys(("n_group", "topk_group", "num_expert_groups", "first_k_dense_replace", "n_shared_experts"), 1),
    **dict.fromkeys(
        ("state_size", "chunk_size", "mamba_chunk_size", "mamba_d_state", "ssm_state_size", "block_size"), 8
    ),
    **dict.fromkeys(
        ("q_lora_rank", "kv_lora_rank", "linear_key_head_dim", "linear_value_head_dim", "linear_head_dim"), 16
    ),
    **dict.fromkeys(("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "rotary_dim", "patch_size"), 8),
    **dict.fromkeys(("linear_num_value_heads", "linear_num_key_heads", "linear_num_heads", "index_n_heads"), 2),
    **dict.fromkeys(("mamba_n_groups", "n_groups", "num_key_value_heads"), 1),
    **dict.fromkeys(("sliding_window", "attention_chunk_size"), 6),
    **dict.fromkeys(("head_dim", "mamba_d_head", "index_head_dim", "attention_window_size", "image_size"), 16),
    **{"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "index_topk": 4},
    **{"mamba_n_heads": 4, "mamba_dt_rank": 4, "image_token_id": 77, "video_token_id": 78, "image_token_index": 77},
    **{"vision_start_token_id": 76, "vision_end_token_id": 75, "num_position_embeddings": 16},
    **{"deepstack_visual_indexes": [0], "mm_tokens_per_image": 4, "fullatt_block_indexes": [0], "window_size": 16},
}
"""Values of the fields that make a model large, by name of the field."""
MLA = {"num_key_value_heads": 2, "head_dim": 8}
HYBRID = {"layer_types": ["linear_attention", "full_attention"]}
MROPE = {"rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e4}}
SHARED = {"attention_hidden_size": 64, "attention_head_dim": 32, "num_key_value_heads": 2}
PER_LAYER = {"vocab_size_per_layer_input": VOCABULARY, "hidden_size_per_layer_input": 8}
OWN: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("axk1", "axk2", "deepseek_v2", "deepseek_v3", "deepseek_v32", "glm4_moe_lite", "minicpm3"), MLA),
    **dict.fromkeys(("youtu", "longcat_flash", "glm_moe_dsa", "dots3_note_text", "mistral4"), MLA),
    **dict.fromkeys(("qwen3_next", "olmo_hybrid", "qwen3_5_text", "qwen3_5_moe_text", "minimax"), HYBRID),
    **dict.fromkeys(("qwen2_vl_text", "qwen2_5_vl_text", "qwen3_vl_text", "glm4v_text"), MROPE),
    "kimi_linear": MLA | HYBRID,
    "bailing_hybrid": {**MLA, **HYBRID, "n_group": 2},
    "gemma4_text": {**PER_LAYER, "global_head_dim": 16},
    "gemma4_unified_text": {**PER_LAYER, "global_head_dim": 16},
    "gemma3n_text": {
        **PER_LAYER,
        "laurel_rank": 4,
        "num_kv_shared_layers": 0,
        "layer_types": ["sliding_attention", "full_attention"],
        "activation_sparsity_pattern": [0.0, 0.0],
        "intermediate_size": [64, 64],
    },
    "mamba2": {"num_heads": 4, "expand": 2},
    "bamba": {"attn_layer_indices": [1]},
    "falcon_h1": {"mamba_d_ssm": 32, "mamba_n_heads": 2},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"]},
    "recurrent_gemma": {"block_types": ["recurrent", "attention"]},
    "lfm2": {"layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "nemotron_h": {"hybrid_override_pattern": "M*", "mamba_num_heads": 4, "mamba_head_dim": 16},
    "zamba2": {
        **SHARED,
        "layers_block_type": ["linear_attention", "hybrid"],
        "num_mem_blocks": 1,
        "n_mamba_heads": 4,
        "mamba_ngroups": 1,
        "adapter_rank": 4,
        "mamba_headdim": 16,
    },
    "zaya": {"num_experts_per_tok": 1, "layer_types": ["hybrid", "hybrid"], "router_hidden_size": 16},
    "codegen": {"n_head": 4},
    "diffllama": {"num_key_value_heads": 2},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 6},
    "dbrx": {
        "attn_config": {"kv_n_heads": 1, "clip_qkv": 8.0, "rope_theta": 1e4},
        "ffn_config": {"hidden_size": 32, "ffn_hidden_size": 32, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "mllama_text_model": {"cross_attention_layers": [1]},
    "moshi": {"audio_vocab_size": 32},
    "xlstm": {"num_blocks": 2, "qk_dim_factor": 1.0},
}
"""Fields of one family, by model type."""


class Ids:
    """A tokenizer that decodes ids to numbers."""

    pad_token_id, eos_token_id, chat_template = 0, 2, None

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """Return the ids as text."""
        del skip_special_tokens
        return " ".join(map(str, ids))


def small(kind: type, name: str) -> dict[str, Any]:
    """Return the fields of a small configuration of one class."""
    untyped: Any = kind
    try:
        default: Any = untyped()
        known = set(default.to_dict())
    except Exception:  # noqa: BLE001  # some defaults contradict themselves
        default, known = None, set(getattr(kind, "__dataclass_fields__", {}))
    fields = {field: value for field, value in SMALL.items() if field in known}
    for part, its_kind in untyped.sub_configs.items():
        of_part = type(getattr(default, part, None)) if its_kind.__name__ == "AutoConfig" else its_kind
        if of_part not in (type(None), kind):
            fields[part] = {**small(of_part, of_part.model_type), "model_type": of_part.model_type}
    return {**fields, **OWN.get(name, {})}


def tiny(name: str, *, vision: bool) -> Any:
    """Return a small model of a family, with weights that make its distributions far from flat."""
    untyped: Any = CONFIG_MAPPING[name]
    auto: Any = transformers.AutoModelForImageTextToText if vision else transformers.AutoModelForCausalLM
    torch.manual_seed(0)
    model = auto.from_config(untyped(**small(untyped, name)))
    with torch.no_grad():
        for weight, values in model.named_parameters():
            if values.ndim > 1 and "A_log" not in weight and "conv" not in weight:
                values.copy_(torch.randn_like(values) * 0.25)
    return model


def plain(model: Any, prompt: Sequence[int]) -> str:
    """Decode greedily without cache and padding."""
    said: list[int] = []
    while len(said) < NEW_TOKENS and not set(said) & set(ENDS):
        said.append(int(model(torch.tensor([[*prompt, *said]]), use_cache=False).logits[0, -1].argmax()))
    return " ".join(map(str, said[:-1] if said[-1] in ENDS else said))


@torch.no_grad()
def compare(model: Any) -> str:
    """Return the cells of a model's row of the table."""
    draw, tokenizer = random.Random(1), Ids()
    prompts = [[draw.randrange(3, 75) for _ in range(length)] for length in LENGTHS]
    model.generation_config.eos_token_id = ENDS
    expected = [plain(model, prompt) for prompt in prompts]
    untyped: Any = tokenizer
    one = [generate(model, untyped, [prompt], max_new_tokens=NEW_TOKENS)[0].text for prompt in prompts]
    many = [said.text for said in generate(model, untyped, prompts, max_new_tokens=NEW_TOKENS)]
    engine, want = Engine(model).eval(), Quantity("rows", "logps")
    rows = [Encoded(ids=(*prompt, *prompt[::-1]), prompt=1) for prompt in prompts]
    found = by_row(engine(pack({"rows": rows}, 0, overhead=10**6), [want])[want], rows)
    worst = 0.0
    for row, values in zip(rows, found, strict=True):
        logps = model(torch.tensor([row.ids]), use_cache=False).logits[0].log_softmax(-1)
        direct = logps[:-1].gather(1, torch.tensor(row.ids[1:])[:, None])[:, 0]
        worst = max(worst, float((values - direct).abs().max()))
    same = [sum(a == b for a, b in zip(outputs, expected, strict=True)) for outputs in (one, many)]
    return f"{decoding_of(model)} | {same[0]} of {len(prompts)} | {same[1]} of {len(prompts)} | {worst:.0e}"


def table(names: Sequence[str], *, vision: bool) -> Iterator[str]:
    """Yield one line of the table for each family."""
    for name in names:
        began = time.monotonic()
        try:
            cells = row(name, vision=vision)
        except Exception as error:  # noqa: BLE001  # one family must not end the survey
            cells = f"not tried: {type(error).__name__}: {str(error).strip().splitlines()[0][:60]} | | |"
        print(f"{name}: {cells} ({time.monotonic() - began:.1f} s)", flush=True)
        yield f"| {name} | {cells} |"


def row(name: str, *, vision: bool) -> str:
    """Try one family, and return the cells of its row."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            # A configuration with default values is enough to be refused.
            kind: Any = CONFIG_MAPPING[name]
            kind(**small(kind, name)).save_pretrained(folder)
            find_model(folder)
        except InputError as error:
            if "not a decoder" in str(error):
                return "refused: not a decoder | | |"
        tiny(name, vision=vision).save_pretrained(folder)
        find_model(folder)
        model: Any = load_model(folder)
    return compare(model.eval())


def main() -> None:
    """Run the survey from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="0/1", help="number of the part / number of parts")
    parser.add_argument("--vision", action="store_true", help="vision-language models instead of text models")
    parser.add_argument("--only", nargs="*", help="names of families")
    parser.add_argument("--out", type=Path, help="file to which the table's lines are appended")
    chosen = parser.parse_args()
    mapping = "IMAGE_TEXT_TO_TEXT" if chosen.vision else "CAUSAL_LM"
    names = chosen.only or list(getattr(modeling_auto, f"MODEL_FOR_{mapping}_MAPPING_NAMES"))
    at, parts = map(int, chosen.part.split("/"))
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    lines = list(table(names[at::parts], vision=chosen.vision))
    if chosen.out:
        with chosen.out.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
