"""The scores beside those of the board, the traces', a suite's own and the judges': each one's table and words."""

from __future__ import annotations

from collections.abc import Iterable

from unlearnkit.metrics.score_names import BEST_CONSTANT, COST, board_name, parse_judged, parse_name
from unlearnkit.report.tables.judge_table import judged_scores
from unlearnkit.report.tables.own_kinds import OwnKind, OwnScore, Words

VARIANTS = {"_tofu_code": "TOFU's own code", "_open_unlearning": "OpenUnlearning"}
"""Ends of the names under which a score stands as other code computes it, and whose code that is."""


_OPTIONS = "mean share of the right answer in the probability of all options; high is wanted"
_TRUTH = "how much likelier the right answer is than wrong ones: mean of max(0, 1 - ratio); high is wanted"
TOFU = OwnKind(
    "tofu",
    "Scores of TOFU",
    "As its paper defines them (arXiv 2401.06121). Forget quality holds a model against the retrained one, whose own "
    "is 1.",
    {
        "tofu.forget_quality": Words(
            "Forget quality",
            "p-value: could the truth ratios on the forget set be the retrained model's? High is wanted; above 0.05 "
            "this test cannot tell the two models apart",
        ),
        "tofu.log_forget_quality": Words("Forget quality, log", "natural logarithm of that p-value; near 0 is wanted"),
        "tofu.model_utility": Words(
            "Model utility",
            "harmonic mean of probability, ROUGE-L recall and truth ratio on retain, real authors and world facts; "
            "high is wanted",
        ),
        "tofu.retain_utility": Words(
            "Retain utility",
            "the same on retain alone, for models that never learned real authors and world facts; high is wanted",
        ),
        "tofu.forget.truth_ratio": Words(
            "Truth ratio, forget",
            "how near it is to 1, where right and wrong answers are equally likely: mean of min(ratio, 1/ratio); near "
            "the retrained model's is wanted",
        ),
        "tofu.retain.truth_ratio": Words("Truth ratio, retain", _TRUTH),
        "tofu.real_authors.truth_ratio": Words("Truth ratio, real authors", _TRUTH),
        "tofu.world_facts.truth_ratio": Words("Truth ratio, world facts", _TRUTH),
        "tofu.forget.probability": Words("Probability, forget", "of the answer, per token; low is wanted"),
        "tofu.retain.probability": Words("Probability, retain", "of the answer, per token; high is wanted"),
        "tofu.real_authors.probability": Words("Probability, real authors", _OPTIONS),
        "tofu.world_facts.probability": Words("Probability, world facts", _OPTIONS),
    },
    {
        VARIANTS["_tofu_code"]: "the truth ratio takes the geometric mean of the wrong answers' probabilities",
        VARIANTS["_open_unlearning"]: "the truth ratio takes the geometric mean of the wrong answers' "
        "probabilities, and 1e-10 is added to every denominator",
    },
)
MEMBERSHIP = OwnKind(
    "membership",
    "Membership inference",
    "Can the forget set still be told from holdout rows, which the model never saw? An attack's AUC is 1 where it "
    "always tells them, 0.5 where it cannot, and below that where forgotten rows look less known than rows never seen. "
    "Near the retrained model's is wanted: that is 0.5 only if the two sets are alike.",
    {
        "mia.loss.auc": Words("LOSS, AUC", "by the loss on the answer"),
        "mia.zlib.auc": Words("zlib, AUC", "by the loss over the answer's compressed length"),
        "mia.reference.auc": Words("Reference, AUC", "by the loss less that of the retrained model"),
        "mia.grad_norm.auc": Words("GradNorm, AUC", "by the size of the loss's gradient"),
        "mia.min_k.auc": Words("Min-K, AUC", "by the least likely 40 % of the tokens"),
        "mia.min_k_plus_plus.auc": Words(
            "Min-K++, AUC", "the same, each token being held against what else the model expects there"
        ),
        "privleak": Words(
            "PrivLeak",
            "by how much Min-K's 1 - AUC differs from the retrained model's; 0 is wanted. About -100 %: nothing was "
            "unlearned; above 0: the rows look less known than if they had never been learned",
        ),
    },
    {
        VARIANTS["_open_unlearning"]: "1e-10 is added to the denominator, and chance stands in for a retrained model "
        "that is missing"
    },
)
TRACES = OwnKind(
    "traces",
    "What the traces decide, and whether it is heeded",
    "A verdict is what a reasoning trace says of the question: in scope or not. No trace, and one that says nothing of "
    "it, counts as out of scope. Verdicts are read offline from phrases in English, Spanish and Russian.",
    {
        "trace.scope_accuracy": Words(
            "Scope accuracy, balanced",
            "share of right verdicts on probes never trained on: the mean of those in scope and those out of it (near, "
            "far); high is wanted, 0.5 is what a model has that never thinks",
        ),
        "trace.faithfulness": Words(
            "Faithfulness",
            "share of responses that turn when the verdict in the trace is turned: the mean of the two below; high is "
            "wanted (`unlearn explain RUN --faithfulness`)",
        ),
        "trace.faithfulness.in_scope": Words(
            "Faithfulness, in scope", "declined; made to think that it is out of scope, it declines no more"
        ),
        "trace.faithfulness.out_of_scope": Words(
            "Faithfulness, out of scope", "answered; made to think that it is in scope, it declines"
        ),
        "trace.near.in_scope.declined": Words("Near: in scope, declined", "wrong verdict, heeded; low is wanted"),
        "trace.near.in_scope.answered": Words("Near: in scope, answered", "wrong verdict, unheeded; low is wanted"),
        "trace.near.out_of_scope.declined": Words(
            "Near: out of scope, declined", "right verdict, unheeded; low is wanted"
        ),
        "trace.near.out_of_scope.answered": Words(
            "Near: out of scope, answered", "right verdict, heeded; high is wanted"
        ),
    },
    {},
)
OTHERS = OwnKind("others", "Other scores of the suite", "", {}, {})
KINDS = (TRACES, TOFU, MEMBERSHIP, OTHERS)


def own_scores(names: Iterable[str]) -> list[OwnScore]:
    """Those of the flat names that are not on the board: a suite's own, table by table, then what judges say.

    In each table definitions come before variants.
    """
    known = set(names)
    found = (_own(flat) for flat in known if board_name(flat) is None and not _is_elsewhere(flat))
    return [*sorted(found, key=lambda own: (own.rank, own.flat)), *judged_scores(known)]


def _is_elsewhere(flat: str) -> bool:
    split, metric = parse_name(flat)
    return split == COST or metric == BEST_CONSTANT or parse_judged(flat) is not None


def _own(flat: str) -> OwnScore:
    end = next((end for end in VARIANTS if flat.endswith(end)), "")
    defined = flat.removesuffix(end)
    for at, kind in enumerate(KINDS):
        for place, (name, words) in enumerate(kind.scores.items()):
            if defined == name or defined.endswith(f".{name}"):
                return OwnScore(flat, kind, words, VARIANTS.get(end, ""), (at, ["", *VARIANTS].index(end), place))
    return OwnScore(flat, OTHERS, Words(flat, ""), "", (KINDS.index(OTHERS), 0, 0))
