"""Provide names, topics and wordings for composing questions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.notes import RARE, noted, rests_of, retain_topics, topics_by_subject, topics_of
from unlearnkit.scope.questions.question import GENERAL, ScopeQuestion, question_row
from unlearnkit.scope.questions.wordings import IN_SCOPE, Wordings, keeps_part, reference, spoken
from unlearnkit.scope.scope import Scope
from unlearnkit.text.normalize import contains, words
from unlearnkit.text.spellings import common, fold, stem

BORROWED, BORROWED_OUT_OF_PART = 12, 4
"""Maximum number of questions that are adapted from retain rows in each language. `BORROWED_OUT_OF_PART` applies if the
model must forget only a part of its knowledge about the subjects, and `BORROWED` applies otherwise."""
TOPICS = 1
"""Number of topics for each composed question about a name. A topic is the text before the name in a
note ("Year of ")."""
SPREAD = 6
"""If the scope has fewer than `SPREAD` subjects, the number of topics per question is multiplied by `SPREAD` divided by
the number of subjects, rounded down. A scope with few subjects has few questions. If these questions also had few
topics, a model would learn the topics instead of the names."""


@dataclass(frozen=True)
class QuestionContext:
    """The scope and the rows from which questions are composed."""

    scope: Scope
    forget: tuple[Row, ...]
    retain: tuple[Row, ...]
    probes: frozenset[str]
    """The questions on which the model is measured, each as returned by `words_in_order`."""
    withheld: tuple[Row, ...] = ()
    """Rows that ask for secrets which training must not ask for."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names and aliases of the scope's subjects and neighbors."""
        known = (*self.scope.subjects, *self.scope.neighbors)
        return tuple(dict.fromkeys(name for one in known for name in one.names))

    @cached_property
    def partly(self) -> bool:
        """Whether the model may keep some knowledge of the subjects."""
        return keeps_part(self.scope.task)

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """Topics of forget rows.

        A topic is the text in front of a subject's name in a note.
        """
        return topics_of(self.scope, self.forget, alias=False)

    @cached_property
    def through(self) -> tuple[str, ...]:
        """Topics for questions that refer to a subject indirectly.

        For example, a question may name a work instead of its author. The trace then leads from the work to the author.
        """
        return tuple(f"{topic}{reference(self.scope)}" for topic in self.topics)

    @cached_property
    def of_works(self) -> tuple[str, ...]:
        """Topics of the notes about works (not about subjects) in retain rows."""
        return retain_topics(self.forget, self.retain, works=True)

    @cached_property
    def topics_of_all(self) -> tuple[str, ...]:
        """Topics of notes on subjects of forget and retain rows.

        Rare topics of retain rows are left out. A model that has learned to decline after some topics only may still
        answer after others.
        """
        return tuple(dict.fromkeys((*self.topics, *self._frequent_topics(works=False))))

    @cached_property
    def topics_of_works(self) -> tuple[str, ...]:
        """Topics of notes on something other than the row's subject.

        Such a note is about a work of the subject, for example. A topic that is more frequent in retain rows occurs
        more often, because the model usually writes this note.
        """
        counts = self._frequent_topics(works=True)
        least = min(counts.values(), default=1)
        often = (topic for topic, count in counts.items() for _ in range(count // least))
        return (*topics_of(self.scope, self.forget, alias=True), *often)

    def _frequent_topics(self, *, works: bool) -> dict[str, int]:
        """Return the number of retain rows with each topic.

        The most frequent topics come first, and rare ones are left out.
        """
        notes = ((row, *noted(row)) for row in self.retain)
        counts = Counter(topic for row, topic, named in notes if topic and (named != row.subject) == works)
        return {topic: count for topic, count in counts.most_common() if count > RARE * len(self.retain)}

    @cached_property
    def rests(self) -> dict[str, tuple[str, ...]]:
        """The texts that follow names in forget rows' notes, by topic."""
        return rests_of(self.scope, self.forget)

    @cached_property
    def times(self) -> int:
        """Factor that multiplies the number of topics per question (see `SPREAD`)."""
        return max(1, SPREAD // len(self.scope.subjects))

    @cached_property
    def bearers(self) -> Counter[str]:
        """Number of known names that contain each word."""
        named = (name for row in self.retain for name in (row.subject, noted(row)[1]) if name)
        return Counter(word for name in {*self.names, *named} for word in {fold(each) for each in words(name)})

    @cached_property
    def withheld_topics(self) -> dict[str | None, tuple[str, ...]]:
        """Topics that no composed question about a subject may have, by subject."""
        return topics_by_subject(self.withheld)

    @cached_property
    def borrowed(self) -> Wordings:
        """The most frequent questions in retain rows, by language.

        In each question, a placeholder replaces the name of the row's subject. Multiple-choice questions are omitted,
        and so are the wordings that composed questions already use. The names of the scope are filled into the
        placeholder, one after another; if one of the results is a question on which the model is measured, the wording
        is omitted. Questions that ask for the same as a row of `withheld` are omitted, too.
        """
        free, most = (self._rows_of_other_topics(), BORROWED_OUT_OF_PART) if self.partly else (self.retain, BORROWED)
        rows = [row for row in free if not self._asks_withheld(row)]
        wordings_of: Wordings = {}
        for language in self.scope.languages:
            of_subjects = (
                as_wording(row.question, row.subject)
                for row in rows
                if row.language == language and not row.options and row.subject
            )
            counts = Counter(wording for wording in of_subjects if wording is not None)
            known = spoken(IN_SCOPE[self.scope.task], language)
            fitting = (
                wording
                for wording, _ in counts.most_common()
                if wording not in known
                and self.probes.isdisjoint(words_in_order(wording.format(name=name)) for name in self.names)
            )
            wordings_of[language] = tuple(islice(fitting, most))
        return wordings_of

    def _asks_withheld(self, row: Row) -> bool:
        """Return whether a row's question may ask for a withheld secret."""
        topics = tuple(topic for of_subject in self.withheld_topics.values() for topic in of_subject)
        return row.attribute in {one.attribute for one in self.withheld} or noted(row)[0].startswith(topics)

    @cached_property
    def _withheld_words(self) -> dict[str | None, frozenset[str]]:
        """Words that only questions for withheld secrets contain, by subject."""
        attributes = {row.attribute for row in self.withheld}
        others = (row for row in (*self.forget, *self.retain) if row.attribute not in attributes)
        usual = {word for text in (*(row.question for row in others), *self.names) for word in _stems(text)}
        found: dict[str | None, set[str]] = {}
        for row in self.withheld:
            found.setdefault(row.subject, set()).update(_stems(row.question))
        return {subject: frozenset(stems - usual) for subject, stems in found.items()}

    def asks_withheld(self, question: ScopeQuestion) -> bool:
        """Return whether a composed question may ask for a withheld secret."""
        subject = question.row.subject
        if question.topic is not None and question.topic.startswith(self.withheld_topics.get(subject, ())):
            return True
        withheld = self._withheld_words.get(subject)
        return withheld is not None and not withheld.isdisjoint(_stems(question.row.prompt))

    def _rows_of_other_topics(self) -> list[Row]:
        """Return the retain rows on topics that no similar subject has.

        A subject of retain rows is similar to the subjects to forget if one of the subject's rows has the same topic as
        a forget row. For example, retain rows and forget rows may both ask for the phone numbers of authors. The other
        topics of similar subjects, such as the books of authors, are knowledge that the model may keep, even about the
        subjects to forget. A model that was trained to refuse questions on these topics would lose this knowledge, so
        rows on any topic of a similar subject are omitted. Rows without a note are omitted too. If no subject of retain
        rows is similar, the topics to keep are unknown, and the list is empty.
        """
        unlearned = {noted(row)[0] for row in self.forget} - {""}
        lookalike = {row.subject for row in self.retain if noted(row)[0] in unlearned}
        # A row without a note may ask for anything.
        stays = {"", *(noted(row)[0] for row in self.retain if row.subject in lookalike)}
        return [row for row in self.retain if noted(row)[0] not in stays] if lookalike else []

    def ask(
        self,
        subject: str,
        name: str,
        wordings: Wordings,
        topics: Sequence[str],
        *,
        stays: bool,
        own: bool = False,
        kinds: int = TOPICS,
        quoted: bool = True,
        form: str = GENERAL,
    ) -> Iterator[ScopeQuestion]:
        """Yield questions with `name` in every wording and language.

        Args:
            subject: the subject of the questions.
            name: the text that fills the placeholder: the subject's name, an alias, or a fact about the subject.
            wordings: the questions, with a placeholder for the name.
            topics: the texts that precede the name in a note. The topics are used in turn. If there are no topics, each
                question is combined with the model's own note.
            stays: whether the model's answer should stay unchanged.
            own: whether each question is also combined with the model's own note.
            kinds: number of topics for each question.
            quoted: whether to put `name` in quotation marks if it may be a title. `name` may be a title if it is not
                the subject's name, or if the task is `copyright`.
            form: the form of the questions.
        """
        # Titles are quoted: the names of protected works, and aliases because an alias may be a title. Quotation marks
        # around an alias that is not a title do no harm.
        quoted_name = f"«{name}»" if quoted and (name != subject or self.scope.task == "copyright") else name
        for language in self.scope.languages:
            # Topics are used in turn, not at random, so that each name occurs in each language with every topic. The
            # first topic differs between names, so that no wording always has the same topic.
            turn = islice(cycle(topics or [None]), len(quoted_name), None)
            rests = {topic: cycle(rests_of_topic) for topic, rests_of_topic in self.rests.items()}
            for wording in spoken(wordings, language):
                question = wording.format(name=quoted_name).replace("««", "«").replace("»»", "»")  # no doubled quotes
                for kind in dict.fromkeys([*([None] if own else []), *islice(turn, kinds)]):
                    rest = next(rests[kind]) if kind in rests else ""
                    yield ScopeQuestion(
                        question_row(question, kind, language, subject, form=form), name, stays, kind, rest
                    )


def _stems(text: str) -> set[str]:
    """Return the stems of a text's content words."""
    return {stem(word) for word in words(text) if fold(word) not in common()}


def words_of(name: str) -> list[str]:
    """Return the words that identify a name.

    Words that carry only grammar are omitted.
    """
    return [word for word in words(name) if fold(word) not in common()]


def is_apart(form: str, others: Iterable[str]) -> bool:
    """Return whether a form neither contains nor is part of another form."""
    return not any(contains(form, other) or contains(other, form) for other in others)


def words_in_order(question: str) -> str:
    """Return a question's words, without punctuation, as one string."""
    return " ".join(words(question))


def around(question: str, name: str) -> list[str]:
    """Split a question at the places where `name` occurs as whole words."""
    return re.split(rf"(?<!\w){re.escape(name)}(?!\w)", question)


def as_wording(question: str, name: str) -> str | None:
    """Return a question with a placeholder for `name`.

    Returns None if the question does not contain the name.
    """
    parts = around(question, name)
    return "{name}".join(part.replace("{", "{{").replace("}", "}}") for part in parts) if len(parts) > 1 else None


def spread(forms: list[str], count: int) -> list[str]:
    """Return at most `count` of the forms, evenly spaced."""
    return forms[:: max(1, len(forms) // max(1, count))][:count]
