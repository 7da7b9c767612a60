"""Settings of the model under training, apart from the code that needs them: a recipe is read without loading torch."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Gt

from unlearnkit.core.settings import Settings

Dtype = Literal["float32", "bfloat16"]


class LoraSettings(Settings):
    """A LoRA adapter (Hu et al., arXiv 2106.09685), trained in place of the weights."""

    r: Annotated[int, Gt(0)] = 16
    """Rank."""
    alpha: Annotated[int, Gt(0)] = 32
    """The update is scaled by alpha / r."""
    target_modules: str | tuple[str, ...] = "all-linear"
    """Names of the linear layers that get an adapter; `all-linear` for every one but the head."""


Grouping = Literal["none", "layers", "parts"]
"""`none`: all weights together. `layers`: embedding, blocks, final norm, head. `parts`: each block's attention and MLP
apart too; a block's norms are the rest of it."""
