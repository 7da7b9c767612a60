"""Read the headers of GGUF files.

A header holds the metadata, and the names, shapes and types of the tensors. GGUF is the file format of llama.cpp. It is
described in docs/gguf.md of github.com/ggml-org/ggml. This module reads headers itself, because the reader of the
package `gguf` needs several seconds for a large vocabulary.
"""

from __future__ import annotations

import importlib.util
import re
import struct
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from unlearnkit.core.errors import InputError, MissingDependency

MAGIC = b"GGUF"
SUFFIX = ".gguf"
_VERSIONS = (2, 3)
_PART = re.compile(r"-\d{5}-of-\d{5}$")
_STRING, _ARRAY, _BOOL = 8, 9, 7
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", _BOOL: "?", 10: "Q", 11: "q", 12: "d"}
"""Codes of the module `struct`, by type of a metadata value."""

FLOATS = ("F32", "F16", "BF16")
"""Types of tensors that are not quantized. Their values are stored as they are."""

ROPE_FACTORS = "rope_freqs.weight"
"""Tensor with factors of the rotary embedding. It is part of the configuration in transformers, not a weight."""


@dataclass(frozen=True)
class Stored:
    """A tensor of a GGUF file."""

    shape: tuple[int, ...]
    """The shape in the order of torch: the last dimension is contiguous."""
    kind: str
    """Type of the values, such as `F16` or `Q4_K`."""
    start: int
    """Position of the values in the file, in bytes."""
    size: int
    """Size of the values, in bytes."""


