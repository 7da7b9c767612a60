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

    def add_reply(self, reply: Reply) -> None:
        """Add an answer's tokens, as far as the server reported them."""
        self.tokens_in += reply.tokens_in or 0
        self.tokens_out += reply.tokens_out or 0


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
            replies = self._ask(rows, scope, f"{seed}.{attempt}", faults, self.count(name, len(faults)))
            faults = self._accept(rows, scope, dict(zip(faults, replies, strict=True)), done)
        # A row that got no answer at all is not repeated, so it is missing from the faults.
        left = [place for place in range(len(rows)) if place not in done]
        if left:
            done |= zip(left, self.fallback.write([rows[place] for place in left], scope, seed), strict=True)
        self.usage.written += len(rows) - len(left)
        self.usage.replaced += len(left)
        return [done[place] for place in range(len(rows))]

    def _ask(
        self,
        rows: Sequence[Row],
        scope: Scope,
        draw: str,
        faults: Mapping[int, Fault | None],
        on_reply: Callable[[int], None],
    ) -> list[Reply]:
        """Return the teacher's answers for the remaining rows."""
        prompts = [self.teacher.prompt_for(rows[place], scope, draw, fault) for place, fault in faults.items()]
        return self.chat_model.complete(prompts, self.teacher.sampling, on_reply)

    def _accept(
        self, rows: Sequence[Row], scope: Scope, replies: Mapping[int, Reply], done: dict[int, Target]
    ) -> dict[int, Fault | None]:
        """Put good targets into `done`; return the faults of the others.

        Those rows are repeated.
        """
        written, wrong = dict[int, Target](), dict[int, Fault]()
        for place, reply in replies.items():
            self.usage.add_reply(reply)
            written[place] = Target(id=rows[place].id, trace=reply.reasoning, response=reply.text)
            fault = self._fault(written[place], rows[place], scope, reply)
            if fault is not None:
                wrong[place] = fault
        wrong |= dict.fromkeys(self._lifting(rows, {p: t for p, t in written.items() if p not in wrong}), "lift")
        self.usage.turned_down.update(wrong.values())
        done |= {place: target for place, target in written.items() if place not in wrong}
        # In the order of the rows, so that prompts, and thereby cached replies, depend on nothing else.
        return {place: wrong[place] for place in replies if place in wrong and replies[place].ended != "none"}

    def _lifting(self, rows: Sequence[Row], written: Mapping[int, Target]) -> list[int]:
        """Return the indices of targets that help too much.

        They are measured in one batch, after the teacher is done.
        """
        if self.lifting is None or not written:
            return []
        helps = self.lifting(list(written.values()), [rows[place] for place in written])
        return [place for place, too_much in zip(written, helps, strict=True) if too_much]

    def _fault(self, target: Target, row: Row, scope: Scope, reply: Reply) -> Fault | None:
        # A target cut by a limit or a filter is incomplete, whatever it contains.
        return "cut off" if reply.ended in ("length", "filter") else find_fault(target, row, scope, self.fits)
