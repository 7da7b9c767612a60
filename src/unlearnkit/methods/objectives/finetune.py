"""Fine-tuning on the retain rows, the weakest baseline."""

from __future__ import annotations

from unlearnkit.methods.objective import objective
from unlearnkit.methods.objectives.retain.nll import NLL


@objective("finetune", paper="arXiv:2402.08787", equation="section 3, fine-tuning baseline")
class Finetune(NLL):
    """Train on the retain split only; nothing enforces forgetting."""
