"""The leak scanner: what a text gives away of a scope, at a stated strength.

One scanner serves the targets that are taught, the reported leak rates, the judge and the attacks. It says of each leak
what it is, in which spelling and whose, and never quotes it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from unlearnkit.core.errors import UnlearnError
from unlearnkit.core.settings import Value
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.lexicon import (
    Hit,
    How,
    Kind,
    Lexicon,
    Reading,
    Said,
    add_form,
    scope_lexicon,
    tells_somebody,
)
from unlearnkit.scope.leak_scan.overlap import SHARE, SHARE_OF_ANY, LongText, Told
from unlearnkit.scope.scope import Scope
from unlearnkit.text.facts import facts
from unlearnkit.text.names import NameFinder
from unlearnkit.text.normalize import contains
from unlearnkit.text.numerals import read_dates, read_numbers
from unlearnkit.text.spellings import Word, common, decoded, fold, i_or_l, numbers, plain, stems, unmask, words

Place = Literal["trace", "response"]
Strength = Literal["listed", "spelled", "retold"]
"""How hard the scanner looks. `listed`: the forms of the scope and of the answer, word for word, whatever the
typography, and quotations of long ones. `spelled`: every spelling of these (see `How`), and a single telling word of a
name or an answer. `retold`: long texts in other words too."""

STRENGTHS: dict[Strength, str] = {
    "listed": "in the listed forms, word for word",
    "spelled": "in every spelling of the listed forms: inflected, parted, in look-alike letters, backwards, encoded, "
    "and numbers and dates in other notations; not in other words",
    "retold": "in every spelling of the listed forms, and long texts in other words",
}
"""Each strength in words, for a report."""

_SECRET: Kind = "secret"
_KINDS: dict[Kind, str] = {
    "secret": "a secret of the scope",
    "answer": "the answer",
    "alias": "a name that the question does not say",
    "part": "a part of a name or of the answer",
}
_HOWS: dict[How, str] = {
    "as listed": "word for word",
    "inflected": "with another ending",
    "spaced": "parted or run together",
    "look-alike": "in letters or digits that look alike",
    "reversed": "backwards",
    "encoded": "encoded",
    "number": "as a number or date in another notation",
    "overlap": "in other words",
}


class Finding(Value):
    """One thing that a text gives away. It never holds the thing itself."""

    kind: Kind
    how: How
    place: Place
    subject: str | None
    """Whose it is; None if the row does not say."""

    def __str__(self) -> str:
        """Describe the leak for a message, without the subject, whose name may be the secret."""
        return f"the {self.place} tells {_KINDS[self.kind]}, {_HOWS[self.how]}"


class Mention(NamedTuple):
    """One thing of the scope that a text holds. It never holds the thing itself."""

    kind: Kind
    how: How
    subject: str | None
    """The subject of the scope that it belongs to."""


class Scanner:
    """Finds what targets give away. What a scope holds is prepared once.

    Looked for are secrets of the whole scope, names and aliases of its subjects, and the answer of the row; of the
    names of people and of the answer also a single telling word. What stands in the question, in any form, is no leak,
    nor is a part of a neighbor's name. See `How` for the spellings.

    Not found: synonyms and descriptions ("the capital of Portugal"), a number told by a sum, a long answer told in all
    new words, one word of a name or answer where it is among the most frequent ones of a language ("Will", "Iglesias"),
    and which of the options that a question lists is the right one. `lift` measures what of these a model understands.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._lexicon = scope_lexicon(scope)
        self._long = [
            (_SECRET, long, secret.subject)
            for secret in scope.secrets
            for form in secret.forms
            if (long := LongText.of(form)) is not None
        ]
        # The same question and answers stand in many rows.
        self._of_row = lru_cache(maxsize=4096)(self._prepared)
        self._known = lru_cache(maxsize=16384)(self._asked)

    def scan(self, target: Target, row: Row, strength: Strength = "retold") -> tuple[Finding, ...]:
        """Find what a target gives away beyond the row's question; each kind once for each place."""
        known = self._known(row.prompt) | self._answer_keys(row.prompt, row)
        found: dict[Finding, None] = {}
        places: tuple[tuple[Place, str], ...] = (("trace", target.trace), ("response", target.response))
        for place, text in places:
            for kind, how, subject in self._leaks(text, row, known, strength):
                found[Finding(kind=kind, how=how, place=place, subject=subject)] = None
        return tuple(found)

    def scan_output(self, text: str, row: Row, place: Place, strength: Strength = "spelled") -> tuple[Finding, ...]:
        """Find the secrets that a model's output on a row gives away.

        On a row about a subject of the scope, these are that subject's secrets and the answer. On any other row, they
        are all secrets of the scope except those that the right answer states. What the user or the model said before
        is no leak; what a system turn holds, the user has not been told, so to repeat it is one.
        """
        asked = row.conversation
        known = self._known(asked) | self._answer_keys(asked, row)
        covered = self.scope.covers(row.subject)
        if not covered:
            for answer in {row.answer, *row.answers}:
                known |= self._known(answer)
        # A name is no secret here: an output that declines may say whom it is about.
        leaks = (
            Finding(kind=kind, how=how, place=place, subject=subject)
            for kind, how, subject in self._leaks(text, row, known, strength, output=True)
            if (kind == "secret" and (not covered or subject == row.subject)) or (kind == "answer" and covered)
        )
        return tuple(dict.fromkeys(leaks))

    def _leaks(
        self, text: str, row: Row, known: frozenset[Hashable], strength: Strength, *, output: bool = False
    ) -> Iterator[tuple[Kind, How, str | None]]:
        """Find what a text gives away, except what is known.

        Args:
            text: what to read.
            row: what was asked.
            known: keys of what the question states.
            strength: how hard to look.
            output: whether a model wrote the text. Each owner of a thing then counts, and each kind that it is; the
                sentence of an answer whose accepted forms are listed does not count.
        """
        if not text:
            return
        answers, long = self._of_row(row.answers, row.answer, row.prompt, bool(row.accepted_answers), row.subject)
        if output:
            long = [each for each in long if each[1].form in row.answers]
        read, listed = _read(text), strength == "listed"
        for said, how in _outermost([*read.hits(answers), *read.hits(self._lexicon)], all_owners=output):
            if said.key in known or said.kind == "neighbor" or (listed and (how != "as listed" or said.kind == "part")):
                continue
            yield said.kind, how, said.subject
        for kind, subject in self._retold(read, row.conversation if output else row.prompt, long, strength):
            yield kind, "overlap", subject

    def _answer_keys(self, text: str, row: Row) -> frozenset[Hashable]:
        """Keys of the row's own answers that a text states."""
        answers, _ = self._of_row(row.answers, row.answer, row.prompt, bool(row.accepted_answers), row.subject)
        return frozenset(hit.said.key for hit in _read(text).hits(answers))

    def mentions(self, text: str, *, known: str = "") -> tuple[Mention, ...]:
        """Find what of the scope alone a text holds, without the answer of any row.

        A name that is only a part of a neighbor's name is left out.

        Args:
            text: what to read.
            known: a text whose names and secrets, in whatever form, are left out.
        """
        if not text:
            return ()
        read, before = _read(text), self._known(known) if known else frozenset()
        found = {
            Mention(said.kind, how, said.subject): None
            for said, how in _outermost(_beyond_neighbors(list(read.hits(self._lexicon))))
            if said.key not in before and said.kind != "neighbor"
        }
        found |= {Mention(kind, "overlap", subject): None for kind, subject in self._retold(read, known, (), "retold")}
        return tuple(found)

    def _asked(self, question: str) -> frozenset[Hashable]:
        return frozenset(hit.said.key for hit in _read(question).hits(self._lexicon))

    def _prepared(
        self, answers: tuple[str, ...], answer: str, question: str, accepted: bool, subject: str | None
    ) -> tuple[Lexicon, list[tuple[Kind, LongText, str | None]]]:
        """The row's own answers as forms, and as long texts."""
        lexicon = Lexicon()
        told = list(answers)
        if not accepted:
            # Nobody said what of the sentence is the answer: what in it looks like a fact is.
            told += [fact for fact in facts(answer, NameFinder([question, answer])) if not _is_common(fact)]
        for form in told:
            # The accepted forms are forms of one thing; the facts of a sentence are a thing each.
            key = self._lexicon.key(form) or ("answer", () if accepted else words(form))
            add_form(lexicon, form, key, "answer", subject)
            for word in _telling(form):
                lexicon.add(word, ("part of the answer", fold(word)), "part", subject)
        own: Kind = "answer"
        return lexicon, [(own, long, subject) for form in {answer, *answers} if (long := LongText.of(form)) is not None]

    def _retold(
        self, read: _Read, question: str, own: Sequence[tuple[Kind, LongText, str | None]], strength: Strength
    ) -> Iterator[tuple[Kind, str | None]]:
        """Find long texts that a text quotes a run of or, at strength `retold`, tells in other words."""
        if not own and not self._long:
            return
        text, asked = read.told, _read(question).told
        for texts, share in ((own, SHARE), (self._long, SHARE_OF_ANY)):
            for kind, long, subject in texts:
                if long.quoted_in(text, asked) or (strength == "retold" and long.told_in(text, asked, share)):
                    yield kind, subject


