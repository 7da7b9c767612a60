"""How the subject answers: whether it declines, and whether what it says is language at all."""

from __future__ import annotations

from unlearnkit.records.schema import Record
from unlearnkit.text.coherence import is_coherent
from unlearnkit.text.refusal import is_refusal


def refusal(record: Record) -> float | None:
    """Whether the response declines, or says that it does not know: 1 or 0. None where nothing was generated."""
    if record.generation is None:
        return None
    return float(is_refusal(record.generation.response))


def coherence(record: Record) -> float | None:
    """Whether the whole output, the trace if there is one and the response, is language: 1 or 0.

    An empty response is not. None where nothing was generated.
    """
    if record.generation is None:
        return None
    said = record.generation
    return float(is_coherent(said.response) and (not said.trace.strip() or is_coherent(said.trace)))
