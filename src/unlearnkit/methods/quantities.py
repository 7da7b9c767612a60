"""Names of the model's values that objectives read.

They are the keys of every store of values. A quantity is computed inside the engine's forward pass and has one value
(or one vector) for each labeled token of a view. Training, the G-effect and tests fill a store of them in different
ways; objectives see no difference.
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
"""A split, or a variant of its rows: `forget`, `forget:target` (trace and refusal), `forget:idk`, `retain`."""

Kind = Literal["logps", "kl", "states", "statistics", "hidden", "function"]

TokenFunction = Callable[..., "Tensor"]
"""A function of the next-token distribution: a chunk of tokens in, (n,) values out, differentiable in `logits`.

It takes one or more of these arguments, by name:

- `logits`: (n, vocabulary) float32 logits of the model, float64 for a float64 model;
- `labels`: (n,) int64 ids of the labeled tokens;
- `reference`: (n, vocabulary) logits of the reference model, without gradient.

Two quantities are the same if their functions are equal. Use a module-level function, a method of the objective, or a
frozen dataclass with `__call__`; a lambda written in two places is two functions.
"""

ARGUMENTS = ("logits", "labels", "reference")


def entropy(logits: Tensor) -> Tensor:
    """Entropy of the model's distribution, in nats."""
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
"""Cross-entropy -sum(target * log p) over the vocabulary, in nats, by the name of the target distribution."""


@dataclass(frozen=True)
class Quantity:
    """One kind of value at every labeled token of a view."""

    view: View
    kind: Kind
    """`logps`, log p of the labeled token; `kl`, KL(reference || model); `states`, what the head reads; `statistics`,
    see `statistics_of_logits`; `hidden`, what a decoder layer gives; `function`, a function of the distribution."""
    layer: int | None = None
    """Of `hidden`: the decoder layer, from 0; -1 is the last, after the final norm."""
    function: TokenFunction | None = None
    """Of `function`."""
    of_reference: bool = False
    """Whether it is the frozen reference model's; it then has no gradient."""

    def __post_init__(self) -> None:
        if isinstance(self.function, MethodType):
            # Methods are equal only if they belong to one object; objectives are equal if their settings are.
            object.__setattr__(self, "function", _Method(self.function.__self__, self.function.__func__))
        if self.function is not None:
            _refuse_unhashable(self.function)
            arguments_of(self.function)

    def __str__(self) -> str:
        return f"{self.title} of {self.view!r}"

    @property
    def title(self) -> str:
        """What it is, without its view."""
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
        line = getattr(getattr(self.function, "__code__", None), "co_firstlineno", 0)  # lambdas share their name
        return self.view, self.kind, str(self.layer), _label(self.function), str(line), str(self.of_reference)

    @property
    def compares(self) -> bool:
        """Whether it is computed from the reference model's distribution, too."""
        return self.kind == "kl" or (self.function is not None and "reference" in arguments_of(self.function))

    def evaluate(self, logits: Tensor, labels: Tensor, reference: Tensor | None) -> Tensor:
        """Call the function on one chunk and return (n,).

        Raises:
            InputError: the function returns another shape.
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
                fix="reduce over the vocabulary, which is the last dimension, and over nothing else",
            )
        return values


def entropy_of(view: View) -> Quantity:
    """Entropy of the model's distribution at each labeled token."""
    return Quantity(view, "function", function=entropy)


def cross_entropy_of(view: View, target: str) -> Quantity:
    """Cross-entropy of a target distribution with the model's.

    `target` is a key of `CROSS_ENTROPIES`.
    """
    if target not in CROSS_ENTROPIES:
        raise InputError(
            "no such target distribution",
            where="cross_entropy",
            value=target,
            allowed=", ".join(CROSS_ENTROPIES),
            fix="use one of these, or `distribution(view).map(function)` for another",
        )
    return Quantity(view, "function", function=CROSS_ENTROPIES[target])


@dataclass(frozen=True, init=False)
class Needs:
    """The quantities that an objective reads; the loop computes only these."""

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
        """Each argument corresponds to a method of `Step`.

        Args:
            logps: views for `step.logps`.
            reference: views for `step.reference.logps`.
            kl: views for `step.kl`.
            hidden: views and layers for `step.hidden`.
            reference_hidden: views and layers for `step.reference.hidden`.
            entropy: views for `step.entropy`.
            cross_entropy: views and targets for `step.cross_entropy`.
            distribution: views and functions for `step.distribution(view).map(function)`.
            quantities: others, for `step.value`.
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
        """Every view of a quantity."""
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
        """The states that the reference model's head must read.

        Quantities that compare two distributions need them.
        """
        views = {quantity.view for quantity in self.quantities if quantity.compares}
        return frozenset(Quantity(view, "states", of_reference=True) for view in views)

    @property
    def reads_reference(self) -> bool:
        """Whether anything of the reference model is needed."""
        return bool(self.of_reference or self.reference_states)

    @property
    def reads_head(self) -> bool:
        """Whether a quantity depends on the head, and so on every layer."""
        return any(quantity.kind != "hidden" for quantity in self.of_model)


@lru_cache(maxsize=1024)
def arguments_of(function: TokenFunction) -> tuple[str, ...]:
    """Return which of `ARGUMENTS` a function takes.

    Raises:
        InputError: it takes other arguments, or none.
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
            "not a function of the distribution: it takes other arguments",
            where=_label(function),
            value=", ".join(p.name for p in unknown) or "no argument",
            allowed=f"one or more of {', '.join(ARGUMENTS)}, by name",
            fix="rename its arguments, or give the others a default",
        )
    return found


def _refuse_unhashable(function: TokenFunction) -> None:
    try:
        hash(function)
    except TypeError as error:
        raise InputError(
            f"a function of the distribution cannot be distinguished from others: {error}",
            where=_label(function),
            allowed="hashable functions, which are compared by their settings",
            fix="make it a frozen dataclass, or keep lists and dicts out of the objective's settings",
        ) from error


@dataclass(frozen=True)
class _Method:
    """A method that equals the same method of an equal object."""

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
