"""What a model generated for a prompt."""

from __future__ import annotations

from typing import Literal

from unlearnkit.core.settings import Value


class Generation(Value):
    """What the subject said, greedily decoded."""

    text: str
    """The whole output, markers of the trace included, end token excluded."""
    trace: str
    """The reasoning trace, markers excluded; empty where there was none."""
    response: str
    """What follows the trace: what the user reads. Empty where the output ended inside the trace."""
    ended: Literal["eos", "length"]
    """Whether the subject ended by itself or was cut at the token limit."""
