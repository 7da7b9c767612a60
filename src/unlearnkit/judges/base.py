"""What is judged, and what a judge makes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Protocol

from pydantic import ConfigDict, Field, JsonValue

from unlearnkit.core.settings import Value
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.judges.quality import Quality, Verdict, quality_of
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope

Told = Callable[[int], None]
"""Is called with how many more judgments were made."""


@dataclass(frozen=True)
class Item:
    """One output to judge."""

    split: str
    quality: Quality
    row: Row
    said: Generation

    @property
    def key(self) -> tuple[str, str]:
        """Set and row: what tells items of one run apart."""
        return (self.split, self.row.id)

    @cached_property
    def digest(self) -> str:
        """Of everything that may be shown of it: a judgment holds for this row and this output alone."""
        shown = f"{self.split}\n{_earlier_json(self.row)}\n{self.said.model_dump_json()}"
        return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def items_of(records: Sequence[Record]) -> list[Item]:
    """What there is to judge: outputs on the sets to be forgotten and on those that must stay, in their order.

    Texts are left out, since nothing is generated from them, and so are sets that are neither (`holdout`).
    """
    found = ((record, quality_of(record.split)) for record in records)
    return [
        Item(record.split, quality, record.row, record.generation)
        for record, quality in found
        if quality is not None and record.generation is not None
    ]


class _Finite(Value):
    model_config = ConfigDict(allow_inf_nan=False)


Outcome = Literal["judged", "empty", "unreadable"]


class Judgment(_Finite):
    """What a judge made of one output, once."""

    split: str
    id: str
    """The row's."""
    repeat: int = 0
    digest: str
    """Of the row and the output that were judged."""
    outcome: Outcome = "judged"
    """Whether the output was judged, was empty, or the judge's verdict could not be read."""
    verdict: Verdict | None
    """None: it is left out of the means."""
    unread: str = ""
    """What the judge said, where no verdict could be read from it."""


class Asked(_Finite):
    """The model that a model judge asked."""

    model: str
    """Its name at the server; of a model on this machine its folder or hub id, as it was given."""
    host: str | None = None
    """Of the server; None for a model on this machine."""

    def __str__(self) -> str:
        return f"{self.model} on the user's own machine" if self.host is None else f"{self.model} at {self.host}"


class Judged(_Finite):
    """All judgments of one run by one judge, as they are kept."""

    renamed: ClassVar[Mapping[str, str]] = {"judgements": "judgments"}

    judge: str
    version: str
    """Of the rules or the rubrics."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """How the judge was set."""
    asked: Asked | None = None
    """Which model was asked; None where none was, or where the caller brought one that has no name."""
    scope: str | None = None
    """Digest of the scope, where the judge goes by it."""
    judgments: tuple[Judgment, ...]


class Judge(Protocol):
    """Gives outputs their scores."""

    def judge(self, items: Sequence[Item], told: Told) -> Judged:
        """Judge every item; the judgments are in the order of the items, and by repeat within one."""
        ...


def scope_digest(scope: Scope) -> str:
    """What tells one scope from another."""
    return hashlib.sha256(_earlier_json(scope).encode()).hexdigest()[:16]


def _earlier_json(value: Value) -> str:
    """Return the JSON that the first version made a digest of: its judgments stay valid."""
    return json.dumps(value.earlier_dump(), ensure_ascii=False, separators=(",", ":"))
