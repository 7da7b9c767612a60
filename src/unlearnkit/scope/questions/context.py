"""Context of composed questions, and names in all wordings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.notes import noted, rests_of, retain_topics, topics_of
from unlearnkit.scope.questions.question import ScopeQuestion, question_row
from unlearnkit.scope.questions.wordings import IN_SCOPE, OUT_OF_PART, THROUGH, Wordings, spoken
from unlearnkit.scope.scope import Scope
from unlearnkit.text.normalize import contains, words
from unlearnkit.text.spellings import common, fold

BORROWED, BORROWED_OUT_OF_PART = 12, 4
"""Maximum number of borrowed questions in each language; the second if only a part of the knowledge is in scope."""
TOPICS = 1
"""Number of topics that each composed question about a name is asked with, in turn."""
SPREAD = 6
"""With fewer subjects than this, each question gets as many times more topics: a single subject and its neighbor have
few questions, and a model would learn the topics instead of the names."""


@dataclass(frozen=True)
class QuestionContext:
    """The rows and scope that questions are composed from."""

    scope: Scope
    forget: tuple[Row, ...]
    retain: tuple[Row, ...]
    probes: frozenset[str]
    """Measured questions, as returned by `words_in_order`."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names and aliases of the scope."""
        known = (*self.scope.subjects, *self.scope.neighbors)
        return tuple(dict.fromkeys(name for one in known for name in one.names))

    @cached_property
    def partly(self) -> bool:
        """Whether some knowledge of the subjects may stay."""
        return self.scope.task in OUT_OF_PART

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """The notes of forget rows before a subject's name."""
        return topics_of(self.scope, self.forget, alias=False)

    @cached_property
    def through(self) -> tuple[str, ...]:
        """The topics of a trace that goes through another thing.

        For example, through a work to its author.
        """
        return tuple(f"{topic}{THROUGH[self.scope.task]}" for topic in self.topics)

    @cached_property
    def of_works(self) -> tuple[str, ...]:
        """The topics noted of works in retain rows."""
        return retain_topics(self.forget, self.retain, works=True)

    @cached_property
    def rests(self) -> dict[str, tuple[str, ...]]:
        """The notes of forget rows after a name, by topic."""
        return rests_of(self.scope, self.forget)

    @cached_property
    def times(self) -> int:
        """Factor for the number of topics per question; see `SPREAD`."""
        return max(1, SPREAD // len(self.scope.subjects))

    @cached_property
    def borrowed(self) -> Wordings:
        """The most frequent questions of retain rows, with a placeholder.

        The placeholder replaces the name of the row's subject. By language. Choices are omitted, and so are the
        composed wordings, and questions that would be a measured question if asked about a name of the scope.
        """
        rows, most = (self._rows_of_other_topics(), BORROWED_OUT_OF_PART) if self.partly else (self.retain, BORROWED)
        wordings_of: Wordings = {}
        for language in self.scope.languages:
            of_subjects = (
                around(row.question, row.subject)
                for row in rows
                if row.language == language and not row.options and row.subject
            )
            counts = Counter(
                "{name}".join(part.replace("{", "{{").replace("}", "}}") for part in parts)
                for parts in of_subjects
                if len(parts) > 1
            )
            known = spoken(IN_SCOPE[self.scope.task], language)
            fitting = (
                wording
                for wording, _ in counts.most_common()
                if wording not in known
                and self.probes.isdisjoint(words_in_order(wording.format(name=name)) for name in self.names)
            )
            wordings_of[language] = tuple(islice(fitting, most))
        return wordings_of

    def _rows_of_other_topics(self) -> list[Row]:
        """Return retain rows on topics that stay for the subjects.

        They are never asked about subjects like the forgotten ones. Those topics stay for the forgotten subjects too.
        Empty if no retain row has the note of a forget row, because nothing then identifies subjects like them.
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
    ) -> Iterator[ScopeQuestion]:
        """Yield questions that put `name` in every wording and language.

        Args:
            subject: the subject of the questions.
            name: the name in them: the subject, an alias, or a fact about it.
            wordings: the questions, with a placeholder for the name.
            topics: texts that a note may have before the name, used in turn; without any, each question has the
                model's own note.
            stays: whether the model's answer should stay unchanged.
            own: whether each question is also asked with the model's own note.
            kinds: number of topics that each question is asked with.
            quoted: whether a name other than the subject's is put in quotation marks.
        """
        # Quote titles: those of protected works, and aliases, which may be titles; quotes do no harm to a name.
        quoted_name = f"«{name}»" if quoted and (name != subject or self.scope.task == "copyright") else name
        for language in self.scope.languages:
            # In turn, not at random: each name should occur in each language with every topic. The start of the turn
            # differs between names, so that no wording is tied to one topic.
            turn = islice(cycle(topics or [None]), len(quoted_name), None)
            rests = {topic: cycle(rests_of_topic) for topic, rests_of_topic in self.rests.items()}
            for wording in spoken(wordings, language):
                question = wording.format(name=quoted_name).replace("««", "«").replace("»»", "»")  # borrowed quotes
                for kind in dict.fromkeys([*([None] if own else []), *islice(turn, kinds)]):
                    rest = next(rests[kind]) if kind in rests else ""
                    yield ScopeQuestion(question_row(question, kind, language, subject), name, stays, kind, rest)


def words_of(name: str) -> list[str]:
    """Return the words that identify a name.

    Words that only carry grammar are omitted.
    """
    return [word for word in words(name) if fold(word) not in common()]


def is_apart(form: str, others: Iterable[str]) -> bool:
    """Return whether the form shares no part with any other.

    It neither is part of one of them nor contains one.
    """
    return not any(contains(form, other) or contains(other, form) for other in others)


def words_in_order(question: str) -> str:
    """Return a question's words; quotation marks do not matter."""
    return " ".join(words(question))


def around(question: str, name: str) -> list[str]:
    """Split a question at the places where `name` occurs as whole words."""
    return re.split(rf"(?<!\w){re.escape(name)}(?!\w)", question)


def spread(forms: list[str], count: int) -> list[str]:
    """Return at most `count` of the forms, evenly spaced."""
    return forms[:: max(1, len(forms) // max(1, count))][:count]
