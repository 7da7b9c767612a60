"""The output of a model for a prompt."""

from __future__ import annotations

from typing import Literal

from unlearnkit.core.settings import Value


class Generation(Value):
    """The model's output, greedily decoded."""

    text: str
    """The whole output with the markers of the trace, without the end token."""
    trace: str
    """The reasoning trace without markers; empty if there is none."""
    response: str
    """The text after the trace, which the user reads. Empty if the output ended inside the trace."""
    ended: Literal["eos", "length"]
    """Whether the model ended the output or the token limit cut it."""
