"""Rows whose verdict is given, so that the response follows the verdict.

A question in scope always has the verdict "in scope" in training, and a question out of scope never has it. The model
can therefore choose its response from the question alone, and the verdict that it writes need not matter. In the rows
of this module, the verdict is context that the model reads but is not trained to write, and only the verdict tells
which response is right: questions out of scope are answered after the verdict "out of scope", and declined after the
verdict "in scope".

There is no row with a question in scope and the verdict "out of scope". Such a row would train the model to reveal what
it must forget to anybody who begins its output.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from unlearnkit.data.augment import ComposedRow
from unlearnkit.data.target import Target
from unlearnkit.scope.scope import Scope
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.targets.verdicts import continued, wordings
from unlearnkit.text.trace_verdict import IN_SCOPE, OUT_OF_SCOPE, Verdict


def given_verdicts(composed: Sequence[ComposedRow], share: float, seed: int) -> list[ComposedRow]:
    """Return two rows for a share of the composed rows out of scope.

    Both rows have the question, the note and the answer of the composed row. The first row has the verdict "out of
    scope", and stays. The second row has the verdict "in scope", and does not stay: it needs a refusal as its target
    (see `refusals`). The composed rows and the wordings of the verdicts are drawn by the seed.

    Args:
        composed: the composed rows. Rows without a note are not used.
        share: share of the composed rows out of scope.
        seed: seed of the draws.
    """
    usable = [each for each in composed if each.stays and _note(each)]
    chosen = Random(f"given verdicts/{seed}").sample(usable, round(share * len(usable)))
    return [_given(each, verdict, seed) for each in chosen for verdict in (OUT_OF_SCOPE, IN_SCOPE)]


def refusals(rows: Sequence[ComposedRow], scope: Scope, seed: int) -> list[Target]:
    """Return targets that decline, for the rows of `given_verdicts` that do not stay.

    The refusals are those of the teacher `template`, whichever teacher the recipe names. A chat model would be asked
    why it declines a question that it need not decline.
    """
    to_refuse = [each for each in rows if not each.stays]
    written = TemplateTeacher().write([each.to_refuse for each in to_refuse], scope, seed)
    return [target.model_copy(update={"trace": each.note}) for each, target in zip(to_refuse, written, strict=True)]


def _note(composed: ComposedRow) -> str:
    """Return the note of a composed row; if it has none, the model's own trace."""
    return composed.note or composed.row.trace.rstrip(".")


def _given(composed: ComposedRow, verdict: Verdict, seed: int) -> ComposedRow:
    row = composed.row
    wording = Random(f"given verdict/{seed}/{verdict}/{row.id}").choice(wordings("training")[verdict])
    trace = continued(_note(composed), wording)
    row = row.model_copy(update={"id": f"{row.id}/{verdict}", "trace": trace})
    return ComposedRow(row=row, stays=verdict == OUT_OF_SCOPE, note=trace, given=True)
