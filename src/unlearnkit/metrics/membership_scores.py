"""Membership inference attacks, which compare forget rows with holdout rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from unlearnkit.metrics import membership as mia
from unlearnkit.metrics.score import NOT_MEASURED, Group, Score, resampled_score
from unlearnkit.metrics.score_doc import ScoreDoc, ScoreTable, with_variants
from unlearnkit.records.schema import Record, Tokens

FORGET, HOLDOUT = "forget", "holdout"

_OPEN_UNLEARNING = "OpenUnlearning"
MEMBERSHIP = ScoreTable(
    "membership",
    "Membership inference",
    "Can forget rows still be distinguished from holdout rows, which the model never saw? The AUC of an attack is 1 if "
    "the attack always succeeds, 0.5 if it cannot distinguish the two sets, and below 0.5 if forget rows look less "
    "familiar to the model than holdout rows. A value near the retrained model's AUC is wanted; the retrained model's "
    "AUC is 0.5 only if the two sets are alike.",
    (
        (
            _OPEN_UNLEARNING,
            "1e-10 is added to the denominator; if there is no retrained model, 0.5 (chance) replaces its AUC",
        ),
    ),
)
_PRIVLEAK = ScoreDoc(
    "PrivLeak",
    "percentage by which 1 - AUC of the Min-K attack is higher for the model than for the retrained model; 0 is "
    "wanted. About -100 % means that nothing was unlearned. Above 0 means that forget rows look less familiar to the "
    "model than to the retrained model",
    format="percent change",
    table=MEMBERSHIP,
)
_ATTACKS = {
    "loss": ("LOSS", "attack that uses the loss on the answer"),
    "zlib": ("zlib", "attack that uses the loss on the answer, divided by the answer's compressed length"),
    "reference": ("Reference", "attack that uses the loss on the answer minus the retrained model's loss"),
    "grad_norm": ("GradNorm", "attack that uses the norm of the gradient of the loss"),
    "min_k": ("Min-K", "attack that uses the least likely 40 % of the answer's tokens"),
    "min_k_plus_plus": (
        "Min-K++",
        "attack like Min-K, but each log-probability is standardized by the distribution predicted at that token",
    ),
}
MEMBERSHIP_DOCS = {
    **{
        f"mia.{name}.auc": ScoreDoc(f"{title}, AUC", text, table=MEMBERSHIP) for name, (title, text) in _ATTACKS.items()
    },
    **with_variants({"privleak": _PRIVLEAK}, {"_open_unlearning": _OPEN_UNLEARNING}),
}
"""Docs of the scores that `membership_scores` returns."""

_Attack = Callable[[Record, Tokens], float | None]
"""Function that computes an attack's score for one row. It returns None if a required measurement is missing."""


def membership_scores(ours: Mapping[str, Sequence[Record]], theirs: Mapping[str, Sequence[Record]]) -> dict[str, Score]:
    """Return the AUC of six membership inference attacks, and PrivLeak.

    Each attack tries to distinguish forget rows from holdout rows. The AUC of an attack is named `mia.<attack>.auc`.

    Args:
        ours: records of the model under test, by set. If `forget` or `holdout` is missing, nothing is measured.
        theirs: records of the retrained model, by set. The mapping is empty if there is no retrained model.
    """
    reference = {r.row.id: r.tokens for split in (FORGET, HOLDOUT) for r in theirs.get(split, []) if r.tokens}

    def against_reference(record: Record, tokens: Tokens) -> float | None:
        other = reference.get(record.row.id)
        return None if other is None else mia.reference_score(tokens.logps, other.logps)

    attacks: dict[str, _Attack] = {
        "loss": lambda _, tokens: mia.loss_score(tokens.logps),
        "zlib": lambda record, tokens: mia.zlib_score(tokens.logps, record.row.answer),
        "reference": against_reference,
        "grad_norm": lambda record, _: mia.grad_norm_score(record.gradient_norms) if record.gradient_norms else None,
        "min_k": _min_k,
        "min_k_plus_plus": lambda _, t: mia.min_k_plus_plus_score(t.logps, t.mean_logps, t.var_logps),
    }
    scores = {f"mia.{name}.auc": _auc(ours, attack) for name, attack in attacks.items()}
    auc, retrained = scores["mia.min_k.auc"], _auc(theirs, _min_k).value
    scores |= {"privleak": NOT_MEASURED, "privleak_open_unlearning": NOT_MEASURED}
    if auc.value is not None:
        leak = mia.privleak_open_unlearning(auc.value, mia.CHANCE if retrained is None else retrained)
        scores["privleak_open_unlearning"] = Score(value=leak, count=auc.count)
        if retrained is not None:
            scores["privleak"] = Score(value=mia.privleak(auc.value, retrained), count=auc.count)
    return scores


def _min_k(_: Record, tokens: Tokens) -> float:
    return mia.min_k_score(tokens.logps)


def _auc(sets: Mapping[str, Sequence[Record]], attack: _Attack) -> Score:
    sides = [
        np.asarray([value for r in sets.get(name, []) if r.tokens and (value := attack(r, r.tokens)) is not None])
        for name in (FORGET, HOLDOUT)
    ]
    if any(not len(side) for side in sides):
        return NOT_MEASURED
    # The AUC is highest if members have the lowest scores, see `mia.auc`.
    groups = Group(sides[0], np.inf, -np.inf), Group(sides[1], -np.inf, np.inf)
    return resampled_score(mia.auc(sides[0].tolist(), sides[1].tolist()), _weighted_auc, *groups)


def _weighted_auc(
    members: np.ndarray, member_weights: np.ndarray, others: np.ndarray, other_weights: np.ndarray
) -> np.ndarray:
    """Return the AUC (see `mia.auc`) for each draw of weights."""
    wins = (members[:, None] < others) + 0.5 * (members[:, None] == others)
    areas: np.ndarray = ((member_weights @ wins) * other_weights).sum(-1)
    return areas
