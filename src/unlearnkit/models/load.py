"""Loading and saving models: local folders or hub ids, safetensors only, no code from the model's repository."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.errors import BadInput
from unlearnkit.models.settings import LoraSettings

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load_tokenizer(path: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder or hub id."""
    _check_folder(path)
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        # A pad token that equals the end token is safe here: labels are told by position, never by token.
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(path: str, dtype: str = "float32") -> PreTrainedModel:
    """The causal language model of a folder or hub id; a folder that holds an adapter is loaded onto its base.

    Raises `BadInput` for a folder that is missing or holds no safetensors.
    """
    _check_folder(path)
    options: dict[str, Any] = {"dtype": DTYPES[dtype], "trust_remote_code": False, "use_safetensors": True}
    if (Path(path) / "adapter_config.json").exists():
        from peft import PeftModel

        base = json.loads((Path(path) / "adapter_config.json").read_text(encoding="utf-8"))["base_model_name_or_path"]
        wrapped: Any = PeftModel.from_pretrained(load_model(base, dtype), path)
        return wrapped  # type: ignore[no-any-return]  # it stands in for the model wherever one is used
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(path, **options)
    return model


def add_lora(model: PreTrainedModel, settings: LoraSettings, seed: int = 0) -> PreTrainedModel:
    """Freeze the model's weights and put a new adapter on them; its initial weights are drawn with the seed."""
    from peft import LoraConfig, get_peft_model

    modules = settings.target_modules if isinstance(settings.target_modules, str) else list(settings.target_modules)
    config = LoraConfig(r=settings.r, lora_alpha=settings.alpha, target_modules=modules, task_type="CAUSAL_LM")
    # Drawn apart, so that a run that is begun again, whatever was drawn before, begins with the same adapter.
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        adapted: Any = get_peft_model(model, config)
    return adapted  # type: ignore[no-any-return]  # it stands in for the model wherever one is used


def choose_weights(
    model: PreTrainedModel, *, lora: LoraSettings | None = None, parameters: str | None = None
) -> PreTrainedModel:
    """The model with the weights that are to be trained: a new adapter, those that a pattern names, or all."""
    if lora is not None:
        return add_lora(model, lora)
    return model if parameters is None else train_only(model, parameters)


def train_only(model: PreTrainedModel, pattern: str) -> PreTrainedModel:
    """Freeze every parameter whose name the regular expression does not find. Raises `BadInput` where it finds none."""
    names = [name for name, _ in model.named_parameters()]
    try:
        found = {name for name in names if re.search(pattern, name)}
    except re.error as error:
        raise BadInput(f"not a regular expression: {error}", where="model.parameters", value=pattern) from error
    if not found:
        raise BadInput(
            "no weight has such a name", where="model.parameters", value=pattern, allowed=f"a part of {names[-1]!r} ..."
        )
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in found)
    return model


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write safetensors, configuration and tokenizer; loads with bare transformers, an adapter with peft."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def weights_fingerprint(path: str) -> str:
    """SHA-256 over the safetensors files of a local folder, or the id of a hub model."""
    files = sorted(Path(path).glob("*.safetensors"))
    if not files:
        return path
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _check_folder(path: str) -> None:
    folder = Path(path)
    looks_local = folder.is_absolute() or path.startswith((".", "~")) or path.count("/") > 1
    if folder.is_dir():
        if not list(folder.glob("*.safetensors")):
            raise BadInput(
                "the model folder holds no safetensors file",
                where=str(folder),
                allowed="safetensors; pickled weights (.bin, .pt) can run code and are refused",
                fix="convert the weights with save_pretrained",
            )
    elif looks_local or folder.exists():
        raise BadInput("there is no such model folder", where="model.path", value=path)
