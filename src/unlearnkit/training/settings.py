"""Settings of the training loop, and the learning rate schedule."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from unlearnkit.core.errors import InputError
from unlearnkit.core.settings import Settings
from unlearnkit.data.trace_format import Style
from unlearnkit.training.combiner import COMBINERS, Combiner

MOST_ROWS = 2**20
"""Limit for the rows of a split in one step: each is drawn separately, and more than a million are a typing error."""

FORGOTTEN = ("forget", "taught")
"""Splits of the rows to forget. `taught` has the forget rows again, in an independent order."""


class TrainSettings(Settings):
    """Steps, learning rate and batches of a training."""

    epochs: Annotated[float, Gt(0)] | None = 10.0
    """Passes over the forget split (over the retain split if there is no forget term)."""
    steps: Annotated[int, Gt(0)] | None = None
    """Optimizer steps; if given, `epochs` must be null."""
    batch_size: Annotated[int, Gt(0), Le(MOST_ROWS)] = 16
    """Rows of the forget split per optimizer step, over all processes."""
    retain_batch_size: Annotated[int, Gt(0), Le(MOST_ROWS)] | None = None
    """Rows of every other split, mainly the retain split, per optimizer step; null for as many as `batch_size`."""
    micro_batch_size: Annotated[int, Gt(0)] | None = None
    """Maximum rows of a split in one forward pass of a process; null for no limit. Does not change the gradient."""
    lr: Annotated[float, Gt(0)] = 1e-5
    """Peak learning rate."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """Schedule of the learning rate after warm-up."""
    warmup: Annotated[float, Ge(0), Le(1)] = 0.1
    """Share of the steps in which the learning rate rises from 0."""
    adam_eps: Annotated[float, Gt(0)] = 1e-8
    """Added to the root of Adam's second moment. Adam moves a parameter that hardly affects the loss as far as one that
    matters; an eps near the size of the gradients that matter keeps the others, and what they know, in place."""
    weight_decay: Annotated[float, Ge(0)] = 0.0
    """AdamW's weight decay, for all trained parameters."""
    combiner: dict[str, Any] | None = None
    """Name of a registered combiner, which combines the gradients of the method's terms, and its settings. Null: their
    sum."""
    clip: Annotated[float, Gt(0)] | None = 1.0
    """Maximum norm of the gradient; null for no clipping."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: autocast, with weights and optimizer state in their own dtype."""
    max_length: Annotated[int, Gt(1)] = 256
    """Maximum number of tokens of a row. An answer that does not fit is an error; a trace is shortened."""
    trace_style: Style | None = None
    """How a reasoning trace is marked: `think`, the tokenizer's own tags; `added`, TRU's two tokens, which are added
    where the tokenizer lacks them; `plain`, words. Null: the first of these whose tokens the tokenizer knows."""
    trace_tokens: Annotated[int, Gt(0)] | None = None
    """Maximum tokens of a trace; a longer one is cut, but never the response. Null: what `max_length` leaves."""
    checkpoint_every: Annotated[int, Gt(0)] = 50
    """Optimizer steps between checkpoints."""
    keep_weights_every: Annotated[int, Gt(0)] | None = None
    """Optimizer steps between trained weights that are saved permanently, in `weights/`, for `unlearn g-effect`; null
    for none."""

    def rows(self, split: str) -> int:
        """Return the number of rows of a split per optimizer step."""
        return self.batch_size if split in FORGOTTEN else self.retain_batch_size or self.batch_size

    def make_combiner(self) -> Combiner | None:
        """Return the combiner with its settings; None for the plain sum."""
        if self.combiner is None:
            return None
        settings = {key: value for key, value in self.combiner.items() if key != "name"}
        return COMBINERS.get(str(self.combiner.get("name"))).plugin(**settings)

    def total_steps(self, rows: int, batch: int) -> int:
        """Return the number of optimizer steps for a split of `rows` rows."""
        if (self.steps is None) == (self.epochs is None):
            raise InputError(
                "either steps or epochs must be given",
                where="train",
                value={"steps": self.steps, "epochs": self.epochs},
                fix="set one of train.steps and train.epochs to null",
            )
        return self.steps if self.steps is not None else max(1, round((self.epochs or 0) * rows / batch))


def learning_rate(settings: TrainSettings, step: int, total: int) -> float:
    """Return the learning rate of step `step`, counted from 0, of `total`.

    It rises linearly to `lr` over the warm-up steps, then is constant, or falls to 0 linearly or as a half cosine.
    """
    warmup = round(settings.warmup * total)
    if step < warmup:
        return settings.lr * (step + 1) / (warmup + 1)
    left = (total - step) / max(1, total - warmup)
    shape = {"constant": 1.0, "linear": left, "cosine": 0.5 - 0.5 * math.cos(math.pi * left)}
    return settings.lr * shape[settings.schedule]
