"""Groups of weights, by where they lie in the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from unlearnkit.core.errors import InputError
from unlearnkit.models.engine import Engine
from unlearnkit.models.settings import Grouping

ALL = "all"
"""The one group of everything, where groups are not asked for."""

_ATTENTION = re.compile(r"(^|[._])(self_attn|attn|attention)\b")
_MLP = re.compile(r"(^|[._])(mlp|ffn|feed_forward|experts)\b")


def grouped(
    engine: Engine, names: Iterable[str], how: Grouping, boundaries: Sequence[int] = ()
) -> dict[str, tuple[str, ...]]:
    """Names of weights by group, in the order of the road through the model.

    Args:
        engine: the model they are of.
        names: as `engine.named_parameters(remove_duplicate=False)` gives them. A tied weight has two names: one is in
            the embedding's group, the other in the head's.
        how: the kind of groups.
        boundaries: first blocks of groups of blocks: (4, 8) makes blocks 0-3, 4-7 and the rest groups; none: each
            block is one.

    Raises `InputError` for boundaries that do not rise or that the model has no blocks for.
    """
    names = list(names)
    if how == "none":
        return {ALL: tuple(names)}
    blocks = max((block for name in names if (block := _block(name)) is not None), default=-1) + 1
    edges = _edges(boundaries, blocks)
    head, embedding = _of(engine, "get_output_embeddings"), _of(engine, "get_input_embeddings")
    by_place: dict[tuple[int, str], list[str]] = {}
    for name in names:
        block = _block(name)
        if block is not None:
            place = (1 + block, _named(block, edges, name if how == "parts" else None))
        elif name in head:
            place = (blocks + 2, "head")
        elif name in embedding or not ("norm" in name.lower() or "ln_f" in name):
            place = (0, "embedding")  # learned positions too
        else:
            place = (blocks + 1, "final norm")
        by_place.setdefault(place, []).append(name)
    found: dict[str, list[str]] = {}
    for (_, group), members in sorted(by_place.items()):
        found.setdefault(group, []).extend(members)
    return {group: tuple(members) for group, members in found.items()}


def _of(engine: Engine, getter: str) -> set[str]:
    """Names of the parameters of the embeddings or the head."""
    inner = {id(module) for module in getattr(engine.causal(), getter)().modules()}
    return {
        f"{prefix}.{name}"
        for prefix, module in engine.named_modules()
        if id(module) in inner
        for name, _ in module.named_parameters(recurse=False)
    }


def _block(name: str) -> int | None:
    """Number of the block that a weight lies in: the first number in its name."""
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


def _edges(boundaries: Sequence[int], blocks: int) -> list[tuple[int, int]]:
    """First and last block of every group of blocks."""
    if not boundaries:
        return [(block, block) for block in range(blocks)]
    starts = [0, *boundaries]
    if any(a >= b for a, b in zip(starts, [*starts[1:], blocks], strict=True)):
        raise InputError(
            "the boundaries between groups of blocks do not cut the model's blocks",
            where="boundaries",
            value=list(boundaries),
            allowed=f"rising numbers of blocks from 1 to {blocks - 1}: each begins a group",
        )
    return [(a, b - 1) for a, b in zip(starts, [*starts[1:], blocks], strict=True)]


def _named(block: int, edges: Sequence[tuple[int, int]], name: str | None) -> str:
    first, last = next(edge for edge in edges if edge[0] <= block <= edge[1])
    called = f"block {first}" if first == last else f"blocks {first}-{last}"
    if name is None:
        return called
    part = "attention" if _ATTENTION.search(name) else "MLP" if _MLP.search(name) else "norms"
    return f"{called} {part}"
