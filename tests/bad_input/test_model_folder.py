"""Models that are not there, are broken, or are of a kind that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tests.bad_input.place import CHECK, RUN, Case, Place, assert_told
from tests.tiny import byte_tokenizer

WEIGHTS, CONFIG, TOKENIZER = "model/model.safetensors", "model/config.json", "model/tokenizer.json"
SETTINGS = "model/tokenizer_config.json"
DRY = (*RUN, "--dry-run")
EVAL_GGUF = ("eval", "model/cut.gguf", "--suite", "tofu", "--data", "tofu", "--split", "forget01", "--out", "measured")
EVAL = ("eval", "./model", "--suite", "tofu", "--data", "tofu", "--split", "forget01", "--out", "measured")
INIT = ("init", "--model", "./model", "--forget", "forget.jsonl", "--out", "new")


def having(**sections: Any) -> Callable[[Place], None]:
    return lambda place: place.recipe(**sections)


def pickled(name: str) -> Callable[[Place], None]:
    def breaks(place: Place) -> None:
        place.remove(WEIGHTS)
        torch.save({"weight": torch.zeros(2)}, place.root / "model" / name)

    return breaks


def no_tokenizer(place: Place) -> None:
    for name in (TOKENIZER, SETTINGS, "model/chat_template.jinja"):
        place.remove(name)


def no_end(place: Place) -> None:
    place.edit(SETTINGS, eos_token=None)


def other_tokenizer(place: Place) -> None:
    """More tokens than the model, which has some 400."""
    many = [(a, b) for a in "abcdefghijklmnop" for b in "abcdefghijklmnop"]
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(merges=many), eos_token="<end>"
    ).save_pretrained(place.root / "model")


def no_permission(name: str) -> Callable[[Place], None]:
    """The tests may run as root, who can read everything: what the system would say is said for it."""

    def breaks(place: Place) -> None:
        real = Path.read_text

        def read(self: Path, *arguments: Any, **options: Any) -> str:
            if self.name == name:
                raise PermissionError(13, "Permission denied", str(self))
            return real(self, *arguments, **options)

        place.patch.setattr(Path, "read_text", read)

    return breaks


def adapter(**changed: Any) -> Callable[[Place], None]:
    """The model is an adapter, whose base is not where it says."""

    def breaks(place: Place) -> None:
        settings = {"peft_type": "LORA", "base_model_name_or_path": "./base", **changed}
        place.write("adapter/adapter_config.json", json.dumps(settings))
        place.recipe(model={"path": "./adapter"})

    return breaks


def damaged_gguf(place: Place) -> None:
    place.write("model/cut.gguf", b"GGUF" + bytes([3, 0, 0, 0, 9, 0]))
    place.recipe(model={"path": "./model/cut.gguf"})


def run_for_a_model(place: Place) -> None:
    """A run's folder, in which the model lies."""
    place.folder("runs/before")
    (place.root / "model").rename(place.root / "runs" / "before" / "model")
    place.recipe(model={"path": "./runs/before"})


def two_gguf_files(place: Place) -> None:
    place.remove(WEIGHTS)
    place.write("model/small.gguf", b"GGUF")
    place.write("model/large.gguf", b"GGUF")


