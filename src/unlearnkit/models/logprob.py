"""Log-probabilities of labelled tokens without keeping the logits.

The head's logits are made in chunks of rows, reduced to one number a token, and made again in the backward pass.
Memory is (chunk, vocabulary) whatever the number of tokens. Values are computed in float32 from matrix products in the
dtype of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable
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
        """(tokens, vocabulary) float32 logits of (tokens, width) hidden states."""
        raw = (hidden @ self.weight.T).float()
        if self.bias is not None:
            raw = raw + self.bias.float()
        raw = raw * self.scale
        return raw if self.softcap is None else self.softcap * torch.tanh(raw / self.softcap)

    def frozen(self) -> Head:
        """A copy that later updates do not touch."""
        bias = None if self.bias is None else self.bias.detach().clone()
        return Head(self.weight.detach().clone(), bias, self.scale, self.softcap)

    def cast(self, dtype: torch.dtype) -> Head:
        """The same head with weights in `dtype`; gradients flow through the cast."""
        bias = None if self.bias is None else self.bias.to(dtype)
        return Head(self.weight.to(dtype), bias, self.scale, self.softcap)


def chunk_rows(vocabulary: int) -> int:
    """Number of tokens whose logits are made at once."""
    return max(1, CHUNK_ELEMENTS // vocabulary)


class _TokenLogps(torch.autograd.Function):
    """logits.log_softmax(-1)[label], chunk by chunk; returns also the log-sum-exp, which the backward pass needs."""

    @staticmethod
    def forward(
        hidden: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor, scale: float, softcap: float | None
    ) -> tuple[Tensor, Tensor]:
        head = Head(weight, bias, scale, softcap)
        logps, lses = [], []
        step = chunk_rows(weight.shape[0])
        for start in range(0, len(labels), step):
            logits = head.logits(hidden[start : start + step])
            lse = logits.logsumexp(-1)
            logps.append(logits.gather(1, labels[start : start + step, None])[:, 0] - lse)
            lses.append(lse)
        empty = hidden.new_zeros(0, dtype=torch.float32)
        return (torch.cat(logps), torch.cat(lses)) if logps else (empty, empty.clone())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        hidden, weight, bias, labels, ctx.scale, ctx.softcap = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(hidden, weight, bias, labels, output[1])
        ctx.save_for_forward(hidden, weight, bias, labels, output[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, labels, lse = ctx.saved_tensors
        head = Head(weight, bias, ctx.scale, ctx.softcap)
        step = chunk_rows(weight.shape[0])
        grad_hidden = torch.zeros_like(hidden)
        # Chunks are summed in float32: in bfloat16 a long sum would lose its small parts.
        grad_weight = torch.zeros_like(weight, dtype=torch.float32) if ctx.needs_input_grad[1] else None
        grad_bias = torch.zeros(len(bias), dtype=torch.float32, device=bias.device) if bias is not None else None
        for start in range(0, len(labels), step):
            part = slice(start, start + step)
            logits = head.logits(hidden[part])
            d_logits = (logits - lse[part, None]).exp_().mul_(-grad[part, None])
            d_logits.scatter_add_(1, labels[part, None], grad[part, None])
            if ctx.softcap is not None:
                d_logits.mul_(1 - (logits / ctx.softcap) ** 2)
            d_logits.mul_(ctx.scale)
            if grad_bias is not None:
                grad_bias += d_logits.sum(0)
            d_logits = d_logits.to(hidden.dtype)
            grad_hidden[part] = d_logits @ weight
            if grad_weight is not None:
                grad_weight += d_logits.T @ hidden[part]
        return (
            grad_hidden,
            None if grad_weight is None else grad_weight.to(weight.dtype),
            None if grad_bias is None or bias is None else grad_bias.to(bias.dtype),
            None,
            None,
            None,
        )

    @staticmethod
    def jvp(
        ctx: Any, d_hidden: Tensor | None, d_weight: Tensor | None, d_bias: Tensor | None, *_: object
    ) -> tuple[Tensor, None]:
        hidden, weight, bias, labels, lse = ctx.saved_tensors
        head = Head(weight, bias, ctx.scale, ctx.softcap)
        step = chunk_rows(weight.shape[0])
        tangents = [hidden.new_zeros(0, dtype=torch.float32)]
        for start in range(0, len(labels), step):
            part = slice(start, start + step)
            logits = head.logits(hidden[part])
            moved = torch.zeros_like(logits)
            if d_hidden is not None:
                moved += (d_hidden[part] @ weight.T).float()
            if d_weight is not None:
                moved += (hidden[part] @ d_weight.T).float()
            if d_bias is not None:
                moved += d_bias.float()
            moved *= ctx.scale
            if ctx.softcap is not None:
                moved *= 1 - (logits / ctx.softcap) ** 2
            mean = ((logits - lse[part, None]).exp() * moved).sum(-1)
            tangents.append(moved.gather(1, labels[part, None])[:, 0] - mean)
        return torch.cat(tangents), None


def token_logps(hidden: Tensor, head: Head, labels: Tensor) -> Tensor:
    """log p(label) of each token, natural logarithm.

    Args:
        hidden: (tokens, width) final hidden states at the positions that predict the labels.
        head: the model's head, in the same dtype as `hidden`.
        labels: (tokens,) int64.

    Returns:
        (tokens,) float32, differentiable in `hidden`, `head.weight` and `head.bias`, backward and forward mode.
    """
    apply: Callable[..., tuple[Tensor, Tensor]] = _TokenLogps.apply
    return apply(hidden, head.weight, head.bias, labels, head.scale, head.softcap)[0]


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
    return torch.cat(parts) if parts else hidden.new_zeros(0, dtype=torch.float32)


@dataclass(frozen=True)
class TokenStatistics:
    """What records keep of each labelled token; every tensor is (tokens,)."""

    logps: Tensor
    ranks: Tensor
    mean_logps: Tensor
    var_logps: Tensor


@torch.no_grad()
def token_statistics(hidden: Tensor, head: Head, labels: Tensor) -> TokenStatistics:
    """Log-probability and rank of each label, and mean and variance of log p over the vocabulary under p."""
    parts: list[tuple[Tensor, ...]] = []
    step = chunk_rows(head.weight.shape[0])
    for start in range(0, len(labels), step):
        logps = head.logits(hidden[start : start + step]).log_softmax(-1)
        chosen = logps.gather(1, labels[start : start + step, None])
        p = logps.exp()
        mean = (p * logps).sum(-1)
        variance = (p * logps.square()).sum(-1) - mean.square()
        parts.append((chosen[:, 0], (logps > chosen).sum(-1), mean, variance.clamp_min(0)))
    return TokenStatistics(*(torch.cat(column) for column in zip(*parts, strict=True)))
