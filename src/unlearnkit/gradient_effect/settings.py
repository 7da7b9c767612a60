"""Settings of a diagnosis. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from annotated_types import Ge, Gt, MinLen
from pydantic import model_validator

from unlearnkit.core.settings import Settings
from unlearnkit.core.yaml_source import BadField
from unlearnkit.models.settings import Grouping

Over = Literal["trained", "adapted"]
"""`trained`: the parameters that are trained, which are an adapter's own if there is one. `adapted`: the weights of the
layers that have an adapter."""

Use = Literal["stop", "weaken", "mask"]
"""How a run uses its own G-effects: see `DiagnoseSettings.use`."""

FORGOTTEN_RISK = "forget"
"""The risk that should rise; every other one should not."""


class DiagnoseSettings(Settings):
    """Which G-effects are measured, and how a run uses them."""

    renamed: ClassVar[Mapping[str, str]] = {"harm_share": "max_harm_ratio"}

    g_effect_every: Annotated[int, Gt(0)] | None = None
    """Steps of training between two measurements; null: none during a run."""
    objectives: tuple[str, ...] = ()
    """Registered objectives that are measured in addition to the run's own, with default settings."""
    risks: Annotated[tuple[str, ...], MinLen(1)] = ("forget", "retain")
    """Splits and measured sets (`near`, `forget.translated`) whose mean negative log-likelihood is a risk."""
    rows: Annotated[int, Gt(0)] = 200
    """Maximum number of rows of each split, for views that objectives read and for risks; drawn by the recipe's
    seed."""
    groups: Grouping = "layers"
    """Groups of weights by which effects are split: `none`, `layers`, or `parts` of layers."""
    boundaries: tuple[Annotated[int, Ge(1)], ...] = ()
    """First blocks of groups of blocks; empty: each block is a group."""
    over: Over = "trained"
    """Weights of a model with an adapter: the adapter's own parameters (`trained`), or the weights of the layers that
    have an adapter (`adapted`)."""
    use: tuple[Use, ...] = ()
    """How the run uses the effects of its own method until the next measurement. `stop`: training ends if a risk that
    must stay rises by more than `max_harm_ratio` of the rise of the forget split's risk, in the next step to first
    order or as measured since the previous measurement; not before the first step, because a model that has memorized
    its answers has almost no gradient. `weaken`: the term `forget` is multiplied by the largest factor, at most 1, at
    which no risk that must stay rises to first order. `mask`: only groups of weights through which the method forgets
    and raises no risk that must stay are updated."""
    max_harm_ratio: Annotated[float, Gt(0)] = 0.1
    """For `stop`: allowed rise of a risk that must stay, in nats per token for each nat of the forget split's rise."""
    instances: bool = True
    """Whether each instance's share is stored too."""

    @model_validator(mode="after")
    def _refuse_use_without_measurement(self) -> Self:
        needed = (
            ("g_effect_every", self.g_effect_every is None, "the steps between two measurements"),
            ("risks", FORGOTTEN_RISK not in self.risks or len(self.risks) < 2, "forget and others: [forget, retain]"),
            ("groups", "mask" in self.use and self.groups == "none", "layers, or parts"),
        )
        for field, missing, allowed in needed:
            if self.use and missing:
                raise BadField(
                    f"the run uses G-effects ({self.use[0]}), and this setting means that they are not measured",
                    path=("diagnose", field),
                    value=getattr(self, field),
                    allowed=allowed,
                    fix=f"write diagnose.{field}",
                )
        return self
