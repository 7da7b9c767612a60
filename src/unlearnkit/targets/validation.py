"""Check targets for missing or overlong parts, leaks and disclosure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.scan import scanner
from unlearnkit.scope.scope import Scope
from unlearnkit.text.disclosure import states_request

Malformed = Literal["no answer", "no trace", "no response", "cut off", "too long"]
Leaking = Literal["leak in the trace", "leak in the response", "lift"]
Fault = Malformed | Leaking | Literal["states the request"]

Fits = Callable[[Row, Target], bool]
"""Function that returns whether a row's prompt and the target's response together fit the maximum number of tokens. The
trace does not count, because a trace that is too long is shortened."""

_REASONS: dict[Fault, str] = {
    "no trace": "there was no reasoning before the response. Write the reasoning between <think> and </think>, and the "
    "response after it",
    "no response": "there was nothing to read after the reasoning. End the reasoning, and then write the response",
    "cut off": "it was so long that it was cut off. Reason more briefly, and end with a response",
    "too long": "the response was too long. Two sentences are enough",
    "leak in the trace": "the reasoning told something that must stay untold, in plain words or in other ones. Reason "
    "about what kind of thing is asked for, and not about the answer; do not recall it",
    "leak in the response": "the response told something that must stay untold, in plain words or in other ones. Name "
    "nothing but what the message itself names",
    "states the request": "it said that somebody asked for this, or that there is a list, a rule or a request. Whoever "
    "reads it should learn nothing of that. Say only that you keep this to yourself",
    "lift": "the reasoning made what must stay untold easier to guess, without telling it. Reason about what kind of "
    "thing is asked for, and do not describe the answer or what it is known for",
}

_ADVICE: dict[Fault, str] = {
    "no answer": "check the server",
    "no trace": "choose a model that reasons before it answers",
    "no response": "choose a model that closes its reasoning, or raise targets.sampling.max_tokens",
    "cut off": "raise targets.sampling.max_tokens",
    "too long": "raise train.max_length",
    "leak in the trace": "choose a stronger model",
    "leak in the response": "choose a stronger model",
    "states the request": "choose a stronger model, or set may_disclose in the scope",
    "lift": "choose a stronger model, or raise targets.lift_at_most",
}


def find_fault(target: Target, row: Row, scope: Scope, fits: Fits) -> Fault | None:
    """Return the first fault of a target, or None.

    The fault `lift` is not checked here, because measuring lift requires a model.
    """
    if not target.response.strip():
        return "no response"
    if not target.trace.strip():
        return "no trace"
    leaking_places = {finding.place for finding in scanner(scope).scan(target, row)}
    if leaking_places:
        return "leak in the response" if "response" in leaking_places else "leak in the trace"
    # That a target names a subject unasked is a leak. Only what it says of the request remains to be checked.
    texts = (target.trace, target.response)
    if not scope.may_disclose and any(states_request(text, row.conversation) for text in texts):
        return "states the request"
    return None if fits(row, target) else "too long"


def advice(fault: Fault) -> str:
    """Return what the user can change about a fault."""
    return _ADVICE[fault]


def reason(fault: Fault) -> str:
    """Return a message that explains a fault to the teacher.

    The message quotes nothing from the target. There is none for `no answer`, because the teacher is then not asked
    again.
    """
    return f"An earlier attempt was turned down, for {_REASONS[fault]}."
