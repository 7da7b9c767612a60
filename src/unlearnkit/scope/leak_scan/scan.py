"""Scan a text for what it reveals of a scope.

One scanner serves training targets, reported leak rates, judges and attacks. A caller states how thorough the scan is.
For each leak the scanner returns the kind, the spelling and the subject, and never quotes it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from unlearnkit.core.errors import UnlearnError
from unlearnkit.core.settings import Value
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.lexicon import Hit, How, Kind, Lexicon, Reading, add_form, identifies, scope_lexicon
from unlearnkit.scope.leak_scan.overlap import SHARE, SHARE_OF_ANY, LongText, TextWords
from unlearnkit.scope.scope import Scope
from unlearnkit.text.facts import facts
from unlearnkit.text.names import NameFinder
from unlearnkit.text.normalize import contains
from unlearnkit.text.numerals import read_dates, read_numbers
from unlearnkit.text.spellings import Word, common, decoded, fold, i_or_l, numbers, plain, stems, unmask, words

Place = Literal["trace", "response"]
Strength = Literal["listed", "spelled", "retold"]
"""How thorough the scan is. `listed`: the exact forms of the scope and of the answer, ignoring typography, and
quotations of long ones. `spelled`: every spelling of these (see `How`), and a single identifying word of a name or an
answer. `retold`: long texts in other words too."""

STRENGTHS: dict[Strength, str] = {
    "listed": "exactly in the listed forms",
    "spelled": "in every spelling of the listed forms: inflected, split or joined, in look-alike letters, backwards, "
    "encoded, and numbers and dates in other notations; not in other words",
    "retold": "in every spelling of the listed forms, and long texts in other words",
}
"""Description of each strength, for a report."""

_KINDS: dict[Kind, str] = {
    "secret": "a secret of the scope",
    "answer": "the answer",
    "alias": "a name that is not in the question",
    "part": "a part of a name or of the answer",
}
_HOWS: dict[How, str] = {
    "as listed": "exactly as listed",
    "inflected": "with another ending",
    "spaced": "split or joined",
    "look-alike": "in letters or digits that look alike",
    "reversed": "backwards",
    "encoded": "encoded",
    "number": "as a number or date in another notation",
    "overlap": "in other words",
}
_OwnedText = tuple[LongText, str | None]
"""A long text and its subject."""


class Finding(Value):
    """A leak in a text. It never contains the leaked text."""

    kind: Kind
    how: How
    place: Place
    subject: str | None
    """The subject that it is about; None if the row does not name it."""

    def __str__(self) -> str:
        """Describe the leak without the subject, whose name may be the secret."""
        return f"the {self.place} reveals {_KINDS[self.kind]}, {_HOWS[self.how]}"


class Occurrence(NamedTuple):
    """An occurrence of something in the scope. It never contains its text."""

    kind: Kind
    how: How
    subject: str | None
    """The subject of the scope that it belongs to."""


class Scanner:
    """Find what texts reveal of a scope, which is indexed only once.

    It searches the secrets of the whole scope, the names and aliases of its subjects, and the answer of the row; of the
    names of people and of the answer also a single identifying word. What the question contains, in any form, is no
    leak, and neither is a part of a neighbor's name. See `How` for the spellings.

    It does not find synonyms and descriptions ("the capital of Portugal"), a number given as a sum, a long answer
    wholly in new words, one word of a name or answer that is among the most frequent ones of a language ("Will",
    "Iglesias"), and which of the options in a question is the right one. `lift` measures what of these a model
    understands.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._lexicon = scope_lexicon(scope)
        forms = ((form, secret.subject) for secret in scope.secrets for form in secret.forms)
        self._long = [(long, subject) for form, subject in forms if (long := LongText.of(form)) is not None]
        # Many rows have the same question and answers.
        self._cached_answers = lru_cache(maxsize=4096)(self._index_answers)
        self._keys_in = lru_cache(maxsize=16384)(self._scope_keys)

    def scan(self, target: Target, row: Row, strength: Strength = "retold") -> tuple[Finding, ...]:
        """Find what a target reveals beyond the row's question.

        Each kind is returned once for each place.
        """
        known = self._keys_in(row.prompt) | self._answer_keys(row.prompt, row)
        places: tuple[tuple[Place, str], ...] = (("trace", target.trace), ("response", target.response))
        findings = (
            Finding(place=place, **leak._asdict())
            for place, text in places
            for leak in self._leaks(text, row, known, strength)
        )
        return tuple(dict.fromkeys(findings))

    def scan_output(self, text: str, row: Row, place: Place, strength: Strength = "spelled") -> tuple[Finding, ...]:
        """Find the secrets that a model's output on a row reveals.

        On a row about a subject of the scope, these are that subject's secrets and the answer. On any other row, they
        are all secrets of the scope except those in the right answer. What the user or the model wrote before is no
        leak. The user does not see a system turn, so repeating its content is a leak.
        """
        known = self._keys_in(row.conversation) | self._answer_keys(row.conversation, row)
        covered = self.scope.covers(row.subject)
        if not covered:
            known = known.union(*map(self._keys_in, {row.answer, *row.answers}))
        # A name is no secret here: an output that declines may name the person.
        findings = (
            Finding(place=place, **leak._asdict())
            for leak in self._leaks(text, row, known, strength, output=True)
            if (leak.kind == "secret" and (not covered or leak.subject == row.subject))
            or (leak.kind == "answer" and covered)
        )
        return tuple(dict.fromkeys(findings))

    def _leaks(
        self, text: str, row: Row, known: frozenset[Hashable], strength: Strength, *, output: bool = False
    ) -> Iterator[Occurrence]:
        """Yield what a text reveals, except what is known.

        Args:
            text: the text to scan.
            row: the row of the question.
            known: keys of what the question contains.
            strength: how thorough the scan is.
            output: whether a model wrote the text. Then every subject and kind of a thing counts, and an answer that
                is not among the row's accepted forms is not searched in other words.
        """
        if not text:
            return
        lexicon, long = self._answers(row)
        if output:
            long = [each for each in long if each[0].form in row.answers]
        read, listed = _read(text), strength == "listed"
        for key, leak in _outermost([*read.hits(lexicon), *read.hits(self._lexicon)], all_subjects=output):
            if key not in known and not (listed and (leak.how != "as listed" or leak.kind == "part")):
                yield leak
        yield from self._retold(read, row.conversation if output else row.prompt, long, strength)

    def _answers(self, row: Row) -> tuple[Lexicon, list[_OwnedText]]:
        """Return the row's own answers as forms, and as long texts."""
        return self._cached_answers(row.answers, row.answer, row.prompt, bool(row.accepted_answers), row.subject)

    def _answer_keys(self, text: str, row: Row) -> frozenset[Hashable]:
        """Return the keys of the row's answers in a text."""
        return frozenset(hit.entry.key for hit in _read(text).hits(self._answers(row)[0]))

    def _scope_keys(self, text: str) -> frozenset[Hashable]:
        return frozenset(hit.entry.key for hit in _read(text).hits(self._lexicon))

    def mentions(self, text: str, *, known: str = "") -> tuple[Occurrence, ...]:
        """Find what a text contains of the scope.

        The answer of a row is not searched. A name that is only a part of a neighbor's name does not count.

        Args:
            text: the text to scan.
            known: a text whose names and secrets do not count, in any form.
        """
        if not text:
            return ()
        read, known_keys = _read(text), self._keys_in(known)
        hits = _without_parts_of_neighbors(list(read.hits(self._lexicon)))
        mentions = [mention for key, mention in _outermost(hits) if key not in known_keys]
        return tuple(dict.fromkeys([*mentions, *self._retold(read, known, (), "retold")]))

    def _index_answers(
        self, answers: tuple[str, ...], answer: str, question: str, accepted: bool, subject: str | None
    ) -> tuple[Lexicon, list[_OwnedText]]:
        lexicon, forms = Lexicon(), list(answers)
        if not accepted:
            # Nobody stated which part of the sentence is the answer, so everything in it that looks like a fact is.
            candidates = facts(answer, NameFinder([question, answer]))
            forms += [fact for fact in candidates if any(word not in common() for word in words(fact))]
        for form in forms:
            # The accepted forms are forms of one thing; each fact of a sentence is a thing of its own.
            key = self._lexicon.key(form) or ("answer", () if accepted else words(form))
            add_form(lexicon, form, key, "answer", subject)
            for word in _identifying_words(form):
                lexicon.add(word, ("part of the answer", fold(word)), "part", subject)
        texts = map(LongText.of, {answer, *answers})
        return lexicon, [(long, subject) for long in texts if long is not None]

    def _retold(
        self, read: _Read, question: str, own: Sequence[_OwnedText], strength: Strength
    ) -> Iterator[Occurrence]:
        """Yield long texts that a text quotes.

        At strength `retold`, also those that it contains in other words.
        """
        if not own and not self._long:
            return
        text, asked = read.text_words, _read(question).text_words
        groups: tuple[tuple[Kind, Sequence[_OwnedText], float], ...] = (
            ("answer", own, SHARE),
            ("secret", self._long, SHARE_OF_ANY),
        )
        for kind, texts, share in groups:
            for long, subject in texts:
                if long.quoted_in(text, asked) or (strength == "retold" and long.paraphrased_in(text, asked, share)):
                    yield Occurrence(kind, "overlap", subject)


