"""Outputs of a model."""

from __future__ import annotations

from typing import Literal

from unlearnkit.core.settings import Value


class Generation(Value):
    """A model's output for a prompt."""

    text: str
    """The whole output, including the trace markers but not the end token."""
    trace: str
    """The reasoning trace without markers. The string is empty if the output has no trace."""
    response: str
    """The text that the user reads: the output without the trace. If the output ended inside the trace, the response is
    usually empty."""
    ended: Literal["eos", "length"]
    """`eos` means that the model ended the output with the end token. `length` means that the output was cut off at the
    token limit."""
