"""Base class of localizers, which find the weights that store knowledge."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Settings
from unlearnkit.methods.objective import Needs, View

if TYPE_CHECKING:  # reading a recipe imports this module and must not import torch
    from torch import Tensor

    from unlearnkit.data.encoding import Encoded
    from unlearnkit.models.engine import Engine


@dataclass(frozen=True)
class WeightMask:
    """Mask of the weight elements that a method may change."""

    kept: Mapping[str, Tensor]
    """Boolean tensors, keyed by the engine's parameter names. Each tensor has the shape of its weight; True means that
    the element may change."""

    @property
    def share(self) -> float:
        """Share of elements that may change, among all elements of the mask."""
        total = sum(mask.numel() for mask in self.kept.values())
        return sum(int(mask.sum()) for mask in self.kept.values()) / max(total, 1)


class LocalizationContext(Protocol):
    """The part of a run's context that a localizer can use."""

    @property
    def engine(self) -> Engine:
        """The target model.

        Only the weights to be trained require a gradient.
        """
        ...

    @property
    def pad_id(self) -> int:
        """Id of the padding token."""
        ...

    @property
    def seed(self) -> int:
        """Seed of all random choices."""
        ...

    def views(self, needs: Needs) -> Mapping[View, list[Encoded]]:
        """Return the encoded rows of every view in `needs`."""
        ...


class Localizer(Settings, ABC):
    """Finds the weights that store the knowledge to forget.

    The fields of a localizer are its settings.
    """

    def needs(self) -> Needs:
        """Return the views that the localizer reads: by default, the forget rows."""
        return Needs(logps=frozenset({"forget"}))

    @abstractmethod
    def mask(self, context: LocalizationContext) -> WeightMask:
        """Return the mask of the weights that a method may change."""


LOCALIZERS: Registry[type[Localizer]] = Registry("localizer", "unlearnkit.localization.plugins")
localizer = LOCALIZERS.register
