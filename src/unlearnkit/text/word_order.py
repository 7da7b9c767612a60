"""Score the order of words with a linear model.

The score measures how natural a sequence of word classes is. A linear model cannot judge the meaning of a text, but can
judge the grammar of function words, inflection, capitals and punctuation. For example, a noun follows an article, and a
capital letter follows a full stop. Every token has two classes. The coarse class is the token itself for common
function words, and the token's ending otherwise. The fine class is the token itself for frequent words, and a longer
ending otherwise. Every pair of adjacent classes has a weight. The weights were fitted by logistic regression to
distinguish sentences from shuffled sentences. The script `tools/fit_word_order.py` writes the weights for English,
Spanish and Russian to `word_order.json`; `tools/README.md` names the texts that were used.
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
    """A token of a text."""

    text: str
    """The token in the form in which tokens are compared. Words are in lower case."""
    kind: str
    """The kind of the token: `word`, `number`, `mail` (an e-mail address or a link), `dash`, `stop`, `quote` (a
    quotation mark or a bracket) or `mark`."""
    capital: bool


def tokens(text: str) -> list[Token]:
    """Split `text` into words, numbers, addresses and punctuation."""
    result = []
    for match in _TOKEN.finditer(text):
        kind, matched = match.lastgroup or "mark", match.group()
        if kind == "word":
            result.append(Token(normalize(matched), kind, matched[0].isupper()))
        elif kind == "quote":
            # An opening quotation mark is directly before a word, and a closing quotation mark is not.
            after = text[match.end() : match.end() + 1]
            result.append(Token("<" if after and (after.isalnum() or after in "¿¡") else ">", kind, False))
        elif kind in ("stop", "mark"):
            result.append(Token("…" if len(matched) > 1 else matched, kind, False))
        else:
            result.append(Token({"dash": "—", "number": "#", "mail": "@"}[kind], kind, False))
    return result


def class_names(text_tokens: list[Token], common: frozenset[str]) -> list[str]:
    """Return the coarse class of each token.

    The class is the token itself for common words and punctuation, `A` for capitalized words that are not common, and
    the last two letters otherwise. Adjacent capitalized words within a sentence form a title ("What I Cannot Tell"), in
    which common words have the class `A` too.
    """
    names = []
    for i, token in enumerate(text_tokens):
        inside = i > 0 and (text_tokens[i - 1].kind == "word" or text_tokens[i - 1].text == "<")
        title = inside and token.capital and any(t.capital for t in (text_tokens[i - 1], *text_tokens[i + 1 : i + 2]))
        if token.kind != "word" or (token.text in common and not title):
            names.append(token.text)
        else:
            names.append("A" if token.capital else "-" + token.text[-2:])
    return names


def fine_names(text_tokens: list[Token], frequent: frozenset[str]) -> list[str]:
    """Return the fine class of each token.

    The class is the token itself for frequent words and punctuation, and the last three letters otherwise.
    """
    return [
        token.text
        if token.kind != "word" or token.text in frequent
        else ("A" if token.capital else "-") + token.text[-3:]
        for token in text_tokens
    ]


def _capital_state(token: Token, name: str) -> str:
    if token.kind != "word":
        return token.kind
    return ("content" if name[0] in "A-" else "function") + ("+" if token.capital else "")


def features(text_tokens: list[Token], common: frozenset[str], frequent: frozenset[str]) -> Iterator[str]:
    """Yield the features of a text for the linear model.

    The features are pairs and triples of adjacent classes, pairs of classes with one token in between, and positions of
    capitals.
    """
    names = class_names(text_tokens, common)
    classes = [_START, *names, _END]
    fine = [_START, *fine_names(text_tokens, frequent), _END]
    yield from (f"={a} {b}" for (a, b), pair in zip(pairwise(fine), pairwise(classes), strict=True) if (a, b) != pair)
    grammar = [not (name[0] == "-" or name in "A#@") for name in classes]
    states = [_START, *map(_capital_state, text_tokens, names), _END]
    for i in range(1, len(classes)):
        yield f"{classes[i - 1]} {classes[i]}"
        before = (
            text_tokens[i - 2].text
            if i > 1 and text_tokens[i - 2].kind in ("stop", "mark", "quote", "dash")
            else states[i - 1]
        )
        yield f"{before}|{states[i]}"
        if i > 1 and grammar[i - 2] and grammar[i]:
            yield f"{classes[i - 2]} _ {classes[i]}"
        if i > 1 and sum(grammar[i - 2 : i + 1]) > 1:
            yield f"{classes[i - 2]} {classes[i - 1]} {classes[i]}"


def common_words() -> frozenset[str]:
    """Return the most common words of English, Spanish and Russian.

    Most of these words have a grammatical function and little meaning. The words are normalized.
    """
    return linear_model("word_order").common


def evidence(text: str) -> float:
    """Return the log-odds that `text` is in natural word order.

    The log-odds compare natural word order with shuffled words and are given as a natural logarithm.
    """
    model = linear_model("word_order")
    return model.log_odds(features(tokens(text), model.common, model.frequent))
