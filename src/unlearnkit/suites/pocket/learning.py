"""Sizes and training settings of the pocket world's models, by edition."""

from __future__ import annotations

from unlearnkit.suites.made_up.learning import Learning, ModelSize
from unlearnkit.training.settings import TrainSettings

_CONTEXT = 192
_SETTINGS = TrainSettings(
    epochs=11, batch_size=64, lr=4e-3, schedule="linear", warmup=0.05, max_length=_CONTEXT, checkpoint_every=10_000
)

LEARNING: dict[int, Learning] = {
    1: Learning(ModelSize(vocabulary=5120, width=160, layers=3, heads=4, inner=448, context=_CONTEXT), _SETTINGS),
    2: Learning(
        ModelSize(vocabulary=8192, width=160, layers=3, heads=4, inner=448, context=_CONTEXT, similar_cases=True),
        _SETTINGS.model_copy(update={"epochs": 1, "batch_size": 32, "lr": 3e-3}),
        fact_passes=4,
    ),
}
