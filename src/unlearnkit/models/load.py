"""Load models from folders or the Hub, and save models to folders.

Weights are read from safetensors files only, and code that comes with a model is never run.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.models.adapter import add_lora, beside_text, merge_adapter, put_adapters, save_adapter, silence
from unlearnkit.models.folder import ModelFolder, auto_class, find_model, read_json
from unlearnkit.models.settings import LoraSettings

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)


def load_tokenizer(source: str | ModelFolder) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model.

    If the model is an adapter, the tokenizer is loaded from the adapter's folder. If the adapter's folder contains no
    tokenizer, the tokenizer of the base model is loaded.

    Raises:
        InputError: there is no tokenizer, or the tokenizer cannot be loaded, needs custom code, has no end token, or
            has more tokens than the model has embeddings.
    """
    folder = find_model(source)
    paths = [f.path for f in (folder, folder.base) if f is not None]
    holders = [path for path in paths if any((path / name).exists() for name in _TOKENIZER_FILES)]
    if not holders:
        raise InputError(
            "the model folder contains no tokenizer",
            where=str(folder.path),
            allowed="tokenizer.json, or the other files that the tokenizer's save_pretrained writes",
            fix="copy the tokenizer files from the base model of this model",
        )
    tokenizer = _tokenizer(holders[0])
    if tokenizer.eos_token_id is None:
        raise InputError(
            "the tokenizer has no end token", where=str(holders[0]), fix="set eos_token in tokenizer_config.json"
        )
    tokens, embeddings = max(tokenizer.get_vocab().values()) + 1, folder.config.get_text_config().vocab_size
    if tokens > embeddings:
        raise InputError(
            "the tokenizer has more tokens than the model has embeddings",
            where=str(holders[0]),
            value=f"{tokens} tokens",
            allowed=f"at most {embeddings}",
            fix="use the tokenizer that the model was trained with, or resize the model's embeddings",
        )
    if tokenizer.pad_token_id is None:
        # A pad token equal to the end token is safe here: labels are selected by position, never by token.
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(source: str | ModelFolder, dtype: str = "float32") -> PreTrainedModel:
    """Load a causal language model from a folder or the Hub.

    An adapter is loaded together with its base model, and the weights of both are frozen.

    Raises:
        InputError: the model cannot be used.
        MissingDependency: the model cannot be downloaded from the Hub now.
    """
    if dtype not in DTYPES:
        raise InputError(
            "weights cannot be loaded in this dtype",
            value=dtype,
            allowed=", ".join(DTYPES),
            fix="use one of the allowed dtypes",
        )
    return _load(find_model(source), dtype=DTYPES[dtype])


def place(model: PreTrainedModel) -> PreTrainedModel:
    """Move a model to this process's device.

    No other code of this package moves a model.
    """
    from accelerate import PartialState  # imported here: it is slow, and checks of models do not need it

    untyped: Any = model
    placed: PreTrainedModel = untyped.to(PartialState().device)
    return placed


