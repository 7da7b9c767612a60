"""Load models from folders or the Hub, and save models to folders.

Weights are read from safetensors files and GGUF files only, and code that comes with a model is never run.
"""

from __future__ import annotations

import copy
import re
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.models.adapter import (
    add_lora,
    beside_text,
    merge_adapter,
    probe,
    put_adapters,
    refuse_difference,
    save_adapter,
    silence,
)
from unlearnkit.models.folder import ADAPTER_CONFIG, ModelFolder, auto_class, find_model, read_json
from unlearnkit.models.gguf_config import refuse_other_weights
from unlearnkit.models.gguf_file import GGUFFile
from unlearnkit.models.gguf_tokenizer import can_read, read_tokenizer
from unlearnkit.models.logprob import widen
from unlearnkit.models.rounding import rounded
from unlearnkit.models.settings import LoraSettings
from unlearnkit.models.weight_check import refuse_misplaced

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
    folders = [each for each in (folder, folder.base) if each is not None]
    holder = next((each for each in folders if each.gguf is not None or _has_tokenizer(each.path)), None)
    if holder is None:
        raise InputError(
            "the model folder contains no tokenizer",
            where=str(folder.path),
            allowed="tokenizer.json, or the other files that the tokenizer's save_pretrained writes",
            fix="copy the tokenizer files from the base model of this model",
        )
    tokenizer = _tokenizer(holder.path) if holder.gguf is None else _gguf_tokenizer(holder.gguf)
    if tokenizer.eos_token_id is None:
        raise InputError(
            "the tokenizer has no end token", where=str(holder.path), fix="set eos_token in tokenizer_config.json"
        )
    tokens, embeddings = max(tokenizer.get_vocab().values()) + 1, folder.config.get_text_config().vocab_size
    if tokens > embeddings:
        raise InputError(
            "the tokenizer has more tokens than the model has embeddings",
            where=str(holder.path),
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
        model = _load(folder, device_map="meta")
        if folder.base is not None:
            merge_adapter(copy.deepcopy(model), str(folder.path))
        return tokenizer, model
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
    model: PreTrainedModel,
    *,
    lora: LoraSettings | None = None,
    parameters: str | None = None,
    frozen: str | None = None,
    masters: bool = True,
) -> PreTrainedModel:
    """Select the weights to train, and convert them to float32.

    In bfloat16, an update that is smaller than 1/256 of a weight is lost. Therefore the trained weights are float32,
    even if the model is not. If the model is an adapter on a base model, the adapter is always merged first, because
    loaded adapters are frozen.

    Args:
        model: the model.
        lora: settings of a new adapter to train instead of the model's own weights; None for no adapter.
        parameters: a regular expression. Parameters whose names contain a match are trained, and all other parameters
            are frozen. If None, all weights are trained, except the parts of a vision-language model that only process
            images.
        frozen: dtype to which the other weights are converted; None to keep their dtype.
        masters: whether the trained weights are converted to float32. If false, they get the dtype `frozen`.

    Raises:
        InputError: the model does not support the adapter, or the pattern is invalid or matches no parameter.
    """
    model = merge_adapter(model)
    beside = beside_text(model) if lora is None else set()
    for name, parameter in model.named_parameters():
        if name in beside:
            parameter.requires_grad_(False)
    if parameters is not None:
        _train_only(model, parameters)
    # These weights stay float32 in every model that transformers loads.
    wide = {*(model._keep_in_fp32_modules or ()), *(model._keep_in_fp32_modules_strict or ())}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and masters and lora is None:
            parameter.data = widen(parameter.data)
        elif frozen is not None and wide.isdisjoint(name.split(".")):
            parameter.data = rounded(parameter.data, DTYPES[frozen])
    return model if lora is None else add_lora(model, lora)


