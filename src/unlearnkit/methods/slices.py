"""An ensemble's shards and slices, and the adapter saved for each slice."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import reading, write_atomic, writing
from unlearnkit.core.settings import Value
from unlearnkit.data.encoding import Encoded

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

Phase = Literal["learn", "delete"]


@dataclass(frozen=True)
class ShardRow:
    """A row that one shard of the ensemble learns."""

    id: str
    encoded: Encoded


@dataclass(frozen=True)
class Sharding:
    """Assigns rows to shards and slices by hashing the ids.

    The SHA-256 hash of the seed and the id determines a row's shard, its slice and its position in the training order.
    Shard, slice and position do not depend on other rows, the machine or the version of Python.
    """

    shards: int
    slices: int
    seed: int

    def place(self, row_id: str) -> tuple[int, int]:
        """Return the shard and slice of a row, both counted from 0."""
        digest = self._digest(row_id)
        return int.from_bytes(digest[:8]) % self.shards, int.from_bytes(digest[8:16]) % self.slices

    def up_to(self, rows: Iterable[ShardRow], shard: int, number: int) -> list[ShardRow]:
        """Return the rows in slices 0 to `number` of a shard.

        The order of the rows depends only on the seed and the ids of the rows.
        """
        chosen = [row for row in rows if (at := self.place(row.id))[0] == shard and at[1] <= number]
        return sorted(chosen, key=lambda row: (self._digest(row.id), row.id))

    def seed_of(self, shard: int, number: int) -> int:
        """Return the seed for training one slice."""
        digest = hashlib.sha256(f"sisa seed {self.seed} {shard} {number}".encode()).digest()
        return int.from_bytes(digest[:4]) >> 1

    def members(self) -> list[str]:
        """Return the name of the last slice of each shard.

        The adapter of the last slice has learned all rows of its shard.
        """
        return [slice_name(shard, self.slices - 1) for shard in range(self.shards)]

    def _digest(self, row_id: str) -> bytes:
        return hashlib.sha256(f"sisa row {self.seed} {row_id}".encode()).digest()


def slice_name(shard: int, number: int) -> str:
    """Return the name of a slice.

    The name is also the path of the slice's adapter in the model's folder.
    """
    return f"shard-{shard}/slice-{number}"


def rows_digest(rows: Sequence[ShardRow]) -> str:
    """Return the SHA-256 digest of the rows' ids and tokens, in order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row.id, row.encoded.prompt, row.encoded.trace, row.encoded.ids]).encode())
    return digest.hexdigest()


class KeptSlice(Value):
    """Record of the adapter that was saved after training on a slice."""

    rows: str
    """Digest of the rows of this slice and of the slices before it."""
    phase: Phase
    """The phase in which the adapter was trained: learning all rows, or deleting rows."""
    steps: int
    seconds: float


class Ledger(Value):
    """Settings and progress of an ensemble's training."""

    settings: dict[str, str]
    """The settings that, together with the rows, determine an adapter's bytes. Each value is text."""
    phase: Phase = "learn"
    slices: dict[str, KeptSlice] = Field(default_factory=dict)


