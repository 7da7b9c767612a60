"""Task arithmetic: subtract the weight change of fine-tuning on the forget rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from unlearnkit.methods.base import Edit, MethodContext, edit
from unlearnkit.methods.forget_finetuning import ForgetNLL
from unlearnkit.methods.objective import Needs
from unlearnkit.methods.objective_method import train_objective

if TYPE_CHECKING:
    from torch import Tensor


@edit("task_arithmetic", paper="arXiv:2212.04089", equation="section 3, forgetting via negation")
class TaskArithmetic(Edit):
    """Fine-tune on the forget rows and subtract the change from the target.

    new = target - strength * (finetuned - target)

    Fine-tuning minimizes the negative log-likelihood of the forget answers with the settings of `train`. With
    `model.lora` the difference is the adapter's dense change, scale * B @ A (Zhang et al., arXiv 2306.14870, negate one
    factor, which is the same), and the result is saved as whole weights. All is computed in float32 and rounded once.
    """

    strength: Annotated[float, Ge(0)] = 1.0
    """Multiple of the difference that is subtracted; 0 changes nothing. The papers choose it on held-out data and give
    no default; this one was chosen here."""

    def needs(self) -> Needs:
        """Return the needs of fine-tuning: the forget answers."""
        return ForgetNLL().needs()

    def delta(self, context: MethodContext) -> Mapping[str, Tensor]:
        """Fine-tune, and return minus `strength` times the difference to the target."""
        # Here, because a recipe is read without torch.
        from unlearnkit.methods.weight_change import task_vector

        train_objective(context, ForgetNLL(), masked=False)  # a mask restricts the change that is subtracted
        return {name: change.mul_(-self.strength) for name, change in task_vector(context).items()}
