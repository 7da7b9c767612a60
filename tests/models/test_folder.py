"""Every way in which a model's folder can be wrong, and what is said of it, before any weight is loaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from tests.tiny import SIZE, adapted, byte_tokenizer, logits, tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError, MissingDependency, UnlearnError
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import find_model
from unlearnkit.models.load import load_model, load_tokenizer, meta_load, save_model

CODE = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    save_model(tiny_model(), tiny_tokenizer(), folder / "model")
    save_model(adapted(load_model(str(folder / "model"))), tiny_tokenizer(), folder / "adapter")
    model = tiny_model()
    model.save_pretrained(folder / "shards", max_shard_size=2000)
    tiny_tokenizer().save_pretrained(folder / "shards")
    return folder


@pytest.fixture
def model(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "model", tmp_path / "model"))


@pytest.fixture
def shards(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "shards", tmp_path / "shards"))


@pytest.fixture
def adapter(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "adapter", tmp_path / "adapter"))


def edit(path: Path, **changed: Any) -> None:
    """Change fields of a JSON file; None takes one out."""
    data = {**json.loads(path.read_text("utf-8")), **changed}
    path.write_text(json.dumps({k: v for k, v in data.items() if v is not None}), "utf-8")


def config(**changed: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "config.json", **changed)


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def written(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text, "utf-8")


def cut(name: str, keep: int) -> Callable[[Path], None]:
    """Keep so many bytes of a file; with a negative number, all but so many."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:keep]) and None


def pickled(name: str, instead_of: str = "model.safetensors") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        torch.save({"weight": torch.zeros(2)}, folder / name)
        (folder / instead_of).unlink()

    return change


def weights(**changed: torch.Tensor | None) -> Callable[[Path], None]:
    """Change weights; None takes one out, and `__` stands for the dots in a name."""

    def change(folder: Path) -> None:
        given = {name.replace("__", "."): value for name, value in changed.items()}
        found = {**load_file(folder / "model.safetensors"), **given}
        kept = {name: value for name, value in found.items() if value is not None}
        save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})

    return change


def another(kind: transformers.PreTrainedConfig) -> Callable[[Path], None]:
    return lambda folder: kind.save_pretrained(folder)


