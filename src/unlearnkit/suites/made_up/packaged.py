"""Trained models that come with the package."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path

from safetensors.torch import load, save_file

from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.core.settings import Value
from unlearnkit.models.cache import cache_folder, cached
from unlearnkit.runs.state import PACKAGED_FILE

MANIFEST = "models.json"
"""Name of the file that lists the models of a folder."""
WEIGHTS = "model.safetensors"
_FIX = "install unlearnkit again with all its files, or train the demo's models on this machine: unlearn demo --retrain"


class Weights(Value):
    """A file with the weights of one model."""

    file: str
    sha256: str


class Packaged(Value):
    """Content of `models.json`: the models in its folder.

    The weights are stored with 16 bits. The models have the same tokenizer and the same configuration.
    """

    torch: str
    """Version of torch that trained the models. It is a part of their fingerprints."""
    shared: dict[str, str]
    """SHA-256 of each file that belongs to every model, by name."""
    models: dict[str, Weights]
    """Weights of each model, by the fingerprint under which a trained model is cached."""


def packaged_model(folder: Traversable, fingerprint: Callable[[str], str], world: str) -> Path | None:
    """Return the folder of a model that comes with the package.

    The model's files are written to the cache, with weights in float32, because a model that is trained from them is
    saved in their data type.

    Args:
        folder: folder with the packaged models.
        fingerprint: returns the fingerprint of the model for a version of torch.
        world: name of the cache folder's subfolder for the models.

    Returns:
        The folder; None if the package does not contain this model.

    Raises:
        MissingDependency: a file is missing or cannot be read.
        InputError: a file differs from the file that was packaged.
    """
    packaged = read_manifest(folder)
    name = fingerprint(packaged.torch)
    if name not in packaged.models:
        return None
    weights = packaged.models[name]
    # The folder's name depends on the files, so that a later package does not get the files of an earlier one.
    digest = hashlib.sha256("".join((*packaged.shared.values(), weights.sha256)).encode()).hexdigest()
    place = cache_folder() / world / f"{name}-packaged-{digest[:8]}"
    if place.exists():
        return place
    expected = {**packaged.shared, weights.file: weights.sha256}
    contents = {file: _checked(folder, file, sha256) for file, sha256 in expected.items()}
    return cached(place, lambda partial: _write(partial, contents, weights))


def read_manifest(folder: Traversable) -> Packaged:
    """Read the list of the packaged models in a folder.

    Raises:
        MissingDependency: the list is missing or cannot be read.
        InputError: the list is damaged.
    """
    try:
        return Packaged.model_validate_json(_read(folder, MANIFEST))
    except ValueError as error:
        what = "the list of the models that come with the package is damaged"
        raise InputError(what, where=str(folder / MANIFEST), fix=_FIX) from error


def _read(folder: Traversable, file: str) -> bytes:
    try:
        return (folder / file).read_bytes()
    except OSError as error:
        what = f"a file of the models that come with the package cannot be read: {error.strerror}"
        raise MissingDependency(what, where=str(folder / file), fix=_FIX) from error


def _checked(folder: Traversable, file: str, sha256: str) -> bytes:
    content = _read(folder, file)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InputError(
            "a file of the models that come with the package is damaged or was changed",
            where=str(folder / file),
            value=f"SHA-256 {found}",
            allowed=f"SHA-256 {sha256}",
            fix=_FIX,
        )
    return content


def _write(folder: Path, contents: Mapping[str, bytes], weights: Weights) -> None:
    for file, content in contents.items():
        if file != weights.file:
            (folder / file).write_bytes(content)
    tensors = {name: tensor.float() for name, tensor in load(contents[weights.file]).items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / PACKAGED_FILE).write_text(weights.model_dump_json() + "\n", encoding="utf-8")
