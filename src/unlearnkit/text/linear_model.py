"""Load the small linear models that classify text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple


class LinearModel(NamedTuple):
    """A logistic regression that was fitted by a script in `tools/`."""

    common: frozenset[str]
    """Words that were treated as function words when the model was fitted. The words are normalized."""
    frequent: frozenset[str]
    """Words for which the model has separate features, normalized."""
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

    The file stores each weight as an integer. The actual weight is this integer divided by the file's `scale`.
    """
    file = resources.files("unlearnkit.text") / f"{name}.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    weights = {feature: value / stored["scale"] for feature, value in stored["weights"].items()}
    return LinearModel(frozenset(stored["common"]), frozenset(stored["frequent"]), weights, stored["bias"])
