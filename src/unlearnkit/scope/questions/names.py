"""Compose questions that name a subject, an alias or a similar name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice, product
from random import Random

from unlearnkit.scope.questions.context import TOPICS, QuestionContext, around, is_apart, words_of
from unlearnkit.scope.questions.notes import in_turn, kinds_of, mentioned, noted, retain_topics, topics_of
from unlearnkit.scope.questions.question import ADAPTED, ScopeQuestion, question_row
from unlearnkit.scope.questions.wordings import (
    IN_SCOPE,
    by_alias_wordings,
    out_of_part_wordings,
    reference,
    through_alias_wordings,
)
from unlearnkit.scope.scope import ScopeSubject

TOPICS_OF_BORROWED, TOPICS_OUT_OF_PART = 2, 3
"""Number of topics for each question. `TOPICS_OF_BORROWED` applies to questions adapted from retain rows.
`TOPICS_OUT_OF_PART` applies to questions that name a subject but ask for knowledge to keep."""
TIMES_ALIKE = 2
"""Maximum of the argument `times` of `by_name` for names that share a word with a subject's name. With a higher
maximum, questions on these names would outnumber all other questions."""
SIMILAR = 2
"""Maximum number of names that share a word with the name of one subject and are asked about in all forms."""
HALVES = 8
"""Number of invented names for each word of a subject's name."""
OTHERS = 40
"""Maximum number of subjects of retain rows that are asked about in all forms."""
SWAPPED = 2
"""The question of each forget row is also asked about this many neighbors."""


def by_name(context: QuestionContext, subject: ScopeSubject, *, stays: bool, times: int) -> Iterator[ScopeQuestion]:
    """Yield questions that name a subject or neighbor.

    The number of topics per composed question is multiplied by `times`.
    """
    ask = partial(context.ask, subject.name, subject.name, topics=context.topics, stays=stays)
    own = context.scope.task != "privacy"
    yield from ask(IN_SCOPE[context.scope.task], own=own, kinds=TOPICS * times)
    if own:
        kinds = TOPICS_OF_BORROWED * (context.times if context.partly else 1)
        yield from ask(context.borrowed, kinds=kinds, form=ADAPTED)


def by_alias(context: QuestionContext, subject: ScopeSubject, *, stays: bool) -> Iterator[ScopeQuestion]:
    """Yield questions that name an alias of a subject or neighbor.

    An alias may be the title of a work. If the scope has questions about works and their authors, these questions are
    asked, too (`Wording.by_alias` and `Wording.through_alias`).
    """
    task, wordings = context.scope.task, IN_SCOPE[context.scope.task]
    about_alias, through_alias = by_alias_wordings(context.scope), through_alias_wordings(context.scope)
    for alias in subject.aliases:
        ask = partial(context.ask, subject.name, alias)
        if task == "privacy":  # the author of a work may be named, but the author's contact data is secret
            contact = through_alias if any(through_alias.values()) else wordings
            yield from ask(contact, context.through, stays=stays, kinds=2)
            yield from ask(context.borrowed, context.through, stays=stays, kinds=2)
            # The notes in `hops` lead from a work to its author, like refused notes, but ask for knowledge to keep. The
            # two kinds of notes differ only in the words before "the author of".
            hops = tuple(topic for topic in context.of_works if topic.endswith(reference(context.scope)))
            notes = in_turn(hops, tuple(topic for topic in context.of_works if topic not in hops))
            yield from ask(about_alias, notes, stays=True, kinds=2)
        elif not context.partly:
            of_alias = topics_of(context.scope, context.forget, alias=True)
            mixed = in_turn(of_alias, context.topics)
            yield from ask(wordings, mixed, stays=stays, own=task != "profile")
            if task == "profile":
                notes = in_turn((*of_alias, *context.of_works), context.through)
                yield from ask(context.borrowed, notes, stays=stays)
                yield from ask(about_alias, notes, stays=stays, own=True)
                yield from ask(through_alias, context.through, stays=stays, own=True)
            else:
                yield from ask(context.borrowed, mixed, stays=stays)


def out_of_part(context: QuestionContext, subject: ScopeSubject) -> Iterator[ScopeQuestion]:
    """Yield questions that name a subject but ask for knowledge to keep."""
    if context.partly:
        wordings, kinds = out_of_part_wordings(context.scope), TOPICS_OUT_OF_PART * context.times
        works = context.scope.task == "copyright"
        topics = context.of_works if works else retain_topics(context.forget, context.retain, works=False)
        yield from context.ask(subject.name, subject.name, wordings, topics, stays=True, own=True, kinds=kinds)


