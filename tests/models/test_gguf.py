"""Models in GGUF files: what is written is read back, by this package and by the package `gguf`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGUFReader, quants
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.models.gguf_files import (
    MODELS,
    SPLITS,
    TEXTS,
    byte_bpe,
    rewrite,
    sentencepiece,
    size,
    small_model,
    with_sentencepiece,
    write,
)
from tests.tiny import tiny_model
from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.models.folder import find_model, weights_fingerprint
from unlearnkit.models.gguf_export import EXPORTED, GGUFModel
from unlearnkit.models.gguf_file import read_gguf
from unlearnkit.models.load import load_model, load_tokenizer, meta_load, save_model

TALK = [{"role": "user", "content": "Who was it in 1969?"}, {"role": "assistant", "content": "It's me."}]


def rounded(model: Any, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The weights as a file holds them: matrices in `dtype`, vectors in float32."""
    return {
        name: weight.to(dtype).float() if weight.ndim > 1 else weight.float()
        for name, weight in model.state_dict().items()
    }


def logits(model: Any) -> torch.Tensor:
    ids = torch.arange(3, 90, 2)[None]
    with torch.no_grad():
        return model(input_ids=ids).logits  # type: ignore[no-any-return]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_read_back_as_it_was_written(name: str, dtype: str, tmp_path: Path) -> None:
    tokenizer = byte_bpe()
    model = small_model(name, tokenizer)
    file = write(model, tokenizer, tmp_path / "model.gguf", dtype)
    loaded = load_model(str(file))
    expected = rounded(model, EXPORTED[dtype])
    found = loaded.state_dict()
    assert found.keys() == expected.keys()
    assert not [key for key, value in expected.items() if not torch.equal(found[key], value)]
    model.load_state_dict(expected)
    assert torch.allclose(logits(loaded), logits(model), atol=1e-4)
    assert find_model(file).config.dtype == EXPORTED[dtype]
    _, shape = meta_load(str(file))
    assert {key: value.shape for key, value in shape.state_dict().items()} == {
        key: value.shape for key, value in expected.items()
    }


def test_the_order_of_rows_is_that_of_llama_cpp(tmp_path: Path) -> None:
    """In a head of width 16, row i of the first half and row i of the second half become rows 2i and 2i + 1."""
    tokenizer = byte_bpe()
    model = small_model("llama, untied", tokenizer)
    file = write(model, tokenizer, tmp_path / "model.gguf")
    stored = {tensor.name: quants.dequantize(tensor.data, tensor.tensor_type) for tensor in GGUFReader(file).tensors}
    weights = {name: value.half().float().numpy() for name, value in model.state_dict().items()}
    for title, name, heads in (("attn_q", "q_proj", 4), ("attn_k", "k_proj", 2)):
        matrix = weights[f"model.layers.1.self_attn.{name}.weight"]
        for head in range(heads):
            for i in range(8):
                pair = stored[f"blk.1.{title}.weight"][16 * head + 2 * i : 16 * head + 2 * i + 2]
                assert np.array_equal(pair, matrix[[16 * head + i, 16 * head + 8 + i]])
    assert np.array_equal(stored["blk.0.attn_v.weight"], weights["model.layers.0.self_attn.v_proj.weight"])
    assert np.array_equal(stored["output.weight"], weights["lm_head.weight"])


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0", "Q4_1", "F32"])
def test_quantized_weights_are_those_that_the_reader_of_gguf_gives(kind: str, tmp_path: Path) -> None:
    tokenizer = byte_bpe()
    model = small_model("qwen2", tokenizer)
    file = rewrite(write(model, tokenizer, tmp_path / "full.gguf"), tmp_path / "small.gguf", quantize=kind)
    loaded = load_model(str(file)).state_dict()
    stored = {tensor.name: quants.dequantize(tensor.data, tensor.tensor_type) for tensor in GGUFReader(file).tensors}
    pairs = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        **{
            f"model.layers.{n}.{ours}": f"blk.{n}.{theirs}"
            for n in (0, 1)
            for ours, theirs in {
                "self_attn.q_proj.weight": "attn_q.weight",
                "self_attn.q_proj.bias": "attn_q.bias",
                "self_attn.k_proj.weight": "attn_k.weight",
                "self_attn.k_proj.bias": "attn_k.bias",
                "self_attn.v_proj.weight": "attn_v.weight",
                "self_attn.v_proj.bias": "attn_v.bias",
                "self_attn.o_proj.weight": "attn_output.weight",
                "mlp.gate_proj.weight": "ffn_gate.weight",
                "mlp.up_proj.weight": "ffn_up.weight",
                "mlp.down_proj.weight": "ffn_down.weight",
                "input_layernorm.weight": "attn_norm.weight",
                "post_attention_layernorm.weight": "ffn_norm.weight",
            }.items()
        },
    }
    assert set(pairs.values()) == set(stored)
    assert all(np.array_equal(loaded[ours].numpy(), stored[theirs]) for ours, theirs in pairs.items())
    assert read_gguf(file).dtype == ("float32" if kind == "F32" else "bfloat16")
    (note,) = find_model(file).notes
    assert (f"is quantized ({kind})" in note) == (kind != "F32") and "small.gguf" in note


