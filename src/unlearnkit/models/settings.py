"""Settings of the model under training.

They are apart from the code that uses them, so that a recipe is read without loading torch.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Gt

from unlearnkit.core.settings import Settings

Dtype = Literal["float32", "bfloat16"]


class LoraSettings(Settings):
    """A LoRA adapter, trained instead of the weights.

    Hu et al., arXiv 2106.09685.
    """

    r: Annotated[int, Gt(0)] = 16
    """Rank."""
    alpha: Annotated[int, Gt(0)] = 32
    """The update is scaled by alpha / r."""
    target_modules: str | tuple[str, ...] = "all-linear"
    """Names of the linear layers that get an adapter; `all-linear` for all except the head."""


Grouping = Literal["none", "layers", "parts"]
"""`none`: all weights together. `layers`: embedding, blocks, final norm, head. `parts`: like `layers`, with each block
split into attention, MLP and the rest (its norms)."""
