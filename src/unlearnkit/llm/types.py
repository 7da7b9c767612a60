"""Prompts, replies and the protocol of chat models.

This module can be imported without torch.
"""

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
    """The messages sent to a model."""

    messages: Annotated[tuple[Message, ...], MinLen(1)]
    draw: str = "0"
    """Label of this prompt. To get several answers to the same messages, use prompts with different labels. A local
    model samples with a seed that depends on the label. The label is not sent to a server."""


class Sampling(Settings):
    """Settings for sampling an answer."""

    temperature: Annotated[float, Ge(0)] | None = None
    """Sampling temperature. At 0, the most likely token is taken. If null, a server uses its own default, and a local
    model takes the most likely token."""
    top_p: Annotated[float, Gt(0), Le(1)] | None = None
    """Sample only from the most likely tokens that together have this probability; null to sample from all tokens."""
    max_tokens: Annotated[int, Gt(0)] = 4096
    """Maximum number of tokens of an answer, including its reasoning."""


class Reply(Value):
    """A model's answer."""

    reasoning: str
    """The reasoning before the answer, without tags. The string is empty if the model showed no reasoning."""
    text: str
    """The answer. The string is empty if the output ended inside the reasoning."""
    tokens_in: int | None = None
    """Number of tokens of the prompt; None if the server does not report this number."""
    tokens_out: int | None = None
    """Number of tokens of the answer, including its reasoning; None if the server does not report this number."""
    ended: Literal["stop", "length", "filter", "none"] = "stop"
    """How the answer ended. `stop`: the model ended the answer; `length`: the answer reached the maximum length;
    `filter`: the server withheld the answer; `none`: the server sent no answer in any try."""


class ChatModel(Protocol):
    """A model that replies to prompts: a server or a local model."""

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_reply: Callable[[int], None] = lambda _: None
    ) -> list[Reply]:
        """Return the reply to each prompt, in order.

        Replies that were received earlier are read from disk.

        Args:
            prompts: the prompts.
            sampling: how to sample the answers.
            on_reply: function that is called whenever replies become available. The argument is the number of prompts
                that were answered since the last call.

        Raises:
            Interrupted: the user requested a stop. Replies received so far are kept.
            UnlearnError: the model cannot be used, or the budget is spent. Replies received so far are kept.
        """
