"""Log-probabilities of labeled tokens without keeping the logits.

The head's logits are made in chunks of rows, reduced to one number a token, and made again in the backward pass.
Memory is (chunk, vocabulary) whatever the number of tokens. Values are computed in float32 (in float64 where the inputs
are) from matrix products in the dtype of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

CHUNK_ELEMENTS = 2**24
"""Logits made at once (64 MiB in float32)."""


@dataclass(frozen=True)
class Head:
    """The map from a final hidden state to logits: softcap(scale * (hidden @ weight.T + bias))."""

    weight: Tensor
    """(vocabulary, width)."""
    bias: Tensor | None = None
    """(vocabulary,)."""
    scale: float = 1.0
    """Cohere's `logit_scale`, or the inverse of Granite's `logits_scaling`."""
    softcap: float | None = None
    """Gemma 2's `final_logit_softcapping`: cap * tanh(logits / cap)."""

    def logits(self, hidden: Tensor) -> Tensor:
        """(tokens, vocabulary) logits of (tokens, width) hidden states, float32 or wider."""
        raw = widen(hidden @ self.weight.T)
        if self.bias is not None:
            raw = raw + widen(self.bias)
        # A pass over all logits takes as long as a good part of making them.
        raw = raw if self.scale == 1.0 else raw * self.scale
        return raw if self.softcap is None else self.softcap * torch.tanh(raw / self.softcap)

    def frozen(self) -> Head:
        """A copy that later updates do not touch."""
        bias = None if self.bias is None else self.bias.detach().clone()
        return Head(self.weight.detach().clone(), bias, self.scale, self.softcap)

    def cast(self, dtype: torch.dtype) -> Head:
        """The same head with weights in `dtype`; gradients flow through the cast."""
        bias = None if self.bias is None else self.bias.to(dtype)
        return Head(self.weight.to(dtype), bias, self.scale, self.softcap)


