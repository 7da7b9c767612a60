"""How measurements control the next steps: less ascent, or fewer weights.

Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FORGET_TERM = "forget"
"""Name of the term that is weakened, which ascends. Terms on replacement answers are not changed."""


@dataclass
class Steering:
    """Controls of the training loop, which callbacks may change between steps."""

    forget_factor: float = 1.0
    """Factor of the term `forget`."""
    frozen: frozenset[str] = frozenset()
    """Names of parameters that are not updated."""


def frozen_names(groups: Mapping[str, Sequence[str]], moved: frozenset[str]) -> frozenset[str]:
    """Return the parameters with any name in a group that is frozen."""
    return frozenset(name for group, names in groups.items() if group not in moved for name in names)
