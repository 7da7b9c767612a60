"""Teachers that are chat models.

Their prompts, and the validation of their answers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from unlearnkit.core.settings import Settings
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.llm.types import ChatModel, Message, Prompt, Reply, Sampling
from unlearnkit.scope.scope import Scope
from unlearnkit.targets.base import Teacher
from unlearnkit.targets.prompts import Kind, instructions, kind_of
from unlearnkit.targets.validation import Fault, Fits, find_fault, reason

AGAIN = 2
"""Number of further attempts per row, with the reason, before the fallback is used."""


class ChatTeacher(Settings, ABC):
    """Settings of a teacher that uses a chat model."""

    prompt: Kind | None = None
    """Prompt for the model (`unlearn show prompts`); null for the default of the scope's task."""
    criteria: bool = True
    """Whether the prompt contains the paper's two criteria. False is the paper's ablation."""
    sampling: Sampling = Sampling()
    """How to sample answers."""

    @abstractmethod
    def ready(self, permission: Permission) -> None:
        """Check consent, key, package and model before anything is made or sent."""

    @abstractmethod
    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """Create the chat model.

        Args:
            permission: what may be sent, and how much may be spent.
            replies: the cache of replies.
            note: called with messages for the user.

        Raises what `ready` raises.
        """

    @property
    def prices(self) -> Callable[[int, int], float] | None:
        """Function from tokens in and out to their cost.

        None if it is unknown, or nothing.
        """
        return None

    def prompt_for(self, row: Row, scope: Scope, draw: str, fault: Fault | None) -> Prompt:
        """Return the prompt for a row.

        `fault` is the fault of the previous answer.
        """
        instruction = instructions(self.prompt or kind_of(scope), scope.description, criteria=self.criteria)
        system = instruction if fault is None else f"{instruction}\n\n{reason(fault)}"
        messages = (Message(role="system", content=system), Message(role="user", content=row.prompt))
        return Prompt(messages=messages, draw=draw)


@dataclass
class Usage:
    """Number of targets by author, and the tokens used."""

    written: int = 0
    """Targets from the teacher."""
    replaced: int = 0
    """Targets from the fallback, in place of the teacher's."""
    turned_down: Counter[Fault] = field(default_factory=Counter)
    """Rejected answers by fault."""
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True)
class LLMTargetWriter:
    """Lets a chat teacher write targets, and validates them."""

    teacher: ChatTeacher
    chat_model: ChatModel
    fallback: Teacher
    """Writes where the teacher fails."""
    fits: Fits
    count: Callable[[str, int], Callable[[int], None]]
    """Starts the progress of a round of prompts, given its name and the number of rows."""
    usage: Usage
    lifting: Callable[[Sequence[Target], Sequence[Row]], Sequence[bool]] | None = None
    """Returns which targets help too much to guess the answers; None to skip this check."""

    def write(self, rows: Sequence[Row], scope: Scope, seed: int) -> list[Target]:
        """Return one faultless target for each row, in order.

        It is the teacher's, or after `AGAIN` further attempts the fallback's. Raises what the chat model raises.
        """
        done: dict[int, Target] = {}
        faults: dict[int, Fault | None] = dict.fromkeys(range(len(rows)))
        for attempt in range(1 + AGAIN):
            if not faults:
                break
            name = "targets" if attempt == 0 else "targets, repeated"
            on_reply, draw = self.count(name, len(faults)), f"{seed}.{attempt}"
            prompts = [self.teacher.prompt_for(rows[place], scope, draw, fault) for place, fault in faults.items()]
            replies = self.chat_model.complete(prompts, self.teacher.sampling, on_reply)
            faults = self._accept(rows, scope, dict(zip(faults, replies, strict=True)), done)
        # A row that got no answer at all is not repeated, so it is missing from the faults.
        left = [place for place in range(len(rows)) if place not in done]
        if left:
            done |= zip(left, self.fallback.write([rows[place] for place in left], scope, seed), strict=True)
        self.usage.written += len(rows) - len(left)
        self.usage.replaced += len(left)
        return [done[place] for place in range(len(rows))]

    def _accept(
        self, rows: Sequence[Row], scope: Scope, replies: Mapping[int, Reply], done: dict[int, Target]
    ) -> dict[int, Fault | None]:
        """Add good targets to `done`; return the faults of rows to repeat."""
        good, wrong = dict[int, Target](), dict[int, Fault]()
        for place, reply in replies.items():
            self.usage.tokens_in += reply.tokens_in or 0  # None if the server did not report them
            self.usage.tokens_out += reply.tokens_out or 0
            row, target = rows[place], Target(id=rows[place].id, trace=reply.reasoning, response=reply.text)
            # A target cut by a limit or a filter is incomplete, whatever it contains.
            cut = reply.ended in ("length", "filter")
            fault: Fault | None = "cut off" if cut else find_fault(target, row, scope, self.fits)
            if fault is None:
                good[place] = target
            else:
                wrong[place] = fault
        if self.lifting is not None and good:
            # Measured in one batch, after the teacher is done.
            too_helpful = self.lifting(list(good.values()), [rows[place] for place in good])
            for place, helps in zip(list(good), too_helpful, strict=True):
                if helps:
                    wrong[place] = "lift"
                    del good[place]
        self.usage.turned_down.update(wrong.values())
        done |= good
        # In the order of the rows, so that prompts, and thereby cached replies, depend on nothing else.
        return {place: wrong[place] for place in replies if place in wrong and replies[place].ended != "none"}
