"""Base class of localizers, which find the weights that hold a knowledge."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Settings
from unlearnkit.methods.objective import Needs, View

if TYPE_CHECKING:  # a recipe names localizers, and reading one does not wait for torch
    from torch import Tensor

    from unlearnkit.data.encoding import Encoded
    from unlearnkit.models.engine import Engine


@dataclass(frozen=True)
class WeightMask:
    """Which elements of which weights may change."""

    kept: Mapping[str, Tensor]
    """Boolean tensor of the shape of each trained weight, by the engine's name of the parameter; True: may change."""

    @property
    def share(self) -> float:
        """Share of the elements that may change, in [0, 1]."""
        total = sum(mask.numel() for mask in self.kept.values())
        return sum(int(mask.sum()) for mask in self.kept.values()) / max(total, 1)


class LocalizationContext(Protocol):
    """What a localizer sees of a run."""

    @property
    def engine(self) -> Engine:
        """The target model, with the weights that are trained requiring a gradient."""
        ...

    @property
    def pad_id(self) -> int:
        """Token id that fills up rows."""
        ...

    @property
    def seed(self) -> int:
        """Seed of everything that is drawn."""
        ...

    def views(self, needs: Needs) -> Mapping[View, list[Encoded]]:
        """Encode every row of the views that are needed."""
        ...


class Localizer(Settings, ABC):
    """Says which weights hold the knowledge. Its fields are its settings."""

    def needs(self) -> Needs:
        """Return the views that the localizer reads; by default the forget rows."""
        return Needs(logps=frozenset({"forget"}))

    @abstractmethod
    def mask(self, context: LocalizationContext) -> WeightMask:
        """Return the mask of the weights that a method may change."""


LOCALIZERS: Registry[type[Localizer]] = Registry("localizer", "unlearnkit.localization.plugins")
localizer = LOCALIZERS.register
