"""Whether words stand in an order in which people write them: a small linear model of neighboring word classes.

Meaning is out of reach without a language model, but the grammar of function words, inflection, capitals and
punctuation is not: an article is followed by a noun, a full stop by a capital. Every token gets two classes, a coarse
one (itself for the common function words, else its ending) and a fine one (itself for the frequent words, else a longer
ending), and every pair of neighboring classes a weight, fitted by logistic regression to tell sentences from their
shuffles. The weights for English, Spanish and Russian are `word_order.json`, made by `tools/fit_word_order.py`;
`tools/README.md` names their sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from unlearnkit.text.linear_model import linear_model
from unlearnkit.text.normalize import normalize

_TOKEN = re.compile(
    r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+|https?://\S+)"
    r"|(?P<number>[+#№$€£]?\d(?:[\d.,:/()-]*\d)?%?(?:(?:st|nd|rd|th|s|-?[а-я]{1,2})\b)?)"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)"
    r"|(?P<dash>--+|[‐‑‒–—―-])"
    r"|(?P<stop>\.\.\.+|…|[.!?])"
    r"|(?P<quote>[\"“”„«»'‘’`*_()\[\]{}])"
    r"|(?P<mark>[^\s\w])"
)
_START, _END = "^", "$"


class Token(NamedTuple):
    """One token of a text."""

    text: str
    """As it is compared: lower case for words."""
    kind: str
    """`word`, `number`, `mail`, `dash`, `stop`, `quote` (with brackets) or `mark`."""
    capital: bool


def tokens(text: str) -> list[Token]:
    """The tokens of `text`: words, numbers, addresses, punctuation."""
    found = []
    for match in _TOKEN.finditer(text):
        kind, said = match.lastgroup or "mark", match.group()
        if kind == "word":
            found.append(Token(normalize(said), kind, said[0].isupper()))
        elif kind == "quote":
            # An opening mark clings to what follows, a closing one to what stands before.
            after = text[match.end() : match.end() + 1]
            found.append(Token("<" if after and (after.isalnum() or after in "¿¡") else ">", kind, False))
        elif kind in ("stop", "mark"):
            found.append(Token("…" if len(said) > 1 else said, kind, False))
        else:
            found.append(Token({"dash": "—", "number": "#", "mail": "@"}[kind], kind, False))
    return found


def class_names(found: list[Token], common: frozenset[str]) -> list[str]:
    """The class of each token: itself for common words and punctuation, `A` for a name, else its last two letters.

    A capital beside a capital within a sentence is a title's ("What I Cannot Tell"): its common words are names too.
    """
    names = []
    for i, token in enumerate(found):
        inside = i > 0 and (found[i - 1].kind == "word" or found[i - 1].text == "<")
        title = inside and token.capital and any(t.capital for t in (found[i - 1], *found[i + 1 : i + 2]))
        if token.kind != "word" or (token.text in common and not title):
            names.append(token.text)
        else:
            names.append("A" if token.capital else "-" + token.text[-2:])
    return names


def fine_names(found: list[Token], frequent: frozenset[str]) -> list[str]:
    """The finer class of each token: itself for frequent words and punctuation, else its last three letters."""
    return [
        token.text
        if token.kind != "word" or token.text in frequent
        else ("A" if token.capital else "-") + token.text[-3:]
        for token in found
    ]


def _capital_state(token: Token, name: str) -> str:
    if token.kind != "word":
        return token.kind
    return ("content" if name[0] in "A-" else "function") + ("+" if token.capital else "")


def features(found: list[Token], common: frozenset[str], frequent: frozenset[str]) -> Iterator[str]:
    """What the model sees of a text: pairs and triples of classes, spaced pairs, and where capitals stand."""
    names = class_names(found, common)
    classes = [_START, *names, _END]
    fine = [_START, *fine_names(found, frequent), _END]
    yield from (f"={a} {b}" for (a, b), pair in zip(pairwise(fine), pairwise(classes), strict=True) if (a, b) != pair)
    grammar = [not (name[0] == "-" or name in "A#@") for name in classes]
    states = [_START, *map(_capital_state, found, names), _END]
    for i in range(1, len(classes)):
        yield f"{classes[i - 1]} {classes[i]}"
        before = (
            found[i - 2].text if i > 1 and found[i - 2].kind in ("stop", "mark", "quote", "dash") else states[i - 1]
        )
        yield f"{before}|{states[i]}"
        if i > 1 and grammar[i - 2] and grammar[i]:
            yield f"{classes[i - 2]} _ {classes[i]}"
        if i > 1 and sum(grammar[i - 2 : i + 1]) > 1:
            yield f"{classes[i - 2]} {classes[i - 1]} {classes[i]}"


def common_words() -> frozenset[str]:
    """The commonest words of English, Spanish and Russian, normalized: those that carry grammar and little meaning."""
    return linear_model("word_order").common


def evidence(text: str) -> float:
    """Log-odds (natural logarithm) that `text` is in an order in which people write, against a shuffle of its words."""
    model = linear_model("word_order")
    return model.log_odds(features(tokens(text), model.common, model.frequent))
