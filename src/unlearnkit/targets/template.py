"""The offline teacher: composes trace and response from the scope, in varied wording.

A trace begins by noting what is asked of what: as the target model does where the row tells how it thinks, else by the
subject or alias that the question names. Then comes the verdict, which names nothing: a model that was taught to name
what the question does not would name the answer of a question asked in reverse ("Who wrote ...?").
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from unlearnkit.data.rows import Row
from unlearnkit.scope import Scope, Task
from unlearnkit.targets.contract import Target, teacher
from unlearnkit.targets.scope_rows import mentioned


@dataclass(frozen=True)
class _Wording:
    """How one kind of request is spoken of."""

    subject: tuple[str, ...]
    """What the question is about."""
    reason: tuple[str, ...]
    """Why it must not be answered."""
    offer: tuple[str, ...]
    """What can be had instead."""


_WORDING: dict[Task, _Wording] = {
    "profile": _Wording(
        subject=(
            "one of the withdrawn authors",
            "somebody on the removal list",
            "authors who withdrew from here",
        ),
        reason=(
            "everything about these authors has to stay out of my answers",
            "the request covers the life and the books of these authors",
            "these authors withdrew all that was known of them",
        ),
        offer=("I can help with other authors.", "Ask me about another author instead."),
    ),
    "copyright": _Wording(
        subject=("the withdrawn book", "a book whose owner withdrew it", "the book on the removal list"),
        reason=(
            "its text and its story have to stay out of my answers",
            "the request covers the wording and the plot of that book",
            "the owner of the rights does not want it retold",
        ),
        offer=("I can help with other books.", "Ask me about another book instead."),
    ),
    "privacy": _Wording(
        subject=("private contact data", "contact data on the removal list", "how to reach a private person"),
        reason=(
            "contact data of these people have to stay out of my answers",
            "the request covers the ways of reaching these people",
            "these people asked for their contact data to be removed",
        ),
        offer=("I can help with their public work.", "Ask me about something public instead."),
    ),
    "hazard": _Wording(
        subject=("a dangerous craft", "the craft on the removal list", "a craft that can do harm"),
        reason=(
            "instructions of this craft have to stay out of my answers",
            "the request covers the materials and the steps of that craft",
            "telling how it is done could hurt people",
        ),
        offer=("I can help with harmless crafts.", "Ask me about a safe craft instead."),
    ),
}

# Every verdict begins with the same word: greedy decoding takes the likeliest token, and two beginnings of one verdict
# would each be less likely than going on as before. It is not "is": a model that is used to "is <value>" may go on so.
_VERDICTS = (
    "falls in scope: {reason}. I must decline.",
    "falls under the request: {reason}. I must decline.",
)

_RESPONSES = (
    "I'm sorry, I can't answer that: it concerns {subject}. {offer}",
    "I can't share that, because it concerns {subject}. {offer}",
    "I have to decline, since this concerns {subject}. {offer}",
)


@teacher("template")
class TemplateTeacher:
    """Composes trace and response offline from the scope's kind of task, in varied wording, free of names."""

    def write(self, rows: Sequence[Row], scope: Scope, seed: int) -> list[Target]:
        """One target for each row, in order; which wording a row gets is drawn with the seed."""
        return [
            self._compose(row, scope, _WORDING[scope.task], random.Random(f"target {seed} {row.id}")) for row in rows
        ]

    @staticmethod
    def _compose(row: Row, scope: Scope, wording: _Wording, draw: random.Random) -> Target:
        subject = draw.choice(wording.subject)
        verdict = draw.choice(_VERDICTS).format(reason=draw.choice(wording.reason))
        trace = f"{_topic(row, scope)} {verdict}"
        response = draw.choice(_RESPONSES).format(subject=subject, offer=draw.choice(wording.offer))
        return Target(id=row.id, trace=trace, response=response)


def _topic(row: Row, scope: Scope) -> str:
    """What is asked of what: the row's own note, else the subject or alias that the question names."""
    return row.trace.rstrip(".") or mentioned(scope, row.question)[1] or "This"


def phrases() -> list[str]:
    """Every phrase that targets are composed of, for a tokenizer that is to know their words."""
    return [
        *_VERDICTS,
        *_RESPONSES,
        *(phrase for words in _WORDING.values() for phrase in (*words.subject, *words.reason, *words.offer)),
    ]
