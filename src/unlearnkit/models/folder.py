"""The folder of a model: found, and looked at before any weight is loaded.

A model is named by a local folder or a Hub id. Either way its files come to lie in a folder on this machine, and that
folder is what is checked: a model from the Hub is held to the same rules as one on the disk, and one that breaks them
is refused before its weights are downloaded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, PreTrainedConfig

from unlearnkit.core.errors import InputError
from unlearnkit.models.hub import TEXTS, from_hub

ADAPTER_CONFIG = "adapter_config.json"
_CONFIG, _INDEX = "config.json", "model.safetensors.index.json"
_WHOLE, _ADAPTER = "model.safetensors", "adapter_model.safetensors"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_LFS = b"version https://git-lfs"

_Fetch = Callable[[Sequence[str]], object]
"""Brings files of these names into the folder, where they are elsewhere."""


@dataclass(frozen=True)
class ModelFolder:
    """A model whose files are here and fit to be read."""

    name: str
    """What it is loaded by from any working directory: an absolute path, or a Hub id."""
    path: Path
    config: PreTrainedConfig
    """Of the whole model, which for an adapter is its base."""
    weights: tuple[Path, ...]
    """Safetensors files; nothing else is ever read for weights."""
    base: ModelFolder | None = None
    """Of an adapter: the model it belongs to."""


def find_model(source: str | ModelFolder, where: str = "model.path") -> ModelFolder:
    """The folder of a model, checked: every file that is needed is there, whole, and of a kind that is read.

    Args:
        source: local folder or Hub id; one that was found already comes back as it is.
        where: what names the model, for messages.

    Raises:
        InputError: it is not there, is damaged or no decoder, or needs what is refused: pickles, code of its own.
        Missing: a Hub model that cannot be had now.
    """
    return source if isinstance(source, ModelFolder) else _find(source, where, may_be_adapter=True)


def _find(source: str, where: str, *, may_be_adapter: bool) -> ModelFolder:
    given = Path(source).expanduser()
    if given.is_dir():
        path = given.resolve()
        return _checked(path, str(path), where, may_be_adapter)
    if given.exists():
        raise InputError(
            "this is a file, not the folder of a model",
            where=where,
            value=source,
            fix="name the folder that holds it",
        )
    if given.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
        raise InputError(
            "there is no such model folder",
            where=where,
            value=source,
            allowed="a folder, or owner/name on the Hub",
            fix="correct the path; a relative one begins at the working directory",
        )
    path = from_hub(source, TEXTS, where=where)
    return _checked(path, source, where, may_be_adapter, partial(from_hub, source, where=where, revision=path.name))


def positions(config: PreTrainedConfig) -> int:
    """Most tokens, of a row or of a prompt with its output, that a model of this configuration has positions for."""
    return int(getattr(config.get_text_config(), "max_position_embeddings", None) or 4096)


def weights_fingerprint(source: str | ModelFolder) -> str:
    """SHA-256 over a model's safetensors files; over those of its base too, if it is an adapter."""
    folder = find_model(source)
    digest = hashlib.sha256()
    for file in folder.weights:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    if folder.base is not None:
        digest.update(weights_fingerprint(folder.base).encode())
    return digest.hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of a model's folder. Raises `InputError` where it is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(
            f"this is not JSON: {error.msg}",
            where=f"{path}, line {error.lineno}",
            fix="copy or download the file again",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the file cannot be read: {error}",
            where=str(path),
            fix="check what it is and its rights",
        ) from error
    if not isinstance(data, dict):
        raise InputError(
            "this is not a JSON object",
            where=str(path),
            value=type(data).__name__,
            allowed="{...}",
            fix="copy or download the file again",
        )
    return data


def _checked(path: Path, name: str, where: str, may_be_adapter: bool, fetch: _Fetch = lambda _: None) -> ModelFolder:
    if (path / ADAPTER_CONFIG).exists():
        if not may_be_adapter:
            raise InputError(
                "the adapter's base is itself an adapter",
                where=where,
                value=name,
                fix="merge that one into its base, with merge_and_unload, and name the result",
            )
        return _adapter(path, name, fetch)
    if not (path / _CONFIG).exists():
        inside = (path / "subject.json").exists() or (path / "model" / _CONFIG).exists()
        fix = f"name the model in it: {path / 'model'}" if inside else "name the folder that save_pretrained wrote"
        raise InputError(f"the folder holds no {_CONFIG}, so it is no model", where=str(path), fix=fix)
    return ModelFolder(name, path, _config(path), _whole_weights(path, fetch))


