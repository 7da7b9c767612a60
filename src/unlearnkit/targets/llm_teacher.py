"""Teachers that are chat models.

This module sends the teachers' prompts and validates the teachers' answers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from unlearnkit.core.errors import UnlearnError
from unlearnkit.core.settings import Settings
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.llm.types import ChatModel, Message, Prompt, Reply, Sampling
from unlearnkit.scope.scope import Scope
from unlearnkit.targets.base import Teacher
from unlearnkit.targets.prompts import Kind, instructions, kind_of
from unlearnkit.targets.validation import Fault, Fits, advice, find_fault, reason

AGAIN = 2
"""Number of further attempts per row before the fallback is used. The prompt of each further attempt contains the
reason why the previous answer was rejected."""
FIRST = 20
"""Number of rows after which a teacher that fails is first noticed."""
FAILED_SHARE = 0.8
"""If the teacher fails for this share of the first rows, it is not asked again."""
FAILED_IN_A_ROW = 10
"""If the teacher fails for this number of consecutive rows, it is not asked again."""
LATER = 100
"""Number of rows in each later part."""


class ChatTeacher(Settings, ABC):
    """Base class of teachers that use a chat model."""

    prompt: Kind | None = None
    """Name of the prompt. `unlearn show prompts` lists the prompts. Null: the default prompt for the scope's task."""
    criteria: bool = True
    """Whether the prompt contains the two criteria of the TRU paper: the explanation is logical and complete, and
    nothing secret is revealed. False: the criteria are omitted, as in an ablation of the paper."""
    sampling: Sampling = Sampling()
    """How the teacher's answers are sampled."""

    @abstractmethod
    def ready(self, permission: Permission) -> None:
        """Check consent, API key, required package and model before anything is sent."""

    @abstractmethod
    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """Create the chat model.

        Args:
            permission: what may be sent, and how much may be spent.
            replies: the cache of replies.
            note: function that displays a message to the user.

        This method raises the same errors as `ready`.
        """

    @property
    def prices(self) -> Callable[[int, int], float] | None:
        """Function that computes the cost of input and output tokens.

        The arguments of the function are the numbers of tokens. The property is None if the cost is unknown or zero.
        """
        return None

    def prompt_for(self, row: Row, scope: Scope, draw: str, fault: Fault | None) -> Prompt:
        """Return the prompt for a row.

        Args:
            row: the forget row or scope question.
            scope: the scope; its description is part of the prompt.
            draw: distinguishes attempts, see `Prompt.draw`.
            fault: the fault of the previous answer, which the prompt explains; None at the first attempt.
        """
        kind = self.prompt or kind_of(scope)
        instruction = instructions(kind, scope.description, criteria=self.criteria, may_disclose=scope.may_disclose)
        system = instruction if fault is None else f"{instruction}\n\n{reason(fault)}"
        messages = (Message(role="system", content=system), Message(role="user", content=row.prompt))
        return Prompt(messages=messages, draw=draw)


@dataclass
class Usage:
    """Counts of a teacher's targets, rejected answers and tokens."""

    written: int = 0
    """Number of targets that the teacher wrote."""
    replaced: int = 0
    """Number of targets that the fallback wrote, because the teacher failed."""
    turned_down: Counter[Fault] = field(default_factory=Counter)
    """Number of the teacher's rejected answers, by fault."""
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def commonest_fault(self) -> Fault:
        """The fault for which most answers were rejected."""
        return self.turned_down.most_common(1)[0][0]

    @property
    def failures(self) -> str:
        """Sentence about the targets that the fallback wrote."""
        fault = self.commonest_fault
        return (
            f"{self.replaced} of {self.written + self.replaced} targets were written by the template teacher, because "
            f"the teacher failed; the commonest fault: {fault}. To change that, {advice(fault)}"
        )


