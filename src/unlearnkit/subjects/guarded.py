"""A model behind a guard: its users see outputs and nothing else."""

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
"""What a guard lets through. Probabilities, gradients and weights would be those of the model behind it."""


class Rules(Protocol):
    """A guard's rules before and after the model.

    They are deterministic: the same probe and output give the same result.
    """

    def before(self, probe: Probe) -> Probe | Generation:
        """Return the model's probe, or an output that replaces the model's."""

    def after(self, probe: Probe, output: Generation) -> Generation:
        """Return the output as the user reads it.

        Args:
            probe: as the user sent it.
            output: whole, with its trace and what the probe begins.
        """


class GuardedSubject:
    """A subject with rules before and after it; its weights are unchanged.

    A probe may begin the output, as some interfaces allow their users. The guard passes the prefix on to the model,
    which is the worse case for the guard. The rules read the prefix as a part of the request, and an output that they
    replace keeps nothing of it.

    Args:
        inner: the model under guard.
        rules: what the guard does.
    """

    def __init__(self, inner: Subject, rules: Rules) -> None:
        self._inner, self._rules = inner, rules

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Generation, if the model under guard offers it."""
        return self._inner.capabilities & OFFERED

    @property
    def layout(self) -> Layout:
        """How questions are laid out."""
        return self._inner.layout

    @property
    def positions(self) -> int:
        """Largest number of tokens of a question with its answer.

        A system turn of the guard counts too.
        """
        return self._inner.positions

    def with_style(self, style: Style | None) -> GuardedSubject:
        """Return the same guard that marks begun traces in this style."""
        return GuardedSubject(self._inner.with_style(style), self._rules)

    def fits(self, probe: Probe) -> bool:
        """Return whether the probe with its answer is short enough.

        A probe that the guard answers always is.
        """
        passed = self._rules.before(probe)
        return isinstance(passed, Generation) or self._inner.fits(passed)

    def has_room(self, probe: Probe) -> bool:
        """Return whether the request leaves room for more tokens.

        A request that the guard answers always does.
        """
        passed = self._rules.before(probe)
        return isinstance(passed, Generation) or self._inner.has_room(passed)

    def generate(
        self, probes: Sequence[Probe], *, max_new_tokens: int, on_rows: OnRows = lambda _: None
    ) -> list[Generation]:
        """Generate for the probes that pass, and check each output.

        `max_new_tokens` limits the model's outputs and no output that replaces one.

        Raises:
            InputError: the subject does not generate, or the guard's system turn leaves no room for an answer.
        """
        require(self, OFFERED, what="generating", fix="guard a subject that generates")
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
                        allowed=f"fewer than {self.positions} tokens, the number of positions of the model",
                        fix="use a shorter prompt (method.prompt=TEXT), or none (method.prompt=false)",
                    )
                passed[at] = result
        on_rows(len(outputs))
        if passed:
            answers = self._inner.generate(list(passed.values()), max_new_tokens=max_new_tokens, on_rows=on_rows)
            for at, answer in zip(passed, answers, strict=True):
                outputs[at] = self._rules.after(probes[at], answer)
        return [outputs[at] for at in range(len(probes))]

    def token_statistics(self, probes: Sequence[Probe]) -> list[Tokens]:  # noqa: ARG002
        """Raise `InputError`: a guard offers no probabilities."""
        raise self._refusal("token_logprobs")

    def log_probabilities(self, probes: Sequence[Probe]) -> list[list[float]]:  # noqa: ARG002
        """Raise `InputError`: a guard offers no probabilities."""
        raise self._refusal("token_logprobs")

    def gradient_norms(self, probe: Probe) -> list[float]:  # noqa: ARG002
        """Raise `InputError`: a guard offers no gradients."""
        raise self._refusal("gradients")

    def _refusal(self, capability: Capability) -> InputError:
        return InputError(
            "a guarded subject does not offer this: it would be that of the model behind the guard",
            value=capability,
            allowed=", ".join(sorted(self.capabilities)) or "nothing",
            fix="measure the model behind the guard: unlearn eval MODEL --suite ...",
        )
