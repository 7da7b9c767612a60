from pathlib import Path

import pytest
import torch
import transformers

from tests.tiny import bare_peft, tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.models.folder import weights_fingerprint
from unlearnkit.models.load import add_lora, load_model, load_tokenizer, save_model, set_trainable
from unlearnkit.models.settings import LoraSettings

IDS = torch.tensor([[1, 5, 9, 12]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tiny_model("llama_tied"), tiny_tokenizer(), tmp_path / "model")
    return tmp_path / "model"


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=IDS).logits  # type: ignore[no-any-return]


def test_a_saved_model_comes_back_and_loads_with_bare_transformers(folder: Path) -> None:
    expected = logits(tiny_model("llama_tied"))
    assert torch.equal(logits(load_model(str(folder)).eval()), expected)
    assert torch.equal(logits(transformers.AutoModelForCausalLM.from_pretrained(folder).eval()), expected)
    assert not [path for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]


def test_dtype_is_as_asked_for(folder: Path) -> None:
    assert load_model(str(folder)).dtype == torch.float32
    assert load_model(str(folder), "bfloat16").dtype == torch.bfloat16


def test_an_adapter_is_saved_alone_and_comes_back_on_its_base(folder: Path, tmp_path: Path) -> None:
    adapted = add_lora(load_model(str(folder)), LoraSettings(r=2))
    trained = [name for name, p in adapted.named_parameters() if p.requires_grad]
    assert trained and all("lora_" in name for name in trained)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_()
    expected = logits(adapted.eval())
    assert not torch.equal(expected, logits(load_model(str(folder)).eval()))
    save_model(adapted, tiny_tokenizer(), tmp_path / "adapter")
    assert not (tmp_path / "adapter" / "model.safetensors").exists()
    torch.testing.assert_close(logits(load_model(str(tmp_path / "adapter")).eval()), expected)
    torch.testing.assert_close(logits(bare_peft(tmp_path / "adapter")), expected)


def test_pickled_weights_are_refused(folder: Path) -> None:
    torch.save(tiny_model("llama_tied").state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    for load in (load_model, load_tokenizer):
        with pytest.raises(InputError, match="contains no safetensors"):
            load(str(folder))


@pytest.mark.parametrize("path", ["/nowhere/at/all", "./nowhere", "~/nowhere", "runs/a/model"])
def test_a_missing_folder_is_told_without_asking_the_hub(path: str) -> None:
    with pytest.raises(InputError, match="there is no such model folder") as raised:
        load_model(path)
    assert raised.value.value == path


def test_a_tokenizer_without_a_chat_template_renders_plain_text(folder: Path) -> None:
    assert ChatEncoder(load_tokenizer(str(folder)), 64).layout == "template"
    (folder / "chat_template.jinja").unlink()
    assert ChatEncoder(load_tokenizer(str(folder)), 64).layout == "plain"


def test_a_tokenizer_without_a_pad_token_gets_the_end_token(folder: Path) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    tokenizer.save_pretrained(folder)
    loaded = load_tokenizer(str(folder))
    assert loaded.pad_token_id == loaded.eos_token_id == 2


def test_the_fingerprint_follows_the_weights(folder: Path) -> None:
    before = weights_fingerprint(str(folder))
    assert before == weights_fingerprint(str(folder)) and len(before) == 64
    model = load_model(str(folder))
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] += 1
    save_model(model, tiny_tokenizer(), folder)
    assert weights_fingerprint(str(folder)) != before


def test_a_new_adapter_is_a_function_of_its_seed_and_changes_no_value() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.rand(3)  # whatever was drawn before
        adapted = add_lora(tiny_model(), LoraSettings(r=2), seed)
        torch.testing.assert_close(logits(adapted.eval()), logits(tiny_model()))
        return torch.cat([p.flatten() for n, p in adapted.named_parameters() if "lora_A" in n])

    assert torch.equal(drawn(3), drawn(3))
    assert not torch.equal(drawn(3), drawn(4))
    torch.manual_seed(5)
    expected = torch.rand(3)
    model = tiny_model()
    torch.manual_seed(5)
    add_lora(model, LoraSettings(r=2))
    assert torch.equal(torch.rand(3), expected)  # and it leaves the random state as it was


def test_a_pattern_chooses_the_weights_that_are_trained() -> None:
    model = set_trainable(tiny_model(), parameters=r"layers\.1\.mlp\.down_proj")
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    assert trained and all("layers.1.mlp.down_proj" in name for name in trained)
    assert all(p.requires_grad for p in set_trainable(tiny_model()).parameters())


@pytest.mark.parametrize(
    ("pattern", "match"), [("no_such_weight", "no weight of the model has a name that matches"), ("(", "not a regular")]
)
def test_a_pattern_that_finds_nothing_is_told(pattern: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        set_trainable(tiny_model(), parameters=pattern)
