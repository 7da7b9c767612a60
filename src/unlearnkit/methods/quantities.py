"""Quantities: the values of a model that objectives read.

A `Quantity` is the key of a tensor in a store of values. The tensor is computed inside the engine's forward pass and
has one value, or one vector, for each labeled token of a view. Training, the G-effect and the tests fill a store in
different ways; objectives read all stores in the same way.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MethodType
from typing import TYPE_CHECKING, Any, Literal

from unlearnkit.core.errors import InputError

if TYPE_CHECKING:  # a recipe names objectives, and reading recipes must not import torch
    from torch import Tensor

View = str
"""Name of a split, such as `forget` or `retain`, or of a split with replacement answers: `forget:target` (traces and
refusals) or `forget:idk` ("I don't know")."""

Kind = Literal["logps", "kl", "states", "statistics", "hidden", "function"]

TokenFunction = Callable[..., "Tensor"]
"""A function that computes one value from each of n next-token distributions. The result has shape (n,) and is
differentiable with respect to `logits`.

The function takes one or more of these arguments, by name:

- `logits`: (n, vocabulary) logits of the model; float32, or float64 for a float64 model;
- `labels`: (n,) int64 ids of the labeled tokens;
- `reference`: (n, vocabulary) logits of the reference model, without gradient.

Two quantities are the same only if their functions are equal. Therefore use a module-level function, a method of the
objective, or a frozen dataclass with `__call__`. Two lambdas are never equal, even if their code is the same.
"""

ARGUMENTS = ("logits", "labels", "reference")


def entropy(logits: Tensor) -> Tensor:
    """Return the entropy of the model's distributions, in nats."""
    logps = logits.log_softmax(-1)
    return -(logps.exp() * logps).sum(-1)


def _cross_entropy_of_uniform(logits: Tensor) -> Tensor:
    return logits.logsumexp(-1) - logits.mean(-1)


def _cross_entropy_of_reference(logits: Tensor, reference: Tensor) -> Tensor:
    return -(reference.softmax(-1) * logits.log_softmax(-1)).sum(-1)


CROSS_ENTROPIES: Mapping[str, TokenFunction] = {
    "uniform": _cross_entropy_of_uniform,
    "reference": _cross_entropy_of_reference,
}
"""Functions that compute the cross-entropy -sum(target * log p) over the vocabulary, in nats. The keys name the target
distributions."""


@dataclass(frozen=True)
class Quantity:
    """Identifies a tensor with one entry per labeled token of a view."""

    view: View
    kind: Kind
    """The kind of value. `logps`: log p of the labeled token. `kl`: KL(reference || model). `states`: the hidden states
    that the head reads. `statistics`: see `statistics_of_logits`. `hidden`: the output of a decoder layer. `function`:
    a function of the next-token distribution."""
    layer: int | None = None
    """For the kind `hidden`: index of the decoder layer, counted from 0. -1 is the last layer, after the final norm."""
    function: TokenFunction | None = None
    """For the kind `function`: the function of the next-token distribution."""
    of_reference: bool = False
    """Whether the frozen reference model computes the value. Such a value has no gradient."""

    def __post_init__(self) -> None:
        if isinstance(self.function, MethodType):
            # Bound methods are equal only if they belong to the same object. But objectives are equal if their settings
            # are equal, and the methods of equal objectives must be equal too.
            object.__setattr__(self, "function", _Method(self.function.__self__, self.function.__func__))
        if self.function is not None:
            _refuse_unhashable(self.function)
            arguments_of(self.function)

    def __str__(self) -> str:
        return f"{self.title} of {self.view!r}"

    @property
    def title(self) -> str:
        """Readable name of the quantity, without its view."""
        names = {
            "logps": "log-probabilities",
            "kl": "KL from the reference model",
            "hidden": f"hidden states of layer {self.layer}",
            "function": _label(self.function),
        }
        return f"{'reference ' if self.of_reference else ''}{names.get(self.kind, self.kind)}"

    @property
    def order(self) -> tuple[str, ...]:
        """A sort key that is the same in every process."""
        line = getattr(getattr(self.function, "__code__", None), "co_firstlineno", 0)  # all lambdas have the same name
        return self.view, self.kind, str(self.layer), _label(self.function), str(line), str(self.of_reference)

    @property
    def compares(self) -> bool:
        """Whether the quantity compares the model's and the reference model's distributions."""
        return self.kind == "kl" or (self.function is not None and "reference" in arguments_of(self.function))

    def evaluate(self, logits: Tensor, labels: Tensor, reference: Tensor | None) -> Tensor:
        """Apply the function to n tokens, and return n values.

        Raises:
            InputError: the function returns values of a different shape.
        """
        assert self.function is not None
        given = {"logits": logits, "labels": labels, "reference": reference}
        values = self.function(**{name: given[name] for name in arguments_of(self.function)})
        if values.shape != labels.shape:
            raise InputError(
                "a function of the distribution returned values of the wrong shape",
                where=_label(self.function),
                value=tuple(values.shape),
                allowed=f"{tuple(labels.shape)}, one value for each token",
                fix="reduce over the last dimension only, which is the vocabulary",
            )
        return values


def entropy_of(view: View) -> Quantity:
    """Return the quantity for the model's next-token entropy."""
    return Quantity(view, "function", function=entropy)


