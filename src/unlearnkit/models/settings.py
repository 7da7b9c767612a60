"""Settings for LoRA adapters, dtypes and groups of weights.

The settings are separate from the code that uses them, so that a recipe can be read without loading torch.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Gt

from unlearnkit.core.settings import Settings

Dtype = Literal["float32", "bfloat16"]

Bits = Literal["int8", "int4"]
"""Integers of 8 bits or 4 bits, to which the weights of a model can be rounded."""


class LoraSettings(Settings):
    """Settings of a LoRA adapter, trained instead of the model's weights.

    See Hu et al., arXiv 2106.09685.
    """

    r: Annotated[int, Gt(0)] = 16
    """Rank of the adapter's matrices."""
    alpha: Annotated[int, Gt(0)] = 32
    """Scaling of the adapter. The adapter's update of the weights is multiplied by alpha / r."""
    target_modules: str | tuple[str, ...] = "all-linear"
    """Names of the linear layers that get an adapter. `all-linear` selects all linear layers except the head."""


Grouping = Literal["none", "layers", "parts"]
"""How weights are grouped. `none`: all weights together. `layers`: embedding, blocks, final norm, head. `parts`: like
`layers`, with each block split into attention, MLP and the rest (the block's norms)."""
