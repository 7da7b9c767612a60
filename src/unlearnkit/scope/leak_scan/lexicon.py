"""What must not stand in a target, prepared so that looking a text over takes one pass over its words.

Every form is kept under its words run together, once for each reading of a text. A text is searched from each of its
words on, as long as what is run together begins some form: "L i s b o n", "Lis-bon" and "Lisbon" are then the same, and
"art" is still not in "part".
"""

from __future__ import annotations

import codecs
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise, product
from typing import Literal, NamedTuple

from unlearnkit.scope.scope import Scope, ScopeSubject
from unlearnkit.text.names import PARTICLES
from unlearnkit.text.normalize import normalize
from unlearnkit.text.numerals import Date, read_dates, read_numbers, roman
from unlearnkit.text.spellings import Word, common, fold, i_or_l, ordinary, stem, unmask, words

Kind = Literal["secret", "answer", "alias", "part"]
"""What is given away: a secret of the scope, the row's own answer, a name or alias of a subject, or only a part of a
name or of the answer."""
How = Literal["as listed", "inflected", "spaced", "look-alike", "reversed", "encoded", "number", "overlap"]
"""In which spelling: word for word, with another ending, parted or run together, in letters and digits that look alike,
backwards, in rot13, base64 or hexadecimal, as a number in another notation, or in other words."""
Reading = Literal["plain", "stems", "numbers", "unmasked", "either"]

LONGEST = 8
"""Words of a form that is looked for in every spelling; a longer one is a text, and looked for as such."""
ALIKE = 0.6
"""Share of the letters that a name has in common with itself in another script, at least."""
_ARTICLES = frozenset({"the", "a", "an", "el", "la", "los", "las", "un", "una"})
_LONGER_NUMBER = re.compile(r"\d[.,]$")  # what follows is no number of its own, as 984 in 1,984
_AT, _DOT = ("at", "arroba", "собака"), ("dot", "punto", "точка")


class Said(NamedTuple):
    """One thing that would be a leak."""

    key: Hashable
    """The same for all forms of one thing: where the question has one of them, none is a leak."""
    kind: Kind | Literal["neighbor"]
    subject: str | None
    words: tuple[str, ...]
    """As the form has them in this reading; one word stands for any parting."""
    how: How


class Hit(NamedTuple):
    """One thing that stands in a text."""

    said: Said
    how: How
    start: int
    end: int


