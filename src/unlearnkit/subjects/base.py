"""The interface of a model under test, for measurements, attacks and explanations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from unlearnkit.core.errors import InputError
from unlearnkit.data.generation import Generation
from unlearnkit.data.trace_format import Style
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Tokens

if TYPE_CHECKING:  # a recipe names methods, and reading one does not wait for these
    from unlearnkit.data.encoding import Layout

Capability = Literal["generate", "token_logprobs", "full_logits", "hidden", "gradients", "weights"]
"""`generate`: text for a question. `token_logprobs`: log p of the tokens of a given answer. `full_logits`: the whole
next-token distribution, which ranks and variances need. `hidden`: hidden states. `gradients`: derivatives of a loss by
the weights. `weights`: the weights themselves, of which a copy can be trained."""

ALL: frozenset[Capability] = frozenset(("generate", "token_logprobs", "full_logits", "hidden", "gradients", "weights"))
"""What a local model with floating-point weights offers."""

OnRows = Callable[[int], None]
"""Called with the number of rows each time some are done."""


class Subject(Protocol):
    """A model under test: local weights, a guarded model, an ensemble.

    A caller checks `capabilities` first (see `require`); what a subject does not offer is reported as "not measured".
    Methods take probes: a row, and how the output on it begins.
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the subject offers, computed from what it is."""

    @property
    def layout(self) -> Layout:
        """Layout of questions: by the chat template, or as plain text."""

    @property
    def positions(self) -> int:
        """Largest number of tokens of a question with its answer."""

    def with_style(self, style: Style | None) -> Subject:
        """Return the same subject that marks begun traces in this style.

        A begun trace is one that the probe prefills. None: the first style whose tokens the tokenizer knows.
        """

    def fits(self, probe: Probe) -> bool:
        """Return whether the probe with its answer is short enough."""

    def has_room(self, probe: Probe) -> bool:
        """Return whether question and prefilled output leave room for more tokens."""

    def generate(
        self, probes: Sequence[Probe], *, max_new_tokens: int, on_rows: OnRows = lambda _: None
    ) -> list[Generation]:
        """Generate greedily for each probe, in order.

        What a probe begins is part of the output.

        Raises:
            InputError: a question leaves no room for an answer.
        """

    def token_statistics(self, probes: Sequence[Probe]) -> list[Tokens]:
        """Measure the tokens of each row's answer.

        The answer follows what the probe begins. Needs `token_logprobs`.
        """

    def log_probabilities(self, probes: Sequence[Probe]) -> list[list[float]]:
        """Return log p of the tokens of each row's answer.

        The logarithm is natural. Needs `token_logprobs`.
        """

    def gradient_norms(self, probe: Probe) -> list[float]:
        """Return the L2 norm of each weight's gradient.

        The gradient is that of the mean loss on the answer. Needs `gradients`.
        """


def require(subject: Subject, needs: Collection[Capability], *, what: str, fix: str) -> None:
    """Raise `InputError` if the subject lacks a capability.

    Args:
        subject: the model under test.
        needs: capabilities that `what` needs.
        what: what cannot be done, as the message names it.
        fix: what the user can do instead.
    """
    if lacking := sorted(set(needs) - subject.capabilities):
        raise InputError(
            f"{what} needs what the subject does not offer",
            value=", ".join(lacking),
            allowed=f"this subject offers {', '.join(sorted(subject.capabilities))}",
            fix=fix,
        )
