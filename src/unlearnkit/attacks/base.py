"""Base classes of attacks, which try to recover the forgotten knowledge.

An attack is a plug-in in one file, with a budget and the capabilities that it needs. It sees a `SubjectUnderAttack`:
rows, and a subject that answers questions and of which a copy can be trained. The attack itself holds no model, so the
same code attacks every subject.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Settings
from unlearnkit.data.rows import Row
from unlearnkit.metrics.leakage import find_leaks
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.subjects.base import Capability

if TYPE_CHECKING:  # listing attacks must not import torch
    from unlearnkit.attacks.target import SubjectUnderAttack

ATTACKED_SETS = ("forget", "forget.paraphrased", "forget.translated")
"""Row sets that attacks ask, if they were measured."""


@dataclass(frozen=True)
class Attempt:
    """The records of one attempt."""

    name: str
    """The attack's name; if an attack makes several attempts, with a suffix after a dot: `relearn.near`."""
    records: list[Record]
    """One record per row that was asked, with the row's id."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Rows that could not be asked in this way, by set."""


class Attack(Settings, ABC):
    """An attempt to recover the knowledge.

    Its fields are its settings, which include its budget.
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({"generate", "token_logprobs"})
    """Capabilities that a subject must have."""

    @classmethod
    def name(cls) -> str:
        """Return the registered name, which is that of the file."""
        return cls.__module__.rpartition(".")[2]

    @abstractmethod
    def budget(self) -> str:
        """Describe what the attacker may spend: questions, steps, rows."""

    @abstractmethod
    def attempt(self, attacked: SubjectUnderAttack) -> list[Attempt]:
        """Attack a subject."""


class PromptAttack(Attack):
    """An attack without training, which rewrites every question.

    Probabilities are measured too if the subject offers them.
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({"generate"})

    @abstractmethod
    def rewrite(self, row: Row, draw: random.Random) -> Probe | None:
        """Rewrite a row as the attack asks it, keeping its id.

        None if the attack does not apply to the row.

        Args:
            row: the row as it was measured without an attack.
            draw: random generator of the row, the same for every subject.
        """

    def budget(self) -> str:
        """Describe the budget: one output per question."""
        return "one output a question"

    def attempt(self, attacked: SubjectUnderAttack) -> list[Attempt]:
        """Ask every chosen row, unless the rewritten question itself leaks."""
        puts: dict[str, list[Probe]] = {}
        left_out: dict[str, int] = {}
        for split in ATTACKED_SETS:
            rows = attacked.chosen(split)
            made = (self.rewrite(row, random.Random(f"{self.name()} {attacked.seed} {row.id}")) for row in rows)
            puts[split] = [put for put in made if put is not None and not _gives_away(put, attacked.scope)]
            left_out[split] = len(rows) - len(puts[split])
        result = attacked.ask(puts)
        for split, count in result.too_long.items():
            left_out[split] += count
        return [Attempt(self.name(), result.records, {split: count for split, count in left_out.items() if count})]


def _gives_away(put: Probe, scope: Scope) -> bool:
    """Return whether the prefilled output contains a secret.

    Finding the secret in the output would then mean nothing.
    """
    return any(find_leaks(text, put.row, scope) for text in (put.trace or "", put.answer))


ATTACKS: Registry[type[Attack]] = Registry("attack", "unlearnkit.attacks.plugins")
attack = ATTACKS.register
