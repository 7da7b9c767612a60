"""Held-out labeled texts, and collapsed and shuffled ones made from them by seeded code.

The texts were written by somebody who did not write the detectors. Nothing here prints one: a failing calibration
shows rates alone, so that the detectors are not fitted to the texts.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

HELD_OUT = Path(__file__).parent / "heldout"
Labeled = dict[str, str]


def load(folder: Path = HELD_OUT) -> list[Labeled]:
    """Every labeled text: `text`, `class` and `language`."""
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines() if line]


def shuffled(texts: Sequence[Labeled], *, seed: int, times: int = 2) -> Iterator[Labeled]:
    """The words of texts of six words and more, so that more than half stand where another one stood."""
    rng = random.Random(seed)
    for labeled in texts:
        words = labeled["text"].split()
        if len(words) < 6:
            continue
        for _ in range(times):
            mixed = words[:]
            for _ in range(1000):
                rng.shuffle(mixed)
                if sum(a != b for a, b in zip(mixed, words, strict=True)) > len(words) / 2:
                    yield {**labeled, "text": " ".join(mixed)}
                    break


def _phrase(words: list[str], rng: random.Random) -> list[str]:
    length = min(rng.randint(2, 4), len(words))
    start = rng.randint(0, len(words) - length)
    return words[start : start + length]


def collapses(texts: Sequence[Labeled], *, seed: int) -> Iterator[Labeled]:
    """Every kind of collapse, once for each text."""
    rng = random.Random(seed)
    pool = [word for labeled in texts for word in labeled["text"].split()]
    kinds: dict[str, Callable[[list[str]], str]] = {
        "word": lambda words: " ".join([rng.choice(words)] * rng.randint(5, 60)),
        "phrase": lambda words: " ".join(_phrase(words, rng) * rng.randint(3, 20)),
        "tail": lambda words: " ".join(words + _phrase(words, rng) * rng.randint(4, 20)),
        "newlines": lambda words: "\n" * rng.randint(5, 50) + (rng.choice(words) if rng.random() < 0.5 else ""),
        "marks": lambda words: (rng.choice(words) + " " if rng.random() < 0.5 else "") + rng.choice(".,!?-:;") * 20,
        "mixed marks": lambda words: "".join(rng.choice(".,!?-:;\"'()") for _ in range(rng.randint(12, 60))),
        "letter": lambda words: rng.choice("aeioнртоab") * rng.randint(8, 80),
        "spaced letter": lambda words: " ".join(rng.choice("aeioнртоab") * rng.randint(8, 80)),
        "stutter": lambda words: " ".join(w for w in rng.choices(words, k=5) for _ in range(rng.randint(2, 6))),
        "salad": lambda words: " ".join(rng.choice(pool) for _ in range(rng.randint(8, 60))),
        "broken": lambda words: " ".join([*words[:4], "\ufffd\ufffd", *words[4:]]),
        "empty": lambda words: " " * rng.randint(0, 3),
    }
    for labeled in texts:
        for kind, make in kinds.items():
            yield {"text": make(labeled["text"].split()), "class": kind, "language": labeled["language"]}


def rate(texts: Sequence[Labeled], detector: Callable[[str], bool], expected: bool) -> float:
    """Share of texts on which the detector is right."""
    return sum(detector(labeled["text"]) is expected for labeled in texts) / len(texts)
