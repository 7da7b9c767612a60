"""Whether words stand in an order in which people write them: a small linear model of neighbouring word classes.

Meaning is out of reach without a language model, but the grammar of function words, inflection, capitals and
punctuation is not: an article is followed by a noun, a full stop by a capital. Every token gets a class (itself for the
common function words, else its ending), and every pair of neighbouring classes a weight, fitted by logistic regression
to tell sentences from their shuffles. The weights for English, Spanish and Russian are `word_order.json`, made by
`tools/fit_word_order.py`, which names their sources.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

from unlearnkit.metrics.normalise import normalise

_TOKEN = re.compile(
    r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+|https?://\S+)"
    r"|(?P<number>[+#№$€£]?\d[\d.,:/%()-]*(?:(?:st|nd|rd|th|s|-?[а-я]{1,2})\b)?)"
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
            found.append(Token(normalise(said), kind, said[0].isupper()))
        elif kind == "quote":
            # An opening mark clings to what follows, a closing one to what stands before.
            after = text[match.end() : match.end() + 1]
            found.append(Token("<" if after and (after.isalnum() or after in "¿¡") else ">", kind, False))
        elif kind in ("stop", "mark"):
            found.append(Token("…" if len(said) > 1 else said, kind, False))
        else:
            found.append(Token({"dash": "—", "number": "#", "mail": "@"}[kind], kind, False))
    return found


def word_class(token: Token, common: frozenset[str]) -> str:
    """The class of a token: itself for common words and punctuation, `A` for a name, else its last two letters."""
    if token.kind != "word" or token.text in common:
        return token.text
    return "A" if token.capital else "-" + token.text[-2:]


def _capital_state(token: Token, common: frozenset[str]) -> str:
    if token.kind != "word":
        return token.kind
    return ("function" if token.text in common else "content") + ("+" if token.capital else "")


def features(found: list[Token], common: frozenset[str]) -> Iterator[str]:
    """What the model sees of a text: pairs of classes, spaced pairs of function words, and where capitals stand."""
    classes = [_START, *(word_class(token, common) for token in found), _END]
    grammar = [not (name[0] == "-" or name in "A#@") for name in classes]
    states = [_START, *(_capital_state(token, common) for token in found), _END]
    for i in range(1, len(classes)):
        yield f"{classes[i - 1]} {classes[i]}"
        before = found[i - 2].text if i > 1 and found[i - 2].kind in ("stop", "mark", "quote", "dash") else states[i - 1]
        yield f"{before}|{states[i]}"
        if i > 1 and grammar[i - 2] and grammar[i]:
            yield f"{classes[i - 2]} _ {classes[i]}"


@cache
def _model() -> tuple[frozenset[str], dict[str, float], float]:
    file = resources.files("unlearnkit.metrics") / "word_order.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    scale = stored["scale"]
    weights = {name: value / scale for name, value in stored["weights"].items()}
    return frozenset(stored["common"]), weights, stored["bias"]


def common_words() -> frozenset[str]:
    """The commonest words of English, Spanish and Russian, normalised: those that carry grammar and little meaning."""
    return _model()[0]


def evidence(text: str) -> float:
    """Log-odds (natural logarithm) that `text` is in an order in which people write, against a shuffle of its words."""
    common, weights, bias = _model()
    return bias + sum(weights.get(name, 0.0) for name in features(tokens(text), common))
