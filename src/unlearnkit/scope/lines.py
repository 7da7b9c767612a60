"""Find the name or secret that a question is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from unlearnkit.core.settings import Value
from unlearnkit.scope.leak_scan.lexicon import LONGEST, Hit, Lexicon, add_form
from unlearnkit.scope.leak_scan.scan import find_hits
from unlearnkit.scope.name_search import (
    TITLES,
    ListedName,
    NameMatch,
    Rank,
    is_after_article,
    listed_names,
    name_search,
)
from unlearnkit.scope.scope import PERSONAL, Scope
from unlearnkit.text.affixed_search import Context, cased_words
from unlearnkit.text.language import probability
from unlearnkit.text.names import NameFinder
from unlearnkit.text.normalize import contains
from unlearnkit.text.notations import value_of
from unlearnkit.text.spellings import fold, ordinary, words

FoundIn = Literal["question", "earlier turn", "trace"]
Match = Literal["exact", "other spelling", "similar spelling", "part of the name"]
"""How a name or secret was found. `exact`: as the scope lists it; `other spelling`: with another ending or notation,
split, in look-alike letters, or with its words in another order; `similar spelling`: with typing errors; `part of the
name`: only the first or the last word, perhaps with an initial."""
_MATCHES: dict[Rank, Match] = {
    Rank.WHOLE: "exact",
    Rank.REORDERED: "other spelling",
    Rank.MISTYPED: "similar spelling",
    Rank.PART: "part of the name",
}
GERMAN = 0.5
"""A question counts as German from this probability on."""
FEWEST_DIGITS, MANY_DIGITS = 4, 8
"""A value belongs to one owner alone if it has at least `MANY_DIGITS` digits. If it consists of digits and other
characters without a space ("MR-90196"), `FEWEST_DIGITS` digits are enough."""


class Line(Value):
    """A name or secret that a question or trace contains."""

    path: str
    """Path of the name or secret in the scope, for example `subjects[2].aliases[0]`."""
    name: str
    """The name or secret itself."""
    found_in: FoundIn
    """Where the name or secret was found."""
    match: Match
    """How the name or secret was found."""
    also: tuple[str, ...] = ()
    """Paths of the names of other subjects that the same text contains as a whole."""


def line_of(scope: Scope, question: str, trace: str = "", *, history: Sequence[str] = ()) -> Line | None:
    """Return the name or secret that a question is about.

    If the question shows nothing, the earlier turns and then the trace are searched. Earlier turns are not searched if
    the question names somebody else in full. In each text, a name takes precedence over a secret, the name of a subject
    over that of a neighbor, and a better match over a worse one. A name inside a longer name does not count. If parts
    or misspelled names of several subjects fit equally well, none of them counts.

    Only a secret that belongs to one subject alone counts. If the task of the scope is `profile` or `privacy`, it must
    also be a value that seldom has two owners, such as a phone number, an e-mail address, a file number or the name of
    a relative. A town, a year or an amount leads to nobody.

    Args:
        scope: the scope.
        question: the question.
        trace: the reasoning trace of the output.
        history: earlier turns of the user and the model.

    Returns:
        The name or secret and its path in the scope; None if the texts contain none.
    """
    if (line := _line_in(scope, question, "question")) is not None:
        return line
    if history and not _names_another(scope, question):
        line = _line_in(scope, "\n".join(history), "earlier turn")
    return line or _line_in(scope, trace, "trace")


def _line_in(scope: Scope, text: str, found_in: FoundIn) -> Line | None:
    names, secrets = _lexicons(scope)
    context = Context("", "", scope.languages)
    whole = _unrivaled(find_hits(text, names, context))
    for group in ("subjects", "neighbors"):
        found = [hit for hit in whole if _listed(hit).path.startswith(group)]
        if line := _whole_name(found, found_in):
            return line
        close = [each for each in name_search(scope).find(text) if each.name.path.startswith(group)]
        if line := _close_name(close, found_in):
            return line
    folded = fold(text)
    hits = find_hits(text, secrets, context)
    # A thing has an article: "the Golden Oak" is an award, which others may have won, too.
    things = [hit for hit in hits if _is_proper_name(_listed(hit).form) and is_after_article(folded[: hit.start])]
    return _secret([hit for hit in hits if scope.task not in PERSONAL or hit not in things], found_in)


@lru_cache(maxsize=8)
def _lexicons(scope: Scope) -> tuple[Lexicon, Lexicon]:
    """Index the names and the identifying secrets of a scope.

    The key of an entry is the listed name or secret.
    """
    names, secrets = Lexicon(), Lexicon()
    for name in listed_names(scope):
        add_form(names, name.form, name, "alias", name.owner)
    for name in _identifying_secrets(scope):
        add_form(secrets, name.form, name, "secret", name.owner)
    return names, secrets


def _listed(hit: Hit) -> ListedName:
    assert isinstance(hit.entry.key, ListedName)  # `_lexicons` uses no other keys
    return hit.entry.key


def _unrivaled(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits that are not within a longer name.

    A hit is also left out if the same words are a name of somebody else and fit that name as well.
    """
    return [hit for hit in hits if not any(_is_rival(other, hit) for other in hits)]


