"""Group weights by their position in the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from unlearnkit.core.errors import InputError
from unlearnkit.models.engine import Engine
from unlearnkit.models.settings import Grouping

ALL = "all"
"""Name of the group that contains all weights, if the grouping is `none`."""

_ATTENTION = re.compile(r"(^|[._])(self_attn|attn|attention)\b")
_MLP = re.compile(r"(^|[._])(mlp|ffn|feed_forward|experts)\b")


def grouped(
    engine: Engine, names: Iterable[str], how: Grouping, boundaries: Sequence[int] = ()
) -> dict[str, tuple[str, ...]]:
    """Group the names of weights; sort the groups in forward-pass order.

    Args:
        engine: the model.
        names: names from `engine.named_parameters(remove_duplicate=False)`. A tied weight has two names: one name is in
            the embedding's group, and the other name is in the head's group.
        how: the kind of grouping.
        boundaries: numbers of the blocks that start a new group. For example, (4, 8) creates three groups: blocks 0-3,
            blocks 4-7 and all later blocks. If empty, each block is a separate group.

    Raises:
        InputError: the boundaries are not strictly increasing block numbers, or they contain block 0.
    """
    names = list(names)
    if how == "none":
        return {ALL: tuple(names)}
    blocks = max((block for name in names if (block := _block(name)) is not None), default=-1) + 1
    labels = _labels(boundaries, blocks)
    head, embedding = _of(engine, "get_output_embeddings"), _of(engine, "get_input_embeddings")
    by_place: dict[tuple[int, str], list[str]] = {}
    for name in names:
        block = _block(name)
        if block is not None:
            part = " attention" if _ATTENTION.search(name) else " MLP" if _MLP.search(name) else " norms"
            place = (1 + block, labels[block] + (part if how == "parts" else ""))
        elif name in head:
            place = (blocks + 2, "head")
        elif name in embedding or not ("norm" in name.lower() or "ln_f" in name):
            place = (0, "embedding")  # includes learned position embeddings
        else:
            place = (blocks + 1, "final norm")
        by_place.setdefault(place, []).append(name)
    groups: dict[str, list[str]] = {}
    for (_, group), members in sorted(by_place.items()):
        groups.setdefault(group, []).extend(members)
    return {group: tuple(members) for group, members in groups.items()}


def _of(engine: Engine, getter: str) -> set[str]:
    """Return the names of the parameters of the model's embeddings or head.

    `getter` is the name of the transformers method that returns the module: `get_input_embeddings` for the embeddings,
    `get_output_embeddings` for the head.
    """
    inner = {id(module) for module in getattr(engine.causal(), getter)().modules()}
    return {
        f"{prefix}.{name}"
        for prefix, module in engine.named_modules()
        if id(module) in inner
        for name, _ in module.named_parameters(recurse=False)
    }


def _block(name: str) -> int | None:
    """Return a weight's block number: the first number in its name.

    Returns None if the name contains no number.
    """
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


def _labels(boundaries: Sequence[int], blocks: int) -> list[str]:
    """Return the name of each block's group."""
    if not boundaries:
        return [f"block {block}" for block in range(blocks)]
    edges = list(pairwise([0, *boundaries, blocks]))
    if any(first >= end for first, end in edges):
        raise InputError(
            "the boundaries do not divide the model's blocks into groups",
            where="boundaries",
            value=list(boundaries),
            allowed=f"increasing block numbers from 1 to {blocks - 1}; a new group starts at each of these blocks",
        )
    return [
        f"block {first}" if end == first + 1 else f"blocks {first}-{end - 1}"
        for first, end in edges
        for _ in range(first, end)
    ]