@dataclass(frozen=True)
class LLMTargetWriter:
    """Writes targets with a chat model and validates them."""

    teacher: ChatTeacher
    chat_model: ChatModel
    fallback: Teacher
    """Teacher that writes the targets of rows for which the chat model fails."""
    fits: Fits
    count: Callable[[str, int], Callable[[int], None]]
    """Function that starts a progress display for one round of prompts. The arguments are the name of the round and the
    number of rows. The returned function advances the display by a number of finished rows."""
    usage: Usage
    lifting: Callable[[Sequence[Target], Sequence[Row]], Sequence[bool]] | None = None
    """Function that returns, for each target, whether the trace makes the answer too easy to guess. None: lift is not
    checked."""

    def write(self, rows: Sequence[Row], scope: Scope, seed: int) -> list[Target]:
        """Return one valid target for each row, in order.

        If the chat model writes no valid target for a row within `AGAIN` further attempts, the fallback writes the
        target. This method raises the same errors as `ChatModel.complete`.

        Raises:
            UnlearnError: the teacher failed for `FAILED_SHARE` of the first `FIRST` rows, or for `FAILED_IN_A_ROW` rows
                in a row. It is not asked about the rows after them.
        """
        done: dict[int, Target] = {}
        if rows:
            on_reply = self.count("targets", len(rows))
            for part in _parts(len(rows)):
                self._write(rows, scope, seed, part, done, on_reply)
                self._refuse_failing(part.stop, done, len(rows))
        left = [place for place in range(len(rows)) if place not in done]
        if left:
            done |= zip(left, self.fallback.write([rows[place] for place in left], scope, seed), strict=True)
        self.usage.written += len(rows) - len(left)
        self.usage.replaced += len(left)
        return [done[place] for place in range(len(rows))]

    def _write(
        self,
        rows: Sequence[Row],
        scope: Scope,
        seed: int,
        part: range,
        done: dict[int, Target],
        on_reply: Callable[[int], None],
    ) -> None:
        """Add the valid targets of some rows to `done`."""
        faults: dict[int, Fault | None] = dict.fromkeys(part)
        for attempt in range(1 + AGAIN):
            if not faults:
                break
            if attempt:
                on_reply = self.count("targets, repeated", len(faults))
            draw = f"{seed}.{attempt}"
            prompts = [self.teacher.prompt_for(rows[place], scope, draw, fault) for place, fault in faults.items()]
            replies = self.chat_model.complete(prompts, self.teacher.sampling, on_reply)
            # If the teacher gave no answer at all for a row, the row is not tried again, so the row is not among the
            # faults.
            faults = self._accept(rows, scope, dict(zip(faults, replies, strict=True)), done)

    def _refuse_failing(self, asked: int, done: Mapping[int, Target], rows: int) -> None:
        """Raise `UnlearnError` if the teacher failed too often.

        Args:
            asked: number of rows that the teacher was asked about.
            done: the valid targets, by the row's index.
            rows: number of all rows.
        """
        failed = [place not in done for place in range(asked)]
        in_a_row = max((len(list(run)) for each, run in groupby(failed) if each), default=0)
        if in_a_row < FAILED_IN_A_ROW and (asked < FIRST or sum(failed[:FIRST]) < FAILED_SHARE * FIRST):
            return
        fault = self.usage.commonest_fault
        raise UnlearnError(
            f"the teacher wrote no usable target for {sum(failed)} of {asked} rows; the commonest fault: {fault}",
            where=f"{rows - asked} more rows were not sent",
            fix=f"{advice(fault)}; or set targets.teacher=template; replies received so far are kept",
        )

    def _accept(
        self, rows: Sequence[Row], scope: Scope, replies: Mapping[int, Reply], done: dict[int, Target]
    ) -> dict[int, Fault | None]:
        """Add the valid targets to `done`; return the faults of invalid targets.

        The result maps the index of each row that must be retried to the fault of the row's target.
        """
        good, wrong = dict[int, Target](), dict[int, Fault]()
        for place, reply in replies.items():
            self.usage.tokens_in += reply.tokens_in or 0  # None if the server did not report the number
            self.usage.tokens_out += reply.tokens_out or 0
            row, target = rows[place], Target(id=rows[place].id, trace=reply.reasoning, response=reply.text)
            # A target that was cut by a limit or a filter is incomplete, whatever the target contains.
            by_end: dict[str, Fault] = {"none": "no answer", "length": "cut off", "filter": "cut off"}
            fault = by_end.get(reply.ended) or find_fault(target, row, scope, self.fits)
            if fault is None:
                good[place] = target
            else:
                wrong[place] = fault
        if self.lifting is not None and good:
            # All targets are measured in one batch, after the teacher has finished.
            too_helpful = self.lifting(list(good.values()), [rows[place] for place in good])
            for place, helps in zip(list(good), too_helpful, strict=True):
                if helps:
                    wrong[place] = "lift"
                    del good[place]
        self.usage.turned_down.update(wrong.values())
        done |= good
        # The faults are in the order of the rows, so that prompts and cached replies depend on nothing else.
        return {place: wrong[place] for place in replies if place in wrong and replies[place].ended != "none"}


def _parts(rows: int) -> Iterator[range]:
    """Yield the indices of the rows in parts.

    Failures are counted after each part.
    """
    ends = [*range(min(FIRST, rows), rows, LATER), rows]
    yield from (range(begin, end) for begin, end in pairwise([0, *ends]))
