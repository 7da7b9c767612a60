"""Base classes of attacks, which try to recover the forgotten knowledge.

An attack is a plug-in in one file. The attack declares its budget and the capabilities that a subject, i.e. a model
under test, must have. An attack works on a `SubjectUnderAttack`, which holds rows and a subject. The attack can ask the
subject questions and train a copy of the subject. The attack itself holds no model, so the same code attacks every
subject.
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

if TYPE_CHECKING:  # the command that lists attacks must not import torch
    from unlearnkit.attacks.target import SubjectUnderAttack

ATTACKED_SETS = ("forget", "forget.paraphrased", "forget.translated")
"""Row sets from which attacks take questions. Sets that were not measured are skipped."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of an attack: its name and its records."""

    name: str
    """The attack's name. If the attack makes several attempts, a dot and a suffix are added, as in `relearn.near`."""
    records: list[Record]
    """One record for each row whose question was asked. The record has the row's id."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Number of rows to which the attack could not be applied, by row set."""


class Attack(Settings, ABC):
    """Base class of attacks, which try to recover the forgotten knowledge.

    The fields of an attack are its settings. The settings determine the attack's budget.
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({"generate", "token_logprobs"})
    """Capabilities that a subject must have for this attack."""

    @classmethod
    def name(cls) -> str:
        """Return the attack's registered name, i.e. the name of its file."""
        return cls.__module__.rpartition(".")[2]

    @abstractmethod
    def budget(self) -> str:
        """Describe what the attacker may use, such as questions, steps or rows."""

    @abstractmethod
    def attempt(self, attacked: SubjectUnderAttack) -> list[Attempt]:
        """Attack a subject and return one or more attempts."""


class PromptAttack(Attack):
    """Base class of attacks that rewrite every question and train nothing.

    If the subject offers the probabilities of answers, these probabilities are measured too.
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({"generate"})

    @abstractmethod
    def rewrite(self, row: Row, draw: random.Random) -> Probe | None:
        """Return the rewritten row as a probe with the row's id.

        Returns None if the attack does not apply to the row.

        Args:
            row: the row as it was measured without an attack.
            draw: random number generator for this row. The generator draws the same numbers for every subject.
        """

    def budget(self) -> str:
        """Describe the budget: one output per question."""
        return "one output per question"

    def attempt(self, attacked: SubjectUnderAttack) -> list[Attempt]:
        """Ask the rewritten questions; leave out probes that prefill a secret."""
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
    """Return whether the text that the probe prefills contains a secret.

    If the prefilled text contains a secret, every output contains the secret too, whatever the model knows.
    """
    return any(find_leaks(text, put.row, scope) for text in (put.trace or "", put.answer))


ATTACKS: Registry[type[Attack]] = Registry("attack", "unlearnkit.attacks.plugins")
attack = ATTACKS.register
