"""Detect the verdict of a reasoning trace.

The verdict is "in scope" or "out of scope", or the trace has no verdict. Teachers state a verdict in various words, so
the search is not limited to a fixed wording. The search covers four kinds of phrases in English, Spanish and Russian:

- the trace declines to answer;
- the trace may answer;
- the question belongs to the protected knowledge (the knowledge to forget);
- the question lies outside the protected knowledge.

A negated phrase counts for the opposite verdict ("not on the list", "no reason to decline", "cannot share"). Phrases
about answering or declining outweigh phrases about the protected knowledge. If two phrases have the same weight, the
later phrase counts, because a trace may change its verdict. Questions that the trace asks itself, conditions,
quotations and offers to help with something else are ignored. If no phrase is found, a trace that declines according to
`refusal.py` counts as in scope.

Only the words of a phrase are matched. A verdict that a reader must infer ("She was born before the list was made") is
not detected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from unlearnkit.text.names import QUOTED
from unlearnkit.text.refusal import evidence
from unlearnkit.text.verdict_phrases import BELONGS, DECLINE, FREE, OUTSIDE, RULED, UNABLE, any_of

Verdict = Literal["in scope", "out of scope"]
IN_SCOPE: Verdict = "in scope"
OUT_OF_SCOPE: Verdict = "out of scope"
SURE = 3.0
"""A trace without any of the phrases counts as declining if the log-odds that the trace is a refusal are at least this
high. The threshold is higher than the threshold for responses, because a trace may only summarize the question
("Birthplace of Ada Lund."). A summary does not resemble an answer, so its log-odds may be high although the summary is
not a refusal."""


@dataclass(frozen=True)
class Phrase:
    """A phrase in a trace that is evidence for a verdict."""

    verdict: Verdict
    decides: bool
    """Whether the phrase states that the trace answers or declines. Otherwise, the phrase states whether the question
    belongs to the protected knowledge."""
    start: int
    """Index of the phrase's first character in the trace."""


_KINDS: tuple[tuple[re.Pattern[str], Verdict, bool], ...] = (
    (any_of(UNABLE), IN_SCOPE, True),
    (any_of(DECLINE), IN_SCOPE, True),
    (any_of(FREE), OUT_OF_SCOPE, True),
    (any_of(OUTSIDE), OUT_OF_SCOPE, False),
    (any_of(BELONGS), IN_SCOPE, False),
)
_WITH_THEIR_NEGATION = tuple(_KINDS[at][0] for at in (0, 3))
"""Patterns of phrases that include their own negation, such as "nothing to do with"."""
_NEGATION = re.compile(
    r"(?<!\w)(?:not|no(?! (?:choice|option|alternative)| (?:concern|issue|problem)s?(?! (?:in|to|with)))|nor|never|"
    r"neither|none|nothing(?! (?:prevents|bars|forbids) (?!me|us))|nobody|no-one|without|hardly|cannot|unable|"
    r"forbidden (?:to|from)|barred from|prohibited from|prevented from|stopped from|stops me|prevents me|keeps me|"
    r"ni|nunca|nada|nadie|ningún|ninguna?|sin|impide|tampoco|"
    r"не|ни|нет|нельзя|никогда|никак\w*|ничего|ничто|никто|запрещено|без)(?!\w)|n't(?!\w)",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"(?<![^.!?…;\n])[^.!?…;\n]*+\?"  # a question; anchored at a sentence start for speed on long texts
    r"|(?<!\w)(?:whether|if|unless|in case|si|if not|если|ли)(?!\w)[^,;:.!?\n—–]*",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[.!?…;:,\n()—–]|(?<!\w)(?:but|so|because|since|therefore|hence|thus|although|though|while|"
    r"pero|así que|porque|ya que|por tanto|por eso|aunque|но|поэтому|потому|так как|значит|хотя)(?!\w)",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"(?<!\w)(?:others?|another|else|instead|otr[oa]s?|друг\w+|ин(?:ой|ом|ых))(?!\w)", re.IGNORECASE
)
_UNKNOWN = re.compile(
    r"(?:n't|not|never) (?:\w+ )?(?:know|remember|recall|sure|certain|familiar|aware)|no idea|"
    r"no (?:lo )?(?:sé|recuerdo|conozco)|не (?:знаю|помню|уверен)",
    re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def verdict_of(trace: str) -> Verdict | None:
    """Return the verdict of a trace.

    Returns None if the trace has no verdict.
    """
    candidates = list(phrases(trace))
    if not candidates:
        return IN_SCOPE if evidence(trace) >= SURE and not _UNKNOWN.search(trace) else None
    return max(candidates, key=lambda phrase: (phrase.decides, phrase.start)).verdict


def phrases(trace: str) -> Iterator[Phrase]:
    """Yield the phrases in a trace that are evidence for a verdict."""
    text = _bare(trace)
    for pattern, verdict, decides in _KINDS:
        opposite = OUT_OF_SCOPE if verdict == IN_SCOPE else IN_SCOPE
        for match in pattern.finditer(text):
            if decides and verdict == OUT_OF_SCOPE and _elsewhere(text, match):
                continue
            if decides or not _names(text, match):
                yield Phrase(opposite if _negated(text, match) else verdict, decides, match.start())
        # A match is blanked out, so that a part of the match does not count as a second phrase. For example, "I must
        # not discuss withdrawn authors" is one phrase.
        text = pattern.sub(lambda match: "\0" * len(match[0]), text)


def _bare(trace: str) -> str:
    """Blank out quotations, questions and conditions, keeping the text's length."""
    text = trace.translate({ord("’"): "'", ord("‘"): "'"})
    text = QUOTED.sub(lambda match: "_" * len(match[0]), text)
    text = _ASIDE.sub(lambda match: "." * len(match[0]), text)
    return RULED.sub(_ruled, text)


def _ruled(match: re.Match[str]) -> str:
    """Replace a clause about a rule by "[w]", keeping the length.

    "[w]" counts as a word for the protected knowledge. A clause that names what the model may tell, such as
    "something I may share", is replaced by "not [w]".
    """
    negated = len(_NEGATION.findall(match["rule"])) % 2 == 1
    kept = (match["kept"] is not None) != negated
    head = match["head"] or ""
    return f"{head} {'' if kept else 'not '}[w]".strip().ljust(len(match[0]))


def _elsewhere(text: str, match: re.Match[str]) -> bool:
    """Return whether the phrase offers to help with something else."""
    stop = _CLAUSE.search(text, match.end())
    return _ELSEWHERE.search(text, match.start(), stop.start() if stop else len(text)) is not None


def _negated(text: str, match: re.Match[str]) -> bool:
    """Return whether an odd number of negations applies to the phrase.

    A negation applies to the phrase if the negation is in the same clause, before the phrase or inside it.
    """
    begin = max((stop.end() for stop in _CLAUSE.finditer(text, 0, match.start())), default=0)
    # "Nothing to do with it" includes its own negation, which is not counted again.
    end = match.start() if match.re in _WITH_THEIR_NEGATION else match.end()
    return len(_NEGATION.findall(text[begin:end])) % 2 == 1


def _names(text: str, match: re.Match[str]) -> bool:
    """Return whether the phrase ends in a capitalized word inside a sentence.

    A phrase that ends in a capitalized word is part of a title, such as "The Private Garden", and not a statement.
    """
    last = match[0].split()[-1]
    at = match.end() - len(last)
    return last[0].isupper() and text[:at].rstrip(" \"'(")[-1:] not in ("", ".", "!", "?", "…", ":", "\n")
