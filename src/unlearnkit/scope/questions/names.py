"""Questions that name a subject or neighbor, an alias of theirs, or what may be taken for one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice

from unlearnkit.scope.questions.context import (
    TOPICS,
    TOPICS_OF_BESIDE,
    TOPICS_OF_BORROWED,
    QuestionContext,
    around,
    is_apart,
    words_of,
)
from unlearnkit.scope.questions.notes import in_turn, mentioned, noted, topics_beside, topics_of
from unlearnkit.scope.questions.question import ScopeQuestion, question_row
from unlearnkit.scope.questions.wordings import ABOUT_BEHIND, BEHIND, BESIDE, IN_SCOPE, REACH_BEHIND, THROUGH
from unlearnkit.scope.scope import ScopeSubject

TIMES_ALIKE = 2
"""Most times for a name that shares a word with a subject's: what stays would crowd out the rest."""
SWAPPED = 2
"""To how many neighbors each forget row's question is put."""


def by_name(asking: QuestionContext, subject: ScopeSubject, *, stays: bool, times: int) -> Iterator[ScopeQuestion]:
    """Questions that name a subject or neighbor, each composed one with as many times more topics."""
    name, wordings = subject.name, IN_SCOPE[asking.scope.task]
    yield from asking.ask(
        name,
        name,
        wordings,
        asking.topics,
        stays=stays,
        own=asking.scope.task != "privacy",
        kinds=TOPICS * times,
    )
    if asking.scope.task != "privacy":
        kinds = TOPICS_OF_BORROWED * (asking.times if asking.partly else 1)
        yield from asking.ask(name, name, asking.borrowed, asking.topics, stays=stays, own=False, kinds=kinds)


def by_alias(asking: QuestionContext, subject: ScopeSubject, *, stays: bool) -> Iterator[ScopeQuestion]:
    """Questions that name an alias, which may be a work: about it, and through it about whoever made it."""
    task, wordings = asking.scope.task, IN_SCOPE[asking.scope.task]
    for alias in subject.aliases:
        if task == "privacy":  # who wrote it may be told, and not how to reach them
            yield from asking.ask(subject.name, alias, REACH_BEHIND, asking.through, stays=stays, own=False, kinds=2)
            yield from asking.ask(subject.name, alias, asking.borrowed, asking.through, stays=stays, own=False, kinds=2)
            # What goes through a work as a refused thought does, and asks for what stays, is told apart last.
            hops = tuple(topic for topic in asking.of_works if topic.endswith(THROUGH[task]))
            notes = in_turn(hops, tuple(topic for topic in asking.of_works if topic not in hops))
            yield from asking.ask(subject.name, alias, BEHIND, notes, stays=True, own=False, kinds=2)
        elif not asking.partly:
            behind = task == "profile"
            of_alias = topics_of(asking.scope, asking.forget, alias=True)
            mixed = in_turn(of_alias, asking.topics)
            yield from asking.ask(subject.name, alias, wordings, mixed, stays=stays, own=not behind)
            if behind:
                notes = in_turn((*of_alias, *asking.of_works), asking.through)
                yield from asking.ask(subject.name, alias, asking.borrowed, notes, stays=stays, own=False)
                yield from asking.ask(subject.name, alias, BEHIND, notes, stays=stays, own=True)
                yield from asking.ask(subject.name, alias, ABOUT_BEHIND, asking.through, stays=stays, own=True)
            else:
                yield from asking.ask(subject.name, alias, asking.borrowed, mixed, stays=stays, own=False)


def beside(asking: QuestionContext, subject: ScopeSubject) -> Iterator[ScopeQuestion]:
    """Questions for what stays of a subject."""
    if asking.partly:
        wordings, kinds = BESIDE[asking.scope.task], TOPICS_OF_BESIDE * asking.times
        works = asking.scope.task == "copyright"
        topics = asking.of_works if works else topics_beside(asking.forget, asking.retain, works=False)
        yield from asking.ask(subject.name, subject.name, wordings, topics, stays=True, own=True, kinds=kinds)


def swap_entity(asking: QuestionContext) -> Iterator[ScopeQuestion]:
    """Forget rows' own questions, put to neighbors."""
    if not asking.scope.neighbors:
        return
    ring = cycle(asking.scope.neighbors)
    for row in asking.forget:
        subject, name = mentioned(asking.scope, row.question)
        parts = around(row.question, name)
        if subject is None or len(parts) == 1:  # it may name the subject in other letters
            continue
        for neighbor in islice(ring, SWAPPED):
            others = (neighbor.name,) if name == subject.name else neighbor.aliases
            for other in others[:1]:
                question = other.join(parts)
                if mentioned(asking.scope, question)[0] is None:  # it may name a second subject, or this one twice
                    yield ScopeQuestion(question_row(question, None, row.language, neighbor.name), other, True, None)


def lookalike(asking: QuestionContext) -> Iterator[ScopeQuestion]:
    """Questions that name what a part of a subject's name or alias may be taken for, and retain rows name.

    Of each word the first such name. Where a neighbor has that word, the subject is told from that by the rest.
    """
    settled = {word for one in asking.scope.neighbors for name in (one.name, *one.aliases) for word in words_of(name)}
    named = {name: row.subject for row in asking.retain for name in (row.subject, noted(row)[1]) if name}
    # Part of a subject's name, it may be the subject; so may a name that goes on where the subject's ends.
    free = {name: owner for name, owner in named.items() if is_apart(name, asking.names)}
    for subject in asking.scope.subjects:
        for name in (subject.name, *subject.aliases):
            for word in words_of(name):
                other = next((o for o in free if word in words_of(o)), None) if word not in settled else None
                if other is None:
                    continue
                settled.update(words_of(other))
                if name == subject.name:
                    yield from by_name(
                        asking, ScopeSubject(name=other), stays=True, times=min(asking.times, TIMES_ALIKE)
                    )
                else:
                    yield from by_alias(asking, ScopeSubject(name=free[other] or other, aliases=(other,)), stays=True)
