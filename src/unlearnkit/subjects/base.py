"""The interface of a model under test, used by measurements and attacks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from unlearnkit.core.errors import InputError
from unlearnkit.data.generation import Generation
from unlearnkit.data.trace_format import Style
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Tokens

if TYPE_CHECKING:  # recipes import this module, which must be fast to import
    from unlearnkit.data.encoding import Layout

Capability = Literal["generate", "token_logprobs", "full_logits", "hidden", "gradients", "weights"]
"""What a subject can provide. `generate`: text for a question. `token_logprobs`: log p of the tokens of a given answer.
`full_logits`: the whole next-token distribution, which is needed for ranks and variances. `hidden`: hidden states.
`gradients`: derivatives of a loss with respect to the weights. `weights`: the weights themselves, so that a copy of the
model can be trained."""

ALL: frozenset[Capability] = frozenset(("generate", "token_logprobs", "full_logits", "hidden", "gradients", "weights"))
"""All capabilities; a local model with floating-point weights offers all of them."""

OnRows = Callable[[int], None]
"""Progress callback; its argument is the number of rows just completed."""


class Subject(Protocol):
    """A model under test: local weights, a guarded model, or an ensemble.

    The caller must check `capabilities` first (see `require`). Scores that need a missing capability are reported as
    "not measured". Most methods take probes. A probe is a row, with an optional beginning of the output (a prefill).
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The capabilities that this subject offers."""

    @property
    def layout(self) -> Layout:
        """Layout of questions: with the chat template, or as plain text."""

    @property
    def positions(self) -> int:
        """Maximum number of tokens of a question with its answer."""

    def with_style(self, style: Style | None) -> Subject:
        """Return this subject with another style for prefilled traces.

        The style determines the markers around a trace that a probe prefills. None: the first style whose tokens the
        tokenizer knows.
        """

    def fits(self, probe: Probe) -> bool:
        """Return whether the probe and its answer are short enough."""

    def has_room(self, probe: Probe) -> bool:
        """Return whether question and prefilled text leave room for new tokens."""

    def generate(
        self, probes: Sequence[Probe], *, max_new_tokens: int, on_rows: OnRows = lambda _: None
    ) -> list[Generation]:
        """Generate an output for each probe, by greedy decoding.

        The outputs are in the order of the probes. An output includes the text that the probe prefills.

        Raises:
            InputError: a question is so long that it leaves no room for an answer.
        """

    def token_statistics(self, probes: Sequence[Probe]) -> list[Tokens]:
        """Measure the tokens of each row's answer.

        The answer follows the text that the probe prefills. The subject must offer `token_logprobs`.
        """

    def log_probabilities(self, probes: Sequence[Probe]) -> list[list[float]]:
        """Return log p of the tokens of each row's answer.

        Logarithms are natural. The subject must offer `token_logprobs`.
        """

    def gradient_norms(self, probe: Probe) -> list[float]:
        """Return the L2 norm of the gradient of each weight tensor.

        The gradient is taken of the mean loss over the answer's tokens. The subject must offer `gradients`.
        """


def require(subject: Subject, needs: Collection[Capability], *, what: str, fix: str) -> None:
    """Raise `InputError` if the subject lacks a capability.

    Args:
        subject: the model under test.
        needs: the required capabilities.
        what: the operation that needs these capabilities; it begins the error message.
        fix: what the user can do instead.
    """
    if lacking := sorted(set(needs) - subject.capabilities):
        raise InputError(
            f"{what} needs a capability that the model does not offer",
            value=", ".join(lacking),
            allowed=f"this model offers {', '.join(sorted(subject.capabilities))}",
            fix=fix,
        )