@dataclass(frozen=True, eq=False)
class GGUFFile:
    """The header of a GGUF file.

    Two calls of `read_gguf` for an unchanged file return the same object.
    """

    path: Path
    metadata: dict[str, Any]
    tensors: dict[str, Stored]

    @property
    def architecture(self) -> str:
        """Name of the model's architecture, such as `llama`."""
        return str(self.metadata["general.architecture"])

    def value(self, key: str) -> Any:
        """Return a metadata value of the architecture, or None."""
        return self.metadata.get(f"{self.architecture}.{key}")

    @property
    def quantized(self) -> tuple[str, ...]:
        """The types of the quantized tensors, the most frequent first."""
        kinds = Counter(each.kind for each in self.tensors.values())
        return tuple(kind for kind, _ in kinds.most_common() if kind not in FLOATS)

    @property
    def dtype(self) -> str:
        """Data type in which the model of this file is saved.

        This is the type of most weights. Quantized weights are dequantized and saved in bfloat16: its relative error,
        at most 2^-9, is far below that of common quantization, and it has the range of float32.
        """
        if self.quantized:
            return "bfloat16"
        sizes: Counter[str] = Counter()
        for each in self.tensors.values():
            sizes[each.kind] += each.size
        return {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[sizes.most_common(1)[0][0]]

    def values(self, name: str) -> NDArray[np.float32]:
        """Read a float32 tensor."""
        stored = self.tensors[name]
        if stored.kind != "F32":
            raise InputError(
                f"the tensor {name} is not float32", where=str(self.path), value=stored.kind, fix=_CONVERT_AGAIN
            )
        return np.fromfile(self.path, np.float32, prod(stored.shape), offset=stored.start).reshape(stored.shape)


_CONVERT_AGAIN = "copy, download or convert the file again"


def is_gguf(path: Path) -> bool:
    """Return whether a file is a GGUF file, by content or suffix."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(len(MAGIC)) == MAGIC or path.suffix == SUFFIX
    except OSError:
        return path.suffix == SUFFIX


def find_gguf(folder: Path) -> Path | None:
    """Return the GGUF file of a folder, or None.

    Raises:
        InputError: the folder contains several GGUF files.
    """
    files = sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file())
    if len(files) > 1 and not _PART.search(files[0].stem):  # parts of a split model are refused by their headers
        raise InputError(
            "the folder contains several GGUF files, so it is unclear which one is the model",
            where=str(folder),
            value=", ".join(file.name for file in files),
            fix=f"specify the file instead of the folder, such as {files[0]}",
        )
    return files[0] if files else None


def read_gguf(path: Path) -> GGUFFile:
    """Read and check the header of a GGUF file.

    Raises:
        InputError: the file is damaged, truncated or one part of a split model.
        MissingDependency: the package `gguf` is not installed.
    """
    try:
        status = path.stat()
    except OSError as error:
        fix = "correct the path, or the permissions of the file"
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path), fix=fix) from error
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> GGUFFile:
    del changed  # a part of the cache key
    if importlib.util.find_spec("gguf") is None:
        raise MissingDependency(
            "the model is a GGUF file, and the package that reads such files is not installed",
            where=str(path),
            fix="pip install 'unlearnkit[gguf]'; or use the model's original folder in the format of transformers",
        )
    try:
        with path.open("rb") as stream:
            version, metadata, tensors, end = _Header(stream, size).read()
    except (struct.error, UnicodeDecodeError, ValueError, KeyError) as error:
        raise _damaged(path, size, str(error)) from error
    except OSError as error:
        fix = "correct the permissions of the file"
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path), fix=fix) from error
    if version not in _VERSIONS:
        raise InputError(
            "this version of the GGUF format is not supported",
            where=str(path),
            value=version,
            allowed="version 2 or 3, little-endian",
            fix="convert the model again with a current version of llama.cpp",
        )
    _refuse_split(path, metadata)
    if "general.architecture" not in metadata:
        raise _damaged(path, size, "the field general.architecture is missing")
    if end > size:
        raise _damaged(path, size, f"{end} bytes are expected")
    return GGUFFile(path, metadata, tensors)


def _refuse_split(path: Path, metadata: dict[str, Any]) -> None:
    parts = metadata.get("split.count", 0)
    if parts > 1:
        raise InputError(
            "the model is split into several GGUF files, and split files cannot be loaded",
            where=str(path),
            value=f"{parts} files",
            fix="join the files with llama.cpp: llama-gguf-split --merge FIRST-FILE JOINED-FILE",
        )


def _damaged(path: Path, size: int, why: str) -> InputError:
    what = f"the GGUF file is damaged or truncated: {why}"
    return InputError(what, where=str(path), value=f"{size} bytes", fix=_CONVERT_AGAIN)


class _Header:
    """Reads the header from a stream."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size = stream, size

    def read(self) -> tuple[int, dict[str, Any], dict[str, Stored], int]:
        """Return version, metadata, tensors, and the size of a complete file."""
        if self._stream.read(len(MAGIC)) != MAGIC:
            raise ValueError("it does not start with 'GGUF'")
        (version,) = self._numbers("I", 1)
        if version not in _VERSIONS:
            return version, {}, {}, 0
        count, fields = self._numbers("Q", 2)
        metadata = dict(self._field() for _ in range(self._plausible(fields)))
        infos = [self._tensor() for _ in range(self._plausible(count))]
        alignment = int(metadata.get("general.alignment", 32))
        start = -(-self._stream.tell() // alignment) * alignment
        tensors = {name: Stored(shape, kind, start + offset, size) for name, shape, kind, offset, size in infos}
        return version, metadata, tensors, max((each.start + each.size for each in tensors.values()), default=0)

    def _field(self) -> tuple[str, Any]:
        name = self._string()
        (kind,) = self._numbers("I", 1)
        return name, self._value(kind)

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            (inner,) = self._numbers("I", 1)
            (count,) = self._numbers("Q", 1)
            if inner in _NUMBERS:
                return list(self._numbers(_NUMBERS[inner], self._plausible(count)))
            return [self._value(inner) for _ in range(self._plausible(count))]
        if kind not in _NUMBERS:
            raise ValueError(f"a field has the unknown type {kind}")
        return self._numbers(_NUMBERS[kind], 1)[0]

    def _tensor(self) -> tuple[str, tuple[int, ...], str, int, int]:
        from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

        name = self._string()
        (dimensions,) = self._numbers("I", 1)
        shape = tuple(reversed(self._numbers("Q", self._plausible(dimensions))))
        (kind,) = self._numbers("I", 1)
        (offset,) = self._numbers("Q", 1)
        stored = GGMLQuantizationType(kind)
        block, size = GGML_QUANT_SIZES[stored]
        return name, shape, stored.name, offset, prod(shape) // block * size

    def _string(self) -> str:
        (length,) = self._numbers("Q", 1)
        text = self._stream.read(self._plausible(length))
        if len(text) < length:
            raise ValueError("it ends within the header")
        return text.decode("utf-8")

    def _numbers(self, code: str, count: int) -> tuple[Any, ...]:
        layout = struct.Struct(f"<{count}{code}")
        return layout.unpack(self._stream.read(layout.size))

    def _plausible(self, count: int) -> int:
        """Raise `ValueError` if the file is too short for a count."""
        if count > self._size:
            raise ValueError("a length in the header exceeds the size of the file")
        return count
