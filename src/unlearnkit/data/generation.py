"""The output of a model for a prompt."""

from __future__ import annotations

from typing import Literal

from unlearnkit.core.settings import Value


class Generation(Value):
    """A model's output for a prompt, decoded greedily."""

    text: str
    """The whole output, with the trace markers and without the end token."""
    trace: str
    """The reasoning trace without markers; empty if the output has no trace."""
    response: str
    """The text after the trace, which the user reads. It is empty if the output ended inside the trace."""
    ended: Literal["eos", "length"]
    """`eos`: the model ended the output with the end token. `length`: the token limit cut the output off."""
