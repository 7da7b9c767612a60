"""Sample the next tokens of a local model, with row seeds.

So no row depends on the others in its batch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from unlearnkit.llm.types import Sampling
from unlearnkit.models.generate import Pick, likeliest


def drawing(sampling: Sampling, seeds: Sequence[str]) -> Pick:
    """Return a function that picks the next token of each row.

    `seeds` has one seed per row.
    """
    if not sampling.temperature:
        return likeliest
    temperature, draws = sampling.temperature, [random.Random(seed) for seed in seeds]

    def pick(logits: Tensor, rows: Sequence[int]) -> Tensor:
        shares, tokens = (logits.float() / temperature).softmax(-1).sort(dim=-1, descending=True)
        reached = shares.cumsum(-1)
        if sampling.top_p is not None:
            # The token with which the probability mass is reached is included.
            reached = reached.masked_fill(reached - shares >= sampling.top_p, 0.0).cummax(-1).values
        drawn = torch.tensor([[draws[row].random()] for row in rows], device=logits.device) * reached[:, -1:]
        place = torch.searchsorted(reached, drawn, right=True).clamp_max(tokens.shape[-1] - 1)
        return tokens.gather(-1, place)[:, 0]

    return pick
