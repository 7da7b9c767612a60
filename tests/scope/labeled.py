"""Measure the leak and accuracy checks on labeled pairs of texts and secrets.

A folder holds JSONL files. Each line has the fields `id`, `language`, `kind` (`script`, `phone`, `date`, `email` or
`amount`), `question`, `secret` (the forms of one secret), `text`, and `said`: whether the text states the secret. Other
fields, such as notes, are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import sqrt
from pathlib import Path

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.metrics.plugins.accuracy import Accuracy
from unlearnkit.metrics.plugins.leak_rate import LeakRate
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret

NOTATIONS = ("phone", "date", "email", "amount")
BAR = 0.9
CHECKS = {"leak": LeakRate.measure, "accuracy": Accuracy.measure}
_SUBJECT = "Qvx Zzrt"


@dataclass(frozen=True)
class Pair:
    id: str
    language: str
    kind: str
    question: str
    secret: tuple[str, ...]
    text: str
    said: bool

    @property
    def group(self) -> str:
        """The notation, or the language if the pair is about words."""
        return self.kind if self.kind in NOTATIONS else self.language

    def found(self, check: str, *, declared: bool) -> bool | None:
        """What a check says; None if it was not measured. `declared` tells the row's and the scope's language."""
        language = self.language if declared else "en"
        scope = Scope(
            description="One secret.",
            task="privacy",
            subjects=(ScopeSubject(name=_SUBJECT),),
            secrets=(Secret(subject=_SUBJECT, forms=self.secret),),
            languages=(language,),
        )
        row = Row(
            id=self.id,
            question=self.question,
            answer=self.secret[0],
            accepted_answers=self.secret,
            subject=_SUBJECT,
            language=language,
        )
        said = Generation(text=self.text, trace="", response=self.text, ended="eos")
        value = CHECKS[check](Record(split="forget", row=row, generation=said), scope)
        return None if value is None else value == 1.0


@dataclass(frozen=True)
class Rates:
    """Counts of right and wrong answers of a check."""

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    rejections: int = 0
    unmeasured: int = 0

    @property
    def precision(self) -> float:
        return self.hits / max(1, self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        return self.hits / max(1, self.hits + self.misses)

    def __str__(self) -> str:
        def rate(count: int, total: int) -> str:
            low, high = wilson(count, total)
            return f"{count:3}/{total:<3} {count / max(1, total):.3f} [{low:.3f}, {high:.3f}]"

        pairs = self.hits + self.misses + self.false_alarms + self.rejections + self.unmeasured
        return (
            f"{pairs:4} pairs  precision {rate(self.hits, self.hits + self.false_alarms)}"
            f"  recall {rate(self.hits, self.hits + self.misses)}  not measured {self.unmeasured}"
        )


def wilson(count: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if total == 0:
        return 0.0, 1.0
    share, spread = count / total, z * z / total
    middle = share + spread / 2
    reach = z * sqrt(share * (1 - share) / total + spread / (4 * total))
    return (middle - reach) / (1 + spread), (middle + reach) / (1 + spread)


def read_pairs(folder: Path) -> list[Pair]:
    lines = [line for file in sorted(folder.rglob("*.jsonl")) for line in file.read_text("utf-8").split("\n") if line]
    return [_pair(json.loads(line)) for line in lines]


def _pair(read: Mapping[str, object]) -> Pair:
    known = {field.name: read[field.name] for field in fields(Pair)}
    return Pair(**{**known, "secret": tuple(read["secret"])})


def wrong(pairs: Iterable[Pair], check: str, *, declared: bool) -> list[Pair]:
    return [pair for pair in pairs if pair.found(check, declared=declared) not in (pair.said, None)]


def rates(pairs: Sequence[Pair], check: str, *, declared: bool) -> Mapping[str, Rates]:
    """The rates of a check, by language and by notation."""
    groups: dict[str, list[tuple[bool, bool | None]]] = {}
    for pair in pairs:
        groups.setdefault(pair.group, []).append((pair.said, pair.found(check, declared=declared)))
    return {
        name: Rates(
            hits=members.count((True, True)),
            misses=members.count((True, False)),
            false_alarms=members.count((False, True)),
            rejections=members.count((False, False)),
            unmeasured=sum(found is None for _, found in members),
        )
        for name, members in sorted(groups.items())
    }
