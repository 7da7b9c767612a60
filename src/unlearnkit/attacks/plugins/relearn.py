"""Attack `relearn`: train briefly on some forget rows, or on neighbors."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Gt, Lt, MinLen

from unlearnkit.attacks.base import ATTACKED_SETS, Attack, Attempt, attack
from unlearnkit.data.rows import Row
from unlearnkit.records.probe import Probe
from unlearnkit.subjects.base import Capability
from unlearnkit.training.settings import TrainSettings

if TYPE_CHECKING:
    from unlearnkit.attacks.target import SubjectUnderAttack

LR_TIMES_WIDTH = 0.05
"""Learning rate times width of the hidden states: 3e-4 for the pocket world's models, 1.2e-5 at a width of 4096.

Under Adam, the learning rate for the same change of the outputs falls with the width (arXiv 2203.03466), so one number
is good for models of every size. It was chosen on models that no method had trained: docs/guides/attacks.md."""


@attack("relearn", paper="arXiv:2406.13356")
class Relearn(Attack):
    """Train a copy briefly on some rows, and ask other forget rows.

    Lost knowledge cannot be recovered from other rows; suppressed knowledge can. `relearn.forget` trains on a share of
    the forget rows, `relearn.near` for as many steps on rows about neighbors, none of which must be forgotten. Both are
    measured on the same rows: the forget rows that were not trained on, and the probes that ask for nothing that was.
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({"generate", "token_logprobs", "gradients", "weights"})

    on: Annotated[tuple[Literal["forget", "near"], ...], MinLen(1)] = ("forget", "near")
    """Row sets to train on, with one attempt each."""
    steps: Annotated[int, Gt(0)] = 20
    """Optimizer steps."""
    share: Annotated[float, Gt(0), Lt(1)] = 0.2
    """Share of the forget rows that ask something which is trained on."""
    batch_size: Annotated[int, Gt(0)] = 8
    """Number of rows per step."""
    lr: Annotated[float, Gt(0)] | None = None
    """Peak learning rate, which decays to 0; null to compute it from the subject's width, the same for every method."""

    def budget(self) -> str:
        """Describe the budget: steps, rows and batch size."""
        rows = " or ".join(f"{self.share:.0%} of the forget rows" if on == "forget" else "neighbors" for on in self.on)
        return f"{self.steps} steps of {self.batch_size} rows on {rows}"

    def attempt(self, attacked: SubjectUnderAttack) -> list[Attempt]:
        """Train and ask, once per non-empty row set."""
        forget = attacked.rows.get("forget", ())
        if len(forget) < 2:
            return []
        draw, number = random.Random(f"relearn {attacked.seed}"), math.ceil(self.share * len(forget))
        trained = [forget[at] for at in sorted(draw.sample(range(len(forget)), number))]
        puts = {split: [Probe(row) for row in others(attacked.chosen(split), trained)] for split in ATTACKED_SETS}
        row_sets = {"forget": trained, "near": attacked.rows.get("near", ())}
        attempts = []
        for on in self.on:
            if row_sets[on]:
                with attacked.trained(row_sets[on], self.settings(attacked)) as copy:
                    result = copy.ask(puts)
                attempts.append(Attempt(f"{self.name()}.{on}", result.records, result.too_long))
        return attempts

    def settings(self, attacked: SubjectUnderAttack) -> TrainSettings:
        """Return the training settings, with a learning rate for the width."""
        return TrainSettings(
            epochs=None,
            steps=self.steps,
            batch_size=self.batch_size,
            lr=self.lr or LR_TIMES_WIDTH / attacked.width,
            max_length=attacked.positions,
        )


def others(rows: Sequence[Row], trained: Sequence[Row]) -> list[Row]:
    """Return the rows that ask for nothing that was trained on.

    A row asks for something trained on if it shares its id with a trained row, or subject and attribute or, if either
    has no attribute, its answer.
    """
    ids, answers = {row.id for row in trained}, {row.answer for row in trained}
    facts = {(row.subject, row.attribute) for row in trained if row.attribute is not None}
    named = all(row.attribute is not None for row in trained)
    return [
        row
        for row in rows
        if row.id not in ids
        and (row.subject, row.attribute) not in facts
        and ((named and row.attribute is not None) or row.answer not in answers)
    ]
