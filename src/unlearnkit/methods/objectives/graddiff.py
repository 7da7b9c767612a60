"""Gradient difference: ascent on the forget split, descent on the retain split."""

from __future__ import annotations

from unlearnkit.methods.objective import objective
from unlearnkit.methods.objectives.forget.ga import GA


@objective("graddiff", paper="arXiv:2203.12817", equation="as in TOFU, arXiv:2401.06121, section 3.2")
class GradDiff(GA):
    """Gradient ascent on the forget answers plus NLL on the retain answers."""

    retain: str | None = "nll"
    """Name of a registered retain term, such as `nll` or `kl`; null for no retain term."""
