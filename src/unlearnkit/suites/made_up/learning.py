"""How the models of a made-up world are sized and trained."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnkit.training.settings import TrainSettings


@dataclass(frozen=True)
class ModelSize:
    """Size of a small Llama."""

    vocabulary: int
    """Number of tokens in the vocabulary. The vocabulary should be so large that each word of a world is one token. If
    words share tokens, a method that trains on some words damages other words."""
    width: int
    layers: int
    heads: int
    inner: int
    """Width of the feed-forward layers."""
    context: int
    """Largest number of tokens of a conversation."""
    similar_cases: bool = False
    """Whether tokens that differ only in case have similar embeddings before training."""


@dataclass(frozen=True)
class Learning:
    """Size and training settings of a model."""

    size: ModelSize
    settings: TrainSettings
    fact_passes: int = 1
    """How often the model sees each row that states a fact, in one epoch: once as it is, and then with small talk
    around the question. It sees a lesson, i.e. a question in one of the many forms, once. Only lessons have a
    `wording`. A fact must be memorized word by word, while forms are learned better from many different questions than
    from a few that are repeated."""
