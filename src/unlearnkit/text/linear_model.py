"""Load the small linear models that classify text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple


class LinearModel(NamedTuple):
    """A logistic regression that a script in `tools/` has fitted."""

    common: frozenset[str]
    """Words that were treated as function words when the model was fitted, normalized."""
    frequent: frozenset[str]
    """Words that have features of their own in the model, normalized."""
    weights: dict[str, float]
    bias: float

    def log_odds(self, features: Iterable[str]) -> float:
        """Return the log-odds (natural logarithm) of the positive class.

        Features without a weight are ignored.
        """
        return self.bias + sum(self.weights.get(name, 0.0) for name in features)


@cache
def linear_model(name: str) -> LinearModel:
    """Return the model stored as `<name>.json`.

    The file stores each weight as an integer, to be divided by the file's `scale`.
    """
    file = resources.files("unlearnkit.text") / f"{name}.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    weights = {feature: value / stored["scale"] for feature, value in stored["weights"].items()}
    return LinearModel(frozenset(stored["common"]), frozenset(stored["frequent"]), weights, stored["bias"])
