"""What a measurement makes of the steps after it: less ascent, or fewer weights. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FORGET_TERM = "forget"
"""Name of the term that is weakened: what ascends. What is taught in place of answers is left as it is."""


@dataclass
class Steering:
    """How the training loop takes its steps; a watch may change it between two of them."""

    forget_factor: float = 1.0
    """Factor of the term `forget`."""
    frozen: frozenset[str] = frozenset()
    """Names of parameters that are not moved."""


def frozen_names(groups: Mapping[str, Sequence[str]], moved: frozenset[str]) -> frozenset[str]:
    """Parameters that lie, under any of their names, in a group that is not moved."""
    return frozenset(name for group, names in groups.items() if group not in moved for name in names)
