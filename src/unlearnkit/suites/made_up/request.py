"""A request to forget a part of a made-up world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unlearnkit.data.rows import Row, Splits
from unlearnkit.scope.scope import Scope


@dataclass(frozen=True)
class Request:
    """A request to forget, with rows for training and rows for measurement."""

    scope: Scope
    splits: Splits
    left_out: frozenset[str]
    """Ids of the corpus rows that state a forgotten fact in any form. The retrained model must not see these rows."""
    training_scope: Scope | None = None
    """The scope without what training must not see; None: the whole scope."""
    withheld: tuple[Row, ...] = ()
    """Corpus rows that ask for relations which no training row asks for."""
    validation: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    """Row sets by which settings are chosen."""
