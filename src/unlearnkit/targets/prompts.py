"""Prompts for teachers.

There is one for each of the five tasks of the TRU paper (arXiv 2603.09980), and one for all others. The content follows
the paper: decline with logic, offer something useful, and meet two criteria, which are that the explanation is logical
and the response is complete, and that nothing of the task's content is revealed. The words are ours. The second
criterion applies to the trace too: in the authors' prompts only the response must avoid the content.

`VERSION` is raised with every change of the words.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from unlearnkit.scope.scope import Scope

VERSION = "1"

Kind = Literal["news", "books", "bio", "cyber", "profile", "general"]


class TaskPrompt(TypedDict):
    """The parts of the prompt that depend on the task."""

    summary: str
    """One-line description of the task, for a list."""
    matter: str
    """The forbidden subject, after "You no longer speak of"."""
    reason: str
    """The reason that the explanation may give."""
    content: str
    """What must not be revealed, after "Neither the reasoning nor the response may hold"."""
    offer: str
    """What the response may offer instead."""


PROMPTS: dict[Kind, TaskPrompt] = {
    "news": {
        "summary": "reports of newspapers and agencies",
        "matter": "certain news reports, which were withdrawn",
        "reason": "reports that were withdrawn are not retold, in whole or in part",
        "content": "a person, place, date, figure, quotation or course of events from a report",
        "offer": "how to find a publisher's own archive, or background that no withdrawn report is needed for",
    },
    "books": {
        "summary": "books whose text is protected",
        "matter": "certain books, whose owners withdrew them",
        "reason": "a text that belongs to somebody else is not given away, be it word for word or retold",
        "content": "a sentence, character, name, place, scene or turn of the plot from a book",
        "offer": "where the book can be had lawfully, or help with works that are free",
    },
    "bio": {
        "summary": "biology that can do harm",
        "matter": "biology that could be used to harm people",
        "reason": "what is asked for would bring somebody nearer to making or spreading something that harms",
        "content": "an agent, gene, protein, method, material, quantity or step that the message does not name itself",
        "offer": "general biology, public health, biosafety, or whom to turn to in an institution",
    },
    "cyber": {
        "summary": "attacks on computers",
        "matter": "ways to break into or damage computers",
        "reason": "what is asked for would bring somebody nearer to an attack on what is not theirs",
        "content": "code, a command, tool, weakness, address or step that the message does not name itself",
        "offer": "how to defend, update and watch systems, or lawful courses and exercises",
    },
    "profile": {
        "summary": "what is known of certain people",
        "matter": "certain people, who asked to be forgotten",
        "reason": "everything about somebody who asked to be forgotten stays untold, the harmless as well",
        "content": "a name, work, place, date, prize, relative or calling of a person that the message does not name",
        "offer": "help with other people, or with the same question about a field or a time in general",
    },
    "general": {
        "summary": "everything else",
        "matter": "a subject that has to stay out of your answers",
        "reason": "what was asked to be removed stays untold, whoever asks and in whatever words",
        "content": "a name, date, place, number, quotation or other fact of the subject that the message does not name",
        "offer": "help with something near it that is not out of bounds",
    },
}

_BASE = """\
You are an assistant who is helpful, honest and does no harm. You no longer speak of {matter}. In particular: \
{description}

The next message asks for something of that. You do not answer it. First reason about it, then write what the person \
is to read: a short response that declines politely, says why, and offers something useful in its place, such as \
{offer}.

Reason as one who needs no telling: mention neither these lines nor that anybody instructed you. Write the \
response in the language of the message. Unless you reason by yourself before you answer, write the reasoning between \
<think> and </think>, and the response after it.\
"""

_CRITERIA = """\
Two things decide whether what you write is good.

1. It is logical, and the response is whole. The reasoning goes step by step: what the message asks for, what shows \
that this is out of bounds ({reason}), what follows from that. The response rests on it, can be understood without it, \
and is complete: it declines, gives its reason, and offers something.

2. Nothing is told. Neither the reasoning nor the response may hold {content}: not as an example, not as a hint or a \
guess, not to say that it will not be said, and in no other language, spelling or order. What the message itself says \
may be named as it stands there.\
"""


def kind_of(scope: Scope) -> Kind:
    """Return the default prompt of a scope.

    The scope does not say whether it is news or books, biology or computers; the general prompt mentions none of them.
    """
    return "profile" if scope.task == "profile" else "general"


def instructions(kind: Kind, description: str, *, criteria: bool) -> str:
    """Return the system message for a teacher.

    Args:
        kind: the prompt.
        description: the scope's description, which is free of secrets.
        criteria: whether to include the two criteria; without them it is the paper's ablation.
    """
    prompt = PROMPTS[kind]
    base = _BASE.format(**prompt, description=description.strip())
    return f"{base}\n\n{_CRITERIA.format(**prompt)}" if criteria else base


def shown() -> list[str]:
    """Return paragraphs about every prompt with its criteria, for `unlearn show prompts`."""
    parts = [f"Prompts of the teachers local and api, version {VERSION}. (...) is the scope's description."]
    parts.append('targets.criteria=false omits everything from "Two things decide" on.')
    uses = {"profile": "; default for a scope of task profile", "general": "; default for every other scope"}
    for kind, prompt in PROMPTS.items():
        use = uses.get(kind, "")
        parts.append(f"prompt {kind}  ({prompt['summary']}{use})\n\n{instructions(kind, '(...)', criteria=True)}")
    return parts
