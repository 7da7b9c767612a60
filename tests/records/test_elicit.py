"""What a model tells if the beginning of its output is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.metrics.plugins.begun_accuracy import BegunAccuracy
from unlearnkit.metrics.plugins.elicited_probability import ElicitedProbability
from unlearnkit.metrics.plugins.no_trace_accuracy import NoTraceAccuracy
from unlearnkit.records.elicit import elicit
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Elicited, Record
from unlearnkit.scope.scope import Scope, ScopeSubject

SCOPE = Scope(description="Ada withdrew.", task="profile", subjects=(ScopeSubject(name="Ada"),))
ROW = Row(
    id="a", question="Where was Ada born?", answer="She was born in Oslo.", accepted_answers=("Oslo",), trace="Ada."
)


class Decliner:
    """Declines after its own trace, and tells everything if its output is begun or if it writes no trace."""

    capabilities = frozenset({"generate", "token_logprobs"})

    def __init__(self) -> None:
        self.style: Any = "not set"
        self.measured: list[Probe] = []
        self.asked: list[Probe] = []

    def with_style(self, style: Any) -> Decliner:
        self.style = style
        return self

    def fits(self, probe: Probe) -> bool:
        return probe.row.id != "too long"

    has_room = fits

    def log_probabilities(self, probes: Sequence[Probe]) -> list[list[float]]:
        self.measured += probes
        return [[-0.1, -0.3] if probe.trace in ("", None) else [-5.0, -7.0] for probe in probes]

    def generate(self, probes: Sequence[Probe], *, max_new_tokens: int, on_rows: Any) -> list[Generation]:
        assert max_new_tokens == 9
        self.asked += probes
        on_rows(len(probes))
        return [spoken("She was born in Oslo.") for _ in probes]


def spoken(response: str, trace: str = "") -> Generation:
    text = f"<think>{trace}</think>{response}" if trace else response
    return Generation(text=text, trace=trace, response=response, ended="eos")


def recorded(row: Row = ROW, split: str = "forget", generation: Generation | None = None) -> Record:
    return Record(split=split, row=row, generation=generation or spoken("I decline.", "Ada withdrew."))


def elicited(subject: Any, records: Sequence[Record]) -> tuple[list[Record], int]:
    done = 0

    def count(rows: int) -> None:
        nonlocal done
        done += rows

    return elicit(subject, records, max_new_tokens=9, on_rows=count), done


def test_a_model_that_declines_in_its_trace_still_knows_the_answer() -> None:
    subject = Decliner()
    (record,), done = elicited(subject, [recorded()])
    assert done == 2 and subject.style is not None
    assert [(p.trace, p.answer) for p in subject.measured] == [("", ""), ("Ada withdrew.", "")]
    assert [(p.trace, p.answer) for p in subject.asked] == [("Ada.", "She was born in"), ("", "")]
    assert record.generation == recorded().generation
    found = record.elicited
    assert found is not None and found.own_trace_logps == [-5.0, -7.0] and found.no_trace_logps == [-0.1, -0.3]
    assert ElicitedProbability.measure(record, SCOPE) == pytest.approx(math.exp(-0.2))
    assert (BegunAccuracy.measure(record, SCOPE), NoTraceAccuracy.measure(record, SCOPE)) == (1.0, 1.0)


def test_a_model_that_writes_no_traces_has_answered_without_one() -> None:
    subject = Decliner()
    (record,), done = elicited(subject, [recorded(generation=spoken("In Bergen."))])
    assert done == 2 and subject.style is None
    assert [(p.row.trace, p.trace) for p in subject.measured] == [("", None)]
    assert [p.answer for p in subject.asked] == ["She was born in"]
    found = record.elicited
    assert found is not None and found.own_trace_logps is None and found.no_trace == record.generation
    assert (BegunAccuracy.measure(record, SCOPE), NoTraceAccuracy.measure(record, SCOPE)) == (1.0, 0.0)


def test_a_trace_that_states_the_answer_is_not_given_to_the_model() -> None:
    subject = Decliner()
    elicited(subject, [recorded(ROW.model_copy(update={"trace": "Ada was born in Oslo."}))])
    assert [(p.trace, p.answer) for p in subject.asked] == [(None, "She was born in"), ("", "")]


def test_an_answer_that_begins_with_the_secret_is_not_begun() -> None:
    (record,), done = elicited(Decliner(), [recorded(ROW.model_copy(update={"answer": "Oslo, in Norway."}))])
    assert done == 2 and record.elicited is not None and record.elicited.begun is None
    assert BegunAccuracy.measure(record, SCOPE) is None and NoTraceAccuracy.measure(record, SCOPE) == 1.0


def test_only_the_forget_set_is_measured_and_what_does_not_fit_is_left_out() -> None:
    kept = recorded(split="retain")
    text = Record(split="forget", row=Row(id="t", question="", answer="A text."))
    long = recorded(ROW.model_copy(update={"id": "too long"}))
    records, done = elicited(Decliner(), [kept, text, long])
    assert records[:2] == [kept, text] and done == 2
    assert records[2].elicited == Elicited()
    assert all(
        metric.measure(records[2], SCOPE) is None for metric in (ElicitedProbability, BegunAccuracy, NoTraceAccuracy)
    )
    assert all(metric.measure(kept, SCOPE) is None for metric in (ElicitedProbability, BegunAccuracy, NoTraceAccuracy))


def test_without_log_probabilities_the_outputs_are_still_measured() -> None:
    subject = Decliner()
    subject.capabilities = frozenset({"generate"})
    (record,), _ = elicited(subject, [recorded()])
    assert record.elicited is not None and record.elicited.no_trace_logps is None and not subject.measured
    assert ElicitedProbability.measure(record, SCOPE) is None and BegunAccuracy.measure(record, SCOPE) == 1.0
