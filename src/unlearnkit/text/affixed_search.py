"""Find forms to which a text attaches endings or prefixes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from unlearnkit.text.affixes import LATIN, PREFIXED, is_affixed, languages_of
from unlearnkit.text.affixes.hungarian import is_adjective
from unlearnkit.text.affixes.semitic import without_points
from unlearnkit.text.language import probability
from unlearnkit.text.spellings import words

CERTAIN, EXPECTED = 0.3, 0.05
"""An ending of a language counts if the text is in that language with at least this probability. `EXPECTED` applies to
the languages of the scope, and `CERTAIN` to all other languages."""

CHANGING = 3
"""An ending changes at most this many letters at the end of a word (Virtanen, Virtasen)."""

_TOKEN = re.compile(r"(?:[^\W_]|[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670])+")


class Context(NamedTuple):
    """What is known about the language of a text."""

    question: str = ""
    """The question that the text answers. A short text may not suffice to detect the language."""
    language: str = ""
    """ISO 639-1 code of the language of the question. It is not used as proof if it is `en`, which is the default."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of the languages of the scope."""


NO_CONTEXT = Context()


class AffixedForm(NamedTuple):
    """A form that texts may contain with affixes."""

    words: tuple[str, ...]
    name: bool
    """Whether the form is a name: it begins with a capital, or its script has no capitals."""
    languages: tuple[str, ...]
    """The languages that may attach affixes to the form."""
    starts: tuple[str, ...]
    """The letters with which each word begins, whatever its ending is."""
    closed: bool = False
    """Whether the form is a Korean form whose spaces are left out, which counts even without an ending."""

    @classmethod
    def of(cls, form: str) -> AffixedForm | None:
        """Prepare a form.

        Returns None if no known language attaches affixes to it.
        """
        form_words = words(form)
        languages = languages_of(form_words)
        if not languages:
            return None
        letters = [letter for letter in form if letter.isalpha()]
        starts = tuple(word[: max(2, len(word) - CHANGING)] for word in form_words)
        return cls(form_words, bool(letters) and not letters[0].islower(), languages, starts)

    @property
    def variants(self) -> tuple[AffixedForm, ...]:
        """The form and, in Korean, the form without its spaces."""
        if self.languages != ("ko",) or len(self.words) == 1:
            return (self,)
        joined = "".join(self.words)
        return self, self._replace(words=(joined,), starts=(joined[:-1],), closed=True)

    @property
    def prefixed(self) -> bool:
        """Whether a language may attach words to the front of the form."""
        return self.languages[0] in PREFIXED

    def may_end_at(self, read: Sequence[str], last: int) -> bool:
        """Return whether the form may occur at a position.

        `last` is the position of the last word of the form among the words of a text.

        This quick look rules out most positions. Prefixed forms may occur at every position.
        """
        if self.prefixed:
            return True
        first = last - len(self.words) + 1
        return (
            read[last].startswith(self.starts[-1])
            and first >= 0
            and read[first].startswith(self.starts[0])
            and (self.closed or tuple(read[first : last + 1]) != self.words)
        )


class CasedWord(NamedTuple):
    """A word of a text, and whether it begins with a capital."""

    text: str
    capital: bool


@lru_cache(maxsize=1024)
def cased_words(text: str) -> tuple[CasedWord, ...]:
    """Return the words of a text, with their capitals."""
    found = []
    for match in _TOKEN.finditer(text):
        capital = not match[0][0].islower()
        found += [CasedWord(word, capital) for word in words(match[0])]
    return tuple(found)


def is_affixed_in(text: str, form: AffixedForm, context: Context = NO_CONTEXT) -> bool:
    """Return whether a text contains a form with affixes.

    The affixes must be those of the text's language.
    """
    spellings = without_points(text) if form.languages == ("he",) else ()
    return any(_is_in(each, form, context) for each in (text, *spellings))


def _is_in(text: str, form: AffixedForm, context: Context) -> bool:
    read, length = cased_words(text), len(form.words)
    ignore_case = text == text.lower() or text == text.upper()
    for at in range(len(read) - length + 1):
        found = read[at : at + length]
        if not form.may_end_at([word.text for word in found], length - 1):
            continue
        for language in form.languages:
            if _matches(found, form, language, ignore_case=ignore_case) and is_spoken(language, text, context):
                return True
    return False


def _matches(found: Sequence[CasedWord], form: AffixedForm, language: str, *, ignore_case: bool) -> bool:
    texts = [word.text for word in found]
    if language not in LATIN:
        return (form.closed and tuple(texts) == form.words) or is_affixed(texts, form.words, language, name=form.name)
    capital = ignore_case or not form.name or found[0].capital
    if capital and is_affixed(texts, form.words, language, name=form.name):
        return True
    adjective = language == "hu" and len(texts) == 1 and form.name and not found[0].capital
    return adjective and is_adjective(texts[0], form.words[0])


def is_spoken(language: str, text: str, context: Context) -> bool:
    """Return whether a text is probably in a language."""
    if language not in LATIN or language == context.language:
        return True
    least = EXPECTED if language in context.languages else CERTAIN
    return max(probability(text, language), probability(f"{context.question} {text}", language)) >= least
