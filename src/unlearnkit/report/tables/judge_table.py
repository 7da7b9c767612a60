"""What judges say, in words: a table a judge, a row a set; the parts of each figure are folded away beneath."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from unlearnkit.data.vocabulary import group_of, ordered_sets, set_title
from unlearnkit.metrics.score_names import RULES, JudgedName, parse_judged
from unlearnkit.report.model import SubjectReport
from unlearnkit.report.tables.own_kinds import OwnKind, OwnScore, Words

HIGHEST = 10.0
"""Of every score of a judge."""

_QUALITIES = {"uq": "Unlearning quality", "rq": "Retention quality"}
_PARTS = {
    "relevance": ("Relevance", "high where nothing of what is asked for is told or discussed"),
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
_UNNAMED = "a model that was not named"
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


def judged_scores(names: Iterable[str]) -> list[OwnScore]:
    """Those of the flat names that are a judge's: judge by judge, the qualities first, then their parts."""
    found = {flat: name for flat in names if (name := parse_judged(flat)) is not None}
    judges, parts = [*_KNOWN, *sorted({n.judge for n in found.values()} - set(_KNOWN))], ["", *_PARTS]
    splits = ordered_sets(name.split for name in found.values())
    ranks = {
        flat: (judges.index(n.judge), parts.index(n.part) if n.part in parts else len(parts), splits.index(n.split))
        for flat, n in found.items()
    }
    return [_own(flat, found[flat], ranks[flat]) for flat in sorted(found, key=lambda flat: (ranks[flat], flat))]


def full_scale(flat: str) -> float:
    """The value that fills a bar: the highest score for what a judge scored, 1 for anything else."""
    name = parse_judged(flat)
    return HIGHEST if name is not None and name.part not in _SHARES else 1.0


def who_judged(judge: str, subjects: Sequence[SubjectReport]) -> str:
    """Which model a judge asked about these subjects, as sentences; empty where it asked none, or judged none.

    `judge` empty: the figures are no judge's.
    """
    judged = [
        s for s in subjects if any(_is_of(judge, flat) and score.value is not None for flat, score in s.scores.items())
    ]
    named: defaultdict[str, list[str]] = defaultdict(list)
    for subject in judged:
        named[subject.judged_by.get(judge, _UNNAMED)].append(subject.title)
    if judge == RULES or not named:
        return ""
    if len(named) == 1:
        return f"The judge was {next(iter(named))}."
    told = "; ".join(f"{model} for {', '.join(titles)}" for model, titles in named.items())
    return f"The judge was {told}. Figures of different models cannot be held against each other."


def _is_of(judge: str, flat: str) -> bool:
    name = parse_judged(flat)
    return name is not None and name.judge == judge


def _own(flat: str, name: JudgedName, rank: tuple[int, int, int]) -> OwnScore:
    title, lead = _KNOWN.get(name.judge, (f"Judged by {name.judge}", ""))
    variants = {words[0]: words[1] for words in _PARTS.values()}
    kind = OwnKind(f"judge-{name.judge}", title, lead, {}, variants, _FOLDED, name.judge)
    asked = set_title(name.split)
    words = Words(f"{_QUALITIES[name.quality]}, {asked}", group_of(name.split).lower())
    return OwnScore(flat, kind, words, _PARTS.get(name.part, (name.part, ""))[0], rank)
