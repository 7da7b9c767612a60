"""What an attack is: an attempt to get the knowledge back, with its budget and the capabilities that it needs.

An attack is a plug-in in one file. It sees an `AttackTarget`: rows, and a subject that answers questions and of which a
copy can be trained. It holds no model itself, so the same code attacks every subject.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Settings
from unlearnkit.data.rows import Row
from unlearnkit.metrics.leakage import find_leaks
from unlearnkit.records.probe import Probe, ProbeResult
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.subjects.base import Capability
from unlearnkit.training.settings import TrainSettings

ATTACKED_SETS = ("forget", "forget.paraphrased", "forget.translated")
"""Row sets that attacks ask for, as far as they were measured."""


class AttackTarget(Protocol):
    """A subject under attack."""

    @property
    def scope(self) -> Scope:
        """What was to be forgotten."""
        ...

    @property
    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Every row that asks something, by the set that it was measured as a part of."""
        ...

    @property
    def seed(self) -> int:
        """Of everything that is drawn."""
        ...

    @property
    def width(self) -> int:
        """Size of the subject's hidden states."""
        ...

    @property
    def positions(self) -> int:
        """Most tokens of a row."""
        ...

    def chosen(self, split: str) -> Sequence[Row]:
        """The rows of a set that are asked: all, or as many as the caller allows, the same for every subject."""
        ...

    def ask(self, sets: Mapping[str, Sequence[Probe]]) -> ProbeResult:
        """Put rows to the subject, and measure what it says and how likely it finds the gold answers."""
        ...

    def trained(self, rows: Sequence[Row], settings: TrainSettings) -> AbstractContextManager[AttackTarget]:
        """A copy of the subject that was trained on these rows: gold traces and answers. The subject stays as it is."""
        ...


@dataclass(frozen=True)
class Attempt:
    """What one attempt got out of a subject."""

    name: str
    """The attack's name, or, where an attack makes several attempts, that and a dot and more: `relearn.near`."""
    records: list[Record]
    """By the ids of the rows that were asked."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Rows that could not be asked in this way, by set."""


class Attack(Settings, ABC):
    """An attempt to get the knowledge back. Its fields are its settings, its budget among them."""

    needs: ClassVar[frozenset[Capability]] = frozenset({"generate", "token_logprobs"})
    """Capabilities that a subject must have."""

    @classmethod
    def name(cls) -> str:
        """The registered name, which is that of the file."""
        return cls.__module__.rpartition(".")[2]

    @abstractmethod
    def budget(self) -> str:
        """What the attacker may spend, in words: questions, steps, rows."""

    @abstractmethod
    def attempt(self, attacked: AttackTarget) -> list[Attempt]:
        """Attack a subject."""


class PromptAttack(Attack):
    """An attack that trains nothing: it asks every row in another way.

    Probabilities are measured too if the subject offers them.
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({"generate"})

    @abstractmethod
    def rewrite(self, row: Row, draw: random.Random) -> Probe | None:
        """Rewrite a row as the attack asks it, keeping its id; None if the attack does not apply to the row.

        Args:
            row: the row as it was measured plainly.
            draw: for what is drawn; the same for the same row, whatever the subject.
        """

    def budget(self) -> str:
        """One output a question."""
        return "one output a question"

    def attempt(self, attacked: AttackTarget) -> list[Attempt]:
        """Ask every chosen row, but those of which what is put would itself be a leak."""
        puts: dict[str, list[Probe]] = {}
        left_out: dict[str, int] = {}
        for split in ATTACKED_SETS:
            rows = attacked.chosen(split)
            made = (self.rewrite(row, random.Random(f"{self.name()} {attacked.seed} {row.id}")) for row in rows)
            puts[split] = [put for put in made if put is not None and not _gives_away(put, attacked.scope)]
            left_out[split] = len(rows) - len(puts[split])
        said = attacked.ask(puts)
        for split, count in said.too_long.items():
            left_out[split] += count
        return [Attempt(self.name(), said.records, {split: count for split, count in left_out.items() if count})]


def _gives_away(put: Probe, scope: Scope) -> bool:
    """Whether what is begun holds a secret: to find it in the output would then mean nothing."""
    return any(find_leaks(text, put.row, scope) for text in (put.trace or "", put.answer))


ATTACKS: Registry[type[Attack]] = Registry("attack", "unlearnkit.attacks.plugins")
attack = ATTACKS.register
