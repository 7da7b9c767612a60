"""SISA with adapters: an ensemble from which rows can be deleted exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from annotated_types import Ge, Le
from pydantic import model_validator

from unlearnkit.core.errors import InputError
from unlearnkit.core.settings import Place
from unlearnkit.data.vocabulary import RETRAINED
from unlearnkit.methods.base import MethodContext, Scheme, scheme
from unlearnkit.methods.objective import Needs
from unlearnkit.methods.slices import Ledger, Sharding, ShardRow, SliceStore

if TYPE_CHECKING:
    from unlearnkit.models.folder import ModelFolder
    from unlearnkit.models.settings import LoraSettings
    from unlearnkit.subjects.base import Subject

LEARNED = "taught"
"""View of the forget rows in which traces are labeled too. The ensemble learns these rows like all other rows."""


@scheme("sisa", paper="arXiv:2212.09573", equation="SISA-A, adapted to decoders; SISA: arXiv:1912.03817, section V")
class Sisa(Scheme):
    """Train one LoRA adapter per shard; delete rows by partial retraining.

    The method is adapted from the paper, which trains Houlsby adapters on an encoder for classification. Here LoRA
    adapters on a decoder form an ensemble, which answers by the mean of the adapters' log-probabilities.

    A hash of the row ids assigns the rows to shards, and the rows of a shard to slices. The rows are the forget rows
    and the rows to keep. The adapter of a shard is trained by NLL on the first slice, then on the first two slices, and
    so on, for `train.epochs` each time. The adapter is saved after each slice.

    A deletion retrains only the shards that hold a forget row. The adapter of such a shard is reset to the adapter that
    was saved before the first slice with a forget row. Training then continues without the forget rows. The result is
    byte for byte the ensemble that would have been trained on a file without the forget rows.

    The guarantee covers the rows that the adapters learned, not the knowledge of the base model. If a copy of a forget
    row is among the rows to keep or in the training data of the base model, the ensemble still knows that row.

    A fact that only one shard learned is often lost before any deletion: the adapters of the other shards never saw the
    fact, guess with confidence, and outweigh the one that knows. Compare the ensemble after the deletion with the
    ensemble before (`delete: false`), not only with the target model.

    With `kept` set to "holdout", the ensemble learns the holdout rows. In this case, membership scores do not apply,
    because these scores assume that the model never saw the holdout rows. If the run itself builds the ensemble, only
    the deletion counts as the cost of the run. The defaults of shards, slices and aggregation are our choice, not the
    paper's.
    """

    unused: ClassVar[tuple[str, ...]] = ("train.keep_weights_every", "diagnose", "model.merge", "model.parameters")

    base: Place = RETRAINED
    """Folder or Hub id of the frozen model under the adapters. `retrained` is the suite's retrained model; write
    `./retrained` for a folder of that name."""
    shards: Annotated[int, Ge(1), Le(1024)] = 4
    """Number of shards, each with one adapter. Each generated token takes one forward pass per adapter."""
    slices: Annotated[int, Ge(1), Le(1024)] = 2
    """Number of slices per shard. A shard's adapter is saved after each slice: more slices need more storage, but make
    a deletion cheaper."""
    kept: Literal["holdout", "retain"] = "holdout"
    """Split that the ensemble learns in addition to the forget rows. A deletion keeps the rows of this split."""
    delete: bool = True
    """Whether the forget rows are deleted. False: the result is the ensemble that learned all rows."""
    ensemble: Place | None = None
    """Folder of an earlier `sisa` run; the forget rows are deleted from the ensemble of that run. The ensemble keeps
    all other rows that it learned. This recipe's rows to keep are ignored. Null: this run builds an ensemble first."""

    @model_validator(mode="after")
    def _something_is_deleted(self) -> Self:
        if self.ensemble is not None and not self.delete:
            raise ValueError(
                "Input should have delete: true if ensemble is given: an earlier ensemble is only used for a deletion"
            )
        return self

    def needs(self) -> Needs:
        """Request the forget rows; for a new ensemble, also the retained rows.

        A deletion from an earlier ensemble does not request the rows to keep, because the ensemble has its own copy of
        these rows.
        """
        return Needs(logps=frozenset({LEARNED} if self.ensemble is not None else {LEARNED, self.kept}))

    def check(self, context: MethodContext) -> None:
        """Raise `InputError` if the base model or the earlier ensemble is unusable."""
        base = self._base(context)
        if (earlier := self._earlier(context)) is not None:
            earlier.check(self._settings(context, base), "method.ensemble", str(self.ensemble))

    def fit(self, context: MethodContext) -> Subject:
        """Return the ensemble from which the forget rows have been deleted.

        The ensemble is first built, or copied from an earlier run. With `delete: false`, no rows are deleted.
        """
        # Imported here, so that reading a recipe does not import torch.
        from unlearnkit.methods.slice_training import SliceTrainer
        from unlearnkit.subjects.ensemble import EnsembleSubject

        views = context.views(self.needs())
        context.check_unchanged(views)
        rows = {
            split: [ShardRow(row.id, encoded) for row, encoded in zip(context.splits[split], views[split], strict=True)]
            for split in views
        }
        base, sharding = self._base(context), Sharding(self.shards, self.slices, context.seed)
        store = SliceStore(context.model_folder, context.private)
        settings = self._settings(context, base)
        learned, stays = self._rows(context, rows)
        if not store.begun:
            self._begin(context, store, settings)
        trainer = SliceTrainer(context, base, _lora(context), sharding, store)
        results = trainer.bring(learned, "learn") if store.ledger().phase == "learn" else []
        if self.delete:
            store.write_ledger(store.ledger().model_copy(update={"phase": "delete"}))
            results = trainer.bring(stays, "delete")
        store.write_rows(stays if self.delete else learned)
        context.results[:] = results
        del trainer
        folders = [context.model_folder / name for name in sharding.members()]
        return EnsembleSubject.load(base, folders, context.dtype)

    def _base(self, context: MethodContext) -> ModelFolder:
        """Find the frozen base model, and check its tokenizer.

        The base model must encode rows to the same tokens as the target model.
        """
        from unlearnkit.models.folder import find_model
        from unlearnkit.models.load import load_tokenizer

        source = context.retrained() if self.base == RETRAINED else self.base
        if source is None:
            raise InputError(
                "the base should be the suite's retrained model, but the suite has none",
                where="method.base",
                value=RETRAINED,
                fix="give the retrained model's folder: suite.retrained=DIR; "
                "or the folder of another model that never learned the forget rows: method.base=DIR",
            )
        found = find_model(source, where="method.base")
        if found.base is not None:
            raise InputError(
                "the base is itself an adapter, and an adapter cannot be trained on another adapter",
                where="method.base",
                value=source,
                fix="merge the adapter into its own base model with merge_and_unload, and use the merged model",
            )
        ours, theirs = load_tokenizer(found), context.tokenizer
        if ours.get_vocab() != theirs.get_vocab() or ours.chat_template != theirs.chat_template:
            raise InputError(
                "the base model and the target model have different tokenizers",
                where="method.base",
                value=source,
                allowed=f"a base model with the tokenizer of {context.source}, if train.trace_style adds no tokens",
                fix="set method.base to such a model; or set model.path to a model with the base model's tokenizer",
            )
        return found

    def _settings(self, context: MethodContext, base: ModelFolder) -> dict[str, str]:
        """Return all settings that determine an adapter's bytes, as text."""
        from unlearnkit.models.folder import weights_fingerprint

        train = context.train_settings.model_dump(mode="json", exclude={"checkpoint_every", "keep_weights_every"})
        return {
            "method.base": weights_fingerprint(base),
            "method.shards": str(self.shards),
            "method.slices": str(self.slices),
            "model.dtype": context.dtype,
            "model.lora": _lora(context).model_dump_json(),
            "seed": str(context.seed),
            **{f"train.{name}": json.dumps(value) for name, value in train.items()},
        }

    def _earlier(self, context: MethodContext) -> SliceStore | None:
        """Return the earlier run's adapters, or None without an earlier run."""
        if self.ensemble is None:
            return None
        return SliceStore(Path(self.ensemble) / context.model_folder.name, Path(self.ensemble) / context.private.name)

    def _begin(self, context: MethodContext, store: SliceStore, settings: Mapping[str, str]) -> None:
        """Start a new ensemble, or copy the earlier ensemble for a deletion."""
        if (earlier := self._earlier(context)) is None:
            store.write_ledger(Ledger(settings=dict(settings)))
        else:
            earlier.check(settings, "method.ensemble", str(self.ensemble))
            store.copy_from(earlier)

    def _rows(
        self, context: MethodContext, rows: Mapping[str, list[ShardRow]]
    ) -> tuple[list[ShardRow], list[ShardRow]]:
        """Return the rows to learn and the rows to keep."""
        deleted = rows[LEARNED]
        tokens = {row.encoded for row in deleted}
        if (earlier := self._earlier(context)) is not None:
            learned = earlier.rows()
            stays = [row for row in learned if row.encoded not in tokens]
            unknown = len(tokens - {row.encoded for row in learned})
            if unknown:
                raise InputError(
                    "the ensemble never learned some of the forget rows",
                    where="data.forget",
                    value=f"{unknown} rows",
                    allowed="rows that the ensemble learned, with unchanged question, trace and answer",
                    fix="remove these rows from data.forget, or correct them",
                )
            return learned, stays
        stays = rows[self.kept]
        copies = sum(row.encoded in tokens for row in stays)
        if copies and self.delete:
            context.progress.log(
                f"warning: {copies} rows of {self.kept} are copies of forget rows; the ensemble keeps these copies"
            )
        return [*deleted, *stays], stays


def _lora(context: MethodContext) -> LoraSettings:
    from unlearnkit.models.settings import LoraSettings

    return context.lora or LoraSettings()