def _train_only(model: PreTrainedModel, parameters: str) -> None:
    """Freeze all weights but those whose names match a pattern."""
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
        return _load_adapter(folder, **options)
    place, more = folder.path, {}
    if folder.gguf is not None:
        if options.get("device_map") == "meta":
            return _meta_gguf(folder, folder.gguf)
        place = folder.path.parent
        more = {"gguf_file": folder.path.name, "config": copy.deepcopy(folder.config)}  # transformers changes it
    # By default, transformers fills missing weights with random numbers, skips weights that have no place in the model,
    # and only warns.
    with silence():
        loaded: Any = auto_class(folder.config).from_pretrained(
            place,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **more,
            **options,
        )
    model, info = loaded
    refuse_misplaced(model, info, folder)
    if folder.gguf is not None:
        model = _unquantized(model, folder)
        refuse_other_weights(folder.gguf, model)
    # A new adapter stores the name and the commit of its base model. The name is valid in any working directory.
    model.name_or_path = folder.name
    model.config._commit_hash = None if folder.name == str(folder.path) else folder.path.name
    if getattr(model.config, "rescale_every", 0):
        # In eval mode, RWKV halves weights in place, and saving would store the halved weights. Only float16 needs it.
        model.config.rescale_every = 0
    return model  # type: ignore[no-any-return]


def _load_adapter(folder: ModelFolder, **options: Any) -> PreTrainedModel:
    """Load an adapter on its base model.

    An adapter may compute a part of the base model's weights again when it is loaded. If this computation uses random
    numbers, the result is compared with a second one: it must not depend on the random numbers.
    """
    assert folder.base is not None
    base = folder.base

    def drawn(seed: int) -> PreTrainedModel:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return put_adapters(_load(base, **options), {"default": folder})

    model = drawn(0)
    init = read_json(folder.path / ADAPTER_CONFIG).get("init_lora_weights")
    if str(init).startswith("pissa_niter_") and model.device.type != "meta":
        what = f"the adapter depends on random numbers of its initialization ({init}) that its folder does not contain"
        refuse_difference(probe(model), probe(drawn(1)), what, str(folder.path))
    return model


def _unquantized(model: Any, folder: ModelFolder) -> PreTrainedModel:
    """Return a model without the marks of a quantized one.

    A model with these marks can be neither trained nor saved.
    """
    config = copy.deepcopy(folder.config)
    plain: PreTrainedModel = type(model).from_pretrained(
        None, config=config, state_dict=model.state_dict(), dtype=model.dtype
    )
    return plain


def _meta_gguf(folder: ModelFolder, file: GGUFFile) -> PreTrainedModel:
    """Create the model of a GGUF file on the meta device.

    Raises:
        InputError: the model and the file have different sizes.
    """
    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            copy.deepcopy(folder.config)
        )
    refuse_other_weights(file, model)
    model.name_or_path = folder.name
    return model


def _has_tokenizer(path: Path) -> bool:
    return any((path / name).exists() for name in _TOKENIZER_FILES)


def _gguf_tokenizer(file: GGUFFile) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a GGUF file.

    If the file has no tokenizer, or one that cannot be read, the tokenizer files in the file's folder are used.
    """
    place = file.path.parent
    if "tokenizer.ggml.tokens" not in file.metadata:
        if _has_tokenizer(place):
            return _tokenizer(place)
        raise InputError(
            "the GGUF file contains no tokenizer",
            where=str(file.path),
            fix="put the original model's tokenizer.json and tokenizer_config.json into the folder of the file",
        )
    try:
        return read_tokenizer(file) if can_read(file) else _tokenizer(place, gguf_file=file.path.name)
    except InputError:
        if _has_tokenizer(place):
            return _tokenizer(place)
        raise


def _tokenizer(path: Path, **options: Any) -> PreTrainedTokenizerBase:
    file = path / "tokenizer_config.json"
    settings = read_json(file) if file.exists() else {}
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(path, trust_remote_code=False, **options)
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
