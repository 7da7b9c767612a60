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
            "Min-K, Min-K++ and PrivLeak leave out the last token of each answer, i.e. the end token. PrivLeak also "
            "adds 1e-10 to the denominator; if there is no retrained model, 0.5 (chance) replaces its AUC",
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
_AUC_DOCS = {
    f"mia.{name}.auc": ScoreDoc(f"{title}, AUC", text, table=MEMBERSHIP) for name, (title, text) in _ATTACKS.items()
}
_VARYING = {name: _AUC_DOCS[name] for name in ("mia.min_k.auc", "mia.min_k_plus_plus.auc")} | {"privleak": _PRIVLEAK}
MEMBERSHIP_DOCS = {**_AUC_DOCS, **with_variants(_VARYING, {"_open_unlearning": _OPEN_UNLEARNING})}
"""Docs of the scores that `membership_scores` returns."""

_Attack = Callable[[Record, Tokens], float | None]
"""Function that computes an attack's score for one row. It returns None if a required measurement is missing."""


def membership_scores(ours: Mapping[str, Sequence[Record]], theirs: Mapping[str, Sequence[Record]]) -> dict[str, Score]:
    """Return the AUC of six membership inference attacks, and PrivLeak.

    Each attack tries to distinguish forget rows from holdout rows. The AUC of an attack is named `mia.<attack>.auc`. A
    score as OpenUnlearning defines it has the suffix `_open_unlearning`, if the definition differs.

    Rows whose records lack what an attack needs are left out. If only the mean log-probability of an answer is known,
    the answer has no least likely tokens, so Min-K is not measured on it.

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
        "min_k_plus_plus": lambda _, t: (
            mia.min_k_plus_plus_score(t.logps, t.mean_logps, t.var_logps) if t.mean_logps and t.var_logps else None
        ),
    }
    scores = {f"mia.{name}.auc": _auc(ours, attack) for name, attack in attacks.items()}
    retrained = _auc(theirs, _min_k).value
    scores["privleak"] = _leak(scores["mia.min_k.auc"], retrained, mia.privleak)
    return scores | _open_unlearning_scores(ours, theirs)


def _open_unlearning_scores(
    ours: Mapping[str, Sequence[Record]], theirs: Mapping[str, Sequence[Record]]
) -> dict[str, Score]:
    """Return the membership scores that OpenUnlearning defines differently.

    If there is no retrained model, PrivLeak uses chance as the retrained model's AUC. If there is a retrained model,
    but its AUC could not be measured, PrivLeak is not measured.
    """
    min_k = _auc(ours, _min_k_open_unlearning)
    retrained = _auc(theirs, _min_k_open_unlearning).value if theirs else mia.CHANCE
    return {
        "mia.min_k.auc_open_unlearning": min_k,
        "mia.min_k_plus_plus.auc_open_unlearning": _auc(ours, _min_k_plus_plus_open_unlearning),
        "privleak_open_unlearning": _leak(min_k, retrained, mia.privleak_open_unlearning),
    }


def _leak(auc: Score, retrained: float | None, privleak: Callable[[float, float], float | None]) -> Score:
    if auc.value is None or retrained is None:
        return NOT_MEASURED
    return Score(value=privleak(auc.value, retrained), count=auc.count)


def _min_k(_: Record, tokens: Tokens) -> float | None:
    return None if tokens.mean_only else mia.min_k_score(tokens.logps)


def _min_k_open_unlearning(_: Record, tokens: Tokens) -> float | None:
    return mia.min_k_score_open_unlearning(tokens.logps) if len(tokens.logps) > 1 else None


def _min_k_plus_plus_open_unlearning(_: Record, tokens: Tokens) -> float | None:
    if len(tokens.logps) < 2 or not tokens.mean_logps or not tokens.var_logps:
        return None
    return mia.min_k_plus_plus_score_open_unlearning(tokens.logps, tokens.mean_logps, tokens.var_logps)


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
