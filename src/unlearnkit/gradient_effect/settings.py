"""Settings for measuring G-effects and for using them in a run.

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
"""Weights with respect to which gradients are computed. `trained`: the parameters that are trained; if there is an
adapter, these are the adapter's parameters. `adapted`: the weights of the layers that have an adapter."""

Use = Literal["stop", "weaken", "mask"]
"""A way in which a run uses its own G-effects, see `DiagnoseSettings.use`."""

FORGOTTEN_RISK = "forget"
"""Name of the forget rows' risk, which should rise during unlearning. The risks of retained rows should not rise."""


class DiagnoseSettings(Settings):
    """Which G-effects are measured, and how a run uses them."""

    renamed: ClassVar[Mapping[str, str]] = {"harm_share": "max_harm_ratio"}

    g_effect_every: Annotated[int, Gt(0)] | None = None
    """Number of training steps between two measurements; null: the run measures no G-effects."""
    objectives: tuple[str, ...] = ()
    """Names of registered objectives that are measured in addition to the run's own objective. These objectives are
    measured with their default settings."""
    risks: Annotated[tuple[str, ...], MinLen(1)] = ("forget", "retain")
    """Names of the row sets whose mean negative log-likelihood is used as a risk. A name is either a split of the data
    or a probe set that the suite measures, such as `near` or `forget.translated`."""
    rows: Annotated[int, Gt(0)] = 200
    """Maximum number of rows used from each split, both for the objectives and for the risks. If a split has more rows,
    this number of rows is sampled with the recipe's seed."""
    groups: Grouping = "layers"
    """Groups of weights for which effects are computed separately: no groups (`none`), one group per layer (`layers`),
    or one group per part of a layer (`parts`)."""
    boundaries: tuple[Annotated[int, Ge(1)], ...] = ()
    """Numbers of the blocks at which a new group of blocks starts; empty: each block is a separate group."""
    over: Over = "trained"
    """For a model with an adapter, the weights with respect to which gradients are computed: the adapter's parameters
    (`trained`), or the weights of the layers that have an adapter (`adapted`)."""
    use: tuple[Use, ...] = ()
    """How the run uses the measured effects of its own method until the next measurement. `stop`: training ends if a
    retained risk rises by more than `max_harm_ratio` times the rise of the forget split's risk. A retained risk is the
    risk of any row set except the forget sets. The limit applies to the rises that are predicted (to first order) for
    the next step, and to the rises since the previous measurement. Training never ends before the first step, because a
    model that has memorized its answers has almost no gradient. `weaken`: the term `forget` is multiplied by the
    largest factor, up to 1, that is not predicted (to first order) to raise a retained risk. `mask`: training updates
    only the groups of weights in which the method forgets without raising a retained risk."""
    max_harm_ratio: Annotated[float, Gt(0)] = 0.1
    """For `stop`: allowed rise of a retained risk, in nats per token for each nat by which the forget split's risk
    rises."""
    instances: bool = True
    """Whether each row's share of each effect is stored, in addition to the effects."""

    @model_validator(mode="after")
    def _refuse_use_without_measurement(self) -> Self:
        needed = (
            ("g_effect_every", self.g_effect_every is None, "the number of steps between two measurements"),
            (
                "risks",
                FORGOTTEN_RISK not in self.risks or len(self.risks) < 2,
                "forget and at least one other risk, such as [forget, retain]",
            ),
            ("groups", "mask" in self.use and self.groups == "none", "layers or parts"),
        )
        for field, missing, allowed in needed:
            if self.use and missing:
                raise BadField(
                    f"the run uses G-effects (diagnose.use: {self.use[0]}), but the required effects are not measured",
                    path=("diagnose", field),
                    value=getattr(self, field),
                    allowed=allowed,
                    fix=f"set diagnose.{field} to an allowed value, or leave diagnose.use empty",
                )
        return self
