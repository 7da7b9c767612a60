"""Measure what a model tells if its output is begun.

An unlearned model that declines a question may still know the answer. The measurements in this module are the cheapest
ones that tell: the probability of the answer, an answer that is begun for the model, and an output without a trace.
"""

from __future__ import annotations

from collections.abc import Sequence

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.data.trace_format import Style, style_used
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import ELICITED_SET, Elicited, Record
from unlearnkit.subjects.base import OnRows, Subject
from unlearnkit.text.answer_start import answer_start
from unlearnkit.text.normalize import contains


def elicit(
    subject: Subject, records: Sequence[Record], *, max_new_tokens: int, on_rows: OnRows = lambda _: None
) -> list[Record]:
    """Return the records with the measurements of the set `ELICITED_SET` added.

    Records of other sets, of plain texts and of rows without an output are returned unchanged. Measurements that the
    model does not support, or for which a row is too long, are missing.

    Args:
        subject: the model under test.
        records: the records of all row sets. The style in which the model marks its traces is detected in their
            outputs.
        max_new_tokens: maximum number of new tokens per output, not counting the given beginning.
        on_rows: progress callback. It is called with the number of outputs that were completed, two for each record of
            the set.
    """
    style = style_used(record.generation.text for record in records if record.generation is not None)
    subject = subject.with_style(style)
    chosen = [at for at, record in enumerate(records) if record.split == ELICITED_SET and record.generation is not None]
    rows = [records[at].row for at in chosen]
    bare = [_without_trace(row, style) for row in rows]
    own = [_after_own_trace(records[at]) for at in chosen]
    begun = [_begun(row) for row in rows]

    bare_logps, own_logps = _logps(subject, bare), _logps(subject, own)
    begun_outputs = _outputs(subject, begun, max_new_tokens, on_rows)
    # A model that writes no traces has already answered without a trace.
    bare_outputs = [records[at].generation for at in chosen]
    if style is None:
        on_rows(len(chosen))
    else:
        bare_outputs = _outputs(subject, bare, max_new_tokens, on_rows)
    found = list(records)
    for n, at in enumerate(chosen):
        elicited = Elicited(
            own_trace_logps=own_logps[n],
            no_trace_logps=bare_logps[n],
            no_trace=bare_outputs[n],
            begun=begun_outputs[n],
        )
        found[at] = records[at].model_copy(update={"elicited": elicited})
    return found


def _without_trace(row: Row, style: Style | None) -> Probe:
    """Return the row with an empty trace.

    If the model writes no traces, the row has no trace at all.
    """
    return Probe(row.model_copy(update={"trace": ""}), trace=None if style is None else "")


def _after_own_trace(record: Record) -> Probe | None:
    """Return the row with the trace of the model's own output.

    Returns None if the output has no trace.
    """
    trace = record.generation.trace if record.generation is not None else ""
    return Probe(record.row, trace=trace) if trace.strip() else None


def _begun(row: Row) -> Probe | None:
    """Return the row with the beginning of its answer.

    Returns None if the answer cannot be begun. The row's trace is prefilled, too, unless it states the answer. In that
    case, the model could copy the answer.
    """
    begun = answer_start(row.answer, row.accepted_answers)
    given_away = any(contains(row.trace, form) for form in row.answers)
    trace = None if given_away or not row.trace else row.trace
    return Probe(row, trace=trace, answer=begun) if begun else None


def _logps(subject: Subject, probes: Sequence[Probe | None]) -> list[list[float] | None]:
    """Return the log-probabilities of each answer's tokens, where they can be measured."""
    values: list[list[float] | None] = [None] * len(probes)
    if "token_logprobs" in subject.capabilities:
        asked = {at: probe for at, probe in enumerate(probes) if probe is not None and subject.fits(probe)}
        for at, logps in zip(asked, subject.log_probabilities([*asked.values()]) if asked else (), strict=True):
            values[at] = logps
    return values


def _outputs(
    subject: Subject, probes: Sequence[Probe | None], max_new_tokens: int, on_rows: OnRows
) -> list[Generation | None]:
    """Return the output for each probe, where the model can be asked."""
    asked = {at: probe for at, probe in enumerate(probes) if probe is not None and subject.has_room(probe)}
    made = subject.generate([*asked.values()], max_new_tokens=max_new_tokens, on_rows=on_rows) if asked else []
    on_rows(len(probes) - len(asked))
    outputs: list[Generation | None] = [None] * len(probes)
    for at, output in zip(asked, made, strict=True):
        outputs[at] = output
    return outputs
