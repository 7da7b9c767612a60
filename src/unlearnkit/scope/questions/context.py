"""What questions are composed from, and one name put in many wordings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.notes import noted, rests_of, topics_beside, topics_of
from unlearnkit.scope.questions.question import ScopeQuestion, question_row
from unlearnkit.scope.questions.wordings import BESIDE, IN_SCOPE, THROUGH, Wordings, spoken
from unlearnkit.scope.scope import Scope
from unlearnkit.text.normalize import contains, words
from unlearnkit.text.spellings import common, fold

BORROWED, BORROWED_BESIDE = 12, 4
"""Most questions that are borrowed in each language; where only a part of what is known of a subject is in scope."""
TOPICS, TOPICS_OF_BORROWED, TOPICS_OF_BESIDE, TOPICS_OF_SECRET = 1, 2, 3, 2
"""With how many topics a question is put, in turn: one composed about a name, one borrowed, one for what stays of a
subject, one about a secret."""
SPREAD = 6
"""Where subjects are fewer than this, each question is put with as many times more topics: a single subject and its
neighbor make few questions, and a model would learn the topics in place of the names."""


@dataclass(frozen=True)
class QuestionContext:
    """All that questions are composed from."""

    scope: Scope
    forget: tuple[Row, ...]
    retain: tuple[Row, ...]
    probes: frozenset[str]
    """Questions that are measured, as `words_in_order` has them."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name and alias of the scope."""
        known = (*self.scope.subjects, *self.scope.neighbors)
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
                around(row.question, row.subject)
                for row in rows
                if row.language == language and not row.options and row.subject
            )
            asked = Counter(
                "{name}".join(part.replace("{", "{{").replace("}", "}}") for part in parts)
                for parts in of_subjects
                if len(parts) > 1
            )
            known = spoken(IN_SCOPE[self.scope.task], language)
            fitting = (
                wording
                for wording, _ in asked.most_common()
                if wording not in known
                and self.probes.isdisjoint(words_in_order(wording.format(name=name)) for name in self.names)
            )
            found[language] = tuple(islice(fitting, most))
        return found

    def _of_others(self) -> list[Row]:
        """Retain rows that ask for what is never asked of subjects like those to be forgotten: what stays of these.

        None where nothing tells whom such rows are about: no retain row notes what forget rows note.
        """
        unlearned = {noted(row)[0] for row in self.forget} - {""}
        lookalike = {row.subject for row in self.retain if noted(row)[0] in unlearned}
        # A row that notes nothing may ask for anything.
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
        own: bool,
        kinds: int = TOPICS,
        quoted: bool = True,
    ) -> Iterator[ScopeQuestion]:
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
                    yield ScopeQuestion(question_row(question, kind, language, subject), name, stays, kind, rest)


def words_of(name: str) -> list[str]:
    """What a name may be known by: its words, but for those that carry grammar alone."""
    return [word for word in words(name) if fold(word) not in common()]


def is_apart(form: str, others: Iterable[str]) -> bool:
    """Whether it is no part of any of the others, nor has one in it."""
    return not any(contains(form, other) or contains(other, form) for other in others)


def words_in_order(question: str) -> str:
    """A question's words: with other quotation marks it is the same question."""
    return " ".join(words(question))


def around(question: str, name: str) -> list[str]:
    """What stands before, between and behind the places where `name` stands as words of its own."""
    return re.split(rf"(?<!\w){re.escape(name)}(?!\w)", question)


def spread(forms: list[str], count: int) -> list[str]:
    """At most `count` of the forms, taken evenly."""
    return forms[:: max(1, len(forms) // max(1, count))][:count]
