"""Size and training settings of the clinic's models.

They are those that the pocket world's second edition had when the clinic was built. Nothing was tuned.
"""

from __future__ import annotations

from unlearnkit.suites.made_up.learning import Learning, ModelSize
from unlearnkit.training.settings import TrainSettings

_CONTEXT = 192

LEARNING = Learning(
    ModelSize(vocabulary=8192, width=160, layers=3, heads=4, inner=448, context=_CONTEXT),
    TrainSettings(
        epochs=3, batch_size=24, lr=3e-3, schedule="linear", warmup=0.05, max_length=_CONTEXT, checkpoint_every=10_000
    ),
)