def _identifying_words(form: str) -> Iterator[str]:
    """Yield the words that each identify a short answer.

    They are the rare ones among several capitalized words.
    """
    form_words = form.split()
    capitalized = [word for word in form_words if word[:1].isupper()]
    if len(form_words) <= 4 and len(capitalized) > 1:
        yield from (word for word in capitalized if all(map(identifies, words(word))))


class _Read:
    """A text in every reading."""

    def __init__(self, text: str) -> None:
        folded = fold(text)
        self.text, self.plain, unmasked = text, plain(folded), unmask(folded)
        self.readings: list[tuple[Reading, Sequence[Word], str]] = [
            ("plain", self.plain, folded),
            ("stems", stems(self.plain), folded),
            ("numbers", numbers(self.plain), folded),
            ("unmasked", unmasked, folded),
        ]
        if any(word.turned for word in unmasked):
            self.readings.append(("either", [word._replace(text=i_or_l(word.text)) for word in unmasked], folded))
        self.hidden = [(plain(inside), inside) for inside in map(fold, decoded(text))]
        self.words = [word.text for word in self.plain]

    @cached_property
    def text_words(self) -> TextWords:
        """The words of the text, for comparison with a long text."""
        return TextWords.of(self.words)

    def hits(self, lexicon: Lexicon) -> Iterator[Hit]:
        """Yield all entries of a lexicon that occur in the text."""
        for reading in self.readings:
            yield from lexicon.find(*reading)
        if lexicon.dates:
            for date, first, last in read_dates(read_numbers(self.words)):
                start, end = self.plain[first].start, self.plain[last].end
                yield from (Hit(entry, "number", start, end) for entry in lexicon.dates.get(date, ()))
        spaced = f" {' '.join(self.words)} "
        yield from (Hit(entry, "as listed", 0, 0) for sentence, entry in lexicon.sentences if sentence in spaced)
        yield from (Hit(entry, "as listed", 0, 0) for form, entry in lexicon.exact if contains(self.text, form))
        for read, inside in self.hidden:
            for hit in lexicon.find("plain", read, inside):
                yield hit._replace(how="encoded", start=0, end=0)


