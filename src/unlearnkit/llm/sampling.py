"""Sample a local model's next tokens, with one seed per row.

Because each row has its own seed, the output of a row does not depend on the other rows of the batch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from unlearnkit.llm.types import Sampling
from unlearnkit.models.generate import Pick, likeliest


def drawing(sampling: Sampling, seeds: Sequence[str]) -> Pick:
    """Return a function that samples the next token of each row.

    `seeds` contains one seed per row. If the temperature is 0 or None, the returned function picks the most likely
    token.
    """
    if not sampling.temperature:
        return likeliest
    temperature, draws = sampling.temperature, [random.Random(seed) for seed in seeds]

    def pick(logits: Tensor, rows: Sequence[int]) -> Tensor:
        shares, tokens = (logits.float() / temperature).softmax(-1).sort(dim=-1, descending=True)
        reached = shares.cumsum(-1)
        if sampling.top_p is not None:
            # The token with which the sum of the probabilities reaches top_p is included.
            reached = reached.masked_fill(reached - shares >= sampling.top_p, 0.0).cummax(-1).values
        drawn = torch.tensor([[draws[row].random()] for row in rows], device=logits.device) * reached[:, -1:]
        place = torch.searchsorted(reached, drawn, right=True).clamp_max(tokens.shape[-1] - 1)
        return tokens.gather(-1, place)[:, 0]

    return pick