def a_folder(name: str) -> Callable[[Path], None]:
    """What cannot be opened for reading, by whomever."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "pickle .bin": (pickled("pytorch_model.bin"), r"(?s)contains no safetensors.*pytorch_model\.bin.*can run code"),
    "pickle .pt": (pickled("model.pt"), r"(?s)contains no safetensors.*model\.pt"),
    "pickle .pth": (pickled("model.pth"), r"(?s)contains no safetensors.*model\.pth"),
    "no weights": (without("model.safetensors"), "contains no safetensors"),
    "weights of another name": (
        lambda folder: (folder / "model.safetensors").rename(folder / "weights.safetensors"),
        "contains no safetensors",
    ),
    "weights cut off": (cut("model.safetensors", -10), r"(?s)damaged, truncated.*model\.safetensors.*bytes.*again"),
    "weights cut in the header": (cut("model.safetensors", 40), "damaged, truncated"),
    "weights empty": (cut("model.safetensors", 0), r"(?s)damaged, truncated.*0 bytes"),
    "weights are text": (written("model.safetensors", "<html>not found</html>" * 9), "damaged, truncated"),
    "weights are a pointer": (
        written("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n"),
        "(?s)Git LFS.*git lfs pull",
    ),
    "weights cannot be opened": (a_folder("model.safetensors"), "(?s)damaged, truncated or unreadable"),
    "configuration cannot be opened": (a_folder("config.json"), "file cannot be read"),
    "a weight is missing": (weights(model__norm__weight=None), r"(?s)1 of the model's weights.*model\.norm\.weight"),
    "a weight has another shape": (weights(model__norm__weight=torch.zeros(3)), r"(?s)1 of the model's weights.*norm"),
    "no configuration": (without("config.json"), "contains no config.json"),
    "configuration is no JSON": (written("config.json", '{\n"a": 1,\n'), r"(?s)not JSON.*config\.json, line 3"),
    "configuration is a list": (written("config.json", "[]"), "(?s)not contain a JSON object.*list"),
    "configuration is empty": (written("config.json", ""), "not JSON"),
    "configuration without a kind": (config(model_type=None), "does not support this kind"),
    "configuration of no known kind": (config(model_type="martian"), "(?s)does not support this kind.*martian.*newer"),
    "a kind that is a list": (config(model_type=["llama"]), "does not support this kind"),
    "code from its folder": (
        config(model_type="martian", auto_map=CODE),
        "(?s)needs custom code.*trust_remote_code is off",
    ),
    "a size that is text": (config(hidden_size="big"), "(?s)configuration cannot be used.*hidden_size"),
    "sizes that do not fit": (config(num_attention_heads=3), "configuration cannot be used"),
    "another size than the weights": (config(vocab_size=50), "2 of the model's weights"),
    "more layers than weights": (config(num_hidden_layers=3), "9 of the model's weights"),
    "an unknown activation": (config(hidden_act="foo"), "(?s)cannot create this model.*foo"),
    "quantized weights": (config(quantization_config={"quant_method": "gptq", "bits": 4}), "quantized"),
    "an encoder and decoder": (another(transformers.T5Config()), "(?s)not a decoder.*t5.*causal"),
    "an encoder and decoder that can be split": (another(transformers.BartConfig()), "(?s)not a decoder.*bart"),
    "an encoder": (another(transformers.DistilBertConfig()), "(?s)not a decoder.*distilbert"),
    "an encoder that can also be a decoder": (
        another(transformers.BertConfig(architectures=["BertForMaskedLM"])),
        "(?s)not a decoder.*bert",
    ),
    "a model of images": (another(transformers.ViTConfig()), "(?s)not a decoder.*vit"),
    "no tokenizer": (
        lambda folder: [(folder / name).unlink() for name in ("tokenizer.json", "tokenizer_config.json")],
        "contains no tokenizer",
    ),
    "tokenizer without its vocabulary": (without("tokenizer.json"), "tokenizer cannot be loaded"),
    "tokenizer is no JSON": (written("tokenizer.json", '{"a":'), "tokenizer cannot be loaded"),
    "tokenizer of another making": (written("tokenizer.json", '{"model": {"type": 0}}'), "tokenizer cannot be loaded"),
    "tokenizer settings are no JSON": (written("tokenizer_config.json", "{"), "not JSON"),
    "tokenizer with code from its folder": (
        lambda folder: edit(
            folder / "tokenizer_config.json", tokenizer_class="Own", auto_map={"AutoTokenizer": ["o.O"]}
        ),
        "tokenizer needs custom code",
    ),
    "tokenizer without an end token": (
        lambda folder: edit(folder / "tokenizer_config.json", eos_token=None),
        "no end token",
    ),
    "tokenizer with too many tokens": (
        lambda folder: transformers.PreTrainedTokenizerFast(
            tokenizer_object=byte_tokenizer(), eos_token="<end>"
        ).save_pretrained(folder),
        "(?s)more tokens than the model has embeddings.*258 tokens.*at most 61",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_with_a_folder_is_told(case: str, model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    change, match = BAD[case]
    change(model)
    with pytest.raises(UnlearnError, match=match) as raised:
        meta_load(str(model))
    assert raised.value.exit_code == 2
    assert str(model) in str(raised.value.where)
    assert len(raised.value.render().splitlines()) < 12
    assert "REPORT" not in capfd.readouterr().err, "the error says it all"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (pickled("adapter_model.bin", "adapter_model.safetensors"), r"(?s)contains no safetensors.*adapter_model\.bin"),
        (cut("adapter_model.safetensors", -4), "damaged, truncated"),
        (written("adapter_config.json", "{"), "not JSON"),
    ],
    ids=["pickle", "cut off", "no JSON"],
)
def test_what_is_wrong_with_an_adapter_is_told(change: Callable[[Path], object], match: str, adapter: Path) -> None:
    change(adapter)
    with pytest.raises(InputError, match=match):
        meta_load(str(adapter))


def test_the_base_of_an_adapter_is_looked_at_too(adapter: Path, model: Path) -> None:
    edit(adapter / "adapter_config.json", base_model_name_or_path=str(model))
    meta_load(str(adapter))
    pickled("pytorch_model.bin")(model)
    with pytest.raises(InputError, match=r"pytorch_model\.bin"):
        meta_load(str(adapter))


def test_a_model_in_several_files_loads_and_one_that_is_missing_is_told(shards: Path) -> None:
    assert torch.equal(logits(load_model(str(shards)).eval()), logits(tiny_model()))
    files = find_model(str(shards)).weights
    assert len(files) > 3
    files[1].unlink()
    with pytest.raises(InputError, match=f"(?s)1 of the {len(files)} files.*index.*{files[1].name}"):
        find_model(str(shards))


@pytest.mark.parametrize("names", ["[]", "{}", '{"a": "../model.safetensors"}', '{"a": "/etc/passwd"}', "3"])
def test_an_index_that_names_no_files_of_the_folder_is_refused(names: str, shards: Path) -> None:
    (shards / "model.safetensors.index.json").write_text(f'{{"weight_map": {names}}}', "utf-8")
    with pytest.raises(InputError, match="index does not list the files"):
        find_model(str(shards))


def test_code_that_is_not_needed_is_not_run(model: Path) -> None:
    (model / "own.py").write_text("raise SystemExit('this was run')", "utf-8")
    edit(model / "config.json", auto_map=CODE)
    edit(model / "tokenizer_config.json", auto_map={"AutoTokenizer": ["own.Own", None]})
    meta_load(str(model))
    assert torch.equal(logits(load_model(str(model)).eval()), logits(tiny_model()))


def test_pickles_beside_the_weights_are_not_read(model: Path) -> None:
    (model / "training_args.bin").write_bytes(b"no pickle at all")
    (model / "pytorch_model.bin").write_bytes(b"no pickle at all")
    assert torch.equal(logits(load_model(str(model)).eval()), logits(tiny_model()))


def test_a_package_that_is_missing_is_something_to_provide(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(*_: object, **__: object) -> None:
        raise ImportError("this model requires the package causal_conv1d")

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", lacks)
    with pytest.raises(MissingDependency, match="causal_conv1d") as raised:
        meta_load(str(model))
    assert raised.value.exit_code == 4


def test_a_run_in_place_of_its_model_is_told(model: Path) -> None:
    with pytest.raises(InputError, match=r"use the model inside: .*model"):
        find_model(str(model.parent))


def test_a_file_in_place_of_a_folder_is_told(model: Path) -> None:
    with pytest.raises(InputError, match="a file, not the folder"):
        find_model(str(model / "model.safetensors"))


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", ""])
def test_another_dtype_is_refused(dtype: str, model: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)in this dtype.*float32, bfloat16"):
        load_model(str(model), dtype)


def test_an_outline_takes_no_memory_and_the_home_folder_is_found(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(model.parent))
    tokenizer, found = meta_load("~/model")
    assert {p.device.type for p in found.parameters()} == {"meta"}
    assert tokenizer.get_vocab() == load_tokenizer(str(model)).get_vocab()


def test_an_encoder_that_nothing_tells_from_a_decoder_is_found_out() -> None:
    settings = {k: v for k, v in SIZE.items() if k != "num_key_value_heads"}
    encoder = transformers.BertLMHeadModel(transformers.BertConfig(**settings)).eval()
    with pytest.raises(InputError, match=r"(?s)depend on later tokens.*BertLMHeadModel.*is_decoder"):
        Engine(encoder)
    with pytest.warns(
        UserWarning, match="cannot apply the head in chunks"
    ):  # there is a layer in it before the product
        Engine(transformers.BertLMHeadModel(transformers.BertConfig(**settings, is_decoder=True)).eval())
