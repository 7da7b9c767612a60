"""Task arithmetic: subtract the weight change that fine-tuning on forget rows causes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge

from unlearnkit.methods.base import Edit, MethodContext, edit
from unlearnkit.methods.forget_finetuning import ForgetNLL
from unlearnkit.methods.objective import Needs
from unlearnkit.methods.objective_method import train_objective

if TYPE_CHECKING:
    from torch import Tensor


@edit("task_arithmetic", paper="arXiv:2212.04089", equation="section 3, forgetting via negation")
class TaskArithmetic(Edit):
    """Fine-tune on the forget rows, then subtract the resulting weight change.

    new = target - strength * (finetuned - target)

    Fine-tuning minimizes the negative log-likelihood of the forget answers with the settings of the recipe's section
    `train`. With `model.lora`, the difference is the dense weight change that the adapter represents, scale * B @ A.
    (Zhang et al., arXiv 2306.14870, negate one of the two factors, which gives the same result.) The new weights are
    computed in float32, rounded once, and saved as a full set of weights, not as an adapter.
    """

    data_parallel: ClassVar[bool] = True
    augmented: ClassVar[bool] = True

    strength: Annotated[float, Ge(0)] = 1.0
    """Factor by which the weight change from fine-tuning is multiplied before the subtraction. With 0, the model stays
    unchanged. The papers choose the factor on held-out data and give no default, so the default is our choice."""

    def needs(self) -> Needs:
        """Request log-probabilities of the forget answers, for fine-tuning."""
        return ForgetNLL().needs()

    def delta(self, context: MethodContext) -> Mapping[str, Tensor]:
        """Fine-tune, and return the weight change multiplied by -`strength`."""
        # Imported here, so that reading a recipe does not import torch.
        from unlearnkit.methods.weight_change import task_vector

        train_objective(context, ForgetNLL(), masked=False)  # the mask restricts only what is subtracted
        return {name: change.mul_(-self.strength) for name, change in task_vector(context).items()}
