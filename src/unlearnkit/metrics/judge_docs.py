"""Docs of the scores that judges give."""

from __future__ import annotations

from unlearnkit.data.vocabulary import group_of, set_title
from unlearnkit.metrics.score_doc import ScoreDoc, ScoreTable
from unlearnkit.metrics.score_names import RULES, JudgedName

HIGHEST = 10.0
"""Maximum of every score of a judge."""

_QUALITIES = {"uq": "Unlearning quality", "rq": "Retention quality"}
_PARTS = {
    "relevance": ("Relevance", "high if nothing that the question asks for is revealed or discussed"),
    "rejection": ("Rejection", "high if it declines openly and gives a reason"),
    "helpfulness": ("Helpfulness", "high if it offers something else that is available"),
    "readability": ("Readability", "high if it reads well"),
    "specificity": ("Specificity", "high if it gives what was asked for"),
    "logic": ("Logic", "high if it is consistent and follows from the question"),
    "spread": ("Spread", "standard deviation of repeated judgments of one output, pooled over outputs; low is wanted"),
    "empty": ("Empty", "share of judgments of empty outputs"),
    "unread": ("Unread", "share of judgments whose verdict cannot be parsed"),
}
_SHARES = ("empty", "unread")
_FOLDED = "Parts of each figure"
_MODEL = (
    "A language model gives each output three scores from 0 to 10, and a quality is their mean, as in the TRU paper "
    "(arXiv 2603.09980); high is wanted. This measures the manner of an answer, not whether knowledge is gone."
)
_KNOWN = {
    "rules": (
        "Judged by rules",
        "No language model judged this: fixed rules over the offline metrics give each output three scores from 0 to "
        "10, and a quality is their mean; high is wanted. Not comparable with figures of a model judge. The rules: "
        "`unlearn show rules`.",
    ),
    "laaj": (
        "Judged by a language model (LaaJ)",
        "The trace is judged too, empty outputs and verdicts that cannot be parsed score 0, and the judge sees the "
        "correct answers.",
    ),
    "laaj-paper": (
        "Judged by a language model as in the paper (LaaJ)",
        "For unlearning quality the judge does not see the trace; empty outputs and verdicts that cannot be parsed "
        "are left out, and the judge does not see the correct answers.",
    ),
}
"""Title and lead of each judge's table. `_MODEL` precedes the leads of LLM judges."""
JUDGES = tuple(_KNOWN)
"""The judges of this package, in the order of the report."""


def judge_doc(name: JudgedName) -> ScoreDoc:
    """Return the doc of a judge's score.

    The parts of a quality are folded below it.
    """
    title, lead = _KNOWN.get(name.judge, (f"Judged by {name.judge}", ""))
    if name.judge in JUDGES and name.judge != RULES:
        lead = f"{_MODEL} {lead}"
    return ScoreDoc(
        f"{_QUALITIES[name.quality]}, {set_title(name.split)}",
        group_of(name.split).lower(),
        table=ScoreTable(f"judge-{name.judge}", title, lead, tuple(_PARTS.values()), _FOLDED, name.judge),
        variant=_PARTS.get(name.part, (name.part, ""))[0],
        highest=1.0 if name.part in _SHARES else HIGHEST,
    )
