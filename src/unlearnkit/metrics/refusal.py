"""Telling a refusal from an answer, offline: declining to say, or saying that one does not know.

A sentence is a refusal when it carries a mark of one of the grammars in `refusal_grammar`; a text is one when such a
sentence opens or closes it, or makes up a good part of it. What is quoted is not said, and a doubt after which the
answer comes all the same is an answer.
"""

from __future__ import annotations

import re

from unlearnkit.metrics.coherence import is_coherent
from unlearnkit.metrics.normalise import normalise, words
from unlearnkit.metrics.refusal_grammar import GRAMMARS, Grammar
from unlearnkit.metrics.word_order import common_words

LONG_TEXT = 60
"""In a text of more words a refusal must open it or close it: stories hold sentences that sound like one."""

TALK_SHARE = 0.75
"""Least share of content words about talk that makes a negated sentence a refusal."""

_QUOTED = re.compile(r"\"[^\"]*\"|(?<!\w)'(?=\w)[^']*(?:\w'\w[^']*)*'(?!\w)")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_FILLER = re.compile(r"^\W+")


def _answers_anyway(grammar: Grammar, sentence: str, marked: int) -> bool:
    """Whether an answer follows the doubt that ends at `marked`: "I'm not sure, but it is Lisbon"."""
    for turn in grammar.turn.finditer(sentence, marked):
        said = sentence[turn.end() :]
        if len(said.split()) < 2 or grammar.marks.search(said):
            continue
        if grammar.belief.search(said) or not grammar.person.search(said):
            return True
    return False


def _is_about_talk(grammar: Grammar, sentence: str) -> bool:
    """Whether a negated sentence is about asking, saying and knowing, and hardly about the world."""
    if grammar.negation.search(sentence) is None:
        return False
    content = [word for word in words(sentence) if word not in common_words()]
    about = sum(grammar.meta.fullmatch(word) is not None for word in content)
    return len(content) >= 2 and about >= TALK_SHARE * len(content)


def _declines(grammar: Grammar, sentence: str) -> bool:
    mark = grammar.marks.search(sentence)
    if mark is not None:
        return not _answers_anyway(grammar, sentence, mark.end())
    if _is_about_talk(grammar, sentence):
        return True
    return grammar.regret.search(sentence) is not None and grammar.negation.search(sentence) is not None


def is_refusal(text: str) -> bool:
    """Whether `text` declines to answer or says that the answer is not known.

    English, Spanish and Russian. Never true of incoherent text, see `is_coherent`; not true of an answer that holds a
    negation, nor of an answer given with a doubt.
    """
    if not is_coherent(text):
        return False
    plain = normalise(text.replace("\n", " "))
    own = _QUOTED.sub(" ", plain)
    sentences = [s for s in _SENTENCE.split(own) if any(c.isalpha() for c in s) and not s.startswith("- ")]
    if len(plain.split()) > LONG_TEXT:
        sentences = [*sentences[:2], *sentences[-1:]]
    return any(_declines(grammar, sentence) for sentence in sentences for grammar in GRAMMARS)
