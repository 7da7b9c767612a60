"""The weights that effects are taken over, and running the engine with others in their place."""

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
from unlearnkit.models.parameter_groups import grouped
from unlearnkit.models.parameter_vectors import Vector
from unlearnkit.models.settings import Grouping

_UNDER_ADAPTER = ".base_layer."


class Weights:
    """An engine's weights, in float32 or wider, by name.

    A narrower model is widened once: gradients and slopes in bfloat16 lose what they are for (a sum of a billion small
    products). That copy is the price; a float32 model's own weights are used as they are.
    """

    def __init__(self, engine: Engine, over: Over = "trained") -> None:
        self.engine = engine
        named = dict(engine.named_parameters(remove_duplicate=False))
        wide = {id(parameter): widen(parameter.detach()) for parameter in named.values()}
        self.values: Vector = {name: wide[id(parameter)] for name, parameter in named.items()}
        if over == "adapted":
            self.chosen = tuple(name for name in named if _UNDER_ADAPTER in name)
            if not self.chosen:
                raise InputError("there is no adapter whose weights could be looked at", where="over", value=over)
        else:
            self.chosen = tuple(name for name, parameter in named.items() if parameter.requires_grad)
        if not self.chosen:
            raise InputError("no weight of the model is trained, so no gradient can be taken", where="over", value=over)

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return next(iter(self.values.values())).device

    def groups(self, how: Grouping, boundaries: tuple[int, ...] = ()) -> dict[str, tuple[str, ...]]:
        """The chosen weights' names by group."""
        return grouped(self.engine, self.chosen, how, boundaries)

    def once(self, names: Iterable[str]) -> list[str]:
        """The names under which weights are counted: of a tied weight's names the first of all chosen ones."""
        first: dict[int, str] = {}
        for name in self.chosen:
            first.setdefault(id(self.values[name]), name)
        return [name for name in names if first[id(self.values[name])] == name]

    def run(self, chunk: Chunk, replaced: Mapping[str, Tensor]) -> dict[Quantity, Tensor]:
        """The chunk's outputs with some weights replaced; names of one tied weight may be given different values."""
        # Each name of a tied weight is replaced by its own: so the embedding's use and the head's are told apart.
        values = {**self.values, **replaced}
        made = torch.func.functional_call(
            self.engine, values, (chunk.pack, chunk.outputs, chunk.reference), tie_weights=False
        )
        return {output: made[output] for output in chunk.outputs}