def meta_load(source: str | ModelFolder) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Load a tokenizer and a model without allocating memory for the weights.

    The model is on the meta device. This is a quick check that configuration, weights and tokenizer fit together. The
    function raises the same errors as `load_model` and `load_tokenizer`.
    """
    folder = find_model(source)
    tokenizer = load_tokenizer(folder)
    try:
        with silence():
            return tokenizer, _load(folder, device_map="meta")
    except ImportError as error:
        raise MissingDependency(
            f"the model needs a package that is not installed: {error}",
            where=str(folder.path),
            fix="install that package",
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise InputError(
            f"transformers cannot create this model: {error!r}",
            where=str(folder.path),
            fix="correct config.json, or copy or download the model again",
        ) from error


def set_trainable(
    model: PreTrainedModel, *, lora: LoraSettings | None = None, parameters: str | None = None
) -> PreTrainedModel:
    """Select the weights to train.

    If the model is an adapter on a base model, the adapter is always merged first, because loaded adapters are frozen.

    Args:
        model: the model.
        lora: settings of a new adapter to train instead of the model's own weights; None for no adapter.
        parameters: a regular expression. Parameters whose names contain a match are trained, and all other parameters
            are frozen. If None, all weights are trained, except the parts of a vision-language model that only process
            images.

    Raises:
        InputError: the model does not support the adapter, or the pattern is invalid or matches no parameter.
    """
    model = merge_adapter(model)
    if lora is not None:
        return add_lora(model, lora)
    frozen = beside_text(model)
    for name, parameter in model.named_parameters():
        if name in frozen:
            parameter.requires_grad_(False)
    if parameters is None:
        return model
    names = [name for name, _ in model.named_parameters()]
    try:
        matching = {name for name in names if re.search(parameters, name)}
    except re.error as error:
        raise InputError(
            f"this is not a regular expression: {error}",
            where="model.parameters",
            value=parameters,
            fix="correct the pattern, or use null to train all weights",
        ) from error
    if not matching:
        raise InputError(
            "no weight of the model has a name that matches this pattern",
            where="model.parameters",
            value=parameters,
            allowed=f"a part of a weight's name, such as {names[-1]!r}",
            fix="correct the pattern, or use null to train all weights",
        )
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in matching)
    return model


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Save a model's weights, configuration and tokenizer to a folder.

    The weights are saved as safetensors. The folder can be loaded with transformers or, if the model is an adapter,
    with peft.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(model, "peft_config"):
        save_adapter(model, folder)
    else:
        model.save_pretrained(folder)
        _copy_processor(model, folder)
    tokenizer.save_pretrained(folder)


def _copy_processor(model: PreTrainedModel, folder: Path) -> None:
    """Copy the settings of a vision-language model's processor from its source."""
    if not beside_text(model) or not model.name_or_path:
        return
    source = Path(str(model.name_or_path)).expanduser()
    source = source if source.is_dir() else find_model(str(model.name_or_path)).path
    for file in source.glob("*processor_config.json"):
        shutil.copyfile(file, folder / file.name)


def _load(folder: ModelFolder, **options: Any) -> PreTrainedModel:
    if folder.base is not None:
        return put_adapters(_load(folder.base, **options), {"default": folder})
    # By default, transformers fills missing weights with random numbers and only warns.
    loaded: Any = auto_class(folder.config).from_pretrained(
        folder.path,
        trust_remote_code=False,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **options,
    )
    model, info = loaded
    lacking = sorted({*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])})
    if lacking:
        raise InputError(
            f"{len(lacking)} of the model's weights are missing from the weight files, or have the wrong shape",
            where=str(folder.path),
            value=lacking[0],
            fix="copy or download the model again: the weight files do not match config.json, or belong to a model "
            "that is not a language model",
        )
    # A new adapter stores this name as the name of its base model. The name is valid in any working directory.
    model.name_or_path = folder.name
    if getattr(model.config, "rescale_every", 0):
        # In eval mode, RWKV halves weights in place, and saving would store the halved weights. Only float16 needs it.
        model.config.rescale_every = 0
    return model  # type: ignore[no-any-return]


def _tokenizer(path: Path) -> PreTrainedTokenizerBase:
    file = path / "tokenizer_config.json"
    settings = read_json(file) if file.exists() else {}
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    except ImportError as error:
        what = f"the tokenizer needs a package that is not installed: {error}"
        raise MissingDependency(what, where=str(path), fix="install that package") from error
    except Exception as error:  # the tokenizers library raises nothing more specific
        own = "AutoTokenizer" in (settings.get("auto_map") or {})
        why = "needs custom code from its folder, and such code is never run (trust_remote_code is off)"
        raise InputError(
            f"the tokenizer {why if own else f'cannot be loaded: {error}'}",
            where=str(path),
            fix="use a model with a tokenizer.json" if own else "copy or download the tokenizer's files again",
        ) from error
    return tokenizer
