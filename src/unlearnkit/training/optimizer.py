"""The optimizer: AdamW, with stochastic rounding for bfloat16 weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from unlearnkit.core.errors import InputError
from unlearnkit.models.logprob import wide, widen
from unlearnkit.models.rounding import rounded, type_name
from unlearnkit.training.settings import TrainSettings

BETAS = (0.9, 0.999)
"""Decay of the first and of the second moment. These are AdamW's defaults."""


def adamw(trained: Mapping[str, nn.Parameter], settings: TrainSettings, seed: int) -> torch.optim.Optimizer:
    """Return the optimizer of a training run.

    Args:
        trained: the trained weights by name.
        settings: settings of the training. The learning rate is set before each step.
        seed: seed of stochastic rounding.

    Raises:
        InputError: a weight is narrower than float32, and stochastic rounding is off; or stochastic rounding is on, and
            a weight is not bfloat16.
    """
    options: dict[str, Any] = {"lr": 0.0, "eps": settings.adam_eps, "weight_decay": settings.weight_decay}
    for name, weight in trained.items():
        if settings.stochastic_rounding and weight.dtype != torch.bfloat16:
            raise InputError(
                "stochastic rounding is for bfloat16 weights",
                where="train.stochastic_rounding",
                value=f"{name} is {type_name(weight.dtype)}",
                allowed="bfloat16",
                fix="set model.dtype=bfloat16 and train no adapter, or set train.stochastic_rounding=false",
            )
        if not settings.stochastic_rounding and weight.dtype != wide(weight.dtype):
            raise InputError(
                "weights cannot be trained in this data type, because most updates would be rounded away",
                where=name,
                value=type_name(weight.dtype),
                allowed="float32; bfloat16 with train.stochastic_rounding",
                fix="convert the trained weights to float32 with unlearnkit.models.load.set_trainable, or set "
                "train.stochastic_rounding=true",
            )
    parameters = list(trained.values())
    if settings.stochastic_rounding:
        return StochasticAdamW(parameters, seed=seed, **options)
    return torch.optim.AdamW(parameters, betas=BETAS, fused=True, **options)


class StochasticAdamW(torch.optim.Optimizer):
    """AdamW for bfloat16 weights. Updates are computed in float32 and rounded stochastically.

    With rounding to nearest, an update below 1/256 of a weight is lost. With stochastic rounding, the weight moves by a
    whole unit in the last place, with a probability such that the mean is the exact update. The moments are float32.

    The random numbers depend only on the seed, the step and the number of the weight, so a resumed training gives the
    same weights.

    Args:
        parameters: bfloat16 weights.
        lr: learning rate.
        eps: Adam's epsilon.
        weight_decay: AdamW's weight decay.
        seed: seed of the rounding.
    """

    def __init__(
        self, parameters: list[nn.Parameter], *, lr: float, eps: float, weight_decay: float, seed: int
    ) -> None:
        super().__init__(parameters, {"lr": lr, "eps": eps, "weight_decay": weight_decay})
        self._seed = seed

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Do one step. There must be no closure."""
        assert closure is None, "the training loop computes the gradients itself"
        for group in self.param_groups:
            for number, weight in enumerate(group["params"]):
                if weight.grad is not None:
                    self._update(weight, number, group)

    def _update(self, weight: nn.Parameter, number: int, group: Mapping[str, Any]) -> None:
        state, gradient = self.state[weight], widen(weight.grad)  # type: ignore[arg-type]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(gradient), torch.zeros_like(gradient)
        state["step"] += 1
        step, (first, second) = int(state["step"]), BETAS
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(gradient, 1 - first)
        square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = (square / (1 - second**step)).sqrt_().add_(group["eps"])
        exact = widen(weight) * (1 - group["lr"] * group["weight_decay"])
        exact.addcdiv_(mean, scale, value=-group["lr"] / (1 - first**step))
        generator = torch.Generator().manual_seed(((self._seed * 1_000_003 + step) * 1_000_003 + number) % 2**63)
        weight.copy_(rounded(exact, weight.dtype, generator))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state, and keep its moments in float32.

        torch would convert the moments to the dtype of the weights.
        """
        super().load_state_dict(state_dict)
        stored: dict[int, dict[str, Tensor]] = state_dict["state"]
        weights = [weight for group in self.param_groups for weight in group["params"]]
        for number, values in stored.items():
            self.state[weights[number]] = {key: value.to(weights[number].device) for key, value in values.items()}
