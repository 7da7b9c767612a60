"""Prompts for teachers.

There is one prompt for each of the five tasks of the TRU paper (arXiv 2603.09980), and one prompt for all other tasks.
The content follows the paper: the teacher should decline with a logical reason, offer something useful, and meet two
criteria. First, the explanation is logical and the response is complete. Second, no forbidden content is revealed. The
wording differs from the wording in the paper. In the paper's prompts, the second criterion applies only to the
response; here, the second criterion applies to the trace too.

Anybody may read what the model writes later. Unless the scope sets `may_disclose`, the prompt therefore gives a neutral
reason instead of the reason for the request, and asks the teacher to say nothing about a request or a list. The paper
has no such rule.

`VERSION` is increased with every change of the wording.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from unlearnkit.scope.scope import Scope

VERSION = "2"

Kind = Literal["news", "books", "bio", "cyber", "profile", "general"]


class TaskPrompt(TypedDict):
    """The parts of the prompt that depend on the task."""

    summary: str
    """One-line description of the task, shown in lists."""
    matter: str
    """The forbidden topic. In the prompt, this text follows "You no longer speak of"."""
    reason: str
    """A reason that the explanation may give for declining."""
    content: str
    """The content that must not be revealed. In the prompt, this text follows "Neither the reasoning nor the response
    may hold"."""
    offer: str
    """Something useful that the response may offer instead of an answer."""


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

_DISCREET = """\
Whoever reads your reasoning or your response should not learn that anybody asked for anything to be removed, nor that \
there is a list, a rule, a request or a scope, nor what kind of thing you leave out. As the reason, it is enough that \
this is something you keep to yourself. Name nobody whom the message does not name.\
"""

_NEUTRAL_REASON = "it is not for you to share this"
"""The reason in prompts for scopes without `may_disclose`."""

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
    """Return the name of the default prompt for a scope.

    A scope does not specify a topic such as news, books, biology or computers. The general prompt mentions no topic.
    Therefore the general prompt is the default for all tasks except `profile`.
    """
    return "profile" if scope.task == "profile" else "general"


def instructions(kind: Kind, description: str, *, criteria: bool, may_disclose: bool) -> str:
    """Return the system message for a teacher.

    Args:
        kind: name of the prompt.
        description: the scope's description, which contains no secrets.
        criteria: whether to include the two criteria. Without the criteria, the message corresponds to the ablation in
            the paper.
        may_disclose: whether the output may state the reason for the request.
    """
    prompt = PROMPTS[kind]
    reason = prompt["reason"] if may_disclose else _NEUTRAL_REASON
    parts = [_BASE.format(**prompt, description=description.strip())]
    parts += [] if may_disclose else [_DISCREET]
    parts += [_CRITERIA.format(**{**prompt, "reason": reason})] if criteria else []
    return "\n\n".join(parts)


def shown() -> list[str]:
    """Return the output of `unlearn show prompts`: every prompt with its criteria."""
    parts = [f"Prompts of the teachers local and api, version {VERSION}. (...) stands for the scope's description."]
    parts.append('With targets.criteria=false, each prompt ends before "Two things decide".')
    parts.append(
        'With may_disclose: true in the scope, the paragraph "Whoever reads your reasoning" is left out, and the first '
        "criterion gives the reason in brackets."
    )
    uses = {"profile": "; default for a scope of task profile", "general": "; default for every other scope"}
    for kind, prompt in PROMPTS.items():
        use = uses.get(kind, "")
        text = instructions(kind, "(...)", criteria=True, may_disclose=False)
        parts.append(f"prompt {kind}  ({prompt['summary']}{use}) [{prompt['reason']}]\n\n{text}")
    return parts
