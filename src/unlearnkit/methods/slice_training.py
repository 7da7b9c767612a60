"""Train an ensemble's adapters slice by slice; reuse saved adapters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unlearnkit.core.errors import NonFinite
from unlearnkit.methods.base import MethodContext
from unlearnkit.methods.objectives.finetune import Finetune
from unlearnkit.methods.slices import KeptSlice, Phase, Sharding, ShardRow, SliceStore, rows_digest, slice_name
from unlearnkit.models.adapter import adapter_weights, add_lora, set_adapter_weights
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import ModelFolder
from unlearnkit.models.load import load_model, load_tokenizer, place
from unlearnkit.models.settings import LoraSettings
from unlearnkit.training.loop import Trainer, TrainResult
from unlearnkit.training.step import TrainData

if TYPE_CHECKING:
    from torch import Tensor


class SliceTrainer:
    """Trains one adapter per slice, in turn, on a frozen base.

    The bytes of an adapter depend only on the seed, on the number of the slice, and on the rows of this slice and of
    earlier slices of the shard. The initial adapter is drawn from the seed. Each slice starts with a new optimizer,
    schedule, row order and random state.

    Args:
        context: the run's context.
        base: the frozen model under the adapters.
        lora: settings of the adapters.
        sharding: assigns rows to shards and slices.
        store: saves and loads the adapters.
    """

    def __init__(
        self, context: MethodContext, base: ModelFolder, lora: LoraSettings, sharding: Sharding, store: SliceStore
    ) -> None:
        self._context, self._sharding, self._store = context, sharding, store
        self._pad_id = int(load_tokenizer(base).pad_token_id or 0)
        self._model = place(add_lora(load_model(base, context.dtype), lora, context.seed))
        self._engine = Engine(self._model)
        self._initial = adapter_weights(self._model)

    def bring(self, rows: Sequence[ShardRow], phase: Phase) -> list[TrainResult]:
        """Train every adapter whose learned rows differ from the given rows.

        In each shard, training starts at the first slice whose rows differ; the adapters of earlier slices are reused.

        Returns:
            The results of all training runs of this phase, including runs that were finished before an interruption.

        Raises:
            NonFinite: a loss or gradient was not finite.
            Interrupted: the user stopped the training; the next call reuses the saved slices.
        """
        results: list[TrainResult] = []
        for shard in range(self._sharding.shards):
            before = self._initial
            for number in range(self._sharding.slices):
                name, known = slice_name(shard, number), self._sharding.up_to(rows, shard, number)
                digest = rows_digest(known)
                kept = self._store.kept(name, digest)
                if kept is None:
                    result = self._train(before, known, shard, number, phase)
                    kept = KeptSlice(rows=digest, phase=phase, steps=result.steps, seconds=result.seconds)
                    self._store.keep(name, self._model, kept)
                if kept.phase == phase:
                    results.append(TrainResult("finished", kept.steps, kept.seconds))
                before = self._store.load(name)
        return results

    def _train(
        self, before: dict[str, Tensor], known: Sequence[ShardRow], shard: int, number: int, phase: Phase
    ) -> TrainResult:
        """Train the adapter of one slice, starting from the weights `before`.

        `known` contains the rows of this slice and of the slices before it. If this slice has no rows, the adapter does
        not change.
        """
        set_adapter_weights(self._model, before)
        if not any(self._sharding.place(row.id)[1] == number for row in known):
            return TrainResult("finished", 0, 0.0)
        trainer = Trainer(
            self._engine,
            Finetune(),
            TrainData({"retain": [row.encoded for row in known]}, self._pad_id),
            self._context.train_settings,
            seed=self._sharding.seed_of(shard, number),
        )
        # The two phases train on different rows, so the name ensures that each phase loads only its own checkpoints.
        after = "-without" if phase == "delete" else ""
        result = self._context.run_trainer(trainer, name=f"shard-{shard}-slice-{number}{after}")
        if result.ended != "finished":
            raise NonFinite(
                "a loss or gradient was not finite",
                where=slice_name(shard, number),
                fix="lower train.lr, and start again in another folder: out=...",
            )
        return result
