"""Gradient saliency: selects the weights on which the forget loss depends most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt, Le

from unlearnkit.core.errors import InputError
from unlearnkit.localization.base import LocalizationContext, Localizer, WeightMask, localizer

if TYPE_CHECKING:
    from torch import Tensor


@localizer("gradient_saliency", paper="arXiv:2310.12508", equation="section 4, weight saliency map")
class GradientSaliency(Localizer):
    """Restrict changes to the weights with the largest forget-loss gradients.

    The loss is the mean negative log-likelihood per labeled token of the forget answers, over all rows. The gradient is
    computed at the unchanged target model, and its sign does not matter. Of n elements, exactly the round(share * n)
    elements with the largest absolute gradients may change. Among elements with equal absolute gradients, earlier
    elements are chosen first.

    SalUn differs in two ways. First, SalUn compares absolute gradients with a threshold, by default the median over all
    elements. Second, SalUn's released code takes an optimizer step after each batch while it sums the gradients.

    In a new LoRA adapter, only the second factor (B, which starts at 0) has a nonzero gradient. Elements of the first
    factor (A) are therefore chosen only after all elements of B.
    """

    share: Annotated[float, Gt(0), Le(1)] = 0.5
    """Fraction of the trained elements that may change. The value 0.5 corresponds to SalUn's median threshold."""
    per_tensor: bool = False
    """Whether to apply the share to each tensor separately instead of to all trained weights together."""

    def mask(self, context: LocalizationContext) -> WeightMask:
        """Return the mask of the elements with the largest absolute gradients."""
        # Imported here, because reading a recipe must not import torch.
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
                fix="increase the share",
            )
        return mask

    def _count(self, tensors: dict[str, Tensor]) -> int:
        return round(self.share * sum(tensor.numel() for tensor in tensors.values()))
