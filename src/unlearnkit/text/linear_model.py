"""Load the small linear models of the detectors."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple


class LinearModel(NamedTuple):
    """A logistic regression, fitted by a script in `tools/`."""

    common: frozenset[str]
    """The words used as function words in the fit, normalized."""
    frequent: frozenset[str]
    """The words with features of their own in the fit, normalized."""
    weights: dict[str, float]
    bias: float

    def log_odds(self, features: Iterable[str]) -> float:
        """Return the log-odds (natural logarithm) of the positive class.

        Unknown features are ignored.
        """
        return self.bias + sum(self.weights.get(name, 0.0) for name in features)


@cache
def linear_model(name: str) -> LinearModel:
    """Return the model stored as `<name>.json`, whose weights are multiples of 1/scale."""
    file = resources.files("unlearnkit.text") / f"{name}.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    weights = {feature: value / stored["scale"] for feature, value in stored["weights"].items()}
    return LinearModel(frozenset(stored["common"]), frozenset(stored["frequent"]), weights, stored["bias"])
