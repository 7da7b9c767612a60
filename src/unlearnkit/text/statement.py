"""Decide whether a text states a fact.

`contains` in the module `normalize` searches for the words of a form. This module also finds forms with endings or
prefixes, and phone numbers, dates, e-mail addresses and amounts in another notation.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from unlearnkit.text.affixed_search import NO_CONTEXT, AffixedForm, Context, is_affixed_in
from unlearnkit.text.normalize import contains
from unlearnkit.text.notations import value_of, values_in
from unlearnkit.text.search_evidence import is_judged
from unlearnkit.text.spellings import fold

affixed_form = lru_cache(maxsize=65536)(AffixedForm.of)
"""Function that prepares a form for the search with affixes. The results are cached."""


def states(text: str, form: str, context: Context = NO_CONTEXT) -> bool:
    """Return whether a text states a form.

    Args:
        text: the text to search.
        form: the form to search for.
        context: what is known about the language of the text.
    """
    if contains(text, form):
        return True
    value = value_of(form)
    if value is not None:
        return values_in(text).has(value)
    affixed = affixed_form(form)
    if affixed is None or not (affixed.prefixed or affixed.starts[0] in fold(text)):
        return False
    return any(is_affixed_in(text, each, context) for each in affixed.variants)


def states_any(text: str, forms: Collection[str], context: Context = NO_CONTEXT) -> bool | None:
    """Return whether a text states any of several forms.

    It cannot be decided if no form is found, and a form and the text are in a script or language in which the search
    was never checked.
    """
    if any(states(text, form, context) for form in forms):
        return True
    return False if all(is_judged(form, text, context) for form in forms) else None
