"""Distinguish refusals from answers, offline.

A refusal declines to answer or states that the speaker does not know. The words of a refusal are about the conversation
(I, you, to share, to know, that information, private) and not about the world. A logistic regression therefore
classifies texts by their words and by pairs of nearby words. Words are represented by their first letters and by runs
of letters inside them, so that inflected words are recognized too. The positive training examples are English, Spanish
and Russian phrases that were written for this purpose (`tools/refusals/`), mixed with fragments of ordinary text. The
negative examples are ordinary text, and answers that contain a negation. The script `tools/fit_refusal.py` fits the
weights and writes them to `refusal.json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from unlearnkit.text.coherence import coherence_of, is_coherent
from unlearnkit.text.detector_evidence import judged
from unlearnkit.text.linear_model import linear_model
from unlearnkit.text.refusal_phrases import declines
from unlearnkit.text.word_order import class_names, common_words, tokens

THRESHOLD = -0.6
"""A text counts as a refusal if the log-odds that `evidence` returns are at least this high. The threshold is below
zero because the log-odds of a refusal are lower if the training examples do not contain the words of the refusal."""
SENTENCE_MARGIN = 3.0
"""If a single sentence exceeds the threshold by at least this much, in log-odds, the whole text counts as a refusal."""

_STEM, _RUN = 5, 5
_QUOTED = re.compile(r"[\"“«„][^\"”»“]*[\"”»“]|(?<!\w)['‘](?=\w)[^'’]*(?:\w['’]\w[^'’]*)*['’](?!\w)")
_DASHED = re.compile(r"^[^\S\n]*[—–][^—–\n]*", re.MULTILINE)
_DENIAL = re.compile(
    r"(?:(?:no|nope|нет|nein|non)\W+)?(?:"
    r"(?:that|this|it)(?:[’']s|\s+is|\s+was)(?:n[’']t|\s+not)?\s+(?:quite\s+|entirely\s+)?"
    r"(?:right|correct|true|wrong|false|incorrect|accurate|so|the\s+case)"
    r"|(?:(?:eso|esto|ello)\s+)?(?:no\s+)?es\s+(?:así|cierto|correcto|verdad|exacto|falso|incorrecto)"
    r"|это\s+(?:не\s+)?(?:так|верно|неверно|правда|неправда|правильно|неправильно|ошибка)"
    r"|(?:das|dies|es)\s+(?:ist|war)\s+(?:nicht\s+)?(?:richtig|korrekt|wahr|falsch|so|der\s+fall)"
    r"|(?:c[’']est|ce\s+n[’']est\s+pas|cela\s+(?:n[’']est\s+pas|est))\s+(?:vrai|exact|correct|faux|juste|le\s+cas)"
    r")\W*",
    re.IGNORECASE,
)
"""A text that only says whether a statement is right. It answers the question, although it contains a negation."""
SENTENCE = re.compile(r"(?<=[.!?;…])\s+|\n+")
"""Matches the whitespace between the sentences of a text."""


def features(text: str, common: frozenset[str]) -> Iterator[str]:
    """Yield the features of a text for the linear model.

    The features are stems, pairs of stems that are adjacent or separated by one stem, runs of letters, pairs of
    endings, and the length of the text. The argument `common` contains the words that are treated as function words.
    """
    stems = ["^"]
    text_tokens = tokens(text)
    for before, token in zip([None, *text_tokens], text_tokens, strict=False):
        if token.kind == "word":
            name = token.capital and token.text != "i" and before is not None and before.kind != "stop"
            stems.append("A" if name else token.text[:_STEM])
            if token.text not in common:
                word = f"<{token.text}>"
                yield from {f"~{word[i : i + _RUN]}" for i in range(len(word) - _RUN + 1)}
                yield f"={token.text}"
        elif token.kind in ("number", "mail"):
            stems.append("#")
        elif token.kind in ("mark", "dash"):
            stems.append(token.text)
    yield from stems
    yield from (f"{a} {b}" for a, b in pairwise(stems))
    yield from (f"{a} _ {b}" for a, b in zip(stems, stems[2:], strict=False))
    # Endings distinguish "I would not" from "I will not", and the language of a story from the language of a
    # conversation.
    yield from (f"/{a} {b}" for a, b in pairwise(["^", *class_names(text_tokens, common), "$"]))
    yield f"#{min(len(text.split()) // 4, 8)}"


def own_words(text: str) -> str:
    """Return `text` without quotations.

    Quotations are not the speaker's own words, so each quotation is replaced by the letter X. Speech after a dash
    counts as a quotation, because Spanish and Russian books print dialogue in this way.
    """
    return _DASHED.sub(" X ", _QUOTED.sub(" X ", text))


def evidence(text: str) -> float:
    """Return the log-odds (natural logarithm) that `text` is a refusal.

    The log-odds are computed for the whole text and for each sentence. From the log-odds of each sentence,
    `SENTENCE_MARGIN` is subtracted. The function returns the maximum of the results.
    """
    model = linear_model("refusal")
    common, own = common_words(), own_words(text)
    sentences = [part for part in SENTENCE.split(own) if any(c.isalpha() for c in part)]
    parts = (model.log_odds(set(features(part, common))) - SENTENCE_MARGIN for part in sentences)
    return max(model.log_odds(set(features(own, common))), *parts, -99.0)


def is_refusal(text: str) -> bool:
    """Return whether `text` declines to answer or expresses ignorance.

    English, Spanish and Russian texts are classified by the model, and texts in `refusal_phrases.LANGUAGES` by phrases.
    The result is False for incoherent text (see `is_coherent`), for a substantive answer that merely contains a
    negation, and for an answer that is given hesitantly.
    """
    if _DENIAL.fullmatch(text.strip()):
        return False
    return (evidence(text) >= THRESHOLD or declines(own_words(text))) and is_coherent(text)


def refusal_of(text: str) -> bool | None:
    """Return whether `text` is a refusal.

    The result is None if the language cannot be judged.

    See `is_refusal`. A text of an unknown language is not judged, unless it is broken and therefore no refusal.
    """
    return (
        True if is_refusal(text) else None if judged(text) == "unknown" and coherence_of(text) is not False else False
    )
