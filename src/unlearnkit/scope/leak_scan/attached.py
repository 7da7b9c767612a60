"""Index the forms that are not found as words of their own.

These are forms in scripts without spaces, forms to which a language attaches endings or prefixes, and values such as
phone numbers, which have many notations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from unlearnkit.text.affixed_search import AffixedForm, Context, is_affixed_in
from unlearnkit.text.normalize import normalize
from unlearnkit.text.notations import Notation, Value, value_of, values_in
from unlearnkit.text.spellings import common
from unlearnkit.text.statement import affixed_form
from unlearnkit.text.writing import bare_form, find_unspaced, is_spaceless, without_gaps

KEY = 4
"""Forms are indexed by the first letters of their last word, at most this many."""

COMMON, FEWEST_COMMON = 0.15, 2
"""A text is in English, Spanish or Russian if at least this share of its words, and at least this many, are common."""

E = TypeVar("E", bound=Hashable)


def starts_of(words: Sequence[str]) -> frozenset[str]:
    """Return the beginnings of words under which forms are indexed.

    The result is empty if enough words are among the most common words of English, Spanish and Russian, because these
    languages attach no endings to names.
    """
    known = common()
    if sum(len(word) > 2 and word in known for word in words) >= max(FEWEST_COMMON, COMMON * len(words)):
        return frozenset()
    return frozenset(word[:length] for word in words for length in range(2, KEY + 1))


class Unspaced(NamedTuple, Generic[E]):
    """An occurrence of a form in a script without spaces."""

    entry: E
    gaps: bool
    """Whether the text puts spaces between the characters of the form."""
    start: int
    end: int


class AttachedForms(Generic[E]):
    """An index of forms, each with an entry that the search returns."""

    def __init__(self) -> None:
        self._unspaced: dict[str, list[E]] = defaultdict(list)
        self._affixed: dict[str, list[tuple[AffixedForm, E]]] = defaultdict(list)
        self._values: dict[Notation, dict[Hashable, list[Value]]] = defaultdict(lambda: defaultdict(list))
        self._of_value: dict[Value, list[E]] = defaultdict(list)

    def add(self, form: str, entry: E) -> None:
        """Add a form with its entry."""
        if is_spaceless(form):
            self._unspaced[bare_form(normalize(form))].append(entry)
        elif (affixed := affixed_form(form)) is not None:
            for each in affixed.variants:
                self._affixed["" if each.prefixed else each.starts[-1][:KEY]].append((each, entry))
        if (value := value_of(form)) is not None:
            if value not in self._of_value:
                for key in value.keys:
                    self._values[value.notation][key].append(value)
            self._of_value[value].append(entry)

    def unspaced_entries(self, form: str) -> Sequence[E]:
        """Return the entries of a form in a script without spaces."""
        return self._unspaced.get(bare_form(normalize(form)), ()) if is_spaceless(form) else ()

    def find_unspaced(self, text: str) -> Iterator[Unspaced[E]]:
        """Yield the forms of scripts without spaces that occur in a text."""
        if not self._unspaced or not is_spaceless(text):
            return
        read = normalize(text)
        closed = without_gaps(read)
        for form, entries in self._unspaced.items():
            spans = list(find_unspaced(read, form))
            gaps = not spans and closed != read
            for start, end in find_unspaced(closed, form) if gaps else spans:
                yield from (Unspaced(entry, gaps, start, end) for entry in entries)

    def find_affixed(self, text: str, words: Sequence[str], starts: frozenset[str], context: Context) -> Iterator[E]:
        """Yield the entries of the forms that occur with affixes.

        Args:
            text: the text.
            words: the words of the text, folded.
            starts: the beginnings of these words, as `starts_of` returns them. In a text of English, Spanish or Russian
                words, it is empty, and only forms to which prefixes may be attached are searched for.
            context: what is known about the language of the text.
        """
        for key in ("", *(starts & self._affixed.keys())):
            for form, entry in self._affixed.get(key, ()):
                start = form.starts[-1]
                places = [at for at, word in enumerate(words) if form.prefixed or word.startswith(start)]
                if any(form.may_end_at(words, at) for at in places) and is_affixed_in(text, form, context):
                    yield entry

    def find_values(self, text: str) -> Iterator[E]:
        """Yield the entries of the values that a text contains.

        The notation of a value does not matter.
        """
        if self._values:
            for value in values_in(text).among(self._values):
                yield from self._of_value[value]
