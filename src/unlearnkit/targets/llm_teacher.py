"""A teacher that is a chat model: what is asked of it for each row, and what is done with what it answers."""

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
"""How often a row is asked about again, with the reason, before the fallback takes the teacher's place."""


class ChatTeacher(Settings, ABC):
    """Settings of a teacher that asks a chat model; it is one by making a `ChatModel`."""

    prompt: Kind | None = None
    """Which prompt the model gets (`unlearn show prompts`); null: as the scope's task has it."""
    criteria: bool = True
    """Whether the prompt holds the paper's two criteria. Without them it is the paper's ablation."""
    sampling: Sampling = Sampling()
    """How answers are drawn."""

    @abstractmethod
    def ready(self, permission: Permission) -> None:
        """Complain of what is missing, before anything is made or sent: consent, a key, a package, the model."""

    @abstractmethod
    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """The model. `replies` keeps what it answers, and `note` tells what the user may wonder about.

        Raises what `ready` raises.
        """

    @property
    def prices(self) -> Callable[[int, int], float] | None:
        """What tokens in and out cost; None where that is not known, or nothing."""
        return None

    def asked(self, row: Row, scope: Scope, draw: str, fault: Fault | None) -> Prompt:
        """The prompt for a row; `fault` is what was wrong with the answer before."""
        told = instructions(self.prompt or kind_of(scope), scope.description, criteria=self.criteria)
        system = told if fault is None else f"{told}\n\n{reason(fault)}"
        messages = (Message(role="system", content=system), Message(role="user", content=row.prompt))
        return Prompt(messages=messages, draw=draw)


@dataclass
class Usage:
    """How many targets were written by whom, and what it took."""

    written: int = 0
    """By the teacher."""
    replaced: int = 0
    """By the fallback, in the teacher's place."""
    turned_down: Counter[Fault] = field(default_factory=Counter)
    """Answers that could not be used, by what was wrong with them."""
    tokens_in: int = 0
    tokens_out: int = 0

    def hear(self, reply: Reply) -> None:
        """Count an answer's tokens, as far as the server told them."""
        self.tokens_in += reply.tokens_in or 0
        self.tokens_out += reply.tokens_out or 0


@dataclass(frozen=True)
class LLMTargetWriter:
    """All that is needed to have a chat teacher write."""

    teacher: ChatTeacher
    chat_model: ChatModel
    fallback: Teacher
    """Writes where the teacher cannot."""
    fits: Fits
    count: Callable[[str, int], Callable[[int], None]]
    """Begins to show a round of asking, by its name and the number of rows."""
    usage: Usage
    lifting: Callable[[Sequence[Target], Sequence[Row]], Sequence[bool]] | None = None
    """Which of some targets help too much to guess the answers; None where that counts for nothing."""

    def write(self, rows: Sequence[Row], scope: Scope, seed: int) -> list[Target]:
        """One target for each row, in order, each without fault: the teacher's, or after `AGAIN` more attempts the
        fallback's.

        Raises what the speaker raises.
        """
        done: dict[int, Target] = {}
        faults: dict[int, Fault | None] = dict.fromkeys(range(len(rows)))
        for attempt in range(1 + AGAIN):
            if not faults:
                break
            name = "targets" if attempt == 0 else "targets asked for again"
            said = self._ask(rows, scope, f"{seed}.{attempt}", faults, self.count(name, len(faults)))
            faults = self._take(rows, scope, dict(zip(faults, said, strict=True)), done)
        # Whoever answers nothing is not asked again, and is no longer among the faults.
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
        """What the teacher answers about each row that is left."""
        prompts = [self.teacher.asked(rows[place], scope, draw, fault) for place, fault in faults.items()]
        return self.chat_model.complete(prompts, self.teacher.sampling, on_reply)

    def _take(
        self, rows: Sequence[Row], scope: Scope, said: Mapping[int, Reply], done: dict[int, Target]
    ) -> dict[int, Fault | None]:
        """Put what is good into `done`, and return what is wrong with the others that are to be asked about again."""
        written, wrong = dict[int, Target](), dict[int, Fault]()
        for place, reply in said.items():
            self.usage.hear(reply)
            written[place] = Target(id=rows[place].id, trace=reply.reasoning, response=reply.text)
            fault = self._fault(written[place], rows[place], scope, reply)
            if fault is not None:
                wrong[place] = fault
        wrong |= dict.fromkeys(self._lifting(rows, {p: t for p, t in written.items() if p not in wrong}), "lift")
        self.usage.turned_down.update(wrong.values())
        done |= {place: target for place, target in written.items() if place not in wrong}
        # In the order of the rows, as they were asked: what is sent, and so what is kept, hangs on nothing else.
        return {place: wrong[place] for place in said if place in wrong and said[place].ended != "none"}

    def _lifting(self, rows: Sequence[Row], written: Mapping[int, Target]) -> list[int]:
        """The places of the targets that help too much; all are measured at once, after the teacher has answered."""
        if self.lifting is None or not written:
            return []
        helps = self.lifting(list(written.values()), [rows[place] for place in written])
        return [place for place, too_much in zip(written, helps, strict=True) if too_much]

    def _fault(self, target: Target, row: Row, scope: Scope, reply: Reply) -> Fault | None:
        # What a limit or a filter cut is no whole target, whatever is there.
        return "cut off" if reply.ended in ("length", "filter") else find_fault(target, row, scope, self.fits)