def _outermost(hits: Sequence[Hit], *, all_subjects: bool = False) -> Iterator[tuple[Hashable, Occurrence]]:
    """Yield hits and their keys, without neighbors and inner parts.

    An inner part is a part of a name within a longer hit. A thing occurs once, in its plainest spelling; with
    `all_subjects`, once for each of its kinds and subjects.
    """
    whole = [(hit.start, hit.end) for hit in hits if hit.entry.kind != "part"]
    seen: set[Hashable] = set()
    for (key, kind, subject, _, _), how, start, end in hits:
        inner = kind == "part" and any(first <= start and end <= last for first, last in whole)
        thing = (key, kind, subject) if all_subjects else key
        if kind != "neighbor" and not inner and thing not in seen:
            seen.add(thing)
            yield key, Occurrence(kind, how, subject)


def _without_parts_of_neighbors(hits: Sequence[Hit]) -> list[Hit]:
    """Drop the hits inside a longer hit of a neighbor.

    A hit without a position is kept.
    """
    names = [(hit.start, hit.end) for hit in hits if hit.entry.kind == "neighbor"]
    return [
        hit
        for hit in hits
        if hit.start == hit.end
        or not any(
            start <= hit.start and hit.end <= end and (start, end) != (hit.start, hit.end) for start, end in names
        )
    ]


_read = lru_cache(maxsize=1024)(_Read)
"""Cached for questions: many rows have the same one."""


@lru_cache(maxsize=8)
def scanner(scope: Scope) -> Scanner:
    """Return the scanner of a scope, from a cache."""
    return Scanner(scope)


def refuse_leaks(targets: list[Target], rows: list[Row], scope: Scope) -> None:
    """Raise `UnlearnError` if any target leaks.

    The message names row, place and kind, and not the secret.
    """
    look = scanner(scope)
    results = [(row.id, look.scan(target, row)) for target, row in zip(targets, rows, strict=True)]
    leaking = [(row_id, findings) for row_id, findings in results if findings]
    if leaking:
        first, findings = leaking[0]
        raise UnlearnError(
            f"{len(leaking)} of {len(targets)} targets hold a secret of the scope, or what reveals one",
            where=f"target of row {first}",
            value=str(findings[0]),
            fix="use another teacher, or another word in its templates",
        )
