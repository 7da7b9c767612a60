"""Judgments, the items to judge, and the protocol of judges."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Protocol

from pydantic import Field, JsonValue

from unlearnkit.core.settings import Value
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.judges.quality import FiniteValue, Quality, Verdict, quality_of
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope

OnJudged = Callable[[int], None]
"""Progress callback, which is called with the number of new judgments."""


@dataclass(frozen=True)
class Item:
    """One model output to judge."""

    split: str
    quality: Quality
    row: Row
    output: Generation

    @cached_property
    def digest(self) -> str:
        """Digest of all parts of the item that a judge may see.

        Every judgment stores the digest of the item that was judged. The judgment is valid only as long as the item's
        digest is unchanged.
        """
        shown = f"{self.split}\n{_earlier_json(self.row)}\n{self.output.model_dump_json()}"
        return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def items_of(records: Sequence[Record]) -> list[Item]:
    """Return the items to judge, in the order of the records.

    The items are the outputs on forget sets and on sets to be retained. All other row sets, such as `holdout`, are
    skipped. Plain texts are also skipped, because nothing is generated for them.
    """
    return [
        Item(record.split, quality, record.row, record.generation)
        for record in records
        if record.generation is not None and (quality := quality_of(record.split)) is not None
    ]


Outcome = Literal["judged", "empty", "unreadable"]


class Judgment(FiniteValue):
    """One judgment of one output by a judge."""

    split: str
    id: str
    """Id of the row."""
    repeat: int = 0
    digest: str
    """Digest of the item that was judged, see `Item.digest`."""
    outcome: Outcome = "judged"
    """`empty` if the output was empty, `unreadable` if the judge's verdict could not be parsed, otherwise `judged`."""
    verdict: Verdict | None
    """The scores with their reasons. The verdict is None if the judgment is left out of the means."""
    unread: str = ""
    """The judge's unreadable answer. The text is empty if the outcome is not `unreadable`."""


class Asked(FiniteValue):
    """The model that an LLM judge queried."""

    model: str
    """Name of the model on the server. For a model on this machine: the folder or hub id that the user specified."""
    host: str | None = None
    """Host of the server. It is None for a model on this machine."""

    def __str__(self) -> str:
        return f"{self.model} on the user's own machine" if self.host is None else f"{self.model} at {self.host}"


class Judged(FiniteValue):
    """The judgments of one judge on one run, as stored on disk."""

    renamed: ClassVar[Mapping[str, str]] = {"judgements": "judgments"}

    judge: str
    version: str
    """Version of the judge's rules or rubrics."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """The settings with which the judge ran."""
    asked: Asked | None = None
    """The language model that the judge queried.

    It is None if the judge queried no model, or if the caller did not name the model.
    """
    scope: str | None = None
    """Digest of the scope. It is None if the judgments do not depend on the scope."""
    judgments: tuple[Judgment, ...]


class Judge(Protocol):
    """Protocol of judges, which score model outputs."""

    def judge(self, items: Sequence[Item], on_judged: OnJudged) -> Judged:
        """Judge every item.

        The judgments are in the order of the items. Repeated judgments of the same item are adjacent.
        """
        ...


def scope_digest(scope: Scope) -> str:
    """Return a digest that identifies a scope."""
    return hashlib.sha256(_earlier_json(scope).encode()).hexdigest()[:16]


def _earlier_json(value: Value) -> str:
    """Convert a value to the JSON text from which digests are computed.

    The format is that of the first version of this package, so that judgments stored by the first version remain valid.
    """
    return json.dumps(value.earlier_dump(), ensure_ascii=False, separators=(",", ":"))