def test_what_was_loaded_is_saved_as_an_ordinary_folder(tmp_path: Path) -> None:
    tokenizer = byte_bpe("smollm")
    file = write(small_model("llama, tied", tokenizer), tokenizer, tmp_path / "full.gguf")
    file = rewrite(file, tmp_path / "small.gguf", quantize="Q8_0")
    model = load_model(str(file))
    save_model(model, load_tokenizer(str(file)), tmp_path / "folder")
    assert "quantization" not in (tmp_path / "folder" / "config.json").read_text("utf-8")
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "folder")
    assert torch.equal(logits(plain), logits(model))
    again = AutoTokenizer.from_pretrained(tmp_path / "folder")
    assert all(again(text)["input_ids"] == tokenizer(text)["input_ids"] for text in TEXTS)


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("split", SPLITS)
def test_tokens_and_template_are_read_back(split: str, bos: bool, tmp_path: Path) -> None:
    tokenizer = byte_bpe(split, bos=bos)
    file = write(small_model("llama, tied", tokenizer), tokenizer, tmp_path / "model.gguf")
    fields = read_gguf(file).metadata
    assert fields["tokenizer.ggml.pre"] == split and fields["tokenizer.ggml.add_bos_token"] == bos
    read = load_tokenizer(str(file))
    for text in TEXTS:
        assert read(text)["input_ids"] == tokenizer(text)["input_ids"]
        assert read.decode(read(text)["input_ids"]) == tokenizer.decode(tokenizer(text)["input_ids"])
    assert read.get_vocab() == tokenizer.get_vocab()
    assert read.special_tokens_map.items() >= {
        "bos_token": "<|endoftext|>", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"
    }.items()  # fmt: skip
    assert read.chat_template == tokenizer.chat_template
    assert read.apply_chat_template(TALK, tokenize=False) == tokenizer.apply_chat_template(TALK, tokenize=False)


@pytest.mark.parametrize("prefix", [True, False])
def test_a_tokenizer_of_sentencepiece_is_read(prefix: bool, tmp_path: Path) -> None:
    """transformers splits a text with leading spaces, and text after a special token, in another way."""
    backend, file = sentencepiece(prefix), tmp_path / "llama2.gguf"
    model = tiny_model(vocab_size=backend.get_vocab_size(), max_position_embeddings=128)
    with_sentencepiece(write(model, byte_bpe(), tmp_path / "model.gguf"), file, backend, prefix)
    read = load_tokenizer(str(file))
    for text in [*TEXTS, "  two  spaces", "hi</s>there </s> you"]:
        ids = backend.encode(text, add_special_tokens=False).ids
        assert read(text)["input_ids"] == [1, *ids], text
        assert read.decode(ids) == backend.decode(ids, skip_special_tokens=False)


def test_named_templates_and_another_end_of_turn_are_kept(tmp_path: Path) -> None:
    template = byte_bpe().chat_template
    tokenizer = byte_bpe(template={"default": template, "tool_use": template + "{# tools #}"}, eos="<|endoftext|>")
    file = write(small_model("llama, tied", tokenizer), tokenizer, tmp_path / "model.gguf")
    assert load_tokenizer(str(file)).chat_template == tokenizer.chat_template
    fields = read_gguf(file).metadata
    assert fields["tokenizer.ggml.eos_token_id"] == 0 and fields["tokenizer.ggml.eot_token_id"] == 2


def test_the_fingerprint_depends_on_the_file(tmp_path: Path) -> None:
    tokenizer = byte_bpe()
    model = small_model("qwen3", tokenizer)
    one = weights_fingerprint(str(write(model, tokenizer, tmp_path / "one.gguf")))
    shutil.copy(tmp_path / "one.gguf", tmp_path / "copy.gguf")
    assert weights_fingerprint(str(tmp_path / "copy.gguf")) == one
    with torch.no_grad():
        model.model.norm.weight[3] += 0.5
    assert weights_fingerprint(str(write(model, tokenizer, tmp_path / "two.gguf"))) != one


