"""Index the names, secrets and answers that texts are searched for.

A text is searched in several versions: unchanged, with inflectional endings removed, with number words as digits, and
so on (see `Reading`). The index has a part for each version. In each part, a form of a name, secret or answer is stored
under its words, joined without spaces.

The search passes once over the words of a version. It joins each word with the words that follow, as long as the result
is the beginning of an indexed form. The search therefore finds "L i s b o n" and "Lis-bon" as well as "Lisbon", but
does not find "art" in "part".
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise, product
from typing import Literal, NamedTuple

from unlearnkit.scope.leak_scan.attached import AttachedForms
from unlearnkit.scope.scope import Scope, ScopeSubject
from unlearnkit.text.affixes.korean import is_counted
from unlearnkit.text.names import PARTICLES
from unlearnkit.text.normalize import normalize
from unlearnkit.text.notations import Notation, value_of
from unlearnkit.text.numerals import Date, read_dates, read_numbers, roman
from unlearnkit.text.spellings import Word, common, fold, i_or_l, ordinary, stem, unmask, words
from unlearnkit.text.writing import MAGNITUDES, is_spaceless

Kind = Literal["secret", "answer", "alias", "part"]
"""What a text reveals: a secret of the scope, the row's own answer, a name or alias of a subject, or only a part of a
name or of the answer."""
How = Literal["as listed", "inflected", "spaced", "look-alike", "reversed", "encoded", "number", "overlap"]
"""How a text reveals the leaked form. `as listed`: as the scope or the row lists the form; `inflected`: with another
ending; `spaced`: split or joined; `look-alike`: with some characters replaced by similar ones; `reversed`: backwards;
`encoded`: in rot13, base64 or hexadecimal; `number`: as a number or date in another notation; `overlap`: as a
paraphrase or partial quotation."""
Reading = Literal["plain", "stems", "numbers", "unmasked", "either"]
"""The version of a text in which a search takes place. `plain`: the text as is; `stems`: without inflectional endings;
`numbers`: with number words as digits; `unmasked`: with look-alike letters replaced; `either`: like `unmasked`, but i,
l and 1 are treated as the same letter."""

LONGEST = 8
"""Forms of at most this many words are searched for in every spelling. A longer form is found only if its words occur
in the same order without a gap, or if the text quotes or paraphrases the form (see the module `overlap`)."""
ALIKE = 0.6
"""Two names in different scripts count as the same name if their similarity, from 0 to 1, is at least this high."""
_ARTICLES = frozenset({"the", "a", "an", "el", "la", "los", "las", "un", "una"})
_LONGER_NUMBER = re.compile(r"\d[.,]$")  # digits that follow this belong to a longer number, as 984 does in 1,984
_OTHER_COUNTRY = re.compile(r"\+\d{1,3}[ ().-]{1,3}$")
_MORE_DIGITS = re.compile(r"[.,]\d{3}(?!\d)")
_LONGER_ADDRESS, _LONGER_DOMAIN = re.compile(r"[\w.+-]$"), re.compile(r"\.\w|-\w")
_SPOKEN_SIGNS = (("at", "dot"), ("arroba", "punto"), ("собака", "точка"))
"""The words for "@" and "." in a spoken e-mail address, one pair for each language."""
_PUNCTUATION = " .,;:!?¡¿…'\"-()[]"
_LATIN = str.maketrans("абвгдезиклмнопрстуфыэ", "abvgdeziklmnoprstufye") | str.maketrans(
    {"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ъ": "", "ь": "", "ю": "yu", "я": "ya"}
)


class Entry(NamedTuple):
    """A form to search for in one version of a text."""

    key: Hashable
    """Key that all forms of the same name, secret or answer share. If the question contains any of these forms, no form
    with this key is a leak."""
    kind: Kind | Literal["neighbor"]
    subject: str | None
    words: tuple[str, ...]
    """The words of the form, converted in the same way as the words of the searched version. A text that contains these
    words with other spaces between the letters may match too (see `_how`)."""
    how: How
    notation: Notation | Literal["national"] | None = None
    """The notation of the form if the form is a value. `national`: a phone number without its country code."""


class Hit(NamedTuple):
    """An occurrence of an entry in a text, at the given position."""

    entry: Entry
    how: How
    start: int
    end: int


class Lexicon:
    """An index of the forms to search for.

    The index has a part for each version of a text (see `Reading`). One lexicon holds the names and secrets of a scope.
    Each row has its own lexicon for the row's answers.
    """

    def __init__(self) -> None:
        self._entries: dict[Reading, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        self._prefixes: dict[Reading, set[str]] = defaultdict(set)
        self.dates: dict[Date, list[Entry]] = defaultdict(list)
        self.sentences: list[tuple[str, Entry]] = []
        """Forms of more than `LONGEST` words. Each form is stored as its words joined by spaces, with a space at both
        ends."""
        self.exact: list[tuple[str, Entry]] = []
        """Forms that cannot be identified by their words alone ("C++", "7"). These forms are searched for exactly as
        written."""
        self.attached = AttachedForms[Entry]()

    def key(self, form: str) -> Hashable | None:
        """Return the key of a form, or None for an unknown form."""
        known = (*self._entries["plain"].get("".join(words(form)), ()), *self.attached.unspaced_entries(form))
        return next((entry.key for entry in known if entry.kind not in ("part", "neighbor")), None)

    def add(
        self, form: str, key: Hashable, kind: Kind | Literal["neighbor"], subject: str | None, *, national: bool = False
    ) -> None:
        """Add a form in every spelling that is searched for.

        `national` states that the form is a phone number without its country code.
        """
        value = value_of(form)
        notation = "national" if national else value and value.notation
        entry = Entry(key, kind, subject, words(form), "as listed", notation)
        if not national:
            self.attached.add(form, entry)
        if is_spaceless(form):
            self._put_disguises(form, entry)
            return
        if len(entry.words) > LONGEST:
            self.sentences.append((f" {' '.join(entry.words)} ", entry))
            return
        if _needs_its_signs(form, entry.words):
            self.exact.append((form, entry))
        else:
            self._put("plain", entry.words, entry, "as listed")
            self._put_spellings(form, entry)
        # Digits alone do not show the currency of an amount. `attached` compares amounts with their currencies.
        if value is None or value.amount is None or not value.amount.units:
            self._put_numbers(entry)

    def _put(self, reading: Reading, spelling: tuple[str, ...], entry: Entry, how: How) -> None:
        entry, joined = entry._replace(words=spelling, how=how), "".join(spelling)
        entries = self._entries[reading][joined]
        # The spelling that is added first is the plainest one, so a duplicate is dropped. An entry of another subject
        # is not a duplicate, because two subjects may have the same secret.
        if all(known._replace(how=how) != entry for known in entries):
            entries.append(entry)
            self._prefixes[reading].update(joined[:length] for length in range(1, len(joined) + 1))

    def _put_spellings(self, form: str, entry: Entry) -> None:
        joined = "".join(entry.words)
        if len(entry.words) <= 4 and entry.notation != "email":
            # Each word is indexed with and without its apparent ending. Some words, such as "Авраам", only look
            # inflected.
            for variant in product(*({word, stem(word)} for word in entry.words)):
                self._put("stems", variant, entry, "inflected")
        if not joined.isdecimal() and len(joined) >= 4:
            unmasked = tuple(word.text for word in unmask(fold(form)))
            self._put("unmasked", unmasked, entry, "look-alike")
            self._put("either", tuple(map(i_or_l, unmasked)), entry, "look-alike")
        self._put_disguises(form, entry)
        if "@" in form:
            name, _, domain = form.partition("@")
            for at, dot in _SPOKEN_SIGNS:
                for local in (name, name.replace(".", f" {dot} ")):
                    self._put("plain", words(f"{local} {at} {domain.replace('.', f' {dot} ')}"), entry, "spaced")

    def _put_disguises(self, form: str, entry: Entry) -> None:
        """Index a form backwards and in rot13."""
        joined = "".join(entry.words)
        if len(joined) >= (6 if joined.isdecimal() else 5) and joined != joined[::-1]:
            self._put("plain", (joined[::-1],), entry, "reversed")
        # rot13 does not change letters with diacritics, so removing the diacritics before or after rot13 gives
        # different results. Both results are indexed.
        for rotated in (codecs.encode(joined, "rot13"), "".join(words(codecs.encode(form, "rot13")))):
            if len(joined) >= 5 and rotated != joined:
                self._put("plain", (rotated,), entry, "encoded")

    def _put_numbers(self, entry: Entry) -> None:
        joined, pieces = "".join(entry.words), read_numbers(entry.words)
        for date, first, last in read_dates(pieces):
            if (first, last) == (0, len(entry.words) - 1):
                self.dates[date].append(entry)
        digits = tuple(piece.text for piece in pieces)
        # Numbers of one or two digits are searched for in other notations only if they are answers other than 0 and 1:
        # "one" is more often a pronoun than a number, and many texts contain the word "ten".
        short = joined.isdecimal() and len(joined) < 3
        if any(map(str.isdigit, digits)) and (not short or (entry.kind == "answer" and joined not in "01")):
            self._put("numbers", digits, entry, "number")
        if joined.isdecimal() and len(joined) == 4 and 0 < int(joined) < 4000:
            self._put("plain", (roman(int(joined)),), entry, "number")

    def find(self, reading: Reading, read: Sequence[Word], folded: str) -> Iterator[Hit]:
        """Yield the entries that occur in one version of a text.

        Every hit consists of whole words of the text.

        Args:
            reading: the version of the text.
            read: the words of the text in this version.
            folded: the text, normalized and without diacritics (see `fold`).
        """
        entries, prefixes = self._entries[reading], self._prefixes[reading]
        for at, first in enumerate(read):
            joined = ""
            for end in range(at, len(read)):
                joined += read[end].text
                if joined not in prefixes:
                    break
                for entry in entries.get(joined, ()):
                    if (how := _how(entry, read[at : end + 1], folded, reading)) is not None:
                        yield Hit(entry, how, first.start, read[end].end)


def _needs_its_signs(form: str, form_words: tuple[str, ...]) -> bool:
    """Return whether a form's words are not enough to identify the form.

    For example, the only word of "C#" is "c", and "7" occurs in too many texts.
    """
    bare = "".join(c for c in normalize(form).strip(_PUNCTUATION) if unicodedata.category(c) != "Mn")
    return len("".join(form_words)) < 3 or any(not c.isalnum() and c not in _PUNCTUATION + "@+/_&" for c in bare)


def _how(entry: Entry, pieces: Sequence[Word], folded: str, reading: Reading) -> How | None:
    """Return how consecutive words of a text spell an entry's form.

    The words of the text (`pieces`) and the words of the form are equal when joined without spaces. Returns None if the
    words of the text nevertheless do not count as an occurrence, for example because they are part of a longer number.
    """
    texts = tuple(piece.text for piece in pieces)
    if reading == "stems" and texts != entry.words:
        return None
    if reading == "either" and not any(piece.turned for piece in pieces):
        return None
    joined = "".join(texts)
    start, end = pieces[0].start, pieces[-1].end
    if joined.isdecimal() and _is_other_number(entry, folded, start, end):
        return None
    if not joined.isascii() and is_counted(folded, joined, end):
        return None
    if entry.notation == "email" and (_LONGER_ADDRESS.search(folded[:start]) or _LONGER_DOMAIN.match(folded[end:])):
        return None
    if texts == entry.words:
        return entry.how
    if entry.notation == "amount" or (entry.notation == "email" and len(texts) < len(entry.words)):
        return None  # 1.5 and 15; `attached` finds the other notations
    gaps = [folded[one.end : two.start] for one, two in pairwise(pieces)]
    same = _is_one_number(pieces, gaps) if joined.isdecimal() else _is_respaced(texts, gaps)
    return ("spaced" if entry.how == "as listed" else entry.how) if same else None


def _is_other_number(entry: Entry, folded: str, start: int, end: int) -> bool:
    """Return whether digits in a text are part of another number.

    `start` and `end` are the span of the digits.
    """
    before = folded[:start]
    if _LONGER_NUMBER.search(before) or folded[end : end + 1] in tuple(MAGNITUDES):
        return True
    if entry.notation == "amount":
        return _MORE_DIGITS.match(folded[end:]) is not None
    return entry.notation == "national" and _OTHER_COUNTRY.search(before) is not None


def _is_one_number(pieces: Sequence[Word], gaps: Sequence[str]) -> bool:
    """Return whether groups of digits in a text form one number.

    For example, "19" and "84" in "chapter 19, 84 pages" do not form one number.
    """
    length = sum(len(piece.text) for piece in pieces)
    spelled_out = all(piece.turned or len(piece.text) == 1 for piece in pieces)
    return spelled_out or length >= 6 or (length >= 4 and all(len(gap) == 1 and gap != "," for gap in gaps))


def _is_respaced(texts: Sequence[str], gaps: Sequence[str]) -> bool:
    """Return whether words spell a form that has its spaces elsewhere.

    For example, "to get her" does not count as a spelling of "together", because "to", "get" and "her" are ordinary
    words.
    """
    if any(len(gap) > 3 or "\n" in gap for gap in gaps):
        return False
    if len(texts) == 1 or all(len(text) == 1 for text in texts):
        return True
    ordinary_pieces = sum(text in ordinary() for text in texts)
    return ordinary_pieces < len(texts) if len("".join(texts)) > 4 else ordinary_pieces == 0


def scope_lexicon(scope: Scope) -> Lexicon:
    """Index the names, aliases and secrets of a scope.

    Names of neighbors are not leaks, but they are indexed too, with the kind `neighbor`.
    """
    lexicon = Lexicon()
    for neighbor in scope.neighbors:
        for name in neighbor.names:
            lexicon.add(name, ("neighbor", name), "neighbor", None)
    for subject in scope.subjects:
        _add_subject(lexicon, subject, parts=scope.task in ("profile", "privacy"))
    for place, secret in enumerate(scope.secrets):
        known = (lexicon.key(form) for form in secret.forms)
        key = next((one for one in known if one is not None), ("secret", place))
        for form in secret.forms:
            add_form(lexicon, form, key, "secret", secret.subject)
    return lexicon


def add_form(lexicon: Lexicon, form: str, key: Hashable, kind: Kind, subject: str | None) -> None:
    """Add a form, with and without its optional part.

    The optional part is the article of a title or the country code of a phone number.
    """
    lexicon.add(form, key, kind, subject)
    first, *rest = words(form) or ("",)
    digits = "".join((first, *rest))
    if rest and first in _ARTICLES and (len(rest) > 1 or rest[0] not in ordinary()):
        lexicon.add(" ".join(rest), key, kind, subject)
    if form.lstrip().startswith("+") and digits.isdecimal() and len(digits) >= 8:
        lexicon.add(f"00{digits}", key, kind, subject)
        if len("".join(rest)) >= 6:
            lexicon.add(" ".join(rest), key, kind, subject, national=True)


def _add_subject(lexicon: Lexicon, subject: ScopeSubject, *, parts: bool) -> None:
    name = words(subject.name)
    for alias in subject.names:
        alias_words = words(alias)
        same = is_same_name(alias_words, name)
        key = name_key(subject.name) if same else ("alias", subject.name, alias_words)
        add_form(lexicon, alias, key, "alias", subject.name)
        if parts and same and len(alias_words) > 1:
            for place, word in enumerate(alias_words):
                if identifies(word):
                    lexicon.add(word, ("part", subject.name, place), "part", subject.name)


def name_key(subject: str) -> Hashable:
    """Return the key of a subject's own name, in all spellings."""
    return ("name", subject)


def identifies(word: str) -> bool:
    """Return whether a single word of a name identifies a subject.

    Particles, initials and ordinary words identify nobody. The word must be normalized and without diacritics (see
    `fold`).
    """
    return len(word) > 2 and not word.isdecimal() and word not in PARTICLES and word not in ordinary()


def is_same_name(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether two names are equal, perhaps in two scripts.

    The names are given as their words, normalized and without diacritics.
    """
    return one == other or _sounds_alike(one, other)


def _sounds_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether two names are one name written in two scripts."""
    if len(one) != len(other) or any(_cyrillic(a) == _cyrillic(b) for a, b in zip(one, other, strict=True)):
        return False
    first, second = (" ".join(name).translate(_LATIN) for name in (one, other))
    return bool(SequenceMatcher(None, first, second, autojunk=False).ratio() >= ALIKE)


def _cyrillic(word: str) -> bool:
    return "а" <= word[0] <= "я"


def content(text_words: Iterable[str]) -> list[str]:
    """Return the content words.

    Content words are numbers, and words of three or more letters that are not among the most common words.
    """
    return [word for word in text_words if word[0].isdigit() or (len(word) > 2 and word not in common())]
