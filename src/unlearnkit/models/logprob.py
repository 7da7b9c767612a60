"""Compute log-probabilities of labeled tokens without keeping the logits.

Tokens are processed in chunks. The logits of a chunk, (tokens, vocabulary), are computed, reduced to one number per
token, and discarded. The backward pass computes the logits again. Memory therefore contains the logits of only one
chunk at a time. Matrix products are computed in the dtype of the inputs. The results are float32, or float64 for
float64 inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

CHUNK_ELEMENTS = 2**24
"""Number of logits computed at once (64 MiB in float32)."""


@dataclass(frozen=True)
class Head:
    """The head of a model, which maps final hidden states to logits.

    The logits are softcap(scale * (hidden @ weight.T + bias)).
    """

    weight: Tensor
    """Weight matrix of the head: (vocabulary, width)."""
    bias: Tensor | None = None
    """Bias of the head: (vocabulary,)."""
    scale: float = 1.0
    """Factor that multiplies the logits: Cohere's `logit_scale`, or the inverse of Granite's `logits_scaling`."""
    softcap: float | None = None
    """Cap of the logits, as in Gemma 2's `final_logit_softcapping`. Each logit x becomes cap * tanh(x / cap). If None,
    the logits are not capped."""

    def logits(self, hidden: Tensor) -> Tensor:
        """Map hidden states, (tokens, width), to logits, (tokens, vocabulary).

        The logits are float32 or wider.
        """
        raw = widen(hidden @ self.weight.T)
        if self.bias is not None:
            raw = raw + widen(self.bias)
        # Scaling by 1 is skipped, because multiplying all logits takes considerable time, even compared with the
        # matrix product.
        raw = raw if self.scale == 1.0 else raw * self.scale
        return raw if self.softcap is None else self.softcap * torch.tanh(raw / self.softcap)

    def frozen(self) -> Head:
        """Return a copy that later updates of the model do not change."""
        bias = None if self.bias is None else self.bias.detach().clone()
        return Head(self.weight.detach().clone(), bias, self.scale, self.softcap)

    def cast(self, dtype: torch.dtype) -> Head:
        """Return the head with weights in `dtype`; gradients flow through the cast."""
        bias = None if self.bias is None else self.bias.to(dtype)
        return Head(self.weight.to(dtype), bias, self.scale, self.softcap)


def wide(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype for sums and logarithms: `dtype`, but at least float32."""
    return torch.promote_types(dtype, torch.float32)


def widen(values: Tensor) -> Tensor:
    """Convert values to float32; float64 values stay float64."""
    return values.to(wide(values.dtype))


