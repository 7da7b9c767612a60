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
"""The forget rows with their traces labeled: here they are learned as any other row."""


@scheme("sisa", paper="arXiv:2212.09573", equation="SISA-A, adapted to decoders; SISA: arXiv:1912.03817, section V")
class Sisa(Scheme):
    """Train one LoRA adapter per shard, slice by slice; delete by retraining.

    Adapted: the paper classifies with Houlsby adapters on an encoder; here LoRA adapters on a decoder answer together
    by the mean of their log-probabilities. Forget rows and rows that stay are spread over shards and slices by a hash
    of their ids. A shard's adapter is trained by NLL on its first slice, then on its first two, and so on, for
    `train.epochs` each; it is saved after each slice. A deletion resets each shard that holds a forget row to the
    adapter before the first slice that held one, and trains from there without these rows. The result is byte for byte
    the ensemble of a file that never held them.

    The guarantee covers the rows that the adapters learned, not what the base knows. A copy of a forget row among the
    rows that stay, or among the base's training rows, is still known. With `kept` "holdout" the holdout rows are
    learned, so membership scores, which assume that they were never seen, do not apply. If the run itself builds the
    ensemble, its cost is that of the deletion. The defaults of shards, slices and aggregation were chosen here.
    """

    unused: ClassVar[tuple[str, ...]] = ("train.keep_weights_every", "diagnose", "model.merge", "model.parameters")

    base: Place = RETRAINED
    """The frozen model under the adapters: a folder or Hub id; `retrained` for the suite's retrained model
    (`./retrained` for a folder of that name)."""
    shards: Annotated[int, Ge(1), Le(1024)] = 4
    """Number of adapters; an answer takes a forward pass of each."""
    slices: Annotated[int, Ge(1), Le(1024)] = 2
    """Number of times that a shard's adapter is kept. More slices cost storage, and make a deletion cheaper."""
    kept: Literal["holdout", "retain"] = "holdout"
    """Split that is learned in addition to the forget rows, and stays."""
    delete: bool = True
    """Whether the forget rows are deleted; false leaves the ensemble that learned everything."""
    ensemble: Place | None = None
    """Folder of an earlier run of sisa, from whose ensemble the forget rows are deleted; null builds one first. Its
    rows stay those that it learned, whatever the recipe's other rows are."""

    @model_validator(mode="after")
    def _something_is_deleted(self) -> Self:
        if self.ensemble is not None and not self.delete:
            raise ValueError("Input should have delete: true where it has ensemble: nothing else is done with that")
        return self

    def needs(self) -> Needs:
        """Return the forget rows and those that stay.

        The rows of an earlier ensemble are saved with it.
        """
        return Needs(logps=frozenset({LEARNED} if self.ensemble is not None else {LEARNED, self.kept}))

    def check(self, context: MethodContext) -> None:
        """Raise `InputError` if the base or the earlier ensemble cannot be used."""
        base = self._base(context)
        if (earlier := self._earlier(context)) is not None:
            earlier.check(self._settings(context, base), "method.ensemble", str(self.ensemble))

    def fit(self, context: MethodContext) -> Subject:
        """Build or load the ensemble, delete the forget rows, and return it."""
        # Here, because a recipe is read without torch.
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
        """Find the frozen base model.

        Check that it encodes rows to the same tokens as the target model does.
        """
        from unlearnkit.models.folder import find_model
        from unlearnkit.models.load import load_tokenizer

        source = context.retrained() if self.base == RETRAINED else self.base
        if source is None:
            raise InputError(
                "the base is to be the suite's retrained model, and there is none",
                where="method.base",
                value=RETRAINED,
                fix="name it: suite.retrained=DIR; or another model that never learned the rows: method.base=DIR",
            )
        found = find_model(source, where="method.base")
        if found.base is not None:
            raise InputError(
                "the base is itself an adapter, and adapters are not stacked",
                where="method.base",
                value=source,
                fix="merge it into its own base, with merge_and_unload, and name the result",
            )
        ours, theirs = load_tokenizer(found), context.tokenizer
        if ours.get_vocab() != theirs.get_vocab() or ours.chat_template != theirs.chat_template:
            raise InputError(
                "base and target model have different tokenizers",
                where="method.base",
                value=source,
                allowed=f"a model with the tokenizer of {context.source}, and no tokens added by train.trace_style",
                fix="name such a base; or as model.path a model with the base's tokenizer",
            )
        return found

    def _settings(self, context: MethodContext, base: ModelFolder) -> dict[str, str]:
        """Return everything but the rows that decides an adapter's bytes, as text."""
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
        """Return the store of the earlier run."""
        if self.ensemble is None:
            return None
        return SliceStore(Path(self.ensemble) / context.model_folder.name, Path(self.ensemble) / context.private.name)

    def _begin(self, context: MethodContext, store: SliceStore, settings: Mapping[str, str]) -> None:
        """Begin a new ensemble, or a deletion from an earlier one's copy."""
        if (earlier := self._earlier(context)) is None:
            store.write_ledger(Ledger(settings=dict(settings)))
        else:
            earlier.check(settings, "method.ensemble", str(self.ensemble))
            store.copy_from(earlier)

    def _rows(
        self, context: MethodContext, rows: Mapping[str, list[ShardRow]]
    ) -> tuple[list[ShardRow], list[ShardRow]]:
        """Return the rows that the ensemble learns, and those that stay."""
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
                    allowed="rows that it learned, with question, trace and answer as they were",
                    fix="take these rows out, or correct them",
                )
            return learned, stays
        stays = rows[self.kept]
        copies = sum(row.encoded in tokens for row in stays)
        if copies and self.delete:
            context.progress.log(
                f"warning: {copies} rows of {self.kept} are copies of forget rows: they stay, with what they contain"
            )
        return [*deleted, *stays], stays


def _lora(context: MethodContext) -> LoraSettings:
    from unlearnkit.models.settings import LoraSettings

    return context.lora or LoraSettings()
