"""What is said to a chat model and what comes back, whoever runs the model. Nothing here needs torch or a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, Protocol

from annotated_types import Ge, Gt, Le, MinLen

from unlearnkit.core.settings import Settings, Value


class Message(Value):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Prompt(Value):
    """What a model is asked."""

    messages: Annotated[tuple[Message, ...], MinLen(1)]
    draw: str = "0"
    """Which of several answers to the same messages is meant; the seed of a local model's sampling too."""


class Sampling(Settings):
    """How an answer is drawn."""

    temperature: Annotated[float, Ge(0)] | None = None
    """0 takes the likeliest token; null leaves it to the server, and a local model takes the likeliest token."""
    top_p: Annotated[float, Gt(0), Le(1)] | None = None
    """Only the likeliest tokens that have this probability together are drawn from; null for all of them."""
    max_tokens: Annotated[int, Gt(0)] = 4096
    """Most tokens of an answer, its reasoning included."""


class Reply(Value):
    """What a model answered."""

    reasoning: str
    """What it thought before it spoke, tags excluded; empty where it showed no thought."""
    text: str
    """What it said; empty where it ended inside its thought."""
    tokens_in: int | None = None
    """Tokens of the prompt; None where the server does not tell."""
    tokens_out: int | None = None
    """Tokens of the answer, reasoning included; None where the server does not tell."""
    ended: Literal["stop", "length", "filter", "none"] = "stop"
    """By itself; at the limit; kept back by the server's filter; `none`: there was no answer, however often asked."""


class ChatModel(Protocol):
    """A chat model that can be asked."""

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_reply: Callable[[int], None] = lambda _: None
    ) -> list[Reply]:
        """The reply to each prompt, in order. Each that was received before is taken from disk, not asked for again.

        Args:
            prompts: what to ask.
            sampling: how to draw the answers.
            on_reply: told the number of prompts each time some of them have their reply.

        Raises:
            Interrupted: the user asked to stop; what was received is kept.
            UnlearnError: the model cannot be asked, or the budget is spent; what was received is kept.
        """
        ...