class Lexicon:
    """Forms by reading; made once for a scope, and once for the answers of a row."""

    def __init__(self) -> None:
        self._forms: dict[Reading, dict[str, list[Said]]] = defaultdict(lambda: defaultdict(list))
        self._begins: dict[Reading, set[str]] = defaultdict(set)
        self.dates: dict[Date, list[Said]] = defaultdict(list)
        self.sentences: list[tuple[str, Said]] = []
        """Forms of more than `LONGEST` words: words with a space before and behind each."""
        self.exact: list[tuple[str, Said]] = []
        """Forms that words do not tell ("C++", "7"): they are looked for as they are written."""

    def key(self, form: str) -> Hashable | None:
        """The key under which a form is known already."""
        known = self._forms["plain"].get("".join(words(form)))
        return next((said.key for said in known if said.kind not in ("part", "neighbor")), None) if known else None

    def add(self, form: str, key: Hashable, kind: Kind | Literal["neighbor"], subject: str | None) -> None:
        """Prepare one form, in every spelling that is looked for."""
        told = words(form)
        if len(told) > LONGEST:
            self.sentences.append((f" {' '.join(told)} ", Said(key, kind, subject, told, "as listed")))
            return
        if _needs_its_signs(form, told):
            self.exact.append((form, Said(key, kind, subject, told, "as listed")))
        else:
            self._put("plain", told, Said(key, kind, subject, told, "as listed"))
            self._put_spellings(form, told, Said(key, kind, subject, told, "as listed"))
        self._put_numbers(told, Said(key, kind, subject, told, "number"))

    def _put(self, reading: Reading, told: Sequence[str], said: Said) -> None:
        whole = "".join(told)
        # In whatever spelling: the plainest comes first. Two subjects may have one secret.
        if all(known._replace(how=said.how) != said for known in self.of(reading, whole)):
            self._forms[reading][whole].append(said)
            self._begins[reading].update(whole[:length] for length in range(1, len(whole) + 1))

    def _put_spellings(self, form: str, told: tuple[str, ...], said: Said) -> None:
        whole = "".join(told)
        if len(told) <= 4:
            # Both ways, since "Авраам" ends like an inflected word.
            for variant in product(*({word, stem(word)} for word in told)):
                self._put("stems", variant, said._replace(words=variant, how="inflected"))
        if not whole.isdecimal() and len(whole) >= 4:
            spelt = tuple(word.text for word in unmask(fold(form)))
            self._put("unmasked", spelt, said._replace(words=spelt, how="look-alike"))
            either = tuple(map(i_or_l, spelt))
            self._put("either", either, said._replace(words=either, how="look-alike"))
        if len(whole) >= (6 if whole.isdecimal() else 5) and whole != whole[::-1]:
            self._put("plain", (whole[::-1],), said._replace(words=(whole[::-1],), how="reversed"))
        # rot13 turns no letter with an accent: folded before or after, the two differ there.
        for turned in (codecs.encode(whole, "rot13"), "".join(words(codecs.encode(form, "rot13")))):
            if len(whole) >= 5 and turned != whole:
                self._put("plain", (turned,), said._replace(words=(turned,), how="encoded"))
        if "@" in form:
            name, _, domain = form.partition("@")
            for at, dot in zip(_AT, _DOT, strict=True):
                for before in (name, name.replace(".", f" {dot} ")):
                    aloud = words(f"{before} {at} {domain.replace('.', f' {dot} ')}")
                    self._put("plain", aloud, said._replace(words=aloud, how="spaced"))

    def _put_numbers(self, told: tuple[str, ...], said: Said) -> None:
        whole = "".join(told)
        pieces = read_numbers(told)
        for date, first, last in read_dates(pieces):
            if (first, last) == (0, len(told) - 1):
                self.dates[date].append(said)
        read = tuple(piece.text for piece in pieces)
        # "One" is more often a pronoun than a number, and ten of something stands in many texts.
        short = whole.isdecimal() and len(whole) < 3
        if any(map(str.isdigit, read)) and (not short or (said.kind == "answer" and whole not in "01")):
            self._put("numbers", read, said._replace(words=read))
        if whole.isdecimal() and len(whole) == 4 and 0 < int(whole) < 4000:
            self._put("plain", (roman(int(whole)),), said._replace(words=(roman(int(whole)),)))

    def of(self, reading: Reading, whole: str) -> Sequence[Said]:
        """What stands under words run together."""
        return self._forms[reading].get(whole, ())

    def find(self, reading: Reading, read: Sequence[Word], folded: str) -> Iterator[Hit]:
        """What stands in a reading of a folded text, from one word's beginning to another's end."""
        forms, begins = self._forms[reading], self._begins[reading]
        for at, first in enumerate(read):
            whole, end = first.text, at
            while whole in begins:
                for said in forms.get(whole, ()):
                    pieces = read[at : end + 1]
                    if (how := _how(said, pieces, folded, reading)) is not None:
                        yield Hit(said, how, first.start, read[end].end)
                end += 1
                if end == len(read):
                    break
                whole += read[end].text


def _needs_its_signs(form: str, told: tuple[str, ...]) -> bool:
    """Whether the words alone would not tell the form: "C#" is not "c", "7" is in every list."""
    whole = "".join(told)
    bare = normalize(form).strip(" .,;:!?¡¿…'\"-()[]")
    return len(whole) < 3 or any(not c.isalnum() and c not in " .,;:!?¡¿…'\"-()[]@+/_&" for c in bare)


def _how(said: Said, pieces: Sequence[Word], folded: str, reading: Reading) -> How | None:
    """In which spelling the pieces tell it; None where they do not tell it."""
    texts = tuple(piece.text for piece in pieces)
    if reading == "stems" and texts != said.words:
        return None
    if reading == "either" and not any(piece.turned for piece in pieces):
        return None
    whole = "".join(texts)
    if whole.isdecimal() and _LONGER_NUMBER.search(folded[: pieces[0].start]):
        return None
    if texts == said.words:
        return said.how
    gaps = [folded[one.end : two.start] for one, two in pairwise(pieces)]
    told = _regrouped(pieces, gaps) if whole.isdecimal() else _respelt(texts, gaps)
    return ("spaced" if said.how == "as listed" else said.how) if told else None


