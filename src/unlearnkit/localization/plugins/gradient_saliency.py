"""Gradient saliency: the weights that the forget loss depends on most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt, Le

from unlearnkit.core.errors import InputError
from unlearnkit.localization.base import LocalizationContext, Localizer, WeightMask, localizer

if TYPE_CHECKING:
    from torch import Tensor


@localizer("gradient_saliency", paper="arXiv:2310.12508", equation="section 4, weight saliency map")
class GradientSaliency(Localizer):
    """Keep the elements with the largest absolute gradient of the forget loss.

    The gradient is taken at the target model. The loss is the mean negative log-likelihood of the forget answers per
    labeled token, over all rows; its sign does not matter. Exactly round(share * n) of n elements are kept, and of
    equal ones the first. Where SalUn differs: its limit is a value, by default the median of all elements, and its
    released code takes an optimizer step after each batch while it sums gradients. Here the gradients of all batches
    are taken at the target model.

    Of a new LoRA adapter only the second factor (B, which is 0) has a gradient; elements of the first are kept when no
    other is left.
    """

    share: Annotated[float, Gt(0), Le(1)] = 0.5
    """Share of the trained elements that may change. 0.5 is SalUn's median."""
    per_tensor: bool = False
    """Whether the share is taken of each tensor for itself, in place of all trained weights together."""

    def mask(self, context: LocalizationContext) -> WeightMask:
        """Compute the gradient over all forget rows, and keep its largest elements."""
        # Here, because a recipe is read without torch.
        from unlearnkit.localization.gradients import loss_gradient
        from unlearnkit.localization.top_share import largest

        gradient = loss_gradient(context.engine, context.views(self.needs())["forget"], context.pad_id)
        if self.per_tensor:
            kept: dict[str, Tensor] = {}
            for name in list(gradient):
                alone = {name: gradient.pop(name)}
                kept |= largest(alone, self._count(alone))
        else:
            kept = largest(gradient, self._count(gradient))
        mask = WeightMask(kept)
        if mask.share == 0:
            raise InputError(
                "the share is so small that no element may change",
                where="method.mask.share",
                value=self.share,
                fix="raise it",
            )
        return mask

    def _count(self, tensors: dict[str, Tensor]) -> int:
        return round(self.share * sum(tensor.numel() for tensor in tensors.values()))
