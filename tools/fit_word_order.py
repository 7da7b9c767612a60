"""Fit `src/unlearnkit/metrics/word_order.json`, the weights by which shuffled text is told from language.

    python tools/fit_word_order.py OUT.json en=FILE,FILE... es=FILE,FILE... ru=FILE,FILE...

Needs scipy, which unlearnkit itself does not. Text files, UTF-8; a blank line or an indent parts paragraphs.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from unlearnkit.metrics.word_order import features, tokens

COMMON = 110  # function words a language
SENTENCES = 26000  # texts a language, drawn with replacement where a language has fewer
SMALLEST = 6  # texts in which a feature must occur
PENALTY = 0.6  # L2
SCALE = 20
PRUNE = 2  # weights of fewer units are left out


def sentences(path: Path) -> list[str]:
    """The sentences of a file that are whole: they begin as sentences do and end with a full stop or the like."""
    raw = path.read_text(encoding="utf-8-sig", errors="strict").replace("\r", "")
    lines = raw.split("\n")
    whole_lines = sum(line.rstrip()[-1:] in ".!?»\"”…" for line in lines if line.strip()) > 0.6 * sum(map(bool, lines))
    blocks = lines if whole_lines else re.split(r"\n\s*\n|\n(?=\s{3})", raw)
    found = []
    for block in blocks:
        text = " ".join(block.split())
        for part in re.split(r"(?<=[.!?…])(?<!\b[A-ZА-Я]\.)(?<!Mr\.)(?<!Mrs\.)(?<!Dr\.)\s+(?=[^\sa-zа-яё])", text):
            if part and part[-1] in ".!?…" and not part[0].islower() and any(c.islower() for c in part):
                found.append(part)
    return found


def draw_texts(files: list[list[str]], rng: random.Random, count: int) -> list[str]:
    """Texts of one to four consecutive sentences, files weighed by the root of their size."""
    weights = [len(f) ** 0.5 for f in files]
    texts = []
    while len(texts) < count:
        file = rng.choices(files, weights)[0]
        start = rng.randrange(len(file))
        text = " ".join(file[start : start + rng.choice((1, 1, 1, 1, 1, 2, 3, 4))])
        words = text.split()
        if len(words) > 14 and rng.random() < 0.1:  # outputs are cut at the token limit
            text = " ".join(words[: rng.randrange(10, len(words))])
        if rng.random() < 0.06:
            text = text.rstrip(".!?…")
        if 4 <= len(words) <= 120:
            texts.append(text)
    return texts


def scrambles(text: str, pool: list[str], rng: random.Random) -> list[str]:
    """Two shuffles of a text's words, and now and then words drawn from the pool."""
    words = text.split()
    out = []
    for _ in range(2):
        for _ in range(20):
            mixed = words[:]
            rng.shuffle(mixed)
            if sum(a != b for a, b in zip(mixed, words, strict=True)) > len(words) / 2:
                out.append(" ".join(mixed))
                break
    if rng.random() < 0.2:
        out.append(" ".join(rng.choice(pool) for _ in words))
    if rng.random() < 0.1:
        mixed = [w.strip(".,!?…:;\"'").lower() for w in words]
        rng.shuffle(mixed)
        out.append(" ".join(mixed))
    return out


def fit(texts: list[str], labels: list[int], common: frozenset[str]) -> tuple[dict[str, float], float]:
    """L2-regularised logistic regression over feature counts."""
    rows = [Counter(features(tokens(text), common)) for text in texts]
    seen = Counter(name for row in rows for name in row)
    index = {name: i for i, name in enumerate(sorted(n for n, c in seen.items() if c >= SMALLEST))}
    data, cols, ends = [], [], [0]
    for row in rows:
        for name, value in row.items():
            if name in index:
                cols.append(index[name])
                data.append(float(value))
        ends.append(len(cols))
    x = csr_matrix((data, cols, ends), shape=(len(rows), len(index)))
    y = np.where(np.array(labels) == 1, 1.0, -1.0)
    balance = np.where(y > 0, (y < 0).sum() / (y > 0).sum(), 1.0)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = y * (x @ w[:-1] + w[-1])
        slope = -y * balance / (1 + np.exp(np.clip(margin, -500, 500)))
        value = (balance * np.logaddexp(0, -margin)).sum() + PENALTY / 2 * (w[:-1] ** 2).sum()
        return value, np.append(x.T @ slope + PENALTY * w[:-1], slope.sum())

    best = minimize(loss, np.zeros(len(index) + 1), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return {name: best.x[i] for name, i in index.items()}, float(best.x[-1])


def main(out: str, *sources: str) -> None:
    rng = random.Random(0)
    common: set[str] = set()
    real: list[str] = []
    pool: list[str] = []
    for source in sources:
        files = [found for name in source.partition("=")[2].split(",") if (found := sentences(Path(name)))]
        texts = draw_texts(files, rng, SENTENCES)
        counts = Counter(t.text for text in texts for t in tokens(text) if t.kind == "word")
        lower = Counter(t.text for text in texts for t in tokens(text) if t.kind == "word" and not t.capital)
        common |= {w for w, _ in [(w, c) for w, c in counts.most_common(400) if lower[w] > c / 2 or w == "i"][:COMMON]}
        real += texts
        pool += [word for text in texts for word in text.split()]
    texts, labels = [], []
    for text in real:
        mixed = scrambles(text, pool, rng)
        texts += [text, *mixed]
        labels += [1] + [0] * len(mixed)
    weights, bias = fit(texts, labels, frozenset(common))
    kept = {n: round(w * SCALE) for n, w in sorted(weights.items()) if abs(round(w * SCALE)) >= PRUNE}
    stored = {"common": sorted(common), "bias": round(bias, 3), "scale": SCALE, "weights": kept}
    text = json.dumps(stored, ensure_ascii=False, separators=(",", ":"))
    Path(out).write_text(text + "\n", encoding="utf-8")
    print(len(real), len(texts), len(weights), len(kept), len(text))


if __name__ == "__main__":
    main(*sys.argv[1:])
