"""Which rows a model can process together, given their lengths.

Some models do not give a row the same values alone and in a batch with longer rows. With a dynamic rotary embedding
(LongRoPE, dynamic NTK), the rotation of every token depends on the length of the longest row. With sparse attention,
ties between keys are broken depending on the number of keys. Such models process only rows of the same class of lengths
together.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from torch import nn

LengthClass = Callable[[int], Hashable]
"""Function that maps a number of tokens to a class. A model processes rows of the same class together."""


def length_class(model: nn.Module) -> LengthClass | None:
    """Return the classes of lengths between which the model's computation differs.

    Returns None if the computation does not depend on the length.

    A dynamic NTK embedding of transformers keeps the frequencies of the longest row that it has seen. This function
    registers a hook that makes such an embedding compute its frequencies from the current rows alone.
    """
    classes: list[LengthClass] = []
    for module in model.modules():
        if isinstance(kept := getattr(module, "index_topk", None), int):  # number of keys that sparse attention keeps
            classes.append(partial(_excess, kept))
        for layer_type, kind in _kinds(module):
            if kind == "longrope":
                classes.append(partial(_beyond, _original_length(module, layer_type)))
            elif "dynamic" in kind:
                classes.append(partial(_excess, int(module.original_max_seq_len)))  # type: ignore[arg-type]
                if _forget_longest_row not in module._forward_pre_hooks.values():
                    module.register_forward_pre_hook(_forget_longest_row)
    return (lambda length: tuple(each(length) for each in classes)) if classes else None


def group_rows(lengths: Sequence[int], of: LengthClass) -> list[list[int]]:
    """Return groups of rows of the same class, as indices into `lengths`."""
    groups: dict[Hashable, list[int]] = {}
    for row, length in enumerate(lengths):
        groups.setdefault(of(length), []).append(row)
    return list(groups.values())


def _kinds(module: Any) -> Iterator[tuple[str | None, str]]:
    """Yield the kinds of a module's rotary embeddings, by layer type.

    The type of layers is None if all layers have the same rotary embedding.
    """
    kind = getattr(module, "rope_type", None)
    if isinstance(kind, Mapping):
        yield from ((str(layer_type), str(each)) for layer_type, each in kind.items())
    elif isinstance(kind, str):
        yield None, kind


def _original_length(module: Any, layer_type: str | None) -> int:
    settings = module.config.rope_parameters
    return int((settings if layer_type is None else settings[layer_type])["original_max_position_embeddings"])


def _beyond(original: int, length: int) -> bool:
    return length > original


def _excess(original: int, length: int) -> int:
    return max(length - original, 0)


def _forget_longest_row(module: Any, args: object) -> None:
    """Make a dynamic NTK embedding compute its frequencies again."""
    del args
    module.max_seq_len_cached = 0
    for layer_type, _ in _kinds(module):
        if layer_type is not None:
            setattr(module, f"{layer_type}_max_seq_len_cached", 0)
