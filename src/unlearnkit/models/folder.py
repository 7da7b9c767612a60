"""Find a model's folder and check it before any weights are loaded.

A model is specified as a local folder, a GGUF file or a Hub id. In all cases the model's files are in a folder on this
machine, and this folder is checked. The same rules apply to Hub models and local models. A Hub model that breaks a rule
is refused before the model's weights are downloaded.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    PreTrainedConfig,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as _CAUSAL_CLASSES

from unlearnkit.core.errors import InputError
from unlearnkit.core.number_format import counted
from unlearnkit.models.adapter_config import adapter_base
from unlearnkit.models.gguf_config import read_config
from unlearnkit.models.gguf_file import GGUFFile, find_gguf, is_gguf, read_gguf
from unlearnkit.models.hub import TEXTS, from_hub

ADAPTER_CONFIG = "adapter_config.json"
_CONFIG, _INDEX = "config.json", "model.safetensors.index.json"
_WHOLE, _ADAPTER = "model.safetensors", "adapter_model.safetensors"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_LFS = b"version https://git-lfs"
_COPY_AGAIN = "copy or download the model again"

_VISION = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
_NO_DECODERS = (
    *("blip", "blip-2", "cpmant", "diffusion_gemma", "idefics", "instructblip", "instructblipvideo", "kosmos-2"),
    *("kosmos-2.5", "musicgen", "musicgen_melody", "paligemma", "pi0", "unlimited_ocr", "xlnet"),
)
"""Models that transformers lists among its decoders, although they do not generate text from text alone, token by
token. They need an image, or a prediction depends on later tokens or on where the prompt ends."""

_Fetch = Callable[[Sequence[str]], object]
"""Function that takes file names, and downloads the missing files into the model's folder."""


@dataclass(frozen=True)
class ModelFolder:
    """A model folder that was checked: all files are present and readable."""

    name: str
    """Absolute path or Hub id. The model can be loaded by this name from any working directory."""
    path: Path
    config: PreTrainedConfig
    """Configuration of the model; for an adapter, the configuration of the adapter's base model."""
    weights: tuple[Path, ...]
    """The model's safetensors files, or its GGUF file. Weights are never read from files in other formats."""
    base: ModelFolder | None = None
    """The base model of an adapter; None if the model is not an adapter."""
    gguf: GGUFFile | None = None
    """The header of the model's GGUF file, which `path` names, too; None if the weights are in safetensors files."""

    @property
    def notes(self) -> list[str]:
        """Sentences on what is unusual about the model's files."""
        gguf = self.gguf or (self.base.gguf if self.base is not None else None)
        if gguf is None:
            return []
        kinds = ", ".join(gguf.quantized)
        note = f"{gguf.path.name} is quantized ({kinds}), and its weights are dequantized; " if kinds else ""
        return [f"{note}a model that is trained from {gguf.path.name} is saved as a folder of safetensors files"]


def find_model(
    source: str | ModelFolder, where: str = "model.path", *, may_be_adapter: bool = True, revision: str | None = None
) -> ModelFolder:
    """Return the checked folder of a model.

    The check ensures that all files are present, complete and of a supported kind.

    Args:
        source: local folder, GGUF file or Hub id. A `ModelFolder` is returned unchanged.
        where: name of the setting that specifies the model, for messages.
        may_be_adapter: whether the model may be an adapter.
        revision: branch, tag or commit of a Hub model; None for the newest commit. Local folders have no revisions.

    Raises:
        InputError: the model does not exist, is damaged, is not a decoder, or needs pickled weights or custom code.
        MissingDependency: the model cannot be downloaded from the Hub now.
    """
    if isinstance(source, ModelFolder):
        return source
    local = Path(source).expanduser()
    if local.is_dir():
        path = local.resolve()
        return _checked(path, str(path), where, may_be_adapter)
    if is_gguf(local):
        return _gguf(local.absolute())  # not resolved: in the Hub's cache, only the link has the file's name
    if local.exists():
        raise InputError(
            "the path is a file, not the folder of a model or a GGUF file",
            where=where,
            value=source,
            fix="specify the folder that contains the file",
        )
    path = from_hub(source, TEXTS, where=where, revision=revision)
    return _checked(path, source, where, may_be_adapter, partial(from_hub, source, where=where, revision=path.name))


