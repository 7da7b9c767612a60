"""Every family of decoders: what is generated, which layers an adapter takes, and how what is saved comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tests.tiny import CONFIGS, EOS, adapted, bare_peft, logits, random_rows, tiny_model, tiny_tokenizer
from unlearnkit.models.generate import generate
from unlearnkit.models.load import add_lora, load_model, meta_load, save_model, set_trainable
from unlearnkit.models.settings import LoraSettings

TOKENIZER = tiny_tokenizer()
TIED = pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
FAMILY = pytest.mark.parametrize("family", CONFIGS)
LAYERS = {
    "llama": {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
    "phi3": {"qkv_proj", "o_proj", "gate_up_proj", "down_proj"},
    "gpt2": {"c_attn", "c_proj", "c_fc"},
    "gpt_neox": {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"},
    "gptj": {"q_proj", "k_proj", "v_proj", "out_proj", "fc_in", "fc_out"},
    "qwen3_moe": {"q_proj", "k_proj", "v_proj", "o_proj", "gate", "experts", "base_layer"},
}


def token_by_token(model: Any, prompt: tuple[int, ...], limit: int) -> list[int]:
    """Greedy generation as it is defined: the whole text through the model for each token, no cache, no padding."""
    ids = list(prompt)
    while len(ids) < len(prompt) + limit:
        with torch.no_grad():
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
        if ids[-1] == EOS:
            break
    return ids[len(prompt) :]


@FAMILY
@pytest.mark.parametrize("lora", [False, True], ids=["plain", "lora"])
def test_what_is_generated_is_the_most_likely_token_each_time(family: str, lora: bool) -> None:
    model = tiny_model(family)
    with torch.no_grad():
        model.get_output_embeddings().weight[EOS] *= 2.5  # some outputs end early
    model = adapted(model) if lora else model
    prompts = [row.ids[: row.prompt] for row in random_rows(5, seed=4, prompt=(1, 8))]
    found = generate(model, TOKENIZER, prompts, max_new_tokens=9)
    expected = [token_by_token(model, prompt, 9) for prompt in prompts]
    assert [said.ended for said in found] == ["eos" if ids[-1] == EOS else "length" for ids in expected]
    assert [said.text for said in found] == [TOKENIZER.decode([i for i in ids if i != EOS]) for ids in expected]


@FAMILY
@TIED
def test_a_saved_model_comes_back_with_bare_transformers(family: str, tied: bool, tmp_path: Path) -> None:
    model = tiny_model(family, tie_word_embeddings=tied)
    save_model(model, TOKENIZER, tmp_path)
    meta_load(str(tmp_path))
    bare = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    for again in (bare, load_model(str(tmp_path)).eval()):
        assert torch.equal(logits(again), logits(model))
        assert (again.get_output_embeddings().weight is again.get_input_embeddings().weight) == tied


@FAMILY
@TIED
def test_a_saved_adapter_comes_back_with_bare_peft_and_merged(family: str, tied: bool, tmp_path: Path) -> None:
    save_model(tiny_model(family, tie_word_embeddings=tied), TOKENIZER, tmp_path / "base")
    model = adapted(load_model(str(tmp_path / "base")))
    expected = logits(model)
    save_model(model, TOKENIZER, tmp_path / "adapter")
    meta_load(str(tmp_path / "adapter"))
    bare = bare_peft(tmp_path / "adapter")
    for again in (bare, load_model(str(tmp_path / "adapter")).eval()):
        torch.testing.assert_close(logits(again), expected)
    merged = set_trainable(load_model(str(tmp_path / "adapter")))
    save_model(merged, TOKENIZER, tmp_path / "merged")
    plain = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "merged").eval()
    torch.testing.assert_close(logits(plain), expected, rtol=2e-4, atol=2e-5)
    assert (plain.get_output_embeddings().weight is plain.get_input_embeddings().weight) == tied


@FAMILY
@pytest.mark.filterwarnings("error")
def test_an_adapter_takes_every_linear_layer_but_the_head(family: str) -> None:
    model = add_lora(tiny_model(family), LoraSettings(r=2))
    names = {name.split(".lora_")[0].rpartition(".")[2] for name, p in model.named_parameters() if p.requires_grad}
    assert names == LAYERS.get(family, LAYERS["llama"])
