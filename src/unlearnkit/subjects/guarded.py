"""A model behind a guard.

A guard is a set of rules that filter requests and outputs. The users of a guarded model see only its outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from unlearnkit.core.errors import InputError
from unlearnkit.data.generation import Generation
from unlearnkit.data.trace_format import Style
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Tokens
from unlearnkit.subjects.base import Capability, OnRows, Subject, require

if TYPE_CHECKING:
    from unlearnkit.data.encoding import Layout

OFFERED: frozenset[Capability] = frozenset({"generate"})
"""Capabilities that a guarded model offers. A guarded model does not offer probabilities, gradients or weights, because
these describe the model behind the guard, not the guarded model."""


class Rules(Protocol):
    """A guard's rules, applied before and after the model.

    Rules are deterministic: the same probe and output always give the same result.
    """

    def before(self, probe: Probe) -> Probe | Generation:
        """Return the probe for the inner model, or the guard's own output.

        If the guard answers the probe itself, the inner model is not run.
        """

    def after(self, probe: Probe, output: Generation) -> Generation:
        """Return the output that the user sees.

        Args:
            probe: the probe as the user sent it.
            output: the model's complete output, with its trace and the prefilled text.
        """


class GuardedSubject:
    """An unchanged model, with rules that run before and after the model.

    A probe may prefill the beginning of the output, as some interfaces let their users do. The guard passes this prefix
    on to the model, because this is the harder test for the guard. The rules treat the prefix as a part of the request.
    If the rules replace an output, the replacement does not contain the prefix.

    Args:
        inner: the model behind the guard.
        rules: the guard's rules.
    """

    def __init__(self, inner: Subject, rules: Rules) -> None:
        self._inner, self._rules = inner, rules

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Only `generate`, or no capability if the inner model cannot generate."""
        return self._inner.capabilities & OFFERED

    @property
    def layout(self) -> Layout:
        """How questions are formatted: with the chat template, or as plain text."""
        return self._inner.layout

    @property
    def layout_notes(self) -> Sequence[str]:
        """Sentences on what is unusual about the format of questions."""
        return self._inner.layout_notes

    @property
    def positions(self) -> int:
        """Maximum number of tokens in a question and its answer together.

        If the guard adds a system turn, the tokens of this turn count toward the maximum.
        """
        return self._inner.positions

    def with_style(self, style: Style | None) -> GuardedSubject:
        """Return the guarded model with another style for prefilled traces."""
        return GuardedSubject(self._inner.with_style(style), self._rules)

    def fits(self, probe: Probe) -> bool:
        """Return whether the probe and its answer fit into `positions` tokens.

        The result is always true for a probe that the guard answers without the model.
        """
        passed = self._rules.before(probe)
        return isinstance(passed, Generation) or self._inner.fits(passed)

    def has_room(self, probe: Probe) -> bool:
        """Return whether the request leaves room for new tokens.

        The result is always true for a request that the guard answers without the model.
        """
        passed = self._rules.before(probe)
        return isinstance(passed, Generation) or self._inner.has_room(passed)

    def generate(
        self, probes: Sequence[Probe], *, max_new_tokens: int, on_rows: OnRows = lambda _: None
    ) -> list[Generation]:
        """Generate an output for each probe; see `Subject.generate`.

        The guard answers some probes itself and passes the other probes on to the model. Then the guard filters the
        model's outputs. `max_new_tokens` limits the model's outputs, but not the outputs of the guard.

        Raises:
            InputError: the model behind the guard cannot generate, or the guard's system turn leaves no room for an
                answer.
        """
        require(self, OFFERED, what="generating text", fix="put the guard on a model that can generate")
        outputs: dict[int, Generation] = {}
        passed: dict[int, Probe] = {}
        for at, probe in enumerate(probes):
            result = self._rules.before(probe)
            if isinstance(result, Generation):
                outputs[at] = result
            else:
                if result is not probe and not self._inner.has_room(result) and self._inner.has_room(probe):
                    raise InputError(
                        "the guard's system turn and the question leave no room for an answer",
                        where=f"row {probe.row.id}",
                        allowed=f"fewer than {self.positions} tokens in total, the model's number of positions",
                        fix="use a shorter system prompt (method.prompt=TEXT), or none (method.prompt=false)",
                    )
                passed[at] = result
        on_rows(len(outputs))
        if passed:
            answers = self._inner.generate(list(passed.values()), max_new_tokens=max_new_tokens, on_rows=on_rows)
            for at, answer in zip(passed, answers, strict=True):
                outputs[at] = self._rules.after(probes[at], answer)
        return [outputs[at] for at in range(len(probes))]

    def token_statistics(self, probes: Sequence[Probe]) -> list[Tokens]:  # noqa: ARG002
        """Raise `InputError`, because a guarded model offers no probabilities."""
        raise self._refusal("token_logprobs")

    def log_probabilities(self, probes: Sequence[Probe]) -> list[list[float]]:  # noqa: ARG002
        """Raise `InputError`, because a guarded model offers no probabilities."""
        raise self._refusal("token_logprobs")

    def gradient_norms(self, probe: Probe) -> list[float]:  # noqa: ARG002
        """Raise `InputError`, because a guarded model offers no gradients."""
        raise self._refusal("gradients")

    def _refusal(self, capability: Capability) -> InputError:
        return InputError(
            "a guarded model does not offer this capability, which belongs to the model behind the guard",
            value=capability,
            allowed=", ".join(sorted(self.capabilities)) or "nothing",
            fix="measure the model behind the guard: unlearn eval MODEL --suite ...",
        )
