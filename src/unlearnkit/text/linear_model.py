"""The small fitted linear models behind the detectors: a weight for each feature of a text, and a bias."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple


class LinearModel(NamedTuple):
    """A logistic regression, fitted by a script in `tools/` and stored beside the detectors."""

    common: frozenset[str]
    """The words that were taken for function words when it was fitted, normalized."""
    frequent: frozenset[str]
    """The words that were known by themselves when it was fitted, normalized."""
    weights: dict[str, float]
    bias: float

    def log_odds(self, features: Iterable[str]) -> float:
        """Log-odds (natural logarithm) of the positive class; unknown features weigh nothing."""
        return self.bias + sum(self.weights.get(name, 0.0) for name in features)


@cache
def linear_model(name: str) -> LinearModel:
    """The model stored as `<name>.json`; weights are whole numbers of 1/scale."""
    file = resources.files("unlearnkit.text") / f"{name}.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    weights = {feature: value / stored["scale"] for feature, value in stored["weights"].items()}
    return LinearModel(frozenset(stored["common"]), frozenset(stored["frequent"]), weights, stored["bias"])
