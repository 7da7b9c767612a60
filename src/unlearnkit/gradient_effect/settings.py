"""Settings of a diagnosis.

This module can be imported without torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from annotated_types import Ge, Gt, MinLen
from pydantic import model_validator

from unlearnkit.core.settings import Settings
from unlearnkit.core.yaml_source import BadField
from unlearnkit.models.settings import Grouping

Over = Literal["trained", "adapted"]
"""Weights for which effects are computed. `trained`: the parameters that are trained; if there is an adapter, these are
the adapter's parameters. `adapted`: the weights of the layers that have an adapter."""

Use = Literal["stop", "weaken", "mask"]
"""A way in which a run uses its own G-effects, see `DiagnoseSettings.use`."""

FORGOTTEN_RISK = "forget"
"""The risk that should rise during unlearning. No other risk should rise."""


class DiagnoseSettings(Settings):
    """Which G-effects are measured, and how a run uses them."""

    renamed: ClassVar[Mapping[str, str]] = {"harm_share": "max_harm_ratio"}

    g_effect_every: Annotated[int, Gt(0)] | None = None
    """Number of training steps between two measurements; null: the run measures no G-effects."""
    objectives: tuple[str, ...] = ()
    """Names of registered objectives that are measured in addition to the run's own objective. Their settings are the
    defaults."""
    risks: Annotated[tuple[str, ...], MinLen(1)] = ("forget", "retain")
    """Names of the row sets that are used as risks: splits, and measured sets such as `near` or `forget.translated`.
    The risk is the mean negative log-likelihood of the set."""
    rows: Annotated[int, Gt(0)] = 200
    """Maximum number of rows of each split that are used, both for the views that objectives read and for the risks. If
    a split has more rows, they are sampled with the recipe's seed."""
    groups: Grouping = "layers"
    """How effects are split by groups of weights: not at all (`none`), by layer (`layers`) or by part of a layer
    (`parts`)."""
    boundaries: tuple[Annotated[int, Ge(1)], ...] = ()
    """Numbers of the blocks at which a new group of blocks starts; empty: each block is a separate group."""
    over: Over = "trained"
    """For a model with an adapter, the weights for which effects are computed: the adapter's parameters (`trained`), or
    the weights of the layers that have an adapter (`adapted`)."""
    use: tuple[Use, ...] = ()
    """How the run uses the measured effects of its own method until the next measurement. `stop`: training ends if a
    retained risk rises by more than `max_harm_ratio` times the rise of the forget split's risk, either predicted to
    first order for the next step, or measured since the previous measurement. Training never ends before the first
    step, because a model that has memorized its answers has almost no gradient. `weaken`: the term `forget` is
    multiplied by the largest factor, at most 1, with which, to first order, no retained risk rises. `mask`: training
    updates only those groups of weights through which the method forgets and raises no retained risk."""
    max_harm_ratio: Annotated[float, Gt(0)] = 0.1
    """For `stop`: allowed rise of a retained risk, in nats per token for each nat by which the forget split's risk
    rises."""
    instances: bool = True
    """Whether each row's share of the effects is stored too."""

    @model_validator(mode="after")
    def _refuse_use_without_measurement(self) -> Self:
        needed = (
            ("g_effect_every", self.g_effect_every is None, "the number of steps between two measurements"),
            ("risks", FORGOTTEN_RISK not in self.risks or len(self.risks) < 2, "forget and others: [forget, retain]"),
            ("groups", "mask" in self.use and self.groups == "none", "layers, or parts"),
        )
        for field, missing, allowed in needed:
            if self.use and missing:
                raise BadField(
                    f"the run uses G-effects (diagnose.use: {self.use[0]}), but with this setting the required effects "
                    "are not measured",
                    path=("diagnose", field),
                    value=getattr(self, field),
                    allowed=allowed,
                    fix=f"set diagnose.{field} to an allowed value, or leave diagnose.use empty",
                )
        return self
