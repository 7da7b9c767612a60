"""Telling a refusal from an answer, offline: declining to say, or saying that one does not know.

A refusal speaks of the conversation (I, you, to share, to know, that information, private) and not of the world. How
much each word and each pair of neighboring words speaks for a refusal was fitted by logistic regression on phrases
written for that purpose in English, Spanish and Russian (`tools/refusals/`), mixed with fragments of ordinary text,
against ordinary text and answers that hold a negation. The weights are `refusal.json`, made by `tools/fit_refusal.py`.
Words are known by their beginning and by the letter runs inside them, so that inflection does not hide them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from unlearnkit.text.coherence import is_coherent
from unlearnkit.text.linear_model import linear_model
from unlearnkit.text.word_order import class_names, common_words, tokens

THRESHOLD = -0.6
"""Log-odds from which a text is taken for a refusal. Below zero: a refusal in words never seen has little evidence."""
SENTENCE_MARGIN = 3.0
"""By how much more a single sentence must be like a refusal than the text as a whole."""

_STEM, _RUN = 5, 5
_QUOTED = re.compile(r"[\"“«„][^\"”»“]*[\"”»“]|(?<!\w)['‘](?=\w)[^'’]*(?:\w['’]\w[^'’]*)*['’](?!\w)")
_DASHED = re.compile(r"^[^\S\n]*[—–][^—–\n]*", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.!?;…])\s+|\n+")
"""What parts the sentences of a text."""


def features(text: str, common: frozenset[str]) -> Iterator[str]:
    """What the model sees of a text.

    Stems, pairs of stems (next to each other and spaced), runs of letters, pairs of endings, and the length.
    """
    stems = ["^"]
    found = tokens(text)
    for before, token in zip([None, *found], found, strict=False):
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
    # Endings tell "I would not" from "I will not", and a story from a conversation.
    yield from (f"/{a} {b}" for a, b in pairwise(["^", *class_names(found, common), "$"]))
    yield f"#{min(len(text.split()) // 4, 8)}"


def own_words(text: str) -> str:
    """`text` with what it quotes taken out: a title or a line of somebody's is not what the speaker says.

    Speech that a dash begins, as dialogue is printed in Spanish and Russian, is quoted.
    """
    return _DASHED.sub(" X ", _QUOTED.sub(" X ", text))


def evidence(text: str) -> float:
    """Log-odds (natural logarithm) that `text`, or its sentence that is most like one, is a refusal."""
    model = linear_model("refusal")
    common, own = common_words(), own_words(text)
    sentences = [part for part in SENTENCE.split(own) if any(c.isalpha() for c in part)]
    parts = (model.log_odds(set(features(part, common))) - SENTENCE_MARGIN for part in sentences)
    return max(model.log_odds(set(features(own, common))), *parts, -99.0)


def is_refusal(text: str) -> bool:
    """Whether `text` declines to answer or says that the answer is not known.

    English, Spanish and Russian. Never true of incoherent text, see `is_coherent`; not true of an answer that holds a
    negation, nor of an answer given with a doubt.
    """
    return evidence(text) >= THRESHOLD and is_coherent(text)
