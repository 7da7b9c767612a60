"""Membership inference on records: is the forget set still told from rows that the model never saw?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from unlearnkit.metrics import membership as mia
from unlearnkit.metrics.score import NOT_MEASURED, Score, resampled_score
from unlearnkit.metrics.score_doc import ScoreDoc, ScoreTable, with_variants
from unlearnkit.records.schema import Record, Tokens

FORGET, HOLDOUT = "forget", "holdout"

_OPEN_UNLEARNING = "OpenUnlearning"
MEMBERSHIP = ScoreTable(
    "membership",
    "Membership inference",
    "Can the forget set still be told from holdout rows, which the model never saw? An attack's AUC is 1 where it "
    "always tells them, 0.5 where it cannot, and below that where forgotten rows look less known than rows never seen. "
    "Near the retrained model's is wanted: that is 0.5 only if the two sets are alike.",
    (
        (
            _OPEN_UNLEARNING,
            "1e-10 is added to the denominator, and chance stands in for a retrained model that is missing",
        ),
    ),
)
_PRIVLEAK = ScoreDoc(
    "PrivLeak",
    "by how much Min-K's 1 - AUC differs from the retrained model's; 0 is wanted. About -100 %: nothing was "
    "unlearned; above 0: the rows look less known than if they had never been learned",
    format="percent change",
    table=MEMBERSHIP,
)
MEMBERSHIP_DOCS = {
    **{
        f"mia.{attack}.auc": ScoreDoc(f"{title}, AUC", text, table=MEMBERSHIP)
        for attack, title, text in (
            ("loss", "LOSS", "by the loss on the answer"),
            ("zlib", "zlib", "by the loss over the answer's compressed length"),
            ("reference", "Reference", "by the loss less that of the retrained model"),
            ("grad_norm", "GradNorm", "by the size of the loss's gradient"),
            ("min_k", "Min-K", "by the least likely 40 % of the tokens"),
            ("min_k_plus_plus", "Min-K++", "the same, each token being held against what else the model expects there"),
        )
    },
    **with_variants({"privleak": _PRIVLEAK}, {"_open_unlearning": _OPEN_UNLEARNING}),
}
"""Docs of what `membership_scores` gives."""

_Attack = Callable[[Record, Tokens], float | None]
"""The score of one row; None where what it needs was not measured."""


def membership_scores(ours: Mapping[str, Sequence[Record]], theirs: Mapping[str, Sequence[Record]]) -> dict[str, Score]:
    """Six attacks that tell the forget set from held-out rows, under `mia.<attack>.auc`, and PrivLeak.

    Args:
        ours: the subject's records by set, `forget` and `holdout` among them; without one nothing is measured.
        theirs: the same of the retrained model; empty where there is none.
    """
    attacks: dict[str, _Attack] = {
        "loss": lambda _, tokens: mia.loss_score(tokens.logps),
        "zlib": lambda record, tokens: mia.zlib_score(tokens.logps, record.row.answer),
        "reference": _against(theirs),
        "grad_norm": lambda record, _: mia.grad_norm_score(record.gradient_norms) if record.gradient_norms else None,
        "min_k": _min_k,
        "min_k_plus_plus": lambda _, t: mia.min_k_plus_plus_score(t.logps, t.mean_logps, t.var_logps),
    }
    scores = {f"mia.{name}.auc": _auc(ours, attack) for name, attack in attacks.items()}
    auc, retrained = scores["mia.min_k.auc"], _auc(theirs, _min_k)
    leak = other = NOT_MEASURED
    if auc.value is not None:
        other = Score(value=mia.privleak_open_unlearning(auc.value, *_known(retrained.value)), count=auc.count)
        if retrained.value is not None:
            leak = Score(value=mia.privleak(auc.value, retrained.value), count=auc.count)
    return {**scores, "privleak": leak, "privleak_open_unlearning": other}


def _known(value: float | None) -> tuple[float, ...]:
    return () if value is None else (value,)


def _against(theirs: Mapping[str, Sequence[Record]]) -> _Attack:
    """The reference attack, the retrained model being the one that never saw the forget set."""
    known = {r.row.id: r.tokens for split in (FORGET, HOLDOUT) for r in theirs.get(split, []) if r.tokens is not None}

    def score(record: Record, tokens: Tokens) -> float | None:
        reference = known.get(record.row.id)
        return None if reference is None else mia.reference_score(tokens.logps, reference.logps)

    return score


def _min_k(_: Record, tokens: Tokens) -> float:
    return mia.min_k_score(tokens.logps)


def _auc(sets: Mapping[str, Sequence[Record]], attack: _Attack) -> Score:
    sides = [
        np.asarray([value for r in sets.get(name, []) if r.tokens and (value := attack(r, r.tokens)) is not None])
        for name in (FORGET, HOLDOUT)
    ]
    if any(not len(side) for side in sides):
        return NOT_MEASURED
    return resampled_score(lambda members, others: mia.auc(members.tolist(), others.tolist()), *sides)