class SliceStore:
    """Reads and writes an ensemble's adapters and training rows.

    Each slice has a folder with its adapter. Adapters contain no text. The ids and tokens of the rows may reveal the
    text to forget, so the ids and tokens are stored in the private folder.

    Args:
        model: folder of the adapters.
        private: folder that only its owner may read.
    """

    def __init__(self, model: Path, private: Path) -> None:
        self.model = model
        self._ledger_file, self._rows_file = private / "sisa.json", private / "sisa-rows.jsonl"

    @property
    def begun(self) -> bool:
        """Whether the training of an ensemble was started in this folder."""
        return self._ledger_file.exists()

    def ledger(self) -> Ledger:
        """Read the settings and the records of the adapters."""
        with reading(self._ledger_file):
            return Ledger.model_validate_json(self._ledger_file.read_text(encoding="utf-8"))

    def write_ledger(self, ledger: Ledger) -> None:
        """Write the settings and the records of the adapters."""
        write_atomic(self._ledger_file, ledger.model_dump_json(indent=1) + "\n", mode=0o600)

    def kept(self, name: str, rows: str) -> KeptSlice | None:
        """Return a slice's record if its adapter learned exactly the given rows.

        `rows` is the digest of the given rows. Returns None if the adapter is missing or learned other rows.
        """
        known = self.ledger().slices.get(name)
        return known if known is not None and known.rows == rows and (self.model / name).is_dir() else None

    def load(self, name: str) -> dict[str, Tensor]:
        """Read the adapter weights of a slice."""
        from safetensors.torch import load_file

        return load_file(self.model / name / "adapter_model.safetensors")

    def keep(self, name: str, model: PreTrainedModel, slice_: KeptSlice) -> None:
        """Save the model's adapter as the slice's adapter, atomically."""
        from unlearnkit.models.adapter import save_adapter

        final = self.model / name
        partial = final.with_name(f".{final.name}.partial")
        ledger = self.ledger()
        self.write_ledger(ledger.model_copy(update={"slices": {k: v for k, v in ledger.slices.items() if k != name}}))
        with writing(final):
            shutil.rmtree(partial, ignore_errors=True)
            try:
                save_adapter(model, partial)
                shutil.rmtree(final, ignore_errors=True)
                partial.rename(final)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        self.write_ledger(ledger.model_copy(update={"slices": {**ledger.slices, name: slice_}}))

    def write_rows(self, rows: Iterable[ShardRow]) -> None:
        """Write the rows that the ensemble has learned, for a later deletion."""
        lines = (json.dumps({"id": row.id, **asdict(row.encoded)}, ensure_ascii=False) + "\n" for row in rows)
        write_atomic(self._rows_file, "".join(lines), mode=0o600)

    def rows(self) -> list[ShardRow]:
        """Read the rows that the ensemble has learned."""
        with reading(self._rows_file):
            rows = [json.loads(line) for line in self._rows_file.read_text(encoding="utf-8").split("\n") if line]
            return [
                ShardRow(row["id"], Encoded(tuple(row["ids"]), int(row["prompt"]), int(row["trace"]))) for row in rows
            ]

    def check(self, settings: Mapping[str, str], where: str, value: str) -> None:
        """Raise `InputError` if no rows can be deleted from this ensemble.

        A deletion needs the rows and all adapters of the ensemble, and the settings with which the ensemble was built.
        """
        if not self.begun or not self._rows_file.exists():
            raise InputError(
                "the folder holds no finished ensemble with saved rows",
                where=where,
                value=value,
                allowed="the folder of a finished `sisa` run that was not purged",
                fix="correct the path; or build a new ensemble with method.ensemble: null",
            )
        known = self.ledger()
        before = known.settings
        differing = sorted(key for key in {**before, **settings} if before.get(key) != settings.get(key))
        if differing:
            raise InputError(
                f"the ensemble was built with different settings: {', '.join(differing)}",
                where=where,
                value=value,
                fix="use the recipe that built the ensemble, and change only the forget rows and the output folder",
            )
        missing = next((name for name in known.slices if not (self.model / name).is_dir()), None)
        if missing is not None:
            raise InputError(
                "an adapter of the ensemble is missing", where=str(self.model / missing), fix="restore this folder"
            )

    def copy_from(self, other: SliceStore) -> None:
        """Copy another store's adapters to this store and start a deletion.

        The other store remains unchanged.
        """
        for name in other.ledger().slices:
            with writing(self.model / name):
                shutil.rmtree(self.model / name, ignore_errors=True)
                shutil.copytree(other.model / name, self.model / name)
        slices = {name: each.model_copy(update={"phase": "learn"}) for name, each in other.ledger().slices.items()}
        self.write_ledger(other.ledger().model_copy(update={"phase": "delete", "slices": slices}))