def cross_entropy_of(view: View, target: str) -> Quantity:
    """Return the quantity for the cross-entropy with a target distribution.

    `target` is a key of `CROSS_ENTROPIES`.
    """
    if target not in CROSS_ENTROPIES:
        raise InputError(
            "no such target distribution",
            where="cross_entropy",
            value=target,
            allowed=", ".join(CROSS_ENTROPIES),
            fix="use one of these, or apply your own function with `distribution(view).map(function)`",
        )
    return Quantity(view, "function", function=CROSS_ENTROPIES[target])


@dataclass(frozen=True, init=False)
class Needs:
    """The quantities that an objective reads; the training loop computes only these."""

    quantities: frozenset[Quantity]

    def __init__(
        self,
        *,
        logps: Iterable[View] = (),
        reference: Iterable[View] = (),
        kl: Iterable[View] = (),
        hidden: Iterable[tuple[View, int]] = (),
        reference_hidden: Iterable[tuple[View, int]] = (),
        entropy: Iterable[View] = (),
        cross_entropy: Iterable[tuple[View, str]] = (),
        distribution: Iterable[tuple[View, TokenFunction]] = (),
        quantities: Iterable[Quantity] = (),
    ) -> None:
        """Create the quantities; each argument corresponds to a method of `Step`.

        Args:
            logps: views for `step.logps`.
            reference: views for `step.reference.logps`.
            kl: views for `step.kl`.
            hidden: views and layers for `step.hidden`.
            reference_hidden: views and layers for `step.reference.hidden`.
            entropy: views for `step.entropy`.
            cross_entropy: views and targets for `step.cross_entropy`.
            distribution: views and functions for `step.distribution(view).map(function)`.
            quantities: any other quantities, for `step.value`.
        """
        named = {
            *quantities,
            *(Quantity(view, "logps") for view in logps),
            *(Quantity(view, "logps", of_reference=True) for view in reference),
            *(Quantity(view, "kl") for view in kl),
            *(Quantity(view, "hidden", layer) for view, layer in hidden),
            *(Quantity(view, "hidden", layer, of_reference=True) for view, layer in reference_hidden),
            *(entropy_of(view) for view in entropy),
            *(cross_entropy_of(view, target) for view, target in cross_entropy),
            *(Quantity(view, "function", function=function) for view, function in distribution),
        }
        object.__setattr__(self, "quantities", frozenset(named))

    def __or__(self, other: Needs) -> Needs:
        return Needs(quantities=self.quantities | other.quantities)

    @property
    def views(self) -> frozenset[View]:
        """The views of all quantities."""
        return frozenset(quantity.view for quantity in self.quantities)

    @property
    def of_model(self) -> frozenset[Quantity]:
        """Quantities of the model under training."""
        return frozenset(quantity for quantity in self.quantities if not quantity.of_reference)

    @property
    def of_reference(self) -> frozenset[Quantity]:
        """Quantities of the reference model."""
        return self.quantities - self.of_model

    @property
    def reference_states(self) -> frozenset[Quantity]:
        """Hidden states from which the reference model's head computes its distributions.

        Every quantity that compares the two models' distributions needs these states.
        """
        views = {quantity.view for quantity in self.quantities if quantity.compares}
        return frozenset(Quantity(view, "states", of_reference=True) for view in views)

    @property
    def reads_reference(self) -> bool:
        """Whether any value of the reference model is needed."""
        return bool(self.of_reference or self.reference_states)

    @property
    def reads_head(self) -> bool:
        """Whether any quantity depends on the head, and therefore on every layer."""
        return any(quantity.kind != "hidden" for quantity in self.of_model)


@lru_cache(maxsize=1024)
def arguments_of(function: TokenFunction) -> tuple[str, ...]:
    """Return the names in `ARGUMENTS` that the function accepts.

    Raises:
        InputError: the function requires an argument that is not in `ARGUMENTS`, or accepts none of `ARGUMENTS`.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some built-in functions have no signature
        parameters = ()  # type: ignore[assignment]
    by_name = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    unknown = [p for p in parameters if p.default is p.empty and (p not in by_name or p.name not in ARGUMENTS)]
    found = tuple(p.name for p in by_name if p.name in ARGUMENTS)
    if unknown or not found:
        raise InputError(
            "the function cannot be applied to a next-token distribution, because it takes other arguments",
            where=_label(function),
            value=", ".join(p.name for p in unknown) or "no argument",
            allowed=f"one or more of {', '.join(ARGUMENTS)}, by name",
            fix="rename the function's arguments, or give its other arguments a default",
        )
    return found


def _refuse_unhashable(function: TokenFunction) -> None:
    try:
        hash(function)
    except TypeError as error:
        raise InputError(
            f"a function of the distribution is not hashable, so it cannot be compared with other functions: {error}",
            where=_label(function),
            allowed="a hashable function",
            fix="make the function a frozen dataclass; or, if the function is a method of an objective, use tuples, "
            "not lists or dicts, in the objective's settings",
        ) from error


@dataclass(frozen=True)
class _Method:
    """A bound method whose object is compared by equality, not by identity.

    Methods of two equal objects are therefore equal.
    """

    owner: Any
    function: Callable[..., Tensor]

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(MethodType(self.function, self.owner))

    def __call__(self, **arguments: Any) -> Tensor:
        return self.function(self.owner, **arguments)


def _label(function: TokenFunction | None) -> str:
    if function is None:
        return ""
    if isinstance(function, _Method):
        return f"{function.owner!r}.{function.function.__name__}"
    name = getattr(function, "__qualname__", None)
    return f"{function.__module__}.{name}" if name else repr(function)
