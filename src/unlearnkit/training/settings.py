"""Settings of the training loop, and the learning rate schedule."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le

from unlearnkit.core.errors import InputError
from unlearnkit.core.settings import Settings
from unlearnkit.data.trace_format import Style
from unlearnkit.training.combiner import COMBINERS, Combiner

MOST_ROWS = 2**20
"""Maximum number of rows of a split in one step. A larger number is probably a typing error. It would also make each
step slow, because rows are drawn one by one."""

FORGOTTEN = ("forget", "taught")
"""Splits that contain the rows to forget. `taught` contains the same rows as `forget`, drawn in an independent
order."""


class TrainSettings(Settings):
    """Training settings: steps, learning rate and batches."""

    added: ClassVar[frozenset[str]] = frozenset({"dropout", "stochastic_rounding"})

    epochs: Annotated[float, Gt(0)] | None = 10.0
    """Number of passes over the forget split, or over the retain split if there is no forget term."""
    steps: Annotated[int, Gt(0)] | None = None
    """Number of optimizer steps; if given, `epochs` must be null."""
    batch_size: Annotated[int, Gt(0), Le(MOST_ROWS)] = 16
    """Number of rows of the forget split per optimizer step, summed over all processes."""
    retain_batch_size: Annotated[int, Gt(0), Le(MOST_ROWS)] | None = None
    """Number of rows of the retain split per optimizer step. The setting also applies to other splits, but not to the
    forget split. Null: the same number as `batch_size`."""
    micro_batch_size: Annotated[int, Gt(0)] | None = None
    """Maximum number of rows of each split in one forward pass, in each process; null for no limit. This setting does
    not change the gradient."""
    lr: Annotated[float, Gt(0)] = 1e-5
    """Peak learning rate."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """Schedule of the learning rate after warm-up."""
    warmup: Annotated[float, Ge(0), Le(1)] = 0.1
    """Share of the steps during which the learning rate rises from 0 to `lr`."""
    adam_eps: Annotated[float, Gt(0)] = 1e-8
    """Adam's epsilon, which is added to the square root of the second moment. If epsilon is tiny, Adam changes
    parameters with small gradients as much as parameters with large gradients. If epsilon is about as large as the
    larger gradients, parameters with small gradients hardly change, and neither does the knowledge that they store."""
    weight_decay: Annotated[float, Ge(0)] = 0.0
    """AdamW's weight decay, applied to all trained parameters."""
    combiner: dict[str, Any] | None = None
    """Name and settings of a registered combiner, which combines the gradients of the method's terms. Null: the
    gradients are summed."""
    clip: Annotated[float, Gt(0)] | None = 1.0
    """Maximum norm of the gradient; null for no clipping."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the forward pass. `bfloat16` uses autocast; weights and optimizer state keep their own dtype. If
    only some weights of a bfloat16 model are trained (`model.parameters`), autocast is always used."""
    dropout: bool = False
    """Whether the dropout of the model's configuration is on in training. It is always off in measurements and in the
    reference model, so with dropout an objective compares two different models even before the first step."""
    stochastic_rounding: bool = False
    """Whether trained weights are held in `model.dtype` bfloat16, and each update is rounded up or down at random, so
    that small updates are right on average. This takes 2 bytes less per trained weight. If false, trained weights are
    float32 until they are saved."""
    max_length: Annotated[int, Gt(1)] = 256
    """Maximum number of tokens in a row. A trace that does not fit is shortened; an answer that does not fit is an
    error."""
    trace_style: Style | None = None
    """How a reasoning trace is marked. `think`: by the tokenizer's own tags. `added`: by TRU's two tokens, which are
    added to the tokenizer if it lacks them. `plain`: by ordinary words. Null: as the chat template marks it, if the
    template writes reasoning traces, or else by the first of these styles whose tokens the tokenizer knows."""
    trace_tokens: Annotated[int, Gt(0)] | None = None
    """Maximum number of tokens in a trace. A longer trace is cut; the response is never cut. Null: the number of tokens
    that `max_length` leaves for the trace."""
    checkpoint_every: Annotated[int, Gt(0)] = 50
    """Number of optimizer steps between checkpoints."""
    keep_weights_every: Annotated[int, Gt(0)] | None = None
    """Number of optimizer steps between permanent copies of the trained weights, which are saved in the folder
    `weights` for `unlearn g-effect`. Null: no copies are saved."""

    def rows(self, split: str) -> int:
        """Return the number of rows of a split per optimizer step."""
        return self.batch_size if split in FORGOTTEN else self.retain_batch_size or self.batch_size

    def make_combiner(self) -> Combiner | None:
        """Return the combiner, or None if the gradients are only summed."""
        if self.combiner is None:
            return None
        settings = {key: value for key, value in self.combiner.items() if key != "name"}
        return COMBINERS.get(str(self.combiner.get("name"))).plugin(**settings)

    def total_steps(self, rows: int, batch: float) -> int:
        """Return the number of optimizer steps of a training run.

        `rows` is the size of a split; one epoch is one pass over this split. `batch` is the mean number of rows of that
        split in each step.
        """
        if (self.steps is None) == (self.epochs is None):
            raise InputError(
                "either steps or epochs must be given, but not both",
                where="train",
                value={"steps": self.steps, "epochs": self.epochs},
                fix="set one of train.steps and train.epochs to a number, and the other to null",
            )
        return self.steps if self.steps is not None else max(1, round((self.epochs or 0) * rows / batch))


def learning_rate(settings: TrainSettings, step: int, total: int) -> float:
    """Return the learning rate of one step.

    `step` is the index of the step, counted from 0, and `total` is the number of steps. The rate rises linearly to `lr`
    over the warm-up steps. Depending on `schedule`, the rate then stays constant, falls to 0 linearly, or falls to 0 as
    a half cosine.
    """
    warmup = round(settings.warmup * total)
    if step < warmup:
        return settings.lr * (step + 1) / (warmup + 1)
    left = (total - step) / max(1, total - warmup)
    shape = {"constant": 1.0, "linear": left, "cosine": 0.5 - 0.5 * math.cos(math.pi * left)}
    return settings.lr * shape[settings.schedule]
