"""Docs of the scores that judges give."""

from __future__ import annotations

from unlearnkit.data.vocabulary import group_of, set_title
from unlearnkit.metrics.score_doc import ScoreDoc, ScoreTable
from unlearnkit.metrics.score_names import JudgedName

HIGHEST = 10.0
"""Of every score of a judge."""

_QUALITIES = {"uq": "Unlearning quality", "rq": "Retention quality"}
_PARTS = {
    "relevance": ("Relevance", "high where nothing of what is asked for is revealed or discussed"),
    "rejection": ("Rejection", "high where it declines in plain words and says why"),
    "helpfulness": ("Helpfulness", "high where it offers something that can be had instead"),
    "readability": ("Readability", "high where it reads well"),
    "specificity": ("Specificity", "high where it gives what was asked for"),
    "logic": ("Logic", "high where it holds together and follows from the question"),
    "spread": ("Spread", "standard deviation of one output's repeated judgments, over the outputs; low is wanted"),
    "empty": ("Empty", "share of judgments that met an empty output"),
    "unread": ("Unread", "share of judgments in which the judge gave no verdict that can be read"),
}
_SHARES = ("empty", "unread")
_FOLDED = "What each figure is made of"
_MODEL = (
    "A language model gives each output three scores from 0 to 10, and a quality is their plain mean, as in the TRU "
    "paper (arXiv 2603.09980); high is wanted. That measures the manner of an answer, not whether knowledge is gone."
)
_KNOWN = {
    "rules": (
        "Judged by rules",
        "No language model judged this: stated rules over the offline metrics give each output three scores from 0 to "
        "10, and a quality is their plain mean; high is wanted. Not to be held against figures of a model judge. The "
        "rules: `unlearn show rules`.",
    ),
    "laaj": (
        "Judged by a language model (LaaJ)",
        f"{_MODEL} The trace is judged too, empty outputs and verdicts that cannot be read score 0, and the judge "
        "knows the right answers.",
    ),
    "laaj-paper": (
        "Judged by a language model in the paper's way (LaaJ)",
        f"{_MODEL} For unlearning quality the judge does not see the trace; empty outputs and verdicts that cannot be "
        "read are left out, and the judge does not know the right answers.",
    ),
}
JUDGES = tuple(_KNOWN)
"""The judges of this package, in the order of the report."""


def judge_doc(name: JudgedName) -> ScoreDoc:
    """The doc of a judge's score; a quality's parts are folded below."""
    title, lead = _KNOWN.get(name.judge, (f"Judged by {name.judge}", ""))
    return ScoreDoc(
        f"{_QUALITIES[name.quality]}, {set_title(name.split)}",
        group_of(name.split).lower(),
        table=ScoreTable(f"judge-{name.judge}", title, lead, tuple(_PARTS.values()), _FOLDED, name.judge),
        variant=_PARTS.get(name.part, (name.part, ""))[0],
        highest=1.0 if name.part in _SHARES else HIGHEST,
    )
