"""Every registered objective at its defaults, variants of some, and some that are not part of the package."""

from __future__ import annotations

from typing import Any

from tests.conformance.outside import OUTSIDE
from unlearnkit.methods.objective import OBJECTIVES, Objective
from unlearnkit.testing.world import ROWS, Altered, World, rows_of, views_of

__all__ = ["CASES", "ROWS", "Altered", "World", "make", "rows_of", "views_of"]

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ga + nll": ("ga", {"retain": "nll"}),
    "ga + kl": ("ga", {"retain": "kl", "retain_weight": 0.3}),
    "npo + nll": ("npo", {"retain": "nll", "beta": 0.7}),
    "npo + kl": ("npo", {"retain": "kl"}),
    "po alone": ("po", {"retain": None}),
    "po + kl": ("po", {"retain": "kl"}),
    "graddiff + kl": ("graddiff", {"retain": "kl", "retain_weight": 2.0}),
    "tru, ce alone": ("tru", {"alpha": 0.0}),
    "tru with npo": ("tru", {"forget": "npo", "alpha": 0.4}),
    "tru with po and kl": ("tru", {"forget": "po", "retain": "kl", "retain_weight": 0.5}),
    "wga + kl": ("wga", {"retain": "kl", "alpha": 0.5}),
    "wtnpo, two exponents": ("wtnpo", {"alpha": 1.5, "beta": 0.5}),
    "simnpo + margin": ("simnpo", {"beta": 0.7, "delta": 0.3, "retain": "nll"}),
    "idkdpo + nll": ("idkdpo", {"retain": "nll", "beta": 0.5}),
    "graddiff + representation": ("graddiff", {"retain": "representation"}),
    "rmu, inner layer": ("rmu", {"layer": 0, "coefficient": 2.0, "retain_weight": 3.0}),
    "rmu + nll": ("rmu", {"layer": 1, "retain": "nll", "retain_weight": 1.0}),
}
OF_A_RANDOM_MODEL: dict[str, dict[str, Any]] = {"satimp": {"beta1": 0.5}, "simnpo": {"beta": 0.5}}
"""Settings in place of defaults that leave next to no gradient where a token's probability is a few per cent."""
OF_OUTSIDE: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in OUTSIDE},
    "outside: max entropy + kl": ("outside: max entropy", {"retain": "kl"}),
    "outside: self-distillation + nll": ("outside: self-distillation", {"strength": 1.5, "retain": "nll"}),
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, OF_A_RANDOM_MODEL.get(name, {})) for name in OBJECTIVES.names()},
    **VARIANTS,
    **OF_OUTSIDE,
}


def make(case: str) -> Objective:
    name, options = CASES[case]
    plugin = OUTSIDE[name] if name in OUTSIDE else OBJECTIVES.get(name).plugin
    return plugin(**options)