def _is_rival(other: Hit, hit: Hit) -> bool:
    if not (other.start <= hit.start < hit.end <= other.end):  # some hits have no position: their span is empty
        return False
    if other.end - other.start > hit.end - hit.start:
        return True
    return _listed(other).owner != _listed(hit).owner and (_match(other) == "exact" or _match(hit) != "exact")


def _whole_name(hits: Sequence[Hit], found_in: FoundIn) -> Line | None:
    """Return the first whole name in a text.

    Names in the listed spelling come first. If there are several of them, the line also states the others.
    """
    if not hits:
        return None
    match: Match = "exact" if any(_match(hit) == "exact" for hit in hits) else "other spelling"
    fitting = [hit for hit in hits if _match(hit) == match]
    first: dict[str, ListedName] = {}
    for hit in sorted(fitting, key=lambda each: (each.start, each.start - each.end, _listed(each).path)):
        first.setdefault(_listed(hit).owner, _listed(hit))
    name, *others = first.values()
    return _line(name, found_in, match, tuple(other.path for other in others))


def _close_name(matches: Sequence[NameMatch], found_in: FoundIn) -> Line | None:
    """Return the name that fits best; None if several owners fit equally."""
    best = [match for match in matches if match.fit == matches[0].fit]
    if len({match.name.owner for match in best}) != 1:
        return None
    return _line(best[0].name, found_in, _MATCHES[best[0].rank])


def _secret(hits: Sequence[Hit], found_in: FoundIn) -> Line | None:
    """Return the longest secret, unless the secrets belong to several subjects."""
    if len({_listed(hit).owner for hit in hits}) != 1:
        return None
    best = max(hits, key=lambda hit: (len(_listed(hit).form), _match(hit) == "exact"))
    return _line(_listed(best), found_in, _match(best))


def _line(name: ListedName, found_in: FoundIn, match: Match, also: tuple[str, ...] = ()) -> Line:
    return Line(path=name.path, name=name.form, found_in=found_in, match=match, also=also)


def _match(hit: Hit) -> Match:
    return "exact" if hit.how == "as listed" and hit.entry.words == _listed(hit).words else "other spelling"


def _identifying_secrets(scope: Scope) -> list[ListedName]:
    """Return the secrets that show who a question is about."""
    owners: dict[tuple[str, ...], set[str]] = defaultdict(set)
    last_words: dict[str, set[str]] = defaultdict(set)
    for secret in (*scope.secrets, *scope.allowed):
        for form in secret.forms:
            if form_words := words(form):
                owners[form_words].add(secret.subject)
                last_words[form_words[-1]].add(secret.subject)
    return [
        ListedName(f"secrets[{at}].forms[{place}]", form, secret.subject, form_words, divisible=False)
        for at, secret in enumerate(scope.secrets)
        for place, form in enumerate(secret.forms)
        if len(owners[form_words := words(form)]) <= 1
        and (
            scope.task not in PERSONAL
            or len(form_words) > LONGEST
            or _is_contact_or_number(form)
            or (_is_proper_name(form) and len(last_words[form_words[-1]]) == 1)
        )
    ]


def _is_contact_or_number(form: str) -> bool:
    """Return whether a value is an address or number of one owner."""
    if (value := value_of(form)) is not None:
        return value.notation in ("phone", "email")
    digits = sum(map(str.isdecimal, form))
    return digits >= MANY_DIGITS or (digits >= FEWEST_DIGITS and " " not in form and not form.isdecimal())


def _is_proper_name(form: str) -> bool:
    """Return whether a value seems to be a name or address.

    It has two or more words besides titles and numbers, all of them with a capital and none of them ordinary.
    """
    found = [word for word in cased_words(form) if word.text not in TITLES and not word.text[0].isdecimal()]
    return len(found) > 1 and all(word.capital and word.text not in ordinary() for word in found)


def _names_another(scope: Scope, question: str) -> bool:
    """Return whether a question names an unlisted person or thing in full.

    Names of things have an article ("the Silver Quill") or are secrets of the scope. Capitals show nothing in German or
    in a question in upper case.
    """
    if question.isupper() or probability(question, "de") >= GERMAN:
        return False
    known = [form for secret in (*scope.secrets, *scope.allowed) for form in secret.forms]
    return any(
        len(name.words) > 1
        and not is_after_article(question[: name.start])
        and not any(contains(form, " ".join(name.words)) for form in known)
        for name in NameFinder([question]).find(question)
    )
