"""Attack `relearn`: train briefly on some forget or near rows."""

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
"""Product of learning rate and width of the hidden states.

The learning rate is 3e-4 for models with a width of 160, and 1.2e-5 for models with a width of 4096.
Under Adam, the learning rate that changes the outputs by a given amount is inversely proportional to the width (arXiv
2203.03466), so the same product suits models of every size. The value was chosen on models that no unlearning method
had trained; see docs/guides/attacks.md."""


@attack("relearn", paper="arXiv:2406.13356")
class Relearn(Attack):
    """Train a copy briefly on some rows, then ask about other rows.

    Training on some rows can recover suppressed knowledge about other rows, but it cannot recover lost knowledge. The
    attempt `relearn.forget` trains on a share of the forget rows. The attempt `relearn.near` trains for the same number
    of steps on rows about neighbors, which contain no knowledge that must be forgotten. Both trained copies are then
    asked the same questions: the questions of the other forget rows, and paraphrased and translated questions.
    Questions that ask for a fact in the forget rows used for training are left out.
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({"generate", "token_logprobs", "gradients", "weights"})

    on: Annotated[tuple[Literal["forget", "near"], ...], MinLen(1)] = ("forget", "near")
    """Row sets to train on. The attack makes one attempt per row set."""
    steps: Annotated[int, Gt(0)] = 20
    """Number of optimizer steps."""
    share: Annotated[float, Gt(0), Lt(1)] = 0.2
    """Share of the forget rows to train on. Rows without a question are ignored."""
    batch_size: Annotated[int, Gt(0)] = 8
    """Number of rows per step."""
    lr: Annotated[float, Gt(0)] | None = None
    """Peak learning rate, which decays to 0. null: the learning rate is computed from the model's width, so models of
    the same size get the same learning rate."""

    def budget(self) -> str:
        """Describe the budget: steps, rows and batch size."""
        words = {"forget": f"{self.share:.0%} of the forget rows", "near": "rows about neighbors"}
        rows = " or on ".join(words[on] for on in self.on)
        return f"{self.steps} steps of {self.batch_size} rows on {rows}"

    def attempt(self, attacked: SubjectUnderAttack) -> list[Attempt]:
        """Train one copy per non-empty row set, and ask the copies questions."""
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
        """Return the training settings.

        If `lr` is None, the learning rate is computed from the width of the subject's hidden states.
        """
        return TrainSettings(
            epochs=None,
            steps=self.steps,
            batch_size=self.batch_size,
            lr=self.lr or LR_TIMES_WIDTH / attacked.width,
            max_length=attacked.positions,
        )


def others(rows: Sequence[Row], trained: Sequence[Row]) -> list[Row]:
    """Return the rows that do not ask for a trained fact.

    A row asks for a trained fact if it has the same id as a trained row, or if it asks for the same attribute of the
    same person or thing as a trained row. If the row or any trained row has no attribute, facts cannot be compared
    reliably. In this case, a row with the same answer as a trained row is also taken to ask for a trained fact.
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
