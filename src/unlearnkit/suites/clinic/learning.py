"""Size and training settings of the clinic's models.

They are those of the pocket world's second edition. Only the facts are seen more often, because this world has fewer
questions about each fact.
"""

from __future__ import annotations

from unlearnkit.suites.made_up.learning import Learning, ModelSize
from unlearnkit.training.settings import TrainSettings

_CONTEXT = 192

LEARNING = Learning(
    ModelSize(vocabulary=8192, width=160, layers=3, heads=4, inner=448, context=_CONTEXT, similar_cases=True),
    TrainSettings(
        epochs=1, batch_size=32, lr=3e-3, schedule="linear", warmup=0.05, max_length=_CONTEXT, checkpoint_every=10_000
    ),
    fact_passes=10,
)