def positions(config: PreTrainedConfig) -> int:
    """Return a model's context length, in tokens.

    The context length limits the total length of a prompt and its output. If the configuration does not specify a
    context length, the result is 4096. A dynamic NTK rotary embedding extends the context by its factor.
    """
    text = config.get_text_config()
    rope = getattr(text, "rope_parameters", None) or {}
    ropes = [each for each in (rope, *rope.values()) if isinstance(each, dict)]  # there may be one for each layer type
    dynamic = [each for each in ropes if each.get("rope_type") == "dynamic" and not each.get("alpha")]
    factors = [each.get("factor") or 1 for each in dynamic]
    return int((getattr(text, "max_position_embeddings", None) or 4096) * max(factors, default=1))


def weights_fingerprint(source: str | ModelFolder) -> str:
    """Return a SHA-256 hash of the files that contain a model's weights.

    The hash of an adapter includes the files of its base model.
    """
    folder = find_model(source)
    digest = hashlib.sha256()
    for file in folder.weights:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    if folder.base is not None:
        digest.update(weights_fingerprint(folder.base).encode())
    return digest.hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises:
        InputError: the file cannot be read, or does not contain a JSON object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        where = f"{path}, line {error.lineno}"
        raise InputError(f"the file is not JSON: {error.msg}", where=where, fix=_COPY_AGAIN) from error
    except (OSError, UnicodeDecodeError) as error:
        fix = "check that it is a text file and that you may read it"
        raise InputError(f"the file cannot be read: {error}", where=str(path), fix=fix) from error
    if not isinstance(data, dict):
        kind = type(data).__name__
        what = "the file does not contain a JSON object"
        raise InputError(what, where=str(path), value=kind, allowed="{...}", fix=_COPY_AGAIN)
    return data


def _checked(path: Path, name: str, where: str, may_be_adapter: bool, fetch: _Fetch = lambda _: None) -> ModelFolder:
    if (path / ADAPTER_CONFIG).exists():
        if not may_be_adapter:
            raise InputError(
                "the adapter's base model is itself an adapter",
                where=where,
                value=name,
                fix="load the base model with peft, call merge_and_unload, save the merged model, and set "
                "base_model_name_or_path to its folder",
            )
        return _adapter(path, name, fetch)
    is_run = (path / "subject.json").exists()
    if not is_run and not any(path.glob("*.safetensors")) and (file := find_gguf(path)) is not None:
        return _gguf(file)
    if not (path / _CONFIG).exists():
        inside = is_run or (path / "model" / _CONFIG).exists()
        fix = f"use the model inside: {path / 'model'}" if inside else "use the folder that save_pretrained wrote"
        if name != str(path):
            fix = f"if the Hub offers GGUF files, download one and use its path: hf download {name} FILE.gguf"
        raise InputError(f"the folder contains no {_CONFIG}, so it is not a model", where=str(path), fix=fix)
    return ModelFolder(name, path, _config(path), _whole_weights(path, fetch))


def _is_local(path: Path) -> bool:
    return path.is_dir() or is_gguf(path)


def _gguf(path: Path) -> ModelFolder:
    file = read_gguf(path)
    config = read_config(file)
    _refuse_all_but_decoders(config, path)
    return ModelFolder(str(path), path, config, (path,), gguf=file)