def chunks(tokens: int, vocabulary: int) -> Iterator[slice]:
    """Yield slices that divide the tokens into chunks.

    A chunk has at most `CHUNK_ELEMENTS` logits, but at least one token. If there are no tokens, one empty slice is
    yielded.
    """
    step = max(1, CHUNK_ELEMENTS // vocabulary)
    for start in range(0, max(tokens, 1), step):
        yield slice(start, start + step)


def _in_chunks(hidden: Tensor, head: Head, labels: Tensor) -> Tensor:
    """Compute log p(label) of each token.

    Call this function only while gradients are disabled. If gradients were enabled, autograd would keep the logits of
    all chunks in memory.
    """
    logps = []
    for part in chunks(len(labels), head.weight.shape[0]):
        logits = head.logits(hidden[part])
        logps.append(logits.gather(1, labels[part, None])[:, 0] - logits.logsumexp(-1))
    return torch.cat(logps)


class _TokenLogps(torch.autograd.Function):
    """Compute logits.log_softmax(-1)[label], chunk by chunk.

    The backward pass can itself be differentiated, so second derivatives are available. For this reason, the backward
    pass consists of differentiable operations, and does not overwrite tensors that autograd has saved.
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

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, labels = ctx.saved_tensors
        head = Head(weight, bias, ctx.scale, ctx.softcap)
        needs_weight, needs_bias = ctx.needs_input_grad[1], ctx.needs_input_grad[2]
        grad_hidden = []
        # Chunks are summed in float32: in bfloat16 a long sum would lose small summands.
        grad_weight = torch.zeros_like(weight, dtype=wide(weight.dtype)) if needs_weight else None
        grad_bias = torch.zeros_like(bias, dtype=wide(bias.dtype)) if needs_bias else None
        for part in chunks(len(labels), weight.shape[0]):
            logits, states, weighting = head.logits(hidden[part]), hidden[part], ctx.scale * grad[part, None]
            # The residual is softmax - one-hot. It is computed in place only if this backward pass is not itself
            # differentiated, because autograd stores the output of softmax.
            residual = logits.softmax(-1)
            residual = residual.clone() if torch.is_grad_enabled() else residual
            residual.scatter_add_(1, labels[part, None], -torch.ones_like(residual[:, :1]))
            if ctx.softcap is not None:
                residual = residual * (1 - (logits / ctx.softcap) ** 2)
            # The incoming gradient multiplies the smaller factor of each product. This saves a pass over all logits.
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


def token_logps(hidden: Tensor, head: Head, labels: Tensor) -> Tensor:
    """Return log p(label) of each token, as a natural logarithm.

    Args:
        hidden: (tokens, width) final hidden states at the positions that predict the labels.
        head: the model's head, in the same dtype as `hidden`.
        labels: (tokens,) int64.

    Returns:
        (tokens,) float32, or float64 for float64 inputs. The result is twice differentiable in `hidden`, `head.weight`
        and `head.bias`. Under `torch.no_grad()`, the result supports forward-mode differentiation instead.
    """
    if not torch.is_grad_enabled():
        # Without a graph, plain operations keep nothing. They also support forward-mode differentiation.
        return _in_chunks(hidden, head, labels)
    apply: Callable[..., Tensor] = _TokenLogps.apply
    return apply(hidden, head.weight, head.bias, labels, head.scale, head.softcap)


def token_kl(hidden: Tensor, head: Head, reference_hidden: Tensor, reference_head: Head) -> Tensor:
    """Return KL(reference || model) over the vocabulary at each token, in nats.

    The reference distribution is computed from the reference model's final hidden states, (tokens, width), and its
    frozen head. The hidden states are stored because they take less memory than the distributions: `width` numbers per
    token instead of one number for each entry of the vocabulary.

    Returns:
        (tokens,) float32, differentiable in `hidden` and `head`.
    """

    def part_kl(hidden: Tensor, reference_hidden: Tensor) -> Tensor:
        logps = head.logits(hidden).log_softmax(-1)
        reference = reference_head.logits(reference_hidden).log_softmax(-1)
        return (reference.exp() * (reference - logps)).sum(-1)

    parts = [
        checkpoint(part_kl, hidden[part], reference_hidden[part], use_reentrant=False)
        for part in chunks(len(hidden), head.weight.shape[0])
    ]
    return torch.cat(parts)


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
    """Apply functions to the logits of each token, chunk by chunk.

    A chunk's logits are computed once for all functions, and again in the backward pass. Memory contains the logits of
    only one chunk at a time.

    Args:
        functions: functions of three arguments: the logits (n, vocabulary), the labels (n,), and the reference model's
            logits (n, vocabulary) or None. Each function returns n values, (n,).
        states: (tokens, width) states from which logits are computed.
        labels: (tokens,) int64.
        logits_of: computes logits from states.
        reference: (tokens, width) states of the reference model, without gradient.
        reference_logits_of: computes the reference model's logits from `reference`.
        vocabulary: number of logits per token.

    Returns:
        One tensor per function, (tokens,). The values are differentiable in `states` and in the tensors that
        `logits_of` uses. Under `torch.no_grad()`, the values support forward-mode differentiation instead, if all
        operations in the functions support it.
    """

    def evaluate(states: Tensor, labels: Tensor, reference: Tensor | None) -> tuple[Tensor, ...]:
        other = None if reference is None or reference_logits_of is None else reference_logits_of(reference)
        logits = logits_of(states)
        return tuple(function(logits, labels, other) for function in functions)

    # Without a graph, a checkpoint would save no memory.
    run = partial(checkpoint, evaluate, use_reentrant=False) if torch.is_grad_enabled() else evaluate
    parts = [
        run(states[part], labels[part], None if reference is None else reference[part])
        for part in chunks(len(labels), vocabulary)
    ]
    return [torch.cat(values) for values in zip(*parts, strict=True)]


@torch.no_grad()
def token_statistics(hidden: Tensor, head: Head, labels: Tensor) -> Tensor:
    """Compute four statistics of each token, chunk by chunk.

    The result has the shape (tokens, 4). For the columns, see `statistics_of_logits`.
    """
    parts = chunks(len(labels), head.weight.shape[0])
    return torch.cat([statistics_of_logits(head.logits(hidden[part]), labels[part]) for part in parts])


def statistics_of_logits(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the statistics that are recorded for each labeled token.

    Args:
        logits: (tokens, vocabulary).
        labels: (tokens,) int64.

    Returns:
        (tokens, 4). The columns are: log p of the label; the rank of the label, i.e. the number of tokens that are more
        likely; the mean of log p over the vocabulary, weighted by p; the variance of log p, weighted by p.
    """
    logps = logits.log_softmax(-1)
    chosen = logps.gather(1, labels[:, None])
    p = logps.exp()
    mean = (p * logps).sum(-1)
    # The variance is the mean squared distance from the mean. The mean square minus the squared mean would be
    # inaccurate because of cancellation if p is nearly one-hot.
    variance = (p * (logps - mean[:, None]).square()).sum(-1)
    ranks = (logps > chosen).sum(-1)
    return torch.stack([chosen[:, 0], ranks.to(logps.dtype), mean, variance], dim=1)