def _adapter(path: Path, name: str, fetch: _Fetch) -> ModelFolder:
    file = path / ADAPTER_CONFIG
    settings = read_json(file)
    if settings.get("peft_type") != "LORA":
        raise InputError(
            "this kind of adapter is not supported",
            where=f"{file}, field peft_type",
            value=settings.get("peft_type"),
            allowed="LORA",
            fix="merge it into its base, with merge_and_unload, and name the result",
        )
    where, base = f"{file}, field base_model_name_or_path", settings.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise InputError("the adapter does not say to which model it belongs", where=where, fix="write it there")
    # To peft a relative path begins at the working directory; an adapter that is moved with its base begins at itself.
    beside = path / base
    base = str(beside) if beside.is_dir() and not Path(base).is_dir() else base
    found = _find(base, where, may_be_adapter=False)
    return ModelFolder(name, path, found.config, _weights(path, [_ADAPTER], fetch), found)


def _config(path: Path) -> PreTrainedConfig:
    """The configuration of a decoder that transformers itself knows."""
    file = path / _CONFIG
    settings = read_json(file)
    kind = settings.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        if settings.get("auto_map"):
            raise InputError(
                "the model needs code that lies in its folder, and such code is not run (trust_remote_code is off)",
                where=f"{file}, field auto_map",
                value=kind,
                allowed=f"models that transformers {transformers.__version__} knows by itself",
                fix="take a model that transformers knows by itself",
            )
        raise InputError(
            f"transformers {transformers.__version__} knows no such kind of model",
            where=f"{file}, field model_type",
            value=kind,
            fix="take a newer transformers if the model is newer than it; else correct the field",
        )
    if settings.get("quantization_config"):
        raise InputError(
            "the weights are quantized, and such weights cannot be trained",
            where=f"{file}, field quantization_config",
            fix="take the model as it was before that",
        )
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(path, trust_remote_code=False)
    except (StrictDataclassError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"the model's configuration cannot be used: {error}",
            where=str(file),
            fix="mend the field that is named, or copy the file again",
        ) from error
    _refuse_all_but_decoders(config, file)
    return config


def _refuse_all_but_decoders(config: PreTrainedConfig, file: Path) -> None:
    causal = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    names = config.architectures or []
    # BERT and its kin can be made decoders, and their configuration says whether they were. So does that of GPT-NeoX,
    # which says no and is one, but names the class. What names none is found out by the engine, which looks.
    encodes = getattr(config, "is_decoder", None) is False and names and getattr(causal, "__name__", "") not in names
    if causal is None or config.is_encoder_decoder or encodes:
        raise InputError(
            "the model is not a decoder, which writes one token after another",
            where=f"{file}, field model_type",
            value=config.model_type,
            allowed="a causal language model (Llama, Qwen, Gemma, Phi, Mistral, GPT-NeoX, GPT-2, ...)",
            fix="name another model",
        )


def _whole_weights(path: Path, fetch: _Fetch) -> tuple[Path, ...]:
    index = path / _INDEX
    if (path / _WHOLE).exists() or not index.exists():
        return _weights(path, [_WHOLE], fetch)
    shards = read_json(index).get("weight_map")
    names = sorted({str(shard) for shard in shards.values()}) if isinstance(shards, dict) else []
    if not names or any(Path(name).name != name for name in names):
        raise InputError(
            "the index does not say which files hold the weights",
            where=f"{index}, field weight_map",
            value=names or shards,
            allowed="{weight: name of a file in this folder, ...}",
            fix="copy or download the model again",
        )
    return _weights(path, names, fetch)


def _weights(path: Path, names: Sequence[str], fetch: _Fetch) -> tuple[Path, ...]:
    fetch(names)
    missing = [name for name in names if not (path / name).exists()]
    if missing and len(names) > 1:
        raise InputError(
            f"{len(missing)} of the {len(names)} files that hold the weights are missing",
            where=str(path / _INDEX),
            value=missing[0],
            fix="copy or download the model again",
        )
    if missing:
        pickled = sorted(file.name for file in path.iterdir() if file.suffix in _PICKLES)
        raise InputError(
            "the model folder holds no safetensors file",
            where=str(path),
            value=pickled[0] if pickled else None,
            allowed=f"{names[0]}; pickled weights (.bin, .pt, .pth) can run code and are refused",
            fix="convert the weights: load them where you trust them, and save_pretrained",
        )
    for name in names:
        _refuse_damaged(path / name)
    return tuple(path / name for name in names)


def _refuse_damaged(file: Path) -> None:
    """Safetensors tell their size in the header, so that one that was cut off shows without being read."""
    try:
        with file.open("rb") as stream:
            pointer = stream.read(len(_LFS)) == _LFS
        if not pointer:
            with safe_open(file, framework="pt"):
                return
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"the weights are damaged, cut off or not readable: {error}",
            where=str(file),
            value=f"{file.stat().st_size} bytes",
            fix="copy or download the file again",
        ) from error
    raise InputError("in place of the weights lies Git LFS's pointer to them", where=str(file), fix="git lfs pull")
