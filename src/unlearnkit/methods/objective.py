"""The interface of objectives: their inputs and their terms.

An objective receives tensors, never a model. `Step` reads the tensors from a store. The training loop, the G-effect and
the tests fill the store in different ways, but they all evaluate the same formulas.

A term is a sum over units (tokens or sequences), never a mean. The loop divides the sum by the number of these units in
the whole optimizer step, over all micro-batches and processes. The loop counts the units before the first backward
pass, so the gradient does not depend on how the rows are divided into micro-batches.
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
"""The unit over which a term is averaged. `token` is any labeled token; `trace_token` and `response_token` are labeled
tokens of the trace or of the response."""


class Layout(Protocol):
    """Assigns each labeled token of a view to a row."""

    @property
    def row(self) -> Tensor:
        """(tokens,) int64: each token's row index, from 0 to `rows` - 1."""

    @property
    def rows(self) -> int:
        """Number of rows in the view."""

    @property
    def in_trace(self) -> Tensor:
        """(tokens,) bool: whether each token belongs to the reasoning trace."""

    @property
    def doubtful(self) -> Tensor:
        """(tokens,) bool: whether each label may be wrong."""


@dataclass(frozen=True)
class TokenValues:
    """One value for each labeled token of a view; none for padding."""

    values: Tensor
    """(tokens,) float32: the value of each token."""
    row: Tensor
    """(tokens,) int64: the index of the row that each token belongs to, from 0 to `rows` - 1."""
    rows: int
    in_trace: Tensor
    """(tokens,) bool: whether each token belongs to the reasoning trace."""
    doubtful: Tensor
    """(tokens,) bool: whether each label may be wrong, so that it should not be learned."""

    def per_row(self) -> Tensor:
        """Return the sum of the values in each row, shape (rows,)."""
        return self.values.new_zeros(self.rows).index_add(0, self.row, self.values)

    def lengths(self) -> Tensor:
        """Return the number of labeled tokens in each row, shape (rows,), int64.

        Every row has at least one labeled token.
        """
        return self.row.bincount(minlength=self.rows)


@dataclass(frozen=True)
class Reference:
    """Values of the frozen reference model on a step's rows, without gradient."""

    step: Step

    def logps(self, view: View) -> TokenValues:
        """Return the reference model's log-probability of every labeled token."""
        return self.step.value(Quantity(view, "logps", of_reference=True))

    def hidden(self, view: View, layer: int) -> Tensor:
        """Return the reference model's hidden states, with the same shape as `Step.hidden`."""
        return self.step.read(Quantity(view, "hidden", layer, of_reference=True))


@dataclass(frozen=True)
class Distribution:
    """The model's next-token distributions at a view's labeled tokens.

    The distributions are never stored as a whole: `map` reduces each distribution to one value, in chunks of tokens.
    """

    step: Step
    view: View

    def map(self, function: TokenFunction) -> TokenValues:
        """Apply a function to the logits at every labeled token.

        See `TokenFunction` for the function's arguments. The engine calls the function on chunks of tokens inside its
        forward pass, and again in the backward pass, so that no tensor of shape (all tokens, vocabulary) is allocated.
        `Needs(distribution=...)` must name the view and the function.
        """
        return self.step.value(Quantity(self.view, "function", function=function))


@dataclass(frozen=True)
class Step:
    """The model's values on the rows of one micro-batch."""

    store: Mapping[Quantity, Tensor]
    """The values of each quantity, of shape (tokens,), or (tokens, width) for hidden states."""
    layouts: Mapping[View, Layout]

    @property
    def reference(self) -> Reference:
        """The frozen reference model's values on the same rows."""
        return Reference(self)

    def logps(self, view: View) -> TokenValues:
        """Return the natural log of p(token | preceding tokens) for every labeled token."""
        return self.value(Quantity(view, "logps"))

    def kl(self, view: View) -> TokenValues:
        """Return KL(reference || model) at every labeled token, in nats.

        Each divergence is a sum over the vocabulary.
        """
        return self.value(Quantity(view, "kl"))

    def entropy(self, view: View) -> TokenValues:
        """Return the next-token entropy at every labeled token, in nats."""
        return self.value(entropy_of(view))

    def cross_entropy(self, view: View, target: str) -> TokenValues:
        """Return each labeled token's cross-entropy with a target distribution, in nats.

        The cross-entropy is -sum(target * log p) over the vocabulary. `target` is `uniform` for the uniform
        distribution, or `reference` for the reference model's distribution. Subtract the entropy of the target from the
        cross-entropy to obtain KL(target || model).
        """
        return self.value(cross_entropy_of(view, target))

    def distribution(self, view: View) -> Distribution:
        """Return the next-token distributions; apply a function to them with `map`."""
        return Distribution(self, view)

    def hidden(self, view: View, layer: int) -> Tensor:
        """Return the hidden states of a decoder layer, shape (tokens, width).

        The hidden states are the layer's outputs at the positions that predict the labeled tokens.
        """
        return self.read(Quantity(view, "hidden", layer))

    def value(self, quantity: Quantity) -> TokenValues:
        """Return a quantity that has one value for each labeled token."""
        values, layout = self.read(quantity), self.layouts[quantity.view]
        return TokenValues(values, layout.row, layout.rows, layout.in_trace, layout.doubtful)

    def read(self, quantity: Quantity) -> Tensor:
        """Return the stored tensor of a quantity."""
        if quantity not in self.store:
            raise RuntimeError(f"the store has no {quantity}; add this quantity to the objective's `needs`")
        return self.store[quantity]


@dataclass(frozen=True)
class Term:
    """One term of the loss, computed on one view.

    The term contributes `weight * sum / count` to the loss, where `count` is the number of units in the whole optimizer
    step.
    """

    sum: Tensor
    """Scalar: the sum over the units of this micro-batch."""
    view: View
    unit: Unit
    weight: float = 1.0
    """Factor of the term in the loss. A term with weight 0 is logged but has no gradient."""


Terms = dict[str, Term]


class Objective(Settings, ABC):
    """Base class of objectives, the losses that training minimizes.

    A loss is a weighted sum of terms. A subclass declares the quantities that it reads, and computes its terms from
    them. The fields of the subclass are the hyperparameters.
    """

    from_scratch: ClassVar[bool] = False
    """Whether to train a newly initialized model instead of the target model. If True, the new model has the target
    model's configuration, and the retain rows are the suite's `retain_corpus`. If False, the retain rows are those of
    the retain split."""

    @abstractmethod
    def needs(self) -> Needs:
        """Return the quantities that `terms` reads."""

    @abstractmethod
    def terms(self, step: Step) -> Terms:
        """Return the terms of one micro-batch, keyed by name."""


OBJECTIVES: Registry[type[Objective]] = Registry("objective", "unlearnkit.methods.objectives")
objective = OBJECTIVES.register
