"""Round weights to narrower data types and to integers.

All rounding of weights in this package is done by `rounded`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from unlearnkit.core.errors import InputError
from unlearnkit.models.folder import ModelFolder
from unlearnkit.models.settings import Bits

GROUP = 32
"""Number of weights that share a scale in `int4`. In `int8`, all weights of an output share a scale."""

_FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_LARGEST = {"int8": 127, "int4": 7}


def rounded(values: Tensor, to: torch.dtype | Bits, generator: torch.Generator | None = None) -> Tensor:
    """Round values to a data type, or to integers times a scale.

    Args:
        values: float32 or wider. For integers, the last dimension is the input of the layer.
        to: a floating-point data type; or `int8` or `int4`, i.e. symmetric integers with the largest absolute value of
            a group as the scale. The groups are the rows for `int8`, and `GROUP` neighbors in a row for `int4`.
        generator: source of random numbers for stochastic rounding, which is supported for bfloat16 only. A value is
            rounded to one of its two neighbors. The probabilities are such that the mean is the value. If None, a value
            is rounded to the nearest representable value; a tie goes to the even one.

    Returns:
        The rounded values, in the data type `to`, or in the data type of `values` for integers.
    """
    if isinstance(to, torch.dtype):
        return values.to(to) if generator is None else _stochastic(values, to, generator)
    return _integers(values, to)


def rounded_in_range(values: Tensor, to: torch.dtype, *, name: str, fix: str) -> Tensor:
    """Round a weight to the nearest values of a data type.

    Args:
        values: the weight.
        to: a floating-point data type.
        name: name of the weight, for error messages.
        fix: what the user can do if the weight is too large.

    Raises:
        InputError: a finite value becomes infinite.
    """
    result = rounded(values, to)
    if bool(values.isfinite().all()) and not bool(result.isfinite().all()):
        raise InputError(
            "a weight of the model is too large for the data type",
            where=name,
            value=float(values.abs().max()),
            allowed=f"at most {torch.finfo(to).max:g} ({type_name(to)})",
            fix=fix,
        )
    return result


def _stochastic(values: Tensor, to: torch.dtype, generator: torch.Generator) -> Tensor:
    if to != torch.bfloat16:
        raise ValueError(f"stochastic rounding to {to} is not supported")
    # A bfloat16 is the upper half of a float32. A random lower half is added, and the carry decides.
    single = values.float()
    noise = torch.randint(0, 1 << 16, single.shape, generator=generator, dtype=torch.int32, device=generator.device)
    bits = (single.view(torch.int32) + noise.to(single.device)) & ~0xFFFF
    # Infinity and NaN stay what they are.
    return torch.where(single.isfinite(), bits.view(torch.float32), single).to(to)


def _integers(values: Tensor, to: Bits) -> Tensor:
    size = values.shape[-1] if to == "int8" else GROUP
    padded = nn.functional.pad(values, (0, -values.shape[-1] % size))
    groups = padded.reshape(*padded.shape[:-1], -1, size)
    scale = groups.abs().amax(-1, keepdim=True) / _LARGEST[to]
    # A group of zeros has the scale 0, and stays 0.
    whole = torch.where(scale > 0, groups / scale, torch.zeros_like(groups)).round()
    return (whole * scale).flatten(-2)[..., : values.shape[-1]]


@torch.no_grad()
def round_linear_layers(model: nn.Module, to: Bits, *, leave: Sequence[nn.Module | None] = ()) -> int:
    """Round the weights of linear layers to integers, in place.

    Fused experts are rounded, too. Embeddings, norms, biases and the modules `leave`, usually the head, keep their
    values, as in common quantized formats.

    Returns:
        The number of rounded weights.
    """
    left, done = {id(p) for module in leave if module is not None for p in module.parameters()}, 0
    embedded = {id(p) for m in model.modules() if isinstance(m, nn.Embedding) for p in m.parameters()}
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            matrices = isinstance(module, (nn.Linear, Conv1D)) and name == "weight"
            experts = weight.ndim == 3 and not isinstance(module, nn.modules.conv._ConvNd)
            if not (matrices or experts) or id(weight) in left | embedded:
                continue
            wide = weight.float()
            # The input is the last dimension, except in GPT-2's layers.
            turned = wide.T if isinstance(module, Conv1D) else wide
            result = rounded(turned.contiguous(), to)
            weight.copy_(result.T if isinstance(module, Conv1D) else result)
            done += weight.numel()
    return done


@dataclass(frozen=True)
class FileTypes:
    """The data types of the weights in a model's files."""

    by_name: dict[str, torch.dtype]
    usual: torch.dtype
    """The data type of most weights."""

    @classmethod
    def of_source(cls, source: ModelFolder) -> FileTypes:
        """Return the data types of a model's files.

        For an adapter, these are the files of its base model. Quantized weights of a GGUF file count as dequantized.
        """
        whole = source.base or source
        return cls.read(whole.weights) if whole.gguf is None else cls({}, getattr(torch, whole.gguf.dtype))

    @classmethod
    def read(cls, files: Sequence[Path]) -> FileTypes:
        """Read the data types of safetensors files.

        Weights of other than floating-point types count as float32.
        """
        by_name: dict[str, torch.dtype] = {}
        sizes: Counter[torch.dtype] = Counter()
        for file in files:
            with safe_open(file, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118 - this is not a dict
                    part = opened.get_slice(name)
                    by_name[name] = _FLOATS.get(part.get_dtype(), torch.float32)
                    sizes[by_name[name]] += torch.Size(part.get_shape()).numel()
        return cls(by_name, sizes.most_common(1)[0][0])

    def all_are(self, dtype: torch.dtype) -> bool:
        """Return whether all weights have this data type."""
        return {*self.by_name.values(), self.usual} == {dtype}

    def of(self, name: str) -> torch.dtype:
        """Return the data type of a weight.

        A weight that is not in the files has the usual data type.
        """
        return self.by_name.get(name, self.usual)


@torch.no_grad()
def restore_frozen(model: nn.Module, before: nn.Module) -> None:
    """Restore the exact values of frozen weights, in place.

    Frozen weights may have been loaded in a narrower data type than that of `before`.

    Args:
        model: the trained model, with or without an adapter.
        before: the model before training, without an adapter.
    """
    old = dict(before.named_parameters())
    for name, weight in model.named_parameters():
        was = old.get(name.removeprefix("base_model.model.").replace(".base_layer.", "."))
        if was is not None and not weight.requires_grad and weight.dtype != was.dtype:
            weight.data = was.detach().to(weight.device, copy=True)


@torch.no_grad()
def round_like(model: nn.Module, types: FileTypes, before: nn.Module | None = None) -> float | None:
    """Round a trained model to its source's data types, in place.

    Args:
        model: the trained model, without an adapter.
        types: data types of the files that the model was loaded from.
        before: the model before training; None if it is not known.

    Returns:
        The share of the weights changed by training that rounding returned to their value before training; None
        without `before`.

    Raises:
        InputError: a weight is too large for its data type.
    """
    old = {} if before is None else dict(before.named_parameters())
    changed = returned = 0
    for name, weight in model.named_parameters():
        dtype = types.of(name)
        fix = "lower train.lr, or convert the model to bfloat16 or float32 first"
        result = rounded_in_range(weight.detach(), dtype, name=name, fix=fix)
        if name in old:
            was = old[name].detach().to(weight.device)
            rows = slice(0, was.shape[0])  # new tokens add rows, which have no earlier value
            moved = weight.detach()[rows] != was
            changed += int(moved.sum())
            returned += int((moved & (result[rows] == was)).sum())
        weight.data = result
    return None if before is None else returned / max(changed, 1)


def type_name(dtype: torch.dtype) -> str:
    """Return the name of a data type, such as `bfloat16`."""
    return str(dtype).removeprefix("torch.")