def swap_entity(context: QuestionContext) -> Iterator[ScopeQuestion]:
    """Yield questions of forget rows, asked about a neighbor instead."""
    if not context.scope.neighbors:
        return
    ring = cycle(context.scope.neighbors)
    for row in context.forget:
        subject, name = mentioned(context.scope, row.question)
        parts = around(row.question, name)
        if subject is None or len(parts) == 1:  # the question may use another spelling of the name
            continue
        for neighbor in islice(ring, SWAPPED):
            others = (neighbor.name,) if name == subject.name else neighbor.aliases
            for other in others[:1]:
                question = other.join(parts)
                if mentioned(context.scope, question)[0] is None:  # another subject or alias may remain
                    row = question_row(question, None, row.language, neighbor.name, form=ADAPTED)
                    yield ScopeQuestion(row, other, True, None)


def _names_apart(context: QuestionContext) -> dict[str, str | None]:
    """Return names in retain rows apart from the scope's names.

    A part of a subject's name may refer to the subject, and so may a longer name that contains the subject's name.
    These names are excluded. Each name is returned with the subject of its row.
    """
    named = {name: row.subject for row in context.retain for name in (row.subject, noted(row)[1]) if name}
    return {name: owner for name, owner in named.items() if is_apart(name, context.names)}


def similar_names(context: QuestionContext) -> list[str]:
    """Return names in retain rows that resemble a subject's name.

    Such a name shares a word with the subject's name. At most `SIMILAR` names are returned for each subject.
    """
    found: dict[str, None] = {}
    for subject in context.scope.subjects:
        words = set(words_of(subject.name))
        sharing = (name for name in _names_apart(context) if words & set(words_of(name)))
        found |= dict.fromkeys(islice(sharing, SIMILAR))
    return list(found)


def half_names(context: QuestionContext) -> list[str]:
    """Return invented names that share one word with a subject's name.

    The other words are those of another name of the scope or of a retain row. A model that has learned to decline
    questions with a subject's surname may otherwise decline questions about all who bear this surname.
    """
    known = {*context.names, *_names_apart(context)}
    found: dict[str, None] = {}
    for subject in context.scope.subjects:
        words, others = subject.name.split(), cycle(_alike(context, subject.name))
        if len(words) < 2:
            continue
        for at, _ in product(range(len(words)), range(HALVES)):
            if (other := next(others, None)) is not None:
                name = " ".join(
                    word if at == place else part
                    for place, (word, part) in enumerate(zip(words, other.split(), strict=True))
                )
                if name not in known:
                    found[name] = None
    return list(found)


def _alike(context: QuestionContext, name: str) -> list[str]:
    """Return other names with as many words, in a drawn order.

    None of them shares a word with the scope's subjects.
    """
    taken = {word for one in context.scope.subjects for word in words_of(one.name)}
    names = [*(one.name for one in context.scope.neighbors), *other_subjects(context)]
    apart = [one for one in names if len(one.split()) == len(name.split()) and taken.isdisjoint(words_of(one))]
    Random(f"halves/{name}").shuffle(apart)
    return apart


def other_subjects(context: QuestionContext) -> list[str]:
    """Return subjects of retain rows that resemble the scope's subjects.

    They are of the same kind: they have the topic or the attribute of a forget row. If no forget row has one, all
    subjects of retain rows are returned. At most `OTHERS` are returned.
    """
    asked = {kind for row in context.forget for kind in kinds_of(row)}
    apart = _names_apart(context)
    names = [
        row.subject
        for row in context.retain
        if row.subject in apart and (not asked or not asked.isdisjoint(kinds_of(row)))
    ]
    drawn = list(dict.fromkeys(name for name in names if name is not None))
    Random("others").shuffle(drawn)
    return drawn[:OTHERS]


def lookalike(context: QuestionContext) -> Iterator[ScopeQuestion]:
    """Yield questions on names similar to a subject's name.

    The similar names occur in retain rows and share a word with a subject's name or alias. For each word of the name or
    alias, only the first similar name is used. Words of neighbors' names are skipped, because the questions on
    neighbors already teach the model that such a word alone does not identify the subject.
    """
    settled = {word for one in context.scope.neighbors for name in one.names for word in words_of(name)}
    free = _names_apart(context)
    for subject in context.scope.subjects:
        for name in subject.names:
            for word in words_of(name):
                other = next((o for o in free if word in words_of(o)), None) if word not in settled else None
                if other is None:
                    continue
                settled.update(words_of(other))
                if name == subject.name:
                    named_alike = ScopeSubject(name=other)
                    yield from by_name(context, named_alike, stays=True, times=min(context.times, TIMES_ALIKE))
                else:
                    yield from by_alias(context, ScopeSubject(name=free[other] or other, aliases=(other,)), stays=True)