def _adapter(path: Path, name: str, fetch: _Fetch) -> ModelFolder:
    file = path / ADAPTER_CONFIG
    base, revision = adapter_base(read_json(file), file)
    where = f"{file}, field base_model_name_or_path"
    # peft resolves a relative path from the working directory. The adapter's folder is tried too, so that an adapter
    # and its base can be moved together.
    neighbor = path / base
    base = str(neighbor) if _is_local(neighbor) and not _is_local(Path(base)) else base
    base_folder = find_model(base, where, may_be_adapter=False, revision=revision)
    return ModelFolder(name, path, base_folder.config, _weights(path, [_ADAPTER], fetch), base_folder)


def _config(path: Path) -> PreTrainedConfig:
    """Load a model's configuration, and check that the model is supported.

    The model must be a decoder that transformers supports without custom code, and its weights must not be quantized.
    """
    file = path / _CONFIG
    settings = read_json(file)
    kind = settings.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        if settings.get("auto_map"):
            raise InputError(
                "the model needs custom code from its folder, and such code is never run (trust_remote_code is off)",
                where=f"{file}, field auto_map",
                value=kind,
                allowed=f"models that transformers {transformers.__version__} supports without custom code",
                fix="use a model that transformers supports without custom code",
            )
        raise InputError(
            f"transformers {transformers.__version__} does not support this kind of model",
            where=f"{file}, field model_type",
            value=kind,
            fix="if the model is newer than the installed transformers, upgrade transformers; else correct the field",
        )
    if settings.get("quantization_config"):
        raise InputError(
            "the weights are quantized, and quantized weights cannot be trained",
            where=f"{file}, field quantization_config",
            fix="use the unquantized model",
        )
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(path, trust_remote_code=False)
    except (StrictDataclassError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"the model's configuration cannot be used: {error}",
            where=str(file),
            fix="correct the field that the error names, or copy the file again",
        ) from error
    _refuse_all_but_decoders(config, file)
    _refuse_contradiction(config, file)
    return config


def auto_class(config: PreTrainedConfig) -> Any:
    """Return the auto class that creates a model with this configuration.

    A vision-language model is created with all its parts. Without images, it is a decoder.
    """
    causal, vision = (_class(mapping, config) for mapping in (MODEL_FOR_CAUSAL_LM_MAPPING, _VISION))
    if vision and (not causal or vision in (config.architectures or [])):
        return AutoModelForImageTextToText
    return AutoModelForCausalLM


def _class(mapping: Any, config: PreTrainedConfig) -> str:
    """Return the name of the model's class, or an empty string."""
    return str(getattr(mapping.get(type(config), None), "__name__", ""))


def _refuse_all_but_decoders(config: PreTrainedConfig, file: Path) -> None:
    known = _class(MODEL_FOR_CAUSAL_LM_MAPPING, config) or _class(_VISION, config)
    # BERT and its relatives can be configured as decoders, see `is_decoder`. GPT-NeoX sets `is_decoder` to False
    # although it is a decoder.
    encodes = getattr(config, "is_decoder", None) is False and not config.model_type.startswith("gpt_neox")
    encodes = encodes or getattr(config, "causal", None) is False or config.model_type in _NO_DECODERS
    parts = [config, *(getattr(config, name) for name in config.sub_configs if hasattr(config, name))]
    two_parts = any(getattr(part, "is_encoder_decoder", False) for part in parts)
    if not known or two_parts or encodes:
        raise InputError(
            "the model is not a decoder, i.e. it does not generate text token by token",
            where=f"{file}, field model_type",
            value=config.model_type,
            allowed="a causal language model (Llama, Qwen, Gemma, Phi, Mistral, GPT-NeoX, GPT-2, ...)",
            fix="use a causal language model",
        )