CASES = [
    Case("model-is-a-damaged-gguf-file", damaged_gguf, ["GGUF file is damaged", "model/cut.gguf", "again"], RUN),
    Case("model-is-a-damaged-gguf-file-in-eval", damaged_gguf, ["GGUF file is damaged", "cut.gguf"], EVAL_GGUF),
    Case("model-is-two-gguf-files", two_gguf_files, ["several GGUF files", "large.gguf, small.gguf"], RUN),
    Case(
        "model-is-not-there",
        having(model={"path": "./modell"}),
        ["no such model folder", "model.path", "'./modell'", "relative path starts at"],
        RUN,
    ),
    Case(
        "model-is-not-there-in-a-check",
        having(model={"path": "./modell"}),
        ["no such model folder", "'./modell'"],
        CHECK,
    ),
    Case(
        "model-is-not-there-in-a-dry-run",
        having(model={"path": "./modell"}),
        ["no such model folder", "'./modell'"],
        DRY,
    ),
    Case(
        "model-is-not-there-in-eval", lambda place: place.remove("model"), ["no such model folder", "'./model'"], EVAL
    ),
    Case("model-is-not-there-in-init", lambda place: place.remove("model"), ["no such model folder", "--model"], INIT),
    Case(
        "model-is-a-file",
        having(model={"path": f"./{WEIGHTS}"}),
        ["a file, not the folder", "model.path", WEIGHTS],
        RUN,
    ),
    Case(
        "model-is-no-id",
        having(model={"path": "my model"}),
        ["no such model folder, and the name is not a Hub id", "owner/name"],
        RUN,
    ),
    Case(
        "model-not-on-this-machine",
        having(model={"path": "us/nothing"}),
        ["Hub cannot be reached", "us/nothing", "HF_HUB_OFFLINE"],
        RUN,
        4,
    ),
    Case(
        "model-not-on-this-machine-in-init",
        lambda _: None,
        ["Hub cannot be reached", "--model"],
        ("init", "--model", "us/nothing", "--forget", "forget.jsonl", "--out", "new"),
        4,
    ),
    Case(
        "model-folder-empty", lambda place: place.folder("model"), ["contains no config.json", "save_pretrained"], RUN
    ),
    Case(
        "model-is-a-run", run_for_a_model, ["contains no config.json", "use the model inside", "runs/before/model"], RUN
    ),
    Case("model-no-config", lambda place: place.remove(CONFIG), ["contains no config.json", "work/model"], EVAL),
    Case("model-config-truncated", lambda place: place.cut(CONFIG), ["not JSON", "config.json, line"], RUN),
    Case(
        "model-config-no-permission",
        no_permission("config.json"),
        ["cannot be read", "Permission denied", "config.json"],
        RUN,
    ),
    Case(
        "model-unknown-kind",
        lambda place: place.edit(CONFIG, model_type="martian"),
        ["does not support this kind", "field model_type", "'martian'"],
        RUN,
    ),
    Case(
        "model-with-code",
        lambda place: place.edit(CONFIG, model_type="martian", auto_map={"AutoConfig": "a.B"}),
        ["trust_remote_code is off", "field auto_map"],
        RUN,
    ),
    Case(
        "model-quantized",
        lambda place: place.edit(CONFIG, quantization_config={"quant_method": "gptq"}),
        ["quantized", "quantization_config"],
        RUN,
    ),
    Case(
        "model-an-encoder",
        lambda place: transformers.T5Config().save_pretrained(place.root / "model"),
        ["not a decoder", "'t5'", "causal"],
        RUN,
    ),
    Case(
        "model-other-sizes",
        lambda place: place.edit(CONFIG, hidden_size=64, head_dim=None),
        ["of the model's weights", "the wrong shape"],
        RUN,
    ),
    Case("model-pickle", pickled("pytorch_model.bin"), ["no safetensors", "pytorch_model.bin", "can run code"], RUN),
    Case("model-pickle-in-eval", pickled("model.pt"), ["no safetensors", "model.pt", "save_pretrained"], EVAL),
    Case("model-pickle-in-init", pickled("model.pth"), ["no safetensors", "model.pth"], INIT),
    Case(
        "model-truncated",
        lambda place: place.cut(WEIGHTS),
        ["damaged, truncated", "model.safetensors", "bytes", "again"],
        RUN,
    ),
    Case(
        "model-truncated-in-eval",
        lambda place: place.cut(WEIGHTS, 0.99),
        ["damaged, truncated", "model.safetensors"],
        EVAL,
    ),
    Case("model-empty-weights", lambda place: place.write(WEIGHTS, ""), ["damaged, truncated", "0 bytes"], RUN),
    Case(
        "model-a-git-lfs-pointer",
        lambda place: place.write(WEIGHTS, "version https://git-lfs.github.com/spec/v1\n"),
        ["Git LFS", "git lfs pull"],
        RUN,
    ),
    Case(
        "model-a-shard-is-missing",
        lambda place: (
            place.remove(WEIGHTS),
            place.write(
                "model/model.safetensors.index.json", '{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}'
            ),
        ),
        ["2 of the 2 files", "one.safetensors"],
        RUN,
    ),
    Case("model-no-tokenizer", no_tokenizer, ["contains no tokenizer", "tokenizer.json", "work/model"], RUN),
    Case("model-no-tokenizer-in-a-check", no_tokenizer, ["contains no tokenizer"], CHECK),
    Case(
        "model-tokenizer-truncated",
        lambda place: place.cut(TOKENIZER),
        ["tokenizer cannot be loaded", "work/model"],
        RUN,
    ),
    Case("model-tokenizer-no-end-token", no_end, ["no end token", "eos_token", "tokenizer_config.json"], RUN),
    Case("model-tokenizer-no-end-token-in-init", no_end, ["no end token", "eos_token"], INIT),
    Case("model-tokenizer-of-another", other_tokenizer, ["more tokens than the model has embeddings", "at most"], RUN),
    Case(
        "model-template-broken",
        lambda place: place.write("model/chat_template.jinja", "{% for message in %}"),
        ["chat template", "chat_template.jinja"],
        RUN,
    ),
    Case(
        "model-template-broken-in-a-check",
        lambda place: place.write("model/chat_template.jinja", "{{ raise_exception('no') }}"),
        ["chat template"],
        CHECK,
        findings=True,
    ),
    Case(
        "adapter-base-is-not-there",
        adapter(),
        ["no such model folder", "adapter_config.json, field base_model_name_or_path", "'./base'"],
        RUN,
    ),
    Case(
        "adapter-without-a-base",
        adapter(base_model_name_or_path=None),
        ["does not name its base", "base_model_name_or_path"],
        RUN,
    ),
    Case(
        "adapter-of-another-kind",
        adapter(peft_type="PREFIX_TUNING"),
        ["type of adapter cannot be merged", "'PREFIX_TUNING'", "LORA"],
        RUN,
    ),
    Case(
        "adapter-pickle",
        lambda place: (
            adapter(base_model_name_or_path=str(place.root / "model"))(place),
            place.write("adapter/adapter_model.bin", b"pickle"),
        ),
        ["no safetensors", "adapter_model.bin"],
        RUN,
    ),
    Case(
        "retrained-is-not-there",
        having(suite={"retrained": "./twin"}),
        ["no such model folder", "suite.retrained", "'./twin'"],
        RUN,
    ),
    Case(
        "retrained-is-not-there-in-eval",
        lambda _: None,
        ["no such model folder", "suite.retrained", "'./twin'"],
        (*EVAL, "--retrained", "./twin"),
    ),
    Case(
        "retrained-truncated",
        lambda place: (
            place.write("twin/config.json", (place.root / CONFIG).read_bytes()),
            place.write("twin/model.safetensors", b"x"),
            place.recipe(suite={"retrained": "./twin"}),
        ),
        ["damaged, truncated", "twin"],
        RUN,
    ),
    Case(
        "retrained-of-a-suite-without",
        lambda _: None,
        ["does not provide this model", "'retrained'"],
        ("eval", "retrained", "--suite", "tofu", "--data", "tofu", "--split", "forget01", "--out", "e"),
    ),
    Case(
        "dtype-of-another-kind",
        having(model={"dtype": "int8"}),
        ["field model.dtype", "'int8'", "'float32' or 'bfloat16'"],
        RUN,
    ),
    Case(
        "tokenizer-to-cut-texts-is-not-there",
        lambda place: (
            place.write("book.txt", "One. Two."),
            place.recipe(data={"forget": "book.txt", "tokenizer": "./none"}),
        ),
        ["no such model folder", "data.tokenizer"],
        RUN,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_model_that_cannot_be_used_is_told(case: Case, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, place, capsys)
