"""Run a training step of any objective on a tiny model.

The step uses the package's own training loop, but returns the gradient instead of updating the weights.
"""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import torch
from pydantic import ConfigDict
from torch import Tensor

from unlearnkit.data.batching import Pack, pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.objective import Needs, Objective, Step, Terms, View
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import reference_values
from unlearnkit.testing.tiny import PAD, random_rows, tiny_model
from unlearnkit.training import loop
from unlearnkit.training.combination import Combining
from unlearnkit.training.combiner import Combiner
from unlearnkit.training.loop import StepLog, Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData, split_of

ROWS = {"forget": 5, "retain": 7}
"""Number of rows in each split. A split that is not listed has 6 rows."""


def rows_of(view: View, seed: int = 0) -> list[Encoded]:
    """Create random rows for a view.

    A view is a split, such as `forget`, or a split with replacement answers, such as `forget:target`. If the view's
    name ends in `:target`, each output begins with a trace. In every second retain row, all labels may be wrong (see
    `Encoded.doubtful`).
    """
    number = ROWS.get(split_of(view), 6)
    rows = random_rows(number, seed=seed + zlib.crc32(view.encode()), trace=4 if view.endswith(":target") else 0)
    if view != "retain":
        return rows
    return [replace(row, doubtful=row.labels * (at % 2)) for at, row in enumerate(rows)]


def views_of(needs: Needs, seed: int = 0) -> dict[View, list[Encoded]]:
    """Create random rows for every view that an objective needs."""
    return {view: rows_of(view, seed) for view in sorted(needs.views)}


class World:
    """A target model, a model under training, and data for one objective."""

    def __init__(self, objective: Objective, *, dtype: torch.dtype = torch.float64, seed: int = 0) -> None:
        self.objective, self.needs = objective, objective.needs()
        self.views = views_of(self.needs, seed)
        self.target = tiny_model(dtype=dtype)
        self.model = copy.deepcopy(self.target)
        self.engine = Engine(self.model)
        self.engine.freeze_reference_head()
        self.reference = reference_values(self.engine, self.needs, self.views, pad_id=PAD)
        torch.manual_seed(99)
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.05)

    def trainer(
        self,
        *,
        objective: Objective | None = None,
        combine: Combiner | None = None,
        seed: int = 0,
        pad_id: int = PAD,
        **settings: Any,
    ) -> Trainer:
        """Create a trainer that uses all rows in every step.

        Args:
            objective: objective to train; None: the world's objective.
            combine: combiner of the gradients; None: no combiner. The combiner need not be registered.
            seed: seed of the row order.
            pad_id: id of the padding token.
            **settings: training settings that replace the defaults.
        """
        chosen = {
            "epochs": None, "steps": 1, "batch_size": ROWS["forget"], "retain_batch_size": ROWS["retain"],
            "clip": None, "lr": 1e-3, "warmup": 0.0, "schedule": "constant", **settings,
        }  # fmt: skip
        trainer = Trainer(
            self.engine,
            objective or self.objective,
            TrainData(self.views, pad_id),
            TrainSettings(**chosen),
            seed=seed,
            reference=self.reference,
        )
        if combine is not None:
            trained = {name: p for name, p in self.engine.named_parameters() if p.requires_grad}
            trainer.combining = Combining(combine, trained, trainer.accelerator, seed)
        return trainer

    def step(self, *, overhead: int | None = None, **options: Any) -> tuple[StepLog | None, list[Tensor]]:
        """Compute one training step over all rows without updating the weights.

        Args:
            overhead: fixed cost of a batch, in tokens; None: the default. If the cost is high, rows of all lengths are
                put into one batch, with much padding.
            **options: arguments of `trainer`.

        Returns:
            A pair: the training loop's log of the step, and the gradient of every parameter. The log is None if the
            loss or the gradient is not finite.
        """
        trainer = self.trainer(**options)
        gradient: list[Tensor] = []

        def note() -> None:
            gradient.extend(
                torch.zeros_like(p) if p.grad is None else p.grad.detach().clone() for p in trainer.parameters
            )

        def packed(views: Mapping[View, Sequence[Encoded]], pad_id: int) -> Pack:
            return pack(views, pad_id) if overhead is None else pack(views, pad_id, overhead)

        with mock.patch.object(loop, "pack", packed), mock.patch.object(trainer.optimizer, "step", note):
            log = trainer._step(0)
        return log, gradient


class Altered(Objective):
    """Wraps an objective and changes the terms that the objective returns."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: Objective
    """The wrapped objective."""
    change: Callable[[Terms], Terms]
    """Function that changes the terms of the wrapped objective."""

    def needs(self) -> Needs:
        """Return the quantities that the wrapped objective requires."""
        return self.inner.needs()

    def terms(self, step: Step) -> Terms:
        """Return the changed terms of the wrapped objective."""
        return self.change(self.inner.terms(step))
