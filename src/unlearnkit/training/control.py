"""Controls of the training loop that may change between steps.

If a run measures the G-effect during training, the result can weaken the forget term or freeze weights. This module
does not need torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FORGET_TERM = "forget"
"""Name of the term that unlearns the forget answers. Only this term can be weakened; terms on replacement answers keep
their weights."""


@dataclass
class Steering:
    """Controls of the training loop that callbacks may change between steps."""

    forget_factor: float = 1.0
    """Factor by which the term `forget` is multiplied."""
    frozen: frozenset[str] = frozenset()
    """Names of parameters that are not updated."""


def frozen_names(groups: Mapping[str, Sequence[str]], moved: frozenset[str]) -> frozenset[str]:
    """Return the names of all parameters whose group is not in `moved`.

    `groups` maps the name of each group to the names of the parameters in this group. `moved` contains the names of the
    groups that are trained. A tied parameter has several names, and is frozen if any of these names is returned.
    """
    return frozenset(name for group, names in groups.items() if group not in moved for name in names)