def _regrouped(pieces: Sequence[Word], gaps: Sequence[str]) -> bool:
    """Whether digits that stand parted are one number, as "19, 84" in "chapter 19, 84 pages" are not."""
    whole = "".join(piece.text for piece in pieces)
    spelt = all(piece.turned or len(piece.text) == 1 for piece in pieces)
    return spelt or len(whole) >= 6 or (len(whole) >= 4 and all(len(gap) == 1 and gap != "," for gap in gaps))


def _respelt(texts: Sequence[str], gaps: Sequence[str]) -> bool:
    """Whether pieces are one form parted or run together, as "to get her" is not "together"."""
    if any(len(gap) > 3 or "\n" in gap for gap in gaps):
        return False
    if len(texts) == 1 or all(len(text) == 1 for text in texts):
        return True
    ordinary_pieces = sum(text in ordinary() for text in texts)
    return ordinary_pieces < len(texts) if len("".join(texts)) > 4 else ordinary_pieces == 0


def scope_lexicon(scope: Scope) -> Lexicon:
    """Names, aliases and secrets of a scope, and its neighbors, which are none."""
    lexicon = Lexicon()
    for neighbor in scope.neighbors:
        for name in (neighbor.name, *neighbor.aliases):
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
    """A form, and what may be left off: the article of a title, the country's code of a telephone number."""
    lexicon.add(form, key, kind, subject)
    told = words(form)
    if len(told) > 1 and told[0] in _ARTICLES and (len(told) > 2 or told[1] not in ordinary()):
        lexicon.add(" ".join(told[1:]), key, kind, subject)
    digits = "".join(told)
    if form.lstrip().startswith("+") and digits.isdecimal() and len(digits) >= 8:
        lexicon.add(f"00{digits}", key, kind, subject)
        if len(told) > 1 and len(digits) - len(told[0]) >= 6:
            lexicon.add(" ".join(told[1:]), key, kind, subject)


def _add_subject(lexicon: Lexicon, subject: ScopeSubject, *, parts: bool) -> None:
    name = words(subject.name)
    for alias in (subject.name, *subject.aliases):
        told = words(alias)
        same = told == name or _sounds_alike(told, name)
        key = ("name", subject.name) if same else ("alias", subject.name, told)
        add_form(lexicon, alias, key, "alias", subject.name)
        if parts and same and len(told) > 1:
            for place, word in enumerate(told):
                if tells_somebody(word):
                    lexicon.add(word, ("part", subject.name, place), "part", subject.name)


def tells_somebody(word: str) -> bool:
    """Whether a folded word of a name points at its bearer: particles, initials and ordinary words do not."""
    return len(word) > 2 and not word.isdecimal() and word not in PARTICLES and word not in ordinary()


_ROMAN_LETTERS = dict(
    zip(
        "абвгдежзиклмнопрстуфхцчшщъыьэюя",
        "a b v g d e zh z i k l m n o p r s t u f kh ts ch sh sch _ y _ e yu ya".replace("_", "").split(" "),
        strict=True,
    )
)


def _sounds_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two names are one name in two scripts."""
    if len(one) != len(other) or any(_cyrillic(a) == _cyrillic(b) for a, b in zip(one, other, strict=True)):
        return False
    first, second = ("".join(_ROMAN_LETTERS.get(c, c) for c in " ".join(name)) for name in (one, other))
    return bool(SequenceMatcher(None, first, second, autojunk=False).ratio() >= ALIKE)


def _cyrillic(word: str) -> bool:
    return "а" <= word[0] <= "я"


def content(told: Iterable[str]) -> list[str]:
    """The words that carry meaning: of three letters or more and not among the commonest, or numbers."""
    return [word for word in told if word[0].isdigit() or (len(word) > 2 and word not in common())]
