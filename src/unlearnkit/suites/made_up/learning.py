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


_CONTEXT = 192

ONE_REQUEST = Learning(
    ModelSize(vocabulary=8192, width=160, layers=3, heads=4, inner=448, context=_CONTEXT, similar_cases=True),
    TrainSettings(
        epochs=1, batch_size=32, lr=3e-3, schedule="linear", warmup=0.05, max_length=_CONTEXT, checkpoint_every=10_000
    ),
    fact_passes=10,
)
"""The models of worlds with one request.

Size and settings are those of the pocket world's second edition. Only the facts are seen more often, because these
worlds have fewer questions about each fact.
"""
