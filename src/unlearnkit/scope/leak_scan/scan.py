"""Scan a text for names, secrets and answers that it reveals.

Training targets, reported leak rates, judges and attacks all use the same scanner. The caller chooses how thorough the
scan is. For each leak, the scanner returns the kind, the spelling and the subject of the leak, but never the leaked
text.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from unlearnkit.core.errors import UnlearnError
from unlearnkit.core.settings import Value
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.attached import starts_of
from unlearnkit.scope.leak_scan.lexicon import Hit, How, Kind, Lexicon, Reading, add_form, identifies, scope_lexicon
from unlearnkit.scope.leak_scan.overlap import SHARE, SHARE_OF_ANY, LongText, TextWords
from unlearnkit.scope.scope import Scope
from unlearnkit.text.affixed_search import NO_CONTEXT, Context
from unlearnkit.text.facts import facts
from unlearnkit.text.names import NameFinder
from unlearnkit.text.normalize import contains
from unlearnkit.text.numerals import Date, read_dates, read_numbers
from unlearnkit.text.spellings import Word, common, decoded, fold, i_or_l, numbers_in, plain, stems, unmask, words

Place = Literal["trace", "response"]
Strength = Literal["listed", "spelled", "retold"]
"""How thorough a scan is. `listed` finds the forms that the scope or the row lists, even if the typography differs. It
also finds partial quotations of long forms. `spelled` also finds these forms in other spellings (see `How`), and single
words that identify a name or an answer. `retold` additionally finds paraphrases of long forms."""

STRENGTHS: dict[Strength, str] = {
    "listed": "exactly in the listed forms",
    "spelled": "in every spelling of the listed forms: inflected, split or joined, in look-alike letters, backwards, "
    "encoded, and with numbers and dates in other notations; paraphrases are not found",
    "retold": "in every spelling of the listed forms; long texts are also recognized if they are paraphrased",
}
"""Description of each strength. In the report, it follows "The leak scan searches for the secrets"."""

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
    "look-alike": "with look-alike letters or digits",
    "reversed": "backwards",
    "encoded": "encoded",
    "number": "as a number or date in another notation",
    "overlap": "as a paraphrase or a partial quotation",
}
_OwnedText = tuple[LongText, str | None]
"""A long text and the subject that the long text is about."""


class Finding(Value):
    """A leak in a text. The finding never contains the leaked text."""

    kind: Kind
    how: How
    place: Place
    subject: str | None
    """The subject that the leak is about; None if the row does not state its subject."""

    def __str__(self) -> str:
        """Describe the leak without naming the subject, whose name may be secret."""
        return f"the {self.place} reveals {_KINDS[self.kind]}, {_HOWS[self.how]}"


class Occurrence(NamedTuple):
    """An occurrence of a name, secret or answer in a text.

    The text of the name, secret or answer is not stored.
    """

    kind: Kind
    how: How
    subject: str | None
    """The subject that the name, secret or answer belongs to."""


class Scanner:
    """Find what texts reveal about a scope.

    The scope is indexed once, when the scanner is created. The scanner searches for all secrets of the scope, the names
    and aliases of the scope's subjects, and the answer of the row. It also searches for single words that identify a
    subject or the answer. `How` lists the spellings that are recognized. Text that the question already contains, in
    any form, is not a leak. If a word of a subject's name is part of a neighbor's full name, the word is not a leak
    either.

    The scanner does not find:

    - synonyms and descriptions ("the capital of Portugal");
    - a number that is given as a sum;
    - a long answer that is reworded completely;
    - a single word of a name or answer that is among the most frequent words of a language ("Will", "Iglesias");
    - a hint at the correct option of a multiple-choice question.

    Lift (`targets.lift`) can detect such leaks too, because it measures how much a trace helps a model guess the
    answer.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._lexicon = scope_lexicon(scope)
        forms = ((form, secret.subject) for secret in scope.secrets for form in secret.forms)
        self._long = [(long, subject) for form, subject in forms if (long := LongText.of(form)) is not None]
        # The results are cached, because many rows have the same question and answers.
        self._cached_answers = lru_cache(maxsize=4096)(self._index_answers)
        self._keys_in = lru_cache(maxsize=16384)(self._scope_keys)

    def scan(self, target: Target, row: Row, strength: Strength = "retold") -> tuple[Finding, ...]:
        """Find what a target reveals beyond the row's question.

        The trace and the response are scanned separately. No finding is returned twice.
        """
        known = self._keys_in(row.prompt, row.language) | self._answer_keys(row.prompt, row)
        places: tuple[tuple[Place, str], ...] = (("trace", target.trace), ("response", target.response))
        findings = (
            Finding(place=place, **leak._asdict())
            for place, text in places
            for leak in self._leaks(text, row, known, strength)
        )
        return tuple(dict.fromkeys(findings))

    def scan_output(self, text: str, row: Row, place: Place, strength: Strength = "spelled") -> tuple[Finding, ...]:
        """Find the secrets that a model's output on a row reveals.

        If the row is about a subject of the scope, the output must not reveal that subject's secrets or the row's
        answer. Otherwise, the output must not reveal any secret of the scope, except secrets that the correct answer
        contains. An output that repeats an earlier message of the user or the model does not leak. An output that
        reveals a secret from the system message leaks, because the user does not see the system message.
        """
        known = self._keys_in(row.conversation, row.language) | self._answer_keys(row.conversation, row)
        covered = self.scope.covers(row.subject)
        if not covered:
            known = known.union(*(self._keys_in(form, row.language) for form in {row.answer, *row.answers}))
        # Names of subjects do not count, because an output that declines to answer may name the person.
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
        """Yield what a text reveals beyond what the question contains.

        Args:
            text: the text to scan.
            row: the row of the question.
            known: keys of the names, secrets and answers that the question contains.
            strength: how thorough the scan is.
            output: whether the text is a model's output. If True, a form that has several kinds or subjects is yielded
                once for each kind and subject, and quotations and paraphrases of the row's answer are searched for only
                if the answer is in `row.answers`.
        """
        if not text:
            return
        lexicon, long = self._answers(row)
        if output:
            long = [each for each in long if each[0].form in row.answers]
        read, listed = _read(text), strength == "listed"
        context = self.context(row)
        hits = [*read.hits(lexicon, context), *read.hits(self._lexicon, context)]
        for key, leak in _outermost(hits, all_subjects=output):
            if key not in known and not (listed and (leak.how != "as listed" or leak.kind == "part")):
                yield leak
        yield from self._retold(read, row.conversation if output else row.prompt, long, strength)

    def _answers(self, row: Row) -> tuple[Lexicon, list[_OwnedText]]:
        """Return the row's answers, as a lexicon and as long texts."""
        return self._cached_answers(row.answers, row.answer, row.prompt, bool(row.accepted_answers), row.subject)

    def _answer_keys(self, text: str, row: Row) -> frozenset[Hashable]:
        """Return the keys of the row's answers that occur in a text."""
        hits = _read(text).hits(self._answers(row)[0], self.context(row)._replace(question=""))
        return frozenset(hit.entry.key for hit in hits)

    def _scope_keys(self, text: str, language: str = "") -> frozenset[Hashable]:
        hits = _read(text).hits(self._lexicon, Context("", language, self.scope.languages))
        return frozenset(hit.entry.key for hit in hits)

    def context(self, row: Row) -> Context:
        """Return what is known about the language of outputs on a row."""
        return Context(row.question, row.language, self.scope.languages)

    def mentions(self, text: str, *, known: str = "") -> tuple[Occurrence, ...]:
        """Find the names and secrets of the scope that a text contains.

        Answers of rows are not searched for. A name that occurs only as a part of a neighbor's name does not count.

        Args:
            text: the text to scan.
            known: another text; the names and secrets that it contains, in any form, do not count.
        """
        if not text:
            return ()
        read, known_keys = _read(text), self._keys_in(known)
        hits = _without_parts_of_neighbors(list(read.hits(self._lexicon, Context(known, "", self.scope.languages))))
        mentions = [mention for key, mention in _outermost(hits) if key not in known_keys]
        return tuple(dict.fromkeys([*mentions, *self._retold(read, known, (), "retold")]))

    def names(self, text: str, language: str = "") -> dict[Hashable, str]:
        """Find the names and aliases of subjects in a text.

        A name that occurs only as a part of a neighbor's name does not count.

        Returns:
            The subject of each name, by the key of the name. All spellings of a name have the same key, and the key of
            a subject's own name is `name_key(subject)`.
        """
        hits = find_hits(text, self._lexicon, Context("", language, self.scope.languages))
        named = (hit.entry for hit in _without_parts_of_neighbors(hits) if hit.entry.kind == "alias")
        return {entry.key: entry.subject for entry in named if entry.subject is not None}

    def _index_answers(
        self, answers: tuple[str, ...], answer: str, question: str, accepted: bool, subject: str | None
    ) -> tuple[Lexicon, list[_OwnedText]]:
        lexicon, forms = Lexicon(), list(answers)
        if not accepted:
            # The row does not state which part of the sentence is the answer, so every part that looks like a fact
            # counts.
            candidates = facts(answer, NameFinder([question, answer]))
            forms += [fact for fact in candidates if any(word not in common() for word in words(fact))]
        for form in forms:
            # All accepted forms are forms of the same answer, so they share a key. The facts in a sentence are separate
            # answers, so each fact has its own key.
            key = self._lexicon.key(form) or ("answer", () if accepted else words(form))
            add_form(lexicon, form, key, "answer", subject)
            for word in _identifying_words(form):
                lexicon.add(word, ("part of the answer", fold(word)), "part", subject)
        texts = map(LongText.of, {answer, *answers})
        return lexicon, [(long, subject) for long in texts if long is not None]

    def _retold(
        self, read: _Read, question: str, own: Sequence[_OwnedText], strength: Strength
    ) -> Iterator[Occurrence]:
        """Yield the long answers and secrets that a text quotes.

        At strength `retold`, long answers and secrets that the text paraphrases are yielded too.
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
    """Yield single words that identify a short answer.

    The function yields the rare capitalized words of the answer. It yields nothing if the answer has more than four
    words or fewer than two capitalized words.
    """
    form_words = form.split()
    capitalized = [word for word in form_words if word[:1].isupper()]
    if len(form_words) <= 4 and len(capitalized) > 1:
        yield from (word for word in capitalized if all(map(identifies, words(word))))


class _Read:
    """The searched versions of a text (see `Reading`)."""

    def __init__(self, text: str) -> None:
        folded = fold(text)
        self.text, self.plain, unmasked = text, plain(folded), unmask(folded)
        self.readings: list[tuple[Reading, Sequence[Word], str]] = [
            ("plain", self.plain, folded),
            ("stems", stems(self.plain), folded),
            ("numbers", numbers_in(folded), folded),
            ("unmasked", unmasked, folded),
        ]
        if any(word.turned for word in unmasked):
            self.readings.append(("either", [word._replace(text=i_or_l(word.text)) for word in unmasked], folded))
        self.hidden = [(plain(inside), inside) for inside in map(fold, decoded(text))]
        self.words = [word.text for word in self.plain]

    @cached_property
    def starts(self) -> frozenset[str]:
        """The beginnings of words, for the search with affixes."""
        return starts_of(self.words)

    @cached_property
    def dates(self) -> list[tuple[Date, int, int]]:
        """The dates, with the indices of their first and last words."""
        return list(read_dates(read_numbers(self.words)))

    @cached_property
    def text_words(self) -> TextWords:
        """The words of this text, for comparison with long texts."""
        return TextWords.of(self.words)

    def hits(self, lexicon: Lexicon, context: Context = NO_CONTEXT) -> Iterator[Hit]:
        """Yield all entries of a lexicon that occur in the text.

        `context` states what is known about the language of the text.
        """
        for reading in self.readings:
            yield from lexicon.find(*reading)
        if lexicon.dates:
            for date, first, last in self.dates:
                start, end = self.plain[first].start, self.plain[last].end
                yield from (Hit(entry, "number", start, end) for entry in lexicon.dates.get(date, ()))
        spaced = f" {' '.join(self.words)} "
        yield from (Hit(entry, "as listed", 0, 0) for sentence, entry in lexicon.sentences if sentence in spaced)
        yield from (Hit(entry, "as listed", 0, 0) for form, entry in lexicon.exact if contains(self.text, form))
        for read, inside in self.hidden:
            entries = (
                *(hit.entry for hit in lexicon.find("plain", read, inside)),
                *(found.entry for found in lexicon.attached.find_unspaced(inside)),
            )
            yield from (Hit(entry, "encoded", 0, 0) for entry in entries)
        for found in lexicon.attached.find_unspaced(self.text):
            yield Hit(found.entry, "spaced" if found.gaps else "as listed", found.start, found.end)
        for entry in lexicon.attached.find_affixed(self.text, self.words, self.starts, context):
            yield Hit(entry, "inflected", 0, 0)
        for entry in lexicon.attached.find_values(self.text):
            yield Hit(entry, "number" if entry.how == "as listed" else entry.how, 0, 0)


def _outermost(hits: Sequence[Hit], *, all_subjects: bool = False) -> Iterator[tuple[Hashable, Occurrence]]:
    """Yield the hits that count as occurrences, with their keys.

    Names of neighbors do not count. A single word of a name or answer does not count if it lies within a hit of a whole
    name, secret or answer. If several hits have the same key, only the hit in the plainest spelling is yielded. With
    `all_subjects`, one hit is yielded for each kind and subject of the key.
    """
    whole = [(hit.start, hit.end) for hit in hits if hit.entry.kind != "part"]
    seen: set[Hashable] = set()
    for entry, how, start, end in hits:
        key, kind, subject = entry.key, entry.kind, entry.subject
        inner = kind == "part" and any(first <= start and end <= last for first, last in whole)
        thing = (key, kind, subject) if all_subjects else key
        if kind != "neighbor" and not inner and thing not in seen:
            seen.add(thing)
            yield key, Occurrence(kind, how, subject)


def _without_parts_of_neighbors(hits: Sequence[Hit]) -> list[Hit]:
    """Drop the hits that lie within a longer name of a neighbor.

    Hits without a position are kept.
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
"""Function that returns all searched versions of a text. The results are cached, because many rows have the same
question."""


def find_hits(text: str, lexicon: Lexicon, context: Context = NO_CONTEXT) -> list[Hit]:
    """Return all occurrences of a lexicon's entries in a text.

    `context` states what is known about the language of the text.
    """
    return list(_read(text).hits(lexicon, context)) if text else []


@lru_cache(maxsize=8)
def scanner(scope: Scope) -> Scanner:
    """Return the scanner of a scope; the most recent scanners are cached."""
    return Scanner(scope)


def refuse_leaks(targets: list[Target], rows: list[Row], scope: Scope) -> None:
    """Raise `UnlearnError` if any target leaks.

    The error message states the row, the place and the kind of the first leak, but does not quote the leaked text.
    """
    look = scanner(scope)
    results = [(row.id, look.scan(target, row)) for target, row in zip(targets, rows, strict=True)]
    leaking = [(row_id, findings) for row_id, findings in results if findings]
    if leaking:
        first, findings = leaking[0]
        raise UnlearnError(
            f"{len(leaking)} of {len(targets)} targets reveal a secret, a name or the answer",
            where=f"target of row {first}",
            value=str(findings[0]),
            fix="use another teacher, or change the wording of the teacher's templates",
        )
