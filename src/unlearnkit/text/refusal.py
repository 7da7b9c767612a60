"""Separate refusals from answers, offline: declining to say, or not knowing.

A refusal is about the conversation (I, you, to share, to know, that information, private) and not about the world. The
weight of each word and of each pair of neighboring words was fitted by logistic regression: phrases written for that
purpose in English, Spanish and Russian (`tools/refusals/`), mixed with fragments of ordinary text, against ordinary
text and answers that contain a negation. The weights are in `refusal.json`, made by `tools/fit_refusal.py`. The
features are the beginnings of words and the letter runs inside them, so that inflected words are recognized too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from unlearnkit.text.coherence import is_coherent
from unlearnkit.text.linear_model import linear_model
from unlearnkit.text.word_order import class_names, common_words, tokens

THRESHOLD = -0.6
"""Log-odds from which a text counts as a refusal. Below zero: a refusal in unseen words has little evidence."""
SENTENCE_MARGIN = 3.0
"""By how much a single sentence must exceed the evidence that the whole text needs."""

_STEM, _RUN = 5, 5
_QUOTED = re.compile(r"[\"“«„][^\"”»“]*[\"”»“]|(?<!\w)['‘](?=\w)[^'’]*(?:\w['’]\w[^'’]*)*['’](?!\w)")
_DASHED = re.compile(r"^[^\S\n]*[—–][^—–\n]*", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.!?;…])\s+|\n+")
"""Matches what separates the sentences of a text."""


def features(text: str, common: frozenset[str]) -> Iterator[str]:
    """Yield the model's features of a text.

    Stems, pairs of stems (adjacent and spaced), runs of letters, pairs of endings, and the length.
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
    # Endings separate "I would not" from "I will not", and a story from a conversation.
    yield from (f"/{a} {b}" for a, b in pairwise(["^", *class_names(text_tokens, common), "$"]))
    yield f"#{min(len(text.split()) // 4, 8)}"


def own_words(text: str) -> str:
    """Return `text` without quotations.

    A quoted title or line is not the speaker's own. Speech after a dash, as dialogue is printed in Spanish and Russian,
    counts as a quotation.
    """
    return _DASHED.sub(" X ", _QUOTED.sub(" X ", text))


def evidence(text: str) -> float:
    """Return the log-odds (natural logarithm) that `text` is a refusal.

    That of its most refusal-like sentence counts if it is higher even after `SENTENCE_MARGIN` is subtracted.
    """
    model = linear_model("refusal")
    common, own = common_words(), own_words(text)
    sentences = [part for part in SENTENCE.split(own) if any(c.isalpha() for c in part)]
    parts = (model.log_odds(set(features(part, common))) - SENTENCE_MARGIN for part in sentences)
    return max(model.log_odds(set(features(own, common))), *parts, -99.0)


def is_refusal(text: str) -> bool:
    """Return whether `text` declines or says that it does not know.

    For English, Spanish and Russian. Never true of incoherent text, see `is_coherent`; not true of an answer that
    contains a negation, nor of an answer given with a doubt.
    """
    return evidence(text) >= THRESHOLD and is_coherent(text)
