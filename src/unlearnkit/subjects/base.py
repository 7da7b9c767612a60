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
"""What a model under test can provide. `generate`: text for a question. `token_logprobs`: log p of the tokens of a
given answer. `full_logits`: the whole next-token distribution, which is needed for ranks and variances. `hidden`:
hidden states. `gradients`: derivatives of a loss with respect to the weights. `weights`: the weights themselves, so
that a copy of the model can be trained."""

ALL: frozenset[Capability] = frozenset(("generate", "token_logprobs", "full_logits", "hidden", "gradients", "weights"))
"""The set of all capabilities. A local model with floating-point weights offers all of them."""

OnRows = Callable[[int], None]
"""Progress callback. Its argument is the number of rows that were just completed."""


class Subject(Protocol):
    """A model under test: a local, guarded or ensemble model.

    A guarded model is a model behind a guard, i.e. behind rules that filter requests and outputs. An ensemble consists
    of several adapters on one base model.

    Before calling a method, the caller must check that `capabilities` contains the required capability (see `require`).
    Scores that need a missing capability are reported as "not measured". Most methods take probes. A probe is a row,
    optionally with a text that is prefilled as the beginning of the output.
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The capabilities that this subject offers."""

    @property
    def layout(self) -> Layout:
        """How questions are formatted: with the chat template, or as plain text."""

    @property
    def layout_notes(self) -> Sequence[str]:
        """Sentences on what is unusual about the format of questions."""

    @property
    def positions(self) -> int:
        """Maximum number of tokens in a question and its answer together."""

    def with_style(self, style: Style | None) -> Subject:
        """Return this subject with another style for prefilled traces.

        The style determines the markers around a trace that a probe prefills. If `style` is None, the first style whose
        tokens the tokenizer knows is used.
        """

    def fits(self, probe: Probe) -> bool:
        """Return whether the probe and its answer fit into `positions` tokens."""

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
        """Return log-probabilities and other statistics of each answer's tokens.

        The answer is placed after the text that the probe prefills. The subject must offer `token_logprobs`.
        """

    def log_probabilities(self, probes: Sequence[Probe]) -> list[list[float]]:
        """Return the log-probabilities of the tokens of each row's answer.

        The logarithms are natural. The subject must offer `token_logprobs`.
        """

    def gradient_norms(self, probe: Probe) -> list[float]:
        """Return the L2 norm of the gradient of each weight tensor.

        The loss is the mean over the answer's tokens. The subject must offer `gradients`.
        """


def require(subject: Subject, needs: Collection[Capability], *, what: str, fix: str) -> None:
    """Raise `InputError` if the subject lacks a capability.

    Args:
        subject: the model under test.
        needs: the required capabilities.
        what: a phrase for the operation that needs these capabilities. The error message begins with this phrase.
        fix: a phrase that tells the user what to do instead.
    """
    if lacking := sorted(set(needs) - subject.capabilities):
        raise InputError(
            f"{what} needs a capability that the model does not offer",
            value=", ".join(lacking),
            allowed=f"this model offers {', '.join(sorted(subject.capabilities))}",
            fix=fix,
        )