def wide(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which sums and logarithms of values of `dtype` are taken."""
    return torch.promote_types(dtype, torch.float32)


def widen(values: Tensor) -> Tensor:
    """The same values in float32, or in float64 if they are in it."""
    return values.to(wide(values.dtype))


def chunk_rows(vocabulary: int) -> int:
    """Number of tokens whose logits are made at once."""
    return max(1, CHUNK_ELEMENTS // vocabulary)


def _in_chunks(hidden: Tensor, head: Head, labels: Tensor) -> Tensor:
    """log p(label) of each token by plain operations; a graph of them would keep all logits."""
    logps = [hidden.new_zeros(0, dtype=wide(hidden.dtype))]
    step = chunk_rows(head.weight.shape[0])
    for start in range(0, len(labels), step):
        logits = head.logits(hidden[start : start + step])
        chosen = logits.gather(1, labels[start : start + step, None])[:, 0]
        logps.append(chosen - logits.logsumexp(-1))
    return torch.cat(logps)


class _TokenLogps(torch.autograd.Function):
    """logits.log_softmax(-1)[label], chunk by chunk.

    Backward pass and tangents are made of differentiable operations on the inputs alone, none in place on what another
    keeps, so that second derivatives (either mode over either) are right too.
    """

    @staticmethod
    def forward(
        hidden: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor, scale: float, softcap: float | None
    ) -> Tensor:
        return _in_chunks(hidden, Head(weight, bias, scale, softcap), labels)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        del output
        hidden, weight, bias, labels, ctx.scale, ctx.softcap = inputs
        ctx.save_for_backward(hidden, weight, bias, labels)
        ctx.save_for_forward(hidden, weight, bias, labels)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, labels = ctx.saved_tensors
        head = Head(weight, bias, ctx.scale, ctx.softcap)
        step = chunk_rows(weight.shape[0])
        needs_weight, needs_bias = ctx.needs_input_grad[1], ctx.needs_input_grad[2]
        grad_hidden = [hidden.new_zeros(0, hidden.shape[1])]
        # Chunks are summed in float32: in bfloat16 a long sum would lose its small parts.
        grad_weight = torch.zeros_like(weight, dtype=wide(weight.dtype)) if needs_weight else None
        grad_bias = torch.zeros_like(bias, dtype=wide(bias.dtype)) if needs_bias else None
        for start in range(0, len(labels), step):
            part = slice(start, start + step)
            logits, states, weighting = head.logits(hidden[part]), hidden[part], ctx.scale * grad[part, None]
            # softmax - one-hot; in place only where nobody differentiates this pass, since softmax keeps its output.
            residual = logits.softmax(-1)
            residual = residual.clone() if torch.is_grad_enabled() else residual
            residual.scatter_add_(1, labels[part, None], -torch.ones_like(residual[:, :1]))
            if ctx.softcap is not None:
                residual = residual * (1 - (logits / ctx.softcap) ** 2)
            # The incoming gradient is put on the narrow side of each product, which is a pass over all logits less.
            if grad_bias is not None:
                grad_bias -= (weighting.T @ residual)[0]
            residual = residual.to(hidden.dtype)
            grad_hidden.append((-weighting * (residual @ weight)).to(hidden.dtype))
            if grad_weight is not None:
                grad_weight -= residual.T @ (weighting * states).to(hidden.dtype)
        return (
            torch.cat(grad_hidden),
            None if grad_weight is None else grad_weight.to(weight.dtype),
            None if grad_bias is None else grad_bias.to(bias.dtype),
            None,
            None,
            None,
        )

    @staticmethod
    def jvp(ctx: Any, d_hidden: Tensor | None, d_weight: Tensor | None, d_bias: Tensor | None, *_: object) -> Tensor:
        hidden, weight, bias, labels = ctx.saved_tensors
        head = Head(weight, bias, ctx.scale, ctx.softcap)
        step = chunk_rows(weight.shape[0])
        tangents = [hidden.new_zeros(0, dtype=wide(hidden.dtype))]
        for start in range(0, len(labels), step):
            part = slice(start, start + step)
            logits = head.logits(hidden[part])
            moved = torch.zeros_like(logits)
            if d_hidden is not None:
                moved = moved + widen(d_hidden[part] @ weight.T)
            if d_weight is not None:
                moved = moved + widen(hidden[part] @ d_weight.T)
            if d_bias is not None:
                moved = moved + widen(d_bias)
            moved = moved * ctx.scale
            if ctx.softcap is not None:
                moved = moved * (1 - (logits / ctx.softcap) ** 2)
            mean = (logits.softmax(-1) * moved).sum(-1)
            tangents.append(moved.gather(1, labels[part, None])[:, 0] - mean)
        return torch.cat(tangents)


def token_logps(hidden: Tensor, head: Head, labels: Tensor) -> Tensor:
    """log p(label) of each token, natural logarithm.

    Args:
        hidden: (tokens, width) final hidden states at the positions that predict the labels.
        head: the model's head, in the same dtype as `hidden`.
        labels: (tokens,) int64.

    Returns:
        (tokens,) float32 (float64 for float64 inputs), differentiable in `hidden`, `head.weight` and `head.bias`, in
        backward and forward mode.
    """
    if not torch.is_grad_enabled():
        # Without a graph plain operations keep nothing, and forward mode goes along with them on the logits they make.
        return _in_chunks(hidden, head, labels)
    apply: Callable[..., Tensor] = _TokenLogps.apply
    return apply(hidden, head.weight, head.bias, labels, head.scale, head.softcap)


def token_kl(hidden: Tensor, head: Head, reference_hidden: Tensor, reference_head: Head) -> Tensor:
    """KL(reference || model) over the vocabulary at each token, in nats.

    The reference distribution is made again from its final hidden states, (tokens, width), and its frozen head: this
    keeps width numbers a token where keeping the distribution would take a vocabulary.

    Returns:
        (tokens,) float32, differentiable in `hidden` and `head`.
    """

    def part_kl(hidden: Tensor, reference_hidden: Tensor) -> Tensor:
        logps = head.logits(hidden).log_softmax(-1)
        reference = reference_head.logits(reference_hidden).log_softmax(-1)
        return (reference.exp() * (reference - logps)).sum(-1)

    step = chunk_rows(head.weight.shape[0])
    parts = [
        checkpoint(part_kl, hidden[start : start + step], reference_hidden[start : start + step], use_reentrant=False)
        for start in range(0, len(hidden), step)
    ]
    return torch.cat([hidden.new_zeros(0, dtype=wide(hidden.dtype)), *parts])


def token_functions(
    functions: Sequence[Callable[[Tensor, Tensor, Tensor | None], Tensor]],
    states: Tensor,
    labels: Tensor,
    logits_of: Callable[[Tensor], Tensor],
    reference: Tensor | None = None,
    reference_logits_of: Callable[[Tensor], Tensor] | None = None,
    *,
    vocabulary: int,
) -> list[Tensor]:
    """Apply functions of logits to each token, chunk by chunk.

    A chunk's logits are made once for all functions and again in the backward pass, so memory is that of one chunk
    whatever the number of tokens.

    Args:
        functions: of logits (n, vocabulary), labels (n,) and the reference model's logits or None; each returns (n,).
        states: (tokens, width).
        labels: (tokens,) int64.
        logits_of: makes logits of states.
        reference: (tokens, width) states of the reference model, without gradient.
        reference_logits_of: makes logits of these.
        vocabulary: number of logits of a token.

    Returns:
        For each function (tokens,) values, differentiable in `states` and in what `logits_of` depends on; in forward
        mode too, where no graph is kept and the functions' operations have it.
    """

    def part(states: Tensor, labels: Tensor, reference: Tensor | None) -> tuple[Tensor, ...]:
        other = None if reference is None or reference_logits_of is None else reference_logits_of(reference)
        logits = logits_of(states)
        return tuple(function(logits, labels, other) for function in functions)

    step, parts = chunk_rows(vocabulary), []
    for start in range(0, max(len(labels), 1), step):
        chunk = slice(start, start + step)
        inputs = (states[chunk], labels[chunk], None if reference is None else reference[chunk])
        # Without a graph nothing is kept that a checkpoint could save.
        keeps = torch.is_grad_enabled()
        parts.append(checkpoint(part, *inputs, use_reentrant=False) if keeps else part(*inputs))
    return [torch.cat(values) for values in zip(*parts, strict=True)]


@dataclass(frozen=True)
class TokenStatistics:
    """What records keep of each labeled token; every tensor is (tokens,)."""

    logps: Tensor
    ranks: Tensor
    """Number of tokens of the vocabulary that are likelier than the label."""
    mean_logps: Tensor
    var_logps: Tensor

    def stacked(self) -> Tensor:
        """All of them as one tensor: (tokens, 4)."""
        columns = (self.logps, self.ranks.to(self.logps.dtype), self.mean_logps, self.var_logps)
        return torch.stack(columns, dim=1)

    @staticmethod
    def of(stacked: Tensor) -> TokenStatistics:
        """The inverse of `stacked`."""
        logps, ranks, mean_logps, var_logps = stacked.unbind(1)
        return TokenStatistics(logps, ranks.long(), mean_logps, var_logps)


@torch.no_grad()
def token_statistics(hidden: Tensor, head: Head, labels: Tensor) -> TokenStatistics:
    """Log-probability and rank of each label, and mean and variance of log p over the vocabulary under p."""
    step = chunk_rows(head.weight.shape[0])
    parts = [
        statistics_of_logits(head.logits(hidden[start : start + step]), labels[start : start + step])
        for start in range(0, max(len(labels), 1), step)
    ]
    columns = zip(*((part.logps, part.ranks, part.mean_logps, part.var_logps) for part in parts), strict=True)
    return TokenStatistics(*(torch.cat(column) for column in columns))


def statistics_of_logits(logits: Tensor, labels: Tensor) -> TokenStatistics:
    """The same from (tokens, vocabulary) logits, all at once."""
    logps = logits.log_softmax(-1)
    chosen = logps.gather(1, labels[:, None])
    p = logps.exp()
    mean = (p * logps).sum(-1)
    # The squared distance from the mean, not the difference of squares, which cancels where p is nearly one-hot.
    variance = (p * (logps - mean[:, None]).square()).sum(-1)
    return TokenStatistics(chosen[:, 0], (logps > chosen).sum(-1), mean, variance)
