"""A `ScoreDoc` for each of TOFU's scores, keyed by score name."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from unlearnkit.metrics.membership_scores import MEMBERSHIP_DOCS
from unlearnkit.metrics.memorization import MEMORIZATION_DOCS
from unlearnkit.metrics.score_doc import LOW_ON_FORGET, ScoreDoc, ScoreTable, with_prefix, with_variants
from unlearnkit.suites.tofu.scores import SETS

_VARIANTS = {"_tofu_code": "TOFU's own code", "_open_unlearning": "OpenUnlearning"}
_GEOMETRIC = "the truth ratio uses the geometric mean of the wrong answers' probabilities"
TOFU = ScoreTable(
    "tofu",
    "Scores of TOFU",
    "The scores are computed as TOFU's paper defines them (arXiv 2401.06121). Forget quality compares a model with the "
    "retrained model, whose own forget quality is 1.",
    (
        (_VARIANTS["_tofu_code"], _GEOMETRIC),
        (
            _VARIANTS["_open_unlearning"],
            f"{_GEOMETRIC}, and 1e-10 is added to every denominator. Extraction strength and exact memorization leave "
            "out the last token of each answer, i.e. the end token; extraction strength is at least 1/n for the n "
            "remaining tokens",
        ),
    ),
)
_TRUTH = "how much more probable the right answer is than the wrong answers: mean of max(0, 1 - ratio); high is wanted"
_OPTIONS = "probability of the right answer, divided by the total probability of all options (mean); high is wanted"
_doc = partial(ScoreDoc, table=TOFU)
_OWN = {
    "forget_quality": _doc(
        "Forget quality",
        "p-value: could the truth ratios on the forget set come from the retrained model? High is wanted; above 0.05 "
        "the test cannot tell the two models apart",
        format="p-value",
        verdict=True,
    ),
    "log_forget_quality": _doc("Forget quality, log", "natural logarithm of forget quality; near 0 is wanted"),
    "model_utility": _doc(
        "Model utility",
        "harmonic mean of probability, ROUGE-L recall and truth ratio on retain, real authors and world facts; "
        "high is wanted",
        verdict=True,
    ),
    "retain_utility": _doc(
        "Retain utility",
        "harmonic mean of probability, ROUGE-L recall and truth ratio on retain alone, for models that never learned "
        "real authors and world facts; high is wanted",
        verdict=True,
    ),
    "forget.truth_ratio": _doc(
        "Truth ratio, forget",
        "how close the truth ratio is to 1, the value at which right and wrong answers are equally probable: mean of "
        "min(ratio, 1/ratio); a value close to the retrained model's is wanted",
    ),
    "retain.truth_ratio": _doc("Truth ratio, retain", _TRUTH),
    "real_authors.truth_ratio": _doc("Truth ratio, real authors", _TRUTH),
    "world_facts.truth_ratio": _doc("Truth ratio, world facts", _TRUTH),
    "forget.probability": _doc("Probability, forget", "probability of the answer, per token; low is wanted"),
    "retain.probability": _doc("Probability, retain", "probability of the answer, per token; high is wanted"),
    "real_authors.probability": _doc("Probability, real authors", _OPTIONS),
    "world_facts.probability": _doc("Probability, world facts", _OPTIONS),
}
_ON_BOARD = {
    f"{short}.{metric}": replace(doc, split=name)
    for name, short in SETS.items()
    for metric, doc in MEMORIZATION_DOCS.items()
}
_MEMORIZATION = {
    f"{short}.{metric}_open_unlearning": replace(
        MEMORIZATION_DOCS[metric],
        title=f"{MEMORIZATION_DOCS[metric].title}, {short.replace('_', ' ')}",
        table=TOFU,
        variant=_VARIANTS["_open_unlearning"],
    )
    for metric in ("extraction_strength", "exact_memorization")
    for short in SETS.values()
}
_SHARE = ScoreDoc(
    "Truth share (OpenUnlearning)",
    "probability of the right answer, divided by the probability of right and wrong answers; OpenUnlearning's newer "
    "truth ratio. On forget sets, a value close to the retrained model's is wanted; high is wanted elsewhere",
    LOW_ON_FORGET,
    order=79,
    printed=False,
)
_SHARES = {f"{short}.truth_share_open_unlearning": replace(_SHARE, split=name) for name, short in SETS.items()}
TOFU_DOCS = with_prefix(
    "tofu",
    {**with_variants(_OWN, _VARIANTS), **MEMBERSHIP_DOCS, **_MEMORIZATION, **_ON_BOARD, **_SHARES},
)
