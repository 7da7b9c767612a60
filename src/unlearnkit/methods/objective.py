"""The interface of objectives: what they read, and their terms.

An objective sees tensors, never a model. `Step` reads values from a store, which the training loop, the G-effect and
tests fill in different ways; the formulas are the same code.

A term is a sum over units (tokens or sequences), never a mean. The loop divides it by the number of those units in
the whole optimizer step, over all micro-batches and processes, which it knows before the first backward pass; so the
gradient does not depend on how the rows were divided.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Settings
from unlearnkit.methods.quantities import Needs, Quantity, TokenFunction, View, cross_entropy_of, entropy_of

if TYPE_CHECKING:  # a recipe names objectives, and reading recipes must not import torch
    from torch import Tensor

__all__ = [
    "OBJECTIVES",
    "Distribution",
    "Layout",
    "Needs",
    "Objective",
    "Quantity",
    "Reference",
    "Step",
    "Term",
    "Terms",
    "TokenFunction",
    "TokenValues",
    "Unit",
    "View",
    "objective",
]

Unit = Literal["token", "sequence", "trace_token", "response_token"]
"""The unit that a term counts. `token` is a labeled token; each belongs either to the trace or to the response."""


class Layout(Protocol):
    """The row of each labeled token of a view."""

    @property
    def row(self) -> Tensor:
        """(tokens,) int64: from 0 to `rows` - 1."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def in_trace(self) -> Tensor:
        """(tokens,) bool: whether the token belongs to the reasoning trace."""


@dataclass(frozen=True)
class TokenValues:
    """One value for each labeled token of a view, without padding."""

    values: Tensor
    """(tokens,) float32."""
    row: Tensor
    """(tokens,) int64: the row of the view that each token belongs to, from 0 to `rows` - 1."""
    rows: int
    in_trace: Tensor
    """(tokens,) bool: whether the token belongs to the reasoning trace."""

    def per_row(self) -> Tensor:
        """Return the sum over the tokens of each row: (rows,)."""
        return self.values.new_zeros(self.rows).index_add(0, self.row, self.values)

    def lengths(self) -> Tensor:
        """Return the number of labeled tokens of each row: (rows,) int64.

        Every row has at least one.
        """
        return self.row.bincount(minlength=self.rows)


@dataclass(frozen=True)
class Reference:
    """The frozen reference model's values on a step's rows, without gradient."""

    step: Step

    def logps(self, view: View) -> TokenValues:
        """Return the log-probability of every labeled token."""
        return self.step.value(Quantity(view, "logps", of_reference=True))

    def hidden(self, view: View, layer: int) -> Tensor:
        """Return the hidden states, in the shape of `Step.hidden`."""
        return self.step.read(Quantity(view, "hidden", layer, of_reference=True))


@dataclass(frozen=True)
class Distribution:
    """The model's next-token distributions at a view's labeled tokens.

    They are reduced chunk by chunk.
    """

    step: Step
    view: View

    def map(self, function: TokenFunction) -> TokenValues:
        """Apply a function of the logits, see `TokenFunction`, at every labeled token.

        The engine calls it on chunks of tokens inside its forward pass, and again in the backward pass, so that no
        tensor of all tokens by the vocabulary is allocated. `Needs(distribution=...)` must name the view and the
        function.
        """
        return self.step.value(Quantity(self.view, "function", function=function))


@dataclass(frozen=True)
class Step:
    """The model's values on the rows of one micro-batch."""

    store: Mapping[Quantity, Tensor]
    """(tokens,) by quantity; (tokens, width) for hidden states."""
    layouts: Mapping[View, Layout]

    @property
    def reference(self) -> Reference:
        """The frozen reference model on the same rows."""
        return Reference(self)

    def logps(self, view: View) -> TokenValues:
        """Return log p(token | preceding tokens) of every labeled token, natural logarithm."""
        return self.value(Quantity(view, "logps"))

    def kl(self, view: View) -> TokenValues:
        """Return KL(reference || model) at every labeled token, in nats.

        The sum is over the vocabulary.
        """
        return self.value(Quantity(view, "kl"))

    def entropy(self, view: View) -> TokenValues:
        """Return the next-token entropy at every labeled token, in nats."""
        return self.value(entropy_of(view))

    def cross_entropy(self, view: View, target: str) -> TokenValues:
        """Return the cross-entropy with a target at every labeled token, in nats.

        It is -sum over the vocabulary of target * log p. `target` is `uniform`, or `reference` for the reference
        model's distribution. Minus the target's entropy, it is KL(target || model).
        """
        return self.value(cross_entropy_of(view, target))

    def distribution(self, view: View) -> Distribution:
        """Return the next-token distributions, for functions of your own."""
        return Distribution(self, view)

    def hidden(self, view: View, layer: int) -> Tensor:
        """Return the hidden states of a decoder layer: (tokens, width).

        They are the layer's outputs at the positions that predict the labeled tokens.
        """
        return self.read(Quantity(view, "hidden", layer))

    def value(self, quantity: Quantity) -> TokenValues:
        """Return any quantity that has one value for each labeled token."""
        values, layout = self.read(quantity), self.layouts[quantity.view]
        return TokenValues(values, layout.row, layout.rows, layout.in_trace)

    def read(self, quantity: Quantity) -> Tensor:
        """Return any quantity as it is stored."""
        if quantity not in self.store:
            raise RuntimeError(f"{quantity} was not computed; does the objective's `needs` name it?")
        return self.store[quantity]


@dataclass(frozen=True)
class Term:
    """One loss on one view: `weight * sum / count`.

    `count` is the number of `unit` in the whole optimizer step.
    """

    sum: Tensor
    """Scalar: sum over the units of this micro-batch."""
    view: View
    unit: Unit
    weight: float = 1.0
    """Factor in the objective. A term of weight 0 is logged and has no gradient."""


Terms = dict[str, Term]


class Objective(Settings, ABC):
    """A weighted set of terms to minimize.

    A subclass has hyper-parameters and declares the quantities that it needs.
    """

    from_scratch: ClassVar[bool] = False
    """Whether to train newly initialized weights of the target model's configuration on the suite's `retain_corpus`,
    instead of the target model on the retain split."""

    @abstractmethod
    def needs(self) -> Needs:
        """Return the quantities that `terms` reads."""

    @abstractmethod
    def terms(self, step: Step) -> Terms:
        """Return the terms on one micro-batch, by their name in the log."""


OBJECTIVES: Registry[type[Objective]] = Registry("objective", "unlearnkit.methods.objectives")
objective = OBJECTIVES.register