def _refuse_contradiction(config: PreTrainedConfig, file: Path) -> None:
    """Raise `InputError` if architecture and model type contradict each other.

    Some kinds of models have weights of the same names and shapes, but compute other functions of them.
    """
    stems = {kind: {_stem(name) for name in _tuple(names)} for kind, names in _CAUSAL_CLASSES.items()}
    own, known = stems.get(config.model_type, set()), set().union(*stems.values())
    named = [name for name in config.architectures or () if _stem(name) in known]
    if own and named and not own & {_stem(name) for name in named}:
        kinds = [kind for kind, of in stems.items() if _stem(named[0]) in of]
        raise InputError(
            "the configuration contradicts itself: its model type and its architecture are different kinds of models",
            where=f"{file}, fields model_type and architectures",
            value=f"{config.model_type} and {named[0]}",
            allowed=f"for the architecture {named[0]}: model_type {' or '.join(kinds)}",
            fix="correct the wrong field, or copy the file again",
        )


def _stem(architecture: str) -> str:
    """Return the kind of model in a class's name: `Qwen2` of `Qwen2ForCausalLM`."""
    return re.split(r"For[A-Z]|LMHead|TextModel$|Model$", architecture)[0]


def _tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _whole_weights(path: Path, fetch: _Fetch) -> tuple[Path, ...]:
    index = path / _INDEX
    if (path / _WHOLE).exists() or not index.exists():
        return _weights(path, [_WHOLE], fetch)
    shards = read_json(index).get("weight_map")
    weight_map = {str(name): str(shard) for name, shard in shards.items()} if isinstance(shards, dict) else {}
    names = sorted(set(weight_map.values()))
    if not names or any(Path(name).name != name for name in names):
        raise InputError(
            "the index does not list the files that contain the weights",
            where=f"{index}, field weight_map",
            value=names or shards,
            allowed="{weight: name of a file in this folder, ...}",
            fix=_COPY_AGAIN,
        )
    files = _weights(path, names, fetch)
    held = {file.name: set(tensor_names(file)) for file in files}
    absent = sorted(tensor for tensor, shard in weight_map.items() if tensor not in held[shard])
    if absent:
        raise InputError(
            f"{counted(len(absent), 'weight')} that the index lists {'is' if len(absent) == 1 else 'are'} not in the "
            "file that the index names",
            where=f"{index}, field weight_map",
            value=f"{absent[0]}: {weight_map[absent[0]]}",
            fix=_COPY_AGAIN,
        )
    return files


def tensor_names(file: Path) -> list[str]:
    """Return the names of the tensors in a safetensors file.

    Only the file's header is read.
    """
    with safe_open(file, framework="pt") as opened:
        return list(opened.keys())


def _weights(path: Path, names: Sequence[str], fetch: _Fetch) -> tuple[Path, ...]:
    fetch(names)
    missing = [name for name in names if not (path / name).exists()]
    if missing and len(names) > 1:
        raise InputError(
            f"{len(missing)} of the {len(names)} files that contain the weights are missing",
            where=str(path / _INDEX),
            value=missing[0],
            fix=_COPY_AGAIN,
        )
    if missing:
        pickled = sorted(file.name for file in path.iterdir() if file.suffix in _PICKLES)
        raise InputError(
            "the model folder contains no safetensors file",
            where=str(path),
            value=pickled[0] if pickled else None,
            allowed=f"{names[0]}; pickled weights (.bin, .pt, .pth) can run code and are refused",
            fix="convert the weights: if you trust them, load them with transformers, then call save_pretrained",
        )
    for name in names:
        _refuse_damaged(path / name)
    return tuple(path / name for name in names)


def _refuse_damaged(file: Path) -> None:
    """Raise `InputError` if a safetensors file is damaged.

    The file's header contains the expected size, so truncation is detected without reading the whole file.
    """
    try:
        with file.open("rb") as stream:
            if stream.read(len(_LFS)) == _LFS:
                what = "the file is a Git LFS pointer instead of the weights"
                raise InputError(what, where=str(file), fix="download the weights: git lfs pull")
        with safe_open(file, framework="pt"):
            pass
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"the weights are damaged, truncated or unreadable: {error}",
            where=str(file),
            value=f"{file.stat().st_size} bytes",
            fix=_COPY_AGAIN,
        ) from error
