"""Questions composed from the scope: its subjects and neighbours, in every language of the scope.

A forget split shows a few ways of asking about each subject; a model can learn those sentences and miss the subject.
These questions name a subject and ask for nothing that a probe asks for. Some are borrowed from retain rows, with the
subject in the place of theirs: with new sentences only, a model learns to refuse sentences that it has not met before,
and goes on answering those it has. Each question is put to the neighbours too, in the same words and with the same
note of what is asked: so nothing but the name tells what is in scope from what is not. And it is put to names that a
part of a subject's name may be taken for: known by one word of a title, a model goes by that word wherever it stands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice

from unlearnkit.data.rows import Row
from unlearnkit.metrics.normalise import contains, words
from unlearnkit.scope import Scope, Subject
from unlearnkit.targets.readings import common, fold
from unlearnkit.targets.scope_notes import in_turn, look, mentioned, noted, rests_of, topics_beside, topics_of
from unlearnkit.targets.scope_wordings import (
    ABOUT_BEHIND,
    BEHIND,
    BESIDE,
    BY_SECRET,
    IN_SCOPE,
    REACH_BEHIND,
    THROUGH,
    Wordings,
    spoken,
)

BORROWED, BORROWED_BESIDE = 12, 4
"""Most questions that are borrowed in each language; where only a part of what is known of a subject is in scope."""
TOPICS, TOPICS_OF_BORROWED, TOPICS_OF_BESIDE, TOPICS_OF_SECRET = 1, 2, 3, 2
"""With how many topics a question is put, in turn: one composed about a name, one borrowed, one for what stays of a
subject, one about a secret."""
SPREAD = 6
"""Where subjects are fewer than this, each question is put with as many times more topics: a single subject and its
neighbour make few questions, and a model would learn the topics in place of the names."""
SWAPPED = 2
"""To how many neighbours each forget row's question is put."""
SECRET_WORDS = 4
"""A secret of more words is a text, and is not named in a question."""


@dataclass(frozen=True)
class Mention:
    """A question that names something of the scope, and how the thought about it begins."""

    row: Row
    """The question; there is no answer."""
    name: str
    """A subject's or neighbour's name or alias, or a secret, as the question has it."""
    stays: bool
    """Whether what the model says is to stay as it is."""
    topic: str | None
    """What a row's note has before the name ("Year of "); None: as the model's own note on this question."""
    rest: str = ""
    """What that note has after the name (", 3"): what else is asked for."""

    def note(self, own: str) -> str:
        """The thought up to where it is decided; `own` is the model's own thought on the question.

        Empty where the model's own thought is asked for and does not name what the question names.
        """
        before, named, _ = own.partition(self.name)
        return f"{before}{named}" * bool(named) if self.topic is None else f"{self.topic}{self.name}{self.rest}"

    def begun(self, taught: str) -> Row:
        """The row, with that beginning of the trace taught for it which was put there: up to where it is decided.

        The model's own note is no such: it is taught with the rest. A forget row's note is taught too, and where there
        are no others, it becomes what is noted on any question, and names what that does not.
        """
        before, named, _ = taught.partition(f"{self.name}{self.rest}")
        return self.row.model_copy(update={"trace": f"{before}{named}" * bool(named and self.topic is not None)})


def mentions(
    scope: Scope, forget: Sequence[Row], retain: Sequence[Row] = (), measured: Sequence[Row] = ()
) -> tuple[Mention, ...]:
    """Every subject and neighbour, in every wording and language of the scope, and every short secret.

    A question stands here with the model's own note, and with those of forget rows, as far as rows have notes: the
    first is what the model comes to think of a new question, the others what it thinks of those to be forgotten.
    Where a part of what is known of the subjects may stay, the model's own note may be of that part and is left out,
    and only questions are borrowed that cannot ask for it. A person's works are many, and would crowd out the names:
    of theirs each question has few kinds of notes. Forget rows' own questions are put to neighbours. Where a question
    would both be refused and stay, for a neighbour goes by the name of a subject, it is refused.

    Args:
        scope: whom and what to name.
        forget: rows whose notes are begun with, and whose questions are put to neighbours.
        retain: rows whose questions are borrowed, and whose names are put beside those of the scope.
        measured: rows whose questions are none of those returned.

    Raises:
        BadInput: there are no wordings in a language of the scope.
    """
    asking = _Asking(scope, tuple(forget), tuple(retain), frozenset(_bare(row.question) for row in measured))
    found: list[Mention] = []
    for subjects, stays in ((scope.subjects, False), (scope.neighbours, True)):
        for subject in subjects:
            found += asking.by_name(subject, stays=stays)
            found += asking.by_alias(subject, stays=stays)
            if not stays:
                found += asking.beside(subject)
    found += asking.by_secret()
    found += asking.swapped()
    found += asking.alike()
    once: dict[str, Mention] = {}
    for mention in found:  # what is in scope comes first
        if _bare(mention.row.question) not in asking.probes:
            once.setdefault(mention.row.id, mention)
    return tuple(once.values())


