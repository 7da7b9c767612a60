"""Settings of a diagnosis. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from annotated_types import Ge, Gt, MinLen
from pydantic import model_validator

from unlearnkit.core.settings import Settings
from unlearnkit.core.yaml_source import BadField
from unlearnkit.models.settings import Grouping

Over = Literal["trained", "adapted"]
"""`trained`: the parameters that are trained, an adapter's own where there is one. `adapted`: the weights that an
adapter stands for, those of the layers it lies on."""

Use = Literal["stop", "weaken", "mask"]
"""What a run makes of its own G-effects: see `DiagnoseSettings.use`."""

FORGOTTEN_RISK = "forget"
"""The risk that is to rise; every other is to stay."""


class DiagnoseSettings(Settings):
    """What is measured of the objective itself: its G-effect on risks, along the run."""

    renamed: ClassVar[Mapping[str, str]] = {"harm_share": "max_harm_ratio"}

    g_effect_every: Annotated[int, Gt(0)] | None = None
    """Steps of training between two measurements; null: none are made during a run."""
    objectives: tuple[str, ...] = ()
    """Registered objectives, at their defaults, that are measured at the run's weights beside the run's own."""
    risks: Annotated[tuple[str, ...], MinLen(1)] = ("forget", "retain")
    """Splits and measured sets (`near`, `forget.translated`) whose mean negative log-likelihood is a risk."""
    rows: Annotated[int, Gt(0)] = 200
    """Most rows of each split, of the views that objectives read and of the risks; drawn by the recipe's seed."""
    groups: Grouping = "layers"
    """Groups of weights by which effects are split: `none`, `layers`, or `parts` of layers."""
    boundaries: tuple[Annotated[int, Ge(1)], ...] = ()
    """First blocks of groups of blocks; none: each block is a group."""
    over: Over = "trained"
    """With an adapter: its own parameters, or the weights it stands for (`adapted`)."""
    use: tuple[Use, ...] = ()
    """What the run makes of its own method's effects, from one measurement to the next. `stop`: training ends where a
    risk that shall stay rises by more than `max_harm_ratio` of what the forget split's does, in the next step to first
    order or as measured since the last look; not before the first step, where a model that knows its answers by heart
    has next to no gradient. `weaken`: the term `forget` is
    multiplied by the largest factor, at most 1, at which no risk that shall stay rises to first order. `mask`: only
    groups of weights through which the method forgets and raises no risk that shall stay are moved."""
    max_harm_ratio: Annotated[float, Gt(0)] = 0.1
    """For `stop`: nats per token that a risk that shall stay may rise for each that the forget split's rises."""
    instances: bool = True
    """Whether each instance's share is kept too."""

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