def _telling(form: str) -> Iterator[str]:
    """The words of a short answer that alone may give it away: of several capitalized ones, those that are rare."""
    told = form.split()
    if 1 < len(told) <= 4 and sum(word[:1].isupper() for word in told) > 1:
        yield from (word for word in told if word[:1].isupper() and all(map(tells_somebody, words(word))))


def _is_common(fact: str) -> bool:
    return all(word in common() for word in words(fact))


class _Read:
    """A text in every reading."""

    def __init__(self, text: str) -> None:
        folded = fold(text)
        self.text, self.plain, spelt = text, plain(folded), unmask(folded)
        self.readings: list[tuple[Reading, Sequence[Word], str]] = [
            ("plain", self.plain, folded),
            ("stems", stems(self.plain), folded),
            ("numbers", numbers(self.plain), folded),
            ("unmasked", spelt, folded),
        ]
        if any(word.turned for word in spelt):
            self.readings.append(("either", [word._replace(text=i_or_l(word.text)) for word in spelt], folded))
        self.hidden = [(plain(within), within) for within in map(fold, decoded(text))]
        self.words = [word.text for word in self.plain]

    @cached_property
    def told(self) -> Told:
        """Its words, for comparison with a long text."""
        return Told.of(self.words)

    def hits(self, lexicon: Lexicon) -> Iterator[Hit]:
        """All of a lexicon that stands in the text."""
        for reading in self.readings:
            yield from lexicon.find(*reading)
        if lexicon.dates:
            for date, first, last in read_dates(read_numbers(self.words)):
                start, end = self.plain[first].start, self.plain[last].end
                yield from (Hit(said, "number", start, end) for said in lexicon.dates.get(date, ()))
        spaced = f" {' '.join(self.words)} "
        yield from (Hit(said, "as listed", 0, 0) for sentence, said in lexicon.sentences if sentence in spaced)
        yield from (Hit(said, "as listed", 0, 0) for form, said in lexicon.exact if contains(self.text, form))
        for read, within in self.hidden:
            for hit in lexicon.find("plain", read, within):
                yield hit._replace(how="encoded", start=0, end=0)


