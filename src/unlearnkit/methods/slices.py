"""Shards and slices of an ensemble, and the adapters saved after each."""

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
    """A row that a part of the ensemble learns."""

    id: str
    encoded: Encoded


@dataclass(frozen=True)
class Sharding:
    """Places rows by a hash of their ids.

    A row's place depends on no other row. SHA-256 of seed and id gives shard, slice and order: the same on every
    machine and in every version of Python.
    """

    shards: int
    slices: int
    seed: int

    def place(self, row_id: str) -> tuple[int, int]:
        """Return shard and slice of a row, both counted from 0."""
        digest = self._digest(row_id)
        return int.from_bytes(digest[:8]) % self.shards, int.from_bytes(digest[8:16]) % self.slices

    def up_to(self, rows: Iterable[ShardRow], shard: int, number: int) -> list[ShardRow]:
        """Return the rows of a shard's slices 0 to `number`.

        Their order depends only on their ids.
        """
        chosen = [row for row in rows if (at := self.place(row.id))[0] == shard and at[1] <= number]
        return sorted(chosen, key=lambda row: (self._digest(row.id), row.id))

    def seed_of(self, shard: int, number: int) -> int:
        """Return the seed of the training of one slice."""
        digest = hashlib.sha256(f"sisa seed {self.seed} {shard} {number}".encode()).digest()
        return int.from_bytes(digest[:4]) >> 1

    def members(self) -> list[str]:
        """Return the names of the last slices.

        After these the adapters know all rows of their shards.
        """
        return [slice_name(shard, self.slices - 1) for shard in range(self.shards)]

    def _digest(self, row_id: str) -> bytes:
        return hashlib.sha256(f"sisa row {self.seed} {row_id}".encode()).digest()


def slice_name(shard: int, number: int) -> str:
    """Return a slice's name, its adapter's path in the model's folder."""
    return f"shard-{shard}/slice-{number}"


def rows_digest(rows: Sequence[ShardRow]) -> str:
    """SHA-256 of the ids and tokens of rows, in their order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row.id, row.encoded.prompt, row.encoded.trace, row.encoded.ids]).encode())
    return digest.hexdigest()


class KeptSlice(Value):
    """Record of the adapter that is saved after a slice."""

    rows: str
    """Digest of the rows of this slice and those before it."""
    phase: Phase
    """Whether it was trained when the ensemble learned, or when rows were deleted."""
    steps: int
    seconds: float


class Ledger(Value):
    """Settings of an ensemble's training, and its progress."""

    settings: dict[str, str]
    """Everything but the rows that decides an adapter's bytes, as text."""
    phase: Phase = "learn"
    slices: dict[str, KeptSlice] = Field(default_factory=dict)


class SliceStore:
    """The adapters of an ensemble by slice, and their training rows.

    Each slice has a folder. Adapters hold no text. Row ids and tokens, which may reveal what was to be forgotten, are
    in the private folder.

    Args:
        model: folder of the adapters.
        private: folder that only its owner may read.
    """

    def __init__(self, model: Path, private: Path) -> None:
        self.model = model
        self._ledger_file, self._rows_file = private / "sisa.json", private / "sisa-rows.jsonl"

    @property
    def begun(self) -> bool:
        """Whether an ensemble was begun here."""
        return self._ledger_file.exists()

    def ledger(self) -> Ledger:
        """Read the settings and the records of the adapters."""
        with reading(self._ledger_file):
            return Ledger.model_validate_json(self._ledger_file.read_text(encoding="utf-8"))

    def write_ledger(self, ledger: Ledger) -> None:
        """Write the settings and the records of the adapters."""
        write_atomic(self._ledger_file, ledger.model_dump_json(indent=1) + "\n", mode=0o600)

    def kept(self, name: str, rows: str) -> KeptSlice | None:
        """Return a slice's record if its adapter learned exactly these rows.

        `rows` is the digest of the rows. None if the adapter is missing or learned others.
        """
        known = self.ledger().slices.get(name)
        return known if known is not None and known.rows == rows and (self.model / name).is_dir() else None

    def load(self, name: str) -> dict[str, Tensor]:
        """Read a slice's adapter."""
        from safetensors.torch import load_file

        return load_file(self.model / name / "adapter_model.safetensors")

    def keep(self, name: str, model: PreTrainedModel, slice_: KeptSlice) -> None:
        """Replace the slice's adapter by the model's, atomically."""
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
        """Write the rows that the ensemble knows, for a later deletion."""
        lines = (json.dumps({"id": row.id, **asdict(row.encoded)}, ensure_ascii=False) + "\n" for row in rows)
        write_atomic(self._rows_file, "".join(lines), mode=0o600)

    def rows(self) -> list[ShardRow]:
        """Read the rows that the ensemble knows."""
        with reading(self._rows_file):
            rows = [json.loads(line) for line in self._rows_file.read_text(encoding="utf-8").split("\n") if line]
            return [
                ShardRow(row["id"], Encoded(tuple(row["ids"]), int(row["prompt"]), int(row["trace"]))) for row in rows
            ]

    def check(self, settings: Mapping[str, str], where: str, value: str) -> None:
        """Raise `InputError` if these settings do not allow a deletion here."""
        if not self.begun or not self._rows_file.exists():
            raise InputError(
                "the folder holds no finished ensemble with its rows",
                where=where,
                value=value,
                allowed="the folder of a run of sisa that ended and was not purged",
                fix="correct the path; or write method.ensemble: null to build an ensemble",
            )
        known = self.ledger()
        before = known.settings
        differing = sorted(key for key in {**before, **settings} if before.get(key) != settings.get(key))
        if differing:
            raise InputError(
                f"the ensemble was made with another {', '.join(differing)}",
                where=where,
                value=value,
                fix="use the recipe of the ensemble, and change only its forget rows and its folder",
            )
        missing = next((name for name in known.slices if not (self.model / name).is_dir()), None)
        if missing is not None:
            raise InputError(
                "an adapter of the ensemble is gone", where=str(self.model / missing), fix="restore the folder"
            )

    def copy_from(self, other: SliceStore) -> None:
        """Begin a deletion with another store's adapters, leaving that store unchanged."""
        for name in other.ledger().slices:
            with writing(self.model / name):
                shutil.rmtree(self.model / name, ignore_errors=True)
                shutil.copytree(other.model / name, self.model / name)
        slices = {name: each.model_copy(update={"phase": "learn"}) for name, each in other.ledger().slices.items()}
        self.write_ledger(other.ledger().model_copy(update={"phase": "delete", "slices": slices}))