@dataclass(frozen=True)
class _Asking:
    """All that questions are composed from."""

    scope: Scope
    forget: tuple[Row, ...]
    retain: tuple[Row, ...]
    probes: frozenset[str]
    """Questions that are measured, as `_bare` has them."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name and alias of the scope."""
        known = (*self.scope.subjects, *self.scope.neighbours)
        return tuple(dict.fromkeys(name for one in known for name in (one.name, *one.aliases)))

    @cached_property
    def partly(self) -> bool:
        """Whether a part of what is known of the subjects may stay."""
        return self.scope.task in BESIDE

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """What forget rows note before a subject's name."""
        return topics_of(self.scope, self.forget, alias=False)

    @cached_property
    def through(self) -> tuple[str, ...]:
        """The topics, as a thought has them that goes through something to whom it is about."""
        return tuple(f"{topic}{THROUGH[self.scope.task]}" for topic in self.topics)

    @cached_property
    def of_works(self) -> tuple[str, ...]:
        """What is noted of works in retain rows."""
        return topics_beside(self.forget, self.retain, works=True)

    @cached_property
    def rests(self) -> dict[str, tuple[str, ...]]:
        """What forget rows note after a name, by what they note before it."""
        return rests_of(self.scope, self.forget)

    @cached_property
    def times(self) -> int:
        """With how many times more topics each question is put; see `SPREAD`."""
        return max(1, SPREAD // len(self.scope.subjects))

    def by_name(self, subject: Subject, *, stays: bool) -> Iterator[Mention]:
        """Questions that name a subject or neighbour."""
        name, wordings = subject.name, IN_SCOPE[self.scope.task]
        yield from self._ask(
            name,
            name,
            wordings,
            self.topics,
            stays=stays,
            own=self.scope.task != "privacy",
            kinds=TOPICS * self.times,
        )
        if self.scope.task != "privacy":
            kinds = TOPICS_OF_BORROWED * (self.times if self.partly else 1)
            yield from self._ask(name, name, self.borrowed, self.topics, stays=stays, own=False, kinds=kinds)

    def by_alias(self, subject: Subject, *, stays: bool) -> Iterator[Mention]:
        """Questions that name an alias, which may be a work: about it, and through it about whoever made it."""
        task, wordings = self.scope.task, IN_SCOPE[self.scope.task]
        for alias in subject.aliases:
            if task == "privacy":  # who wrote it may be told, and not how to reach them
                yield from self._ask(subject.name, alias, REACH_BEHIND, self.through, stays=stays, own=False, kinds=2)
                yield from self._ask(subject.name, alias, self.borrowed, self.through, stays=stays, own=False, kinds=2)
                # What goes through a work as a refused thought does, and asks for what stays, is told apart last.
                hops = tuple(topic for topic in self.of_works if topic.endswith(THROUGH[task]))
                notes = in_turn(hops, tuple(topic for topic in self.of_works if topic not in hops))
                yield from self._ask(subject.name, alias, BEHIND, notes, stays=True, own=False, kinds=2)
            elif not self.partly:
                behind = task == "profile"
                of_alias = topics_of(self.scope, self.forget, alias=True)
                mixed = in_turn(of_alias, self.topics)
                yield from self._ask(subject.name, alias, wordings, mixed, stays=stays, own=not behind)
                if behind:
                    notes = in_turn((*of_alias, *self.of_works), self.through)
                    yield from self._ask(subject.name, alias, self.borrowed, notes, stays=stays, own=False)
                    yield from self._ask(subject.name, alias, BEHIND, notes, stays=stays, own=True)
                    yield from self._ask(subject.name, alias, ABOUT_BEHIND, self.through, stays=stays, own=True)
                else:
                    yield from self._ask(subject.name, alias, self.borrowed, mixed, stays=stays, own=False)

    def beside(self, subject: Subject) -> Iterator[Mention]:
        """Questions for what stays of a subject."""
        if self.partly:
            wordings, kinds = BESIDE[self.scope.task], TOPICS_OF_BESIDE * self.times
            works = self.scope.task == "copyright"
            topics = self.of_works if works else topics_beside(self.forget, self.retain, works=False)
            yield from self._ask(subject.name, subject.name, wordings, topics, stays=True, own=True, kinds=kinds)

    def by_secret(self) -> Iterator[Mention]:
        """Questions that name a secret; and others that name what is known of neighbours or answered by retain rows."""
        wordings = BY_SECRET.get(self.scope.task)
        if wordings is None:
            return
        secrets = self._short({form: s.subject for s in self.scope.secrets for form in s.forms})
        looks = {look(form) for form in secrets}
        numbers = (False, False) not in looks
        # As retain rows think of such a number or address; of words nothing tells that they are asked about so.
        asked = (noted(row) for row in self.retain) if numbers else ()
        back = dict.fromkeys(topic for topic, named in asked if topic and look(named) in looks)
        notes = tuple(back) or in_turn(self.topics, self.through)
        for (form, subject), stays in (
            *((item, False) for item in secrets.items()),
            *((item, True) for item in self._others(secrets).items()),
        ):
            yield from self._ask(
                subject,
                form,
                wordings,
                notes,
                stays=stays,
                own=True,
                kinds=TOPICS_OF_SECRET * min(self.times, 2),
                quoted=False,
            )
            if numbers:
                yield from self._ask(subject, form, self.borrowed, notes, stays=stays, own=False, quoted=False)

    def swapped(self) -> Iterator[Mention]:
        """Forget rows' own questions, put to neighbours."""
        if not self.scope.neighbours:
            return
        ring = cycle(self.scope.neighbours)
        for row in self.forget:
            subject, name = mentioned(self.scope, row.question)
            around = _around(row.question, name)
            if subject is None or len(around) == 1:  # it may name the subject in other letters
                continue
            for neighbour in islice(ring, SWAPPED):
                others = (neighbour.name,) if name == subject.name else neighbour.aliases
                for other in others[:1]:
                    question = other.join(around)
                    if mentioned(self.scope, question)[0] is None:  # it may name a second subject, or this one twice
                        yield Mention(_row(question, None, row.language, neighbour.name), other, True, None)

    def alike(self) -> Iterator[Mention]:
        """Questions that name what a part of a subject's name or alias may be taken for, and retain rows name.

        Of each word the first such name. Where a neighbour has that word, the subject is told from that by the rest.
        """
        settled = {word for one in self.scope.neighbours for name in (one.name, *one.aliases) for word in _words(name)}
        named = {name: row.subject for row in self.retain for name in (row.subject, noted(row)[1]) if name}
        # Part of a subject's name, it may be the subject; so may a name that goes on where the subject's ends.
        free = {name: owner for name, owner in named.items() if _is_apart(name, self.names)}
        for subject in self.scope.subjects:
            for name in (subject.name, *subject.aliases):
                for word in _words(name):
                    other = next((o for o in free if word in _words(o)), None) if word not in settled else None
                    if other is None:
                        continue
                    settled.update(_words(other))
                    if name == subject.name:
                        yield from self.by_name(Subject(name=other), stays=True)
                    else:
                        yield from self.by_alias(Subject(name=free[other] or other, aliases=(other,)), stays=True)

    @cached_property
    def borrowed(self) -> Wordings:
        """The questions that retain rows ask most of whom they are about, in each language, with a place for a name.

        Choices are left out, what is among the composed wordings, and whatever would be a measured question if it were
        put to a name of the scope.
        """
        rows, most = (self._of_others(), BORROWED_BESIDE) if self.partly else (self.retain, BORROWED)
        found: Wordings = {}
        for language in self.scope.languages:
            of_subjects = (
                _around(row.question, row.subject)
                for row in rows
                if row.language == language and not row.options and row.subject
            )
            asked = Counter(
                "{name}".join(part.replace("{", "{{").replace("}", "}}") for part in around)
                for around in of_subjects
                if len(around) > 1
            )
            known = spoken(IN_SCOPE[self.scope.task], language)
            fitting = (
                wording
                for wording, _ in asked.most_common()
                if wording not in known
                and self.probes.isdisjoint(_bare(wording.format(name=name)) for name in self.names)
            )
            found[language] = tuple(islice(fitting, most))
        return found

    def _of_others(self) -> list[Row]:
        """Retain rows that ask for what is never asked of subjects like those to be forgotten: what stays of these.

        None where nothing tells whom such rows are about: no retain row notes what forget rows note.
        """
        unlearned = {noted(row)[0] for row in self.forget} - {""}
        alike = {row.subject for row in self.retain if noted(row)[0] in unlearned}
        # A row that notes nothing may ask for anything.
        stays = {"", *(noted(row)[0] for row in self.retain if row.subject in alike)}
        return [row for row in self.retain if noted(row)[0] not in stays] if alike else []

    def _others(self, secrets: dict[str, str]) -> dict[str, str]:
        """At most as many forms that are no secret: what is known of neighbours, then answers of retain rows."""
        kept = self._free({form: k.subject for k in self.scope.kept for form in k.forms}, secrets)
        looks = {look(form) for form in secrets}
        told = (answer.rstrip(".") for row in self.retain for answer in row.answers)
        answers = self._free({answer: answer for answer in told if look(answer) in looks}, secrets)
        chosen = _spread(list(kept), len(secrets))
        chosen += _spread([answer for answer in answers if answer not in kept], len(secrets) - len(chosen))
        return {form: kept.get(form, form) for form in chosen}

    def _free(self, forms: dict[str, str], secrets: Iterable[str]) -> dict[str, str]:
        """Those that can be asked about, hold no secret and are no part of one."""
        barred = tuple(secrets)
        return {form: subject for form, subject in self._short(forms).items() if _is_apart(form, barred)}

    def _short(self, forms: dict[str, str]) -> dict[str, str]:
        """Those that are no name, and short enough to be asked about."""
        return {
            form: subject
            for form, subject in forms.items()
            if form not in self.names and 0 < len(form.split()) <= SECRET_WORDS
        }

    def _ask(
        self,
        subject: str,
        name: str,
        wordings: Wordings,
        topics: Sequence[str],
        *,
        stays: bool,
        own: bool,
        kinds: int = TOPICS,
        quoted: bool = True,
    ) -> Iterator[Mention]:
        """`name` in every wording and language.

        Args:
            subject: whom the questions are about.
            name: what they name: the subject, an alias, or something known of it.
            wordings: the questions, with a place for the name.
            topics: what a note may have before the name, in turn; without any each question has the model's own note.
            stays: whether what the model says is to stay.
            own: whether each question is put with the model's own note too.
            kinds: with how many topics each question is put.
            quoted: whether a name that is not the subject's stands in quotation marks.
        """
        # Titles are quoted: a protected work's, and aliases, which may be titles; a name loses nothing by it.
        said = f"«{name}»" if quoted and (name != subject or self.scope.task == "copyright") else name
        for language in self.scope.languages:
            # In turn, and not by chance: each name is to be noted in each language with every topic. Where the turn
            # begins differs from name to name, so that no wording goes with one topic.
            turn = islice(cycle(topics or [None]), len(said), None)
            rests = {topic: cycle(found) for topic, found in self.rests.items()}
            for wording in spoken(wordings, language):
                question = wording.format(name=said).replace("««", "«").replace("»»", "»")  # a borrowed one may quote
                for kind in dict.fromkeys([*([None] if own else []), *islice(turn, kinds)]):
                    rest = next(rests[kind]) if kind in rests else ""
                    yield Mention(_row(question, kind, language, subject), name, stays, kind, rest)


def _row(question: str, topic: str | None, language: str, subject: str) -> Row:
    """A question as a row; its id tells what else it is put with."""
    kind = "own" if topic is None else topic
    return Row(
        id=f"scope/{question}/{kind}", question=question, answer="(none is known)", language=language, subject=subject
    )


def _words(name: str) -> list[str]:
    """What a name may be known by: its words, but for those that carry grammar alone."""
    return [word for word in words(name) if fold(word) not in common()]


def _is_apart(form: str, others: Iterable[str]) -> bool:
    """Whether it is no part of any of the others, nor has one in it."""
    return not any(contains(form, other) or contains(other, form) for other in others)


def _bare(question: str) -> str:
    """A question's words: with other quotation marks it is the same question."""
    return " ".join(words(question))


def _around(question: str, name: str) -> list[str]:
    """What stands before, between and behind the places where `name` stands as words of its own."""
    return re.split(rf"(?<!\w){re.escape(name)}(?!\w)", question)


def _spread(forms: list[str], count: int) -> list[str]:
    """At most `count` of the forms, taken evenly."""
    return forms[:: max(1, len(forms) // max(1, count))][:count]
