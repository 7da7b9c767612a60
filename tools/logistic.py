"""Logistic regression over feature counts, and the file that `unlearnkit.text.linear_model` reads."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix


def fit(
    rows: list[Counter[str]], labels: list[int], weights: list[float], *, smallest: int, penalty: float
) -> tuple[dict[str, float], float]:
    """Weighted, L2-regularized logistic regression over feature counts: a weight for each feature, and the bias."""
    seen = Counter(name for row in rows for name in row)
    index = {name: i for i, name in enumerate(sorted(n for n, c in seen.items() if c >= smallest))}
    data, cols, ends = [], [], [0]
    for row in rows:
        for name, value in row.items():
            if name in index:
                cols.append(index[name])
                data.append(float(value))
        ends.append(len(cols))
    x = csr_matrix((data, cols, ends), shape=(len(rows), len(index)))
    y = np.where(np.array(labels) == 1, 1.0, -1.0)
    balance = np.array(weights)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = y * (x @ w[:-1] + w[-1])
        slope = -y * balance / (1 + np.exp(np.clip(margin, -500, 500)))
        value = (balance * np.logaddexp(0, -margin)).sum() + penalty / 2 * (w[:-1] ** 2).sum()
        return value, np.append(x.T @ slope + penalty * w[:-1], slope.sum())

    best = minimize(loss, np.zeros(len(index) + 1), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return {name: best.x[i] for name, i in index.items()}, float(best.x[-1])


def store(
    path: Path,
    weights: dict[str, float],
    bias: float,
    *,
    scale: int,
    prune: int,
    common: Iterable[str] = (),
    frequent: Iterable[str] = (),
) -> None:
    """Write a model as `unlearnkit.text.linear_model` reads it; weights of fewer than `prune` units are left out."""
    kept = {n: round(w * scale) for n, w in sorted(weights.items()) if abs(round(w * scale)) >= prune}
    words = {"common": sorted(common), "frequent": sorted(frequent)}
    stored = {**words, "bias": round(bias, 3), "scale": scale, "weights": kept}
    text = json.dumps(stored, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{path}: {len(kept)} of {len(weights)} weights, {len(text.encode())} bytes\n")
