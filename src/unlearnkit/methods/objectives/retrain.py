"""Retraining without the forget rows, the exact but most expensive method."""

from __future__ import annotations

from typing import ClassVar

from unlearnkit.methods.objective import objective
from unlearnkit.methods.objectives.finetune import Finetune


@objective("retrain", paper="arXiv:1912.03817", equation="section III, the retrained model as the goal of unlearning")
class Retrain(Finetune):
    """Train newly initialized weights on the suite's whole retain corpus."""

    from_scratch: ClassVar[bool] = True