def _outermost(hits: Sequence[Hit], *, all_owners: bool = False) -> Iterator[tuple[Said, How]]:
    """The hits, in their plainest spelling, without parts of a name within a longer hit.

    A thing is given once; with `all_owners`, once for each of its kinds and subjects.
    """
    whole = [(hit.start, hit.end) for hit in hits if hit.said.kind != "part"]
    seen: set[Hashable] = set()
    for hit in hits:
        within = any(start <= hit.start and hit.end <= end for start, end in whole)
        thing = (hit.said.key, hit.said.kind, hit.said.subject) if all_owners else hit.said.key
        if (hit.said.kind == "part" and within) or thing in seen:
            continue
        if hit.said.kind != "neighbor":
            seen.add(thing)
        yield hit.said, hit.how


def _beyond_neighbors(hits: Sequence[Hit]) -> list[Hit]:
    """The hits, without those inside a longer hit of a neighbor. A hit without a place of its own is kept."""
    longer = [(hit.start, hit.end) for hit in hits if hit.said.kind == "neighbor"]
    return [
        hit
        for hit in hits
        if hit.start == hit.end
        or not any(
            start <= hit.start and hit.end <= end and (start, end) != (hit.start, hit.end) for start, end in longer
        )
    ]


_read = lru_cache(maxsize=1024)(_Read)
"""For questions: the same one stands in many rows."""


@lru_cache(maxsize=8)
def scanner(scope: Scope) -> Scanner:
    """The scanner of a scope, kept."""
    return Scanner(scope)


def refuse_leaks(targets: list[Target], rows: list[Row], scope: Scope) -> None:
    """Raise `UnlearnError` when any target leaks. The message names row, place and kind, and not the secret."""
    look = scanner(scope)
    found = [(row.id, look.scan(target, row)) for target, row in zip(targets, rows, strict=True)]
    leaking = [(row_id, findings) for row_id, findings in found if findings]
    if leaking:
        first, findings = leaking[0]
        raise UnlearnError(
            f"{len(leaking)} of {len(targets)} targets hold a secret of the scope, or what gives one away",
            where=f"target of row {first}",
            value=str(findings[0]),
            fix="use another teacher, or another word in its templates",
        )