def test_a_folder_a_link_and_a_file_without_the_suffix_are_found(tmp_path: Path) -> None:
    tokenizer = byte_bpe()
    (tmp_path / "folder").mkdir()
    file = write(small_model("llama, tied", tokenizer), tokenizer, tmp_path / "folder" / "only.gguf")
    (tmp_path / "blob").write_bytes(file.read_bytes())
    (tmp_path / "link.gguf").symlink_to(tmp_path / "blob")
    expected = logits(load_model(str(file)))
    for place in ("folder", "link.gguf", "blob"):
        found = find_model(str(tmp_path / place))
        assert found.gguf is not None and torch.equal(logits(load_model(found)), expected)
        assert load_tokenizer(found)("1969")["input_ids"] == tokenizer("1969")["input_ids"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = byte_bpe()
    folder = tmp_path_factory.mktemp("made")
    return write(small_model("llama, untied", tokenizer), tokenizer, folder / "model.gguf")


def second(file: Path) -> None:
    shutil.copy(file, file.with_name("other.gguf"))


def parts(file: Path) -> None:
    for number in (1, 2):
        rewrite(file, file.with_name(f"model-0000{number}-of-00002.gguf"), split__count=2)
    file.unlink()


def changed(**options: Any) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        rewrite(file, file.with_name("changed"), **options)
        file.with_name("changed").replace(file)

    return change


def cut(keep: int) -> Callable[[Path], None]:
    return lambda file: file.write_bytes(file.read_bytes()[:keep]) and None


def with_bytes(at: int, data: bytes) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[at : at + len(data)] = data
        file.write_bytes(content)

    return change


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "several files": (second, r"(?s)several GGUF files.*model\.gguf, other\.gguf.*specify the file"),
    "split in a folder": (parts, r"(?s)split into several.*model-00001-of-00002\.gguf"),
    "split": (changed(split__count=3), r"(?s)split into several.*3 files.*gguf-split --merge"),
    "cut off": (cut(-100), r"(?s)damaged or truncated.*bytes are expected.*again"),
    "cut in the header": (cut(3000), r"(?s)damaged or truncated.*model\.gguf.*3000 bytes"),
    "empty": (cut(0), "damaged or truncated"),
    "text": (lambda file: file.write_text("<html>not found</html>") and None, "does not start with 'GGUF'"),
    "old version": (with_bytes(4, b"\x01"), r"(?s)version of the GGUF format.*1.*version 2 or 3"),
    "other byte order": (with_bytes(4, b"\0\0\0\x03"), r"(?s)version of the GGUF format.*little-endian"),
    "endless list": (with_bytes(8, b"\xff" * 8), "damaged or truncated"),
    "unknown architecture": (
        changed(general__architecture="rwkv6"),
        r"(?s)cannot read a GGUF file of this architecture.*'rwkv6'.*original folder",
    ),
    "no decoder": (changed(general__architecture="t5"), "not a decoder|of this architecture"),
    "no tokenizer": (
        changed(without=["tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.token_type"]),
        r"(?s)contains no tokenizer.*tokenizer\.json",
    ),
    "unknown split": (changed(tokenizer__ggml__pre="a-new-one"), r"(?s)splits text.*'a-new-one'.*smollm"),
    "tensor missing": (
        changed(without=["blk.1.ffn_up.weight"]),
        "would be incomplete",
    ),
    "other rotary factors": (changed(llama__rope__scaling__type="longrope"), r"(?s)scaling of the rotary.*'longrope'"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_used_is_refused_with_a_way_out(case: str, made: Path, tmp_path: Path) -> None:
    breaks, says = BAD[case]
    file = Path(shutil.copy(made, tmp_path / "model.gguf"))
    breaks(file)
    with pytest.raises(InputError, match=says) as error:
        meta_load(str(file if file.exists() and case != "several files" else tmp_path))
    assert "fix:" in error.value.render()
    if case in ("several files", "tensor missing"):
        return
    with pytest.raises(InputError, match=says):
        load_tokenizer(str(tmp_path))


def test_weights_without_a_place_are_an_error(tmp_path: Path) -> None:
    """transformers drops tensors that it does not know."""
    tokenizer = byte_bpe()
    file = write(small_model("qwen2", tokenizer), tokenizer, tmp_path / "qwen2.gguf")
    fields = {name.replace("qwen2.", "qwen3__").replace(".", "__"): value for name, value in fields_of(file).items()}
    both = rewrite(file, tmp_path / "model.gguf", general__architecture="qwen3", **fields)
    with pytest.raises(InputError, match=r"(?s)holds \d+ values and the model has \d+.*attn_k\.bias"):
        meta_load(str(both))


def fields_of(file: Path) -> dict[str, Any]:
    return {name: value for name, value in read_gguf(file).metadata.items() if name.startswith("qwen2.")}


@pytest.mark.parametrize("case", ["no tokenizer", "unknown split"])
def test_tokenizer_files_beside_the_file_help(case: str, made: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(made, tmp_path / "model.gguf"))
    BAD[case][0](file)
    byte_bpe("smollm").save_pretrained(tmp_path)
    assert load_tokenizer(str(file))("1969")["input_ids"] == byte_bpe("smollm")("1969")["input_ids"]


def test_without_the_package_gguf_the_error_names_the_extra(made: Path, tmp_path: Path, monkeypatch: Any) -> None:
    file = Path(shutil.copy(made, tmp_path / "model.gguf"))
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(MissingDependency, match=r"pip install 'unlearnkit\[gguf\]'"):
        find_model(file)
    model = tiny_model("qwen2")
    with pytest.raises(MissingDependency, match=r"pip install 'unlearnkit\[gguf\]'"):
        GGUFModel.of(model.config, byte_bpe(), "here")


UNWRITABLE: dict[str, tuple[Callable[[], tuple[Any, Any]], str]] = {
    "family": (lambda: (tiny_model("gemma2").config, byte_bpe()), r"(?s)family.*'gemma2'.*llama, mistral"),
    "activation": (lambda: (_config(hidden_act="gelu"), byte_bpe()), r"(?s)with this setting.*hidden_act.*'gelu'"),
    "rope": (
        lambda: (_config(rope_parameters={"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}), byte_bpe()),
        r"(?s)with this setting.*rope_parameters.*dynamic",
    ),
    "split": (lambda: (_config(), _split_otherwise()), r"(?s)no name in llama\.cpp.*--converter"),
    "no merges": (lambda: (_config(), _word_level()), r"(?s)not a byte-level BPE.*--converter"),
    "added token": (lambda: (_config(), _greedy_token()), r"(?s)'<mask>'.*removes spaces"),
    "another ending": (lambda: (_config(), _separator()), "adds other tokens"),
}


@pytest.mark.parametrize("case", UNWRITABLE)
def test_what_cannot_be_written_is_refused_by_name(case: str) -> None:
    make, says = UNWRITABLE[case]
    config, tokenizer = make()
    with pytest.raises(InputError, match=says) as error:
        GGUFModel.of(config, tokenizer, "the/folder")
    assert "the/folder" in error.value.render()


def test_a_weight_that_float16_cannot_hold_is_refused(tmp_path: Path) -> None:
    tokenizer = byte_bpe()
    model = small_model("llama, tied", tokenizer)
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[0, 0] = 70000.0
    with pytest.raises(InputError, match=r"(?s)too large.*blk\.1\.ffn_up\.weight.*70000.*bfloat16"):
        write(model, tokenizer, tmp_path / "model.gguf")
    write(model, tokenizer, tmp_path / "model.gguf", "bfloat16")


def test_a_sliding_window_ends_the_context(tmp_path: Path) -> None:
    tokenizer = byte_bpe()
    model = small_model("mistral", tokenizer)
    model.config.sliding_window = 100
    (note,) = GGUFModel.of(model.config, tokenizer, "here").notes
    assert "100 tokens" in note
    assert read_gguf(write(model, tokenizer, tmp_path / "model.gguf")).metadata["llama.context_length"] == 100


def _config(**changed: Any) -> Any:
    import transformers

    return transformers.LlamaConfig(**size(byte_bpe(), **changed))


def _split_otherwise() -> Any:
    from tokenizers import pre_tokenizers

    tokenizer = byte_bpe()
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


def _word_level() -> Any:
    from tests.tiny import tiny_tokenizer

    return tiny_tokenizer()


def _greedy_token() -> Any:
    from tokenizers import AddedToken

    tokenizer = byte_bpe()
    tokenizer.add_tokens([AddedToken("<mask>", lstrip=True)])
    return tokenizer


def _separator() -> Any:
    from tokenizers import processors

    tokenizer = byte_bpe()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <|im_start|>", special_tokens=[("<|im_start|>", 1)]
    )
    return tokenizer
