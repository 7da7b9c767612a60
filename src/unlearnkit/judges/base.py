"""Judge items and judgments, and the protocol of judges."""

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
"""Called with the number of new judgments."""


@dataclass(frozen=True)
class Item:
    """One output to judge."""

    split: str
    quality: Quality
    row: Row
    output: Generation

    @cached_property
    def digest(self) -> str:
        """Digest of everything that may be shown of the item.

        A judgment is valid only for this digest.
        """
        shown = f"{self.split}\n{_earlier_json(self.row)}\n{self.output.model_dump_json()}"
        return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def items_of(records: Sequence[Record]) -> list[Item]:
    """Return the items to judge, in order.

    These are the outputs on forget sets and on retained sets. Texts are skipped, since nothing is generated from them,
    and so are other sets (`holdout`).
    """
    return [
        Item(record.split, quality, record.row, record.generation)
        for record in records
        if record.generation is not None and (quality := quality_of(record.split)) is not None
    ]


Outcome = Literal["judged", "empty", "unreadable"]


class Judgment(FiniteValue):
    """One judgment of one output."""

    split: str
    id: str
    """Id of the row."""
    repeat: int = 0
    digest: str
    """Digest of the row and the output that were judged."""
    outcome: Outcome = "judged"
    """Whether the output was judged, was empty, or the judge's verdict could not be parsed."""
    verdict: Verdict | None
    """None if it does not count in the means."""
    unread: str = ""
    """The judge's answer, if no verdict could be parsed from it."""


class Asked(FiniteValue):
    """The model that an LLM judge queried."""

    model: str
    """Its name on the server; for a model on this machine, its folder or hub id as given."""
    host: str | None = None
    """Host of the server; None for a model on this machine."""

    def __str__(self) -> str:
        return f"{self.model} on the user's own machine" if self.host is None else f"{self.model} at {self.host}"


class Judged(FiniteValue):
    """All judgments of one run by one judge, as stored."""

    renamed: ClassVar[Mapping[str, str]] = {"judgements": "judgments"}

    judge: str
    version: str
    """Version of the rules or the rubrics."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """The judge's settings."""
    asked: Asked | None = None
    """The model that was queried; None if there was none, or if the caller passed one without a name."""
    scope: str | None = None
    """Digest of the scope, if the judge depends on it."""
    judgments: tuple[Judgment, ...]


class Judge(Protocol):
    """Scores outputs."""

    def judge(self, items: Sequence[Item], on_judged: OnJudged) -> Judged:
        """Judge every item.

        Judgments are in the order of the items, then by repeat.
        """
        ...


def scope_digest(scope: Scope) -> str:
    """Return a digest that identifies a scope."""
    return hashlib.sha256(_earlier_json(scope).encode()).hexdigest()[:16]


def _earlier_json(value: Value) -> str:
    """Return the JSON that the first version hashed.

    With the same digest its judgments stay valid.
    """
    return json.dumps(value.earlier_dump(), ensure_ascii=False, separators=(",", ":"))
