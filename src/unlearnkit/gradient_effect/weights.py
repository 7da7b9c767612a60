"""The weights with respect to which gradients are computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from unlearnkit.core.errors import InputError
from unlearnkit.gradient_effect.outputs import Chunk
from unlearnkit.gradient_effect.settings import Over
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.engine import Engine
from unlearnkit.models.logprob import widen
from unlearnkit.models.parameter_vectors import Vector

_UNDER_ADAPTER = ".base_layer."


class Weights:
    """An engine's weights by name, in float32 or wider.

    If the model has a narrower dtype, its weights are copied to float32 once. Gradients and slopes are sums of a
    billion small products, and such sums would be useless in bfloat16. The weights of a float32 model are used without
    a copy.
    """

    def __init__(self, engine: Engine, over: Over = "trained") -> None:
        self.engine = engine
        named = dict(engine.named_parameters(remove_duplicate=False))
        wide = {id(parameter): widen(parameter.detach()) for parameter in named.values()}
        self.values: Vector = {name: wide[id(parameter)] for name, parameter in named.items()}
        if over == "adapted":
            self.chosen = tuple(name for name in named if _UNDER_ADAPTER in name)
        else:
            self.chosen = tuple(name for name, parameter in named.items() if parameter.requires_grad)
        if not self.chosen:
            what = "the model has no adapter" if over == "adapted" else "no weight of the model is trained"
            raise InputError(f"{what}, so there is no gradient", where="over", value=over)

    def once(self, names: Iterable[str]) -> list[str]:
        """Return the names, with only one name for each tied weight.

        For a tied weight, the first of its names in `chosen` is kept.
        """
        counted = set(distinct({name: self.values[name] for name in self.chosen}))
        return [name for name in names if name in counted]

    def run(self, chunk: Chunk, replaced: Mapping[str, Tensor]) -> dict[Quantity, Tensor]:
        """Run the model on a chunk, with some weights replaced.

        The two names of a tied weight may have different values, so that the embedding and the head can be treated
        separately.
        """
        arguments = (chunk.pack, chunk.outputs, chunk.reference)
        outputs = torch.func.functional_call(self.engine, {**self.values, **replaced}, arguments, tie_weights=False)
        return {output: outputs[output] for output in chunk.outputs}


def distinct(vector: Vector) -> list[str]:
    """Return one name for each tensor.

    A tied weight has one tensor under two names; the first of these names is returned.
    """
    first: dict[int, str] = {}
    for name, tensor in vector.items():
        first.setdefault(id(tensor), name)
    return list(first.values())
