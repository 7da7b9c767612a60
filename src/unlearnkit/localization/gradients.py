"""Compute the exact gradient of the mean loss on all rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.batches import batches
from unlearnkit.models.engine import Engine
from unlearnkit.models.logprob import widen

BATCH_ROWS = 16
"""Number of rows per forward pass. This number affects memory use, but not the gradient."""

_VIEW = "rows"
_LOGPS = Quantity(_VIEW, "logps")


def loss_gradient(
    engine: Engine, rows: Sequence[Encoded], pad_id: int, *, batch_rows: int = BATCH_ROWS
) -> dict[str, Tensor]:
    """Return the gradient of the mean loss on all rows.

    The loss is the mean negative log-likelihood per labeled token. The gradients of batches are summed in float32 or a
    wider data type, even if the weights have a narrower data type. Only the sum is kept in memory: during the backward
    pass, each weight's gradient on the batch is added to the sum and then discarded. The model is in eval mode during
    the computation.

    Returns:
        The gradient of each trained weight, keyed by the engine's parameter name. The gradient is 0 if the loss does
        not depend on the weight. A tied weight appears only once, under one of its names.

    Raises:
        InputError: there are no rows or no trained weights, or the gradient is not finite.
    """
    weights = {name: weight for name, weight in engine.named_parameters() if weight.requires_grad}
    if not rows or not weights:
        lacking = "rows" if not rows else "trained weights"
        raise InputError(
            f"the gradient for the mask cannot be computed, because there are no {lacking}",
            where="method.mask",
            fix="provide forget rows and at least one trained weight",
        )
    total = {name: torch.zeros_like(widen(weight.detach())) for name, weight in weights.items()}

    def collect(weight: Tensor, into: Tensor) -> None:
        assert weight.grad is not None  # the hook runs once the gradient is complete
        into.add_(weight.grad)
        weight.grad = None

    hooks = [
        weight.register_post_accumulate_grad_hook(partial(collect, into=total[name]))  # type: ignore[no-untyped-call]
        for name, weight in weights.items()
    ]
    training = engine.training
    tokens = sum(row.labels for row in rows)
    engine.eval()
    try:
        with torch.enable_grad():
            for batch in batches(_VIEW, rows, pad_id=pad_id, device=engine.device, size=batch_rows):
                logps = engine(batch.pack, [_LOGPS])[_LOGPS]
                (-logps.sum() / tokens).backward()
    finally:
        for hook in hooks:
            hook.remove()
        engine.train(training)
    odd = next((name for name, gradient in total.items() if not bool(gradient.isfinite().all())), None)
    if odd is not None:
        raise InputError(
            "the gradient of the loss on the forget rows is not finite",
            where=odd,
            fix="check that the target model gives sensible answers, and try model.dtype=float32",
        )
    return total
