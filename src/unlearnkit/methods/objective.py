"""What an objective may ask of a training step, and what it gives back.

An objective sees tensors, never a model. `Step` is a protocol: the training loop's step computes token
log-probabilities with the model, a test's step holds leaf tensors made by hand; the formulas are the same code.

A term is a sum over units (tokens or sequences), never a mean. The loop divides it by the number of those units in
the whole optimizer step, over all micro-batches and processes, which it knows before the first backward; so the
gradient does not depend on how the rows were cut up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Settings

if TYPE_CHECKING:  # a recipe names objectives, and what only reads recipes shall not wait for torch
    from torch import Tensor

View = str
"""A split, or a variant of its rows: `forget`, `forget:target` (trace and refusal), `forget:idk`, `retain`."""

Unit = Literal["token", "sequence", "trace_token", "response_token"]
"""What a term is counted in. A token is a labeled token; tokens of the trace and of the response make up all."""


@dataclass(frozen=True)
class TokenValues:
    """One value for each labeled token of the rows of a view, without padding."""

    values: Tensor
    """(tokens,) float32."""
    row: Tensor
    """(tokens,) int64: which row of the view each token belongs to, from 0 to `rows` - 1."""
    rows: int
    in_trace: Tensor
    """(tokens,) bool: whether the token belongs to the reasoning trace."""

    def per_row(self) -> Tensor:
        """Sum over the tokens of each row: (rows,)."""
        return self.values.new_zeros(self.rows).index_add(0, self.row, self.values)

    def lengths(self) -> Tensor:
        """Number of labeled tokens of each row: (rows,) int64. Every row has at least one."""
        return self.row.bincount(minlength=self.rows)


class Reference(Protocol):
    """The frozen reference model's values on the rows of this step; constants, without gradient."""

    def logps(self, view: View) -> TokenValues:
        """log p(token) under the reference model."""
        ...

    def hidden(self, view: View, layer: int) -> Tensor:
        """The reference model's hidden states, as `Step.hidden` gives the model's."""
        ...


class Step(Protocol):
    """The rows of one micro-batch, as the model under training sees them."""

    @property
    def reference(self) -> Reference:
        """The frozen reference model on the same rows."""
        ...

    def logps(self, view: View) -> TokenValues:
        """log p(token | what precedes it) of every labeled token, natural logarithm."""
        ...

    def kl(self, view: View) -> TokenValues:
        """KL(reference || model) over the vocabulary at every labeled token, in nats."""
        ...

    def hidden(self, view: View, layer: int) -> Tensor:
        """(tokens, width): what decoder layer `layer` gives at the position that predicts each labeled token."""
        ...


@dataclass(frozen=True)
class Term:
    """One loss on one view: `weight * sum / count`, the count being that of `unit` in the whole optimizer step."""

    sum: Tensor
    """Scalar: sum over the units of this micro-batch."""
    view: View
    unit: Unit
    weight: float = 1.0
    """Factor in the objective. A term of weight 0 is logged and takes no part in the gradient."""


Terms = dict[str, Term]


@dataclass(frozen=True)
class Needs:
    """What an objective will ask of its steps; the loop prepares these and nothing else."""

    logps: frozenset[View] = frozenset()
    reference: frozenset[View] = frozenset()
    """Views whose reference log-probabilities are asked for."""
    kl: frozenset[View] = frozenset()
    hidden: frozenset[tuple[View, int]] = frozenset()
    """Views and layers whose hidden states are asked for. Layers count from 0; -1 is the last, after the final norm."""
    reference_hidden: frozenset[tuple[View, int]] = frozenset()
    """Views and layers whose hidden states under the reference model are asked for."""

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.logps | other.logps,
            self.reference | other.reference,
            self.kl | other.kl,
            self.hidden | other.hidden,
            self.reference_hidden | other.reference_hidden,
        )

    @property
    def views(self) -> frozenset[View]:
        """Every view that is asked for in any way."""
        return self.logps | self.reference | self.kl | {view for view, _ in self.hidden | self.reference_hidden}


class Objective(Settings, ABC):
    """A weighted set of terms that is minimized. A subclass holds hyper-parameters and says what it needs."""

    from_scratch: ClassVar[bool] = False
    """Train newly initialized weights of the target model's configuration on all that the suite's `kept` gives, in
    place of the target model on the retain split."""

    @abstractmethod
    def needs(self) -> Needs:
        """What `terms` will ask for."""

    @abstractmethod
    def terms(self, step: Step) -> Terms:
        """The terms on the rows of one micro-batch, by the name under which they are logged."""


OBJECTIVES: Registry[type[Objective]] = Registry("objective", "unlearnkit.methods.objectives")
objective = OBJECTIVES.register
