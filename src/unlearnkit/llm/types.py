"""Prompts, replies and the protocol of chat models.

Needs neither torch nor a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, Protocol

from annotated_types import Ge, Gt, Le, MinLen

from unlearnkit.core.settings import Settings, Value


class Message(Value):
    """A turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Prompt(Value):
    """The messages sent to a model."""

    messages: Annotated[tuple[Message, ...], MinLen(1)]
    draw: str = "0"
    """Number of the answer if several are drawn for the same messages; also seeds the sampling of a local model."""


class Sampling(Settings):
    """How to sample an answer."""

    temperature: Annotated[float, Ge(0)] | None = None
    """0 takes the most likely token; null leaves it to the server, while a local model takes the most likely token."""
    top_p: Annotated[float, Gt(0), Le(1)] | None = None
    """Sample only from the most likely tokens that together have this probability; null for all tokens."""
    max_tokens: Annotated[int, Gt(0)] = 4096
    """Maximum number of tokens of an answer, including its reasoning."""


class Reply(Value):
    """A model's answer."""

    reasoning: str
    """The reasoning before the answer, without tags; empty if the model showed none."""
    text: str
    """The answer; empty if the output ended inside the reasoning."""
    tokens_in: int | None = None
    """Tokens of the prompt; None if the server does not report them."""
    tokens_out: int | None = None
    """Tokens of the answer including reasoning; None if the server does not report them."""
    ended: Literal["stop", "length", "filter", "none"] = "stop"
    """`stop`: by itself; `length`: at the limit; `filter`: withheld by the server; `none`: no answer at any try."""


class ChatModel(Protocol):
    """A chat model."""

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_reply: Callable[[int], None] = lambda _: None
    ) -> list[Reply]:
        """Return the reply to each prompt, in order.

        Replies received before come from disk.

        Args:
            prompts: the prompts.
            sampling: how to sample the answers.
            on_reply: called with a number of prompts each time some of them have their reply.

        Raises:
            Interrupted: the user requested a stop; received replies are kept.
            UnlearnError: the model cannot be used, or the budget is spent; received replies are kept.
        """
