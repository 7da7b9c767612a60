"""A guarded subject: what passes, what the rules replace, and what is refused."""

from __future__ import annotations

import pytest

from tests.subjects.scripted import Scripted
from unlearnkit.core.errors import InputError
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.records.measure import measure, measure_probes
from unlearnkit.records.probe import Probe
from unlearnkit.subjects.base import ALL, Capability
from unlearnkit.subjects.guarded import GuardedSubject

NO = Generation(text="No.", trace="", response="No.", ended="eos")


class Wordy:
    """Answers questions that begin with "Who" itself, adds a turn to others, and replaces outputs with a 7 in them."""

    def __init__(self, prompt: str = "Be brief.") -> None:
        self.prompt = prompt

    def before(self, probe: Probe) -> Probe | Generation:
        if probe.row.question.startswith("Who"):
            return NO
        return Probe(probe.row.with_system_prompt(self.prompt), trace=probe.trace, answer=probe.answer)

    def after(self, probe: Probe, output: Generation) -> Generation:
        assert not probe.row.history, "the rules see the probe as the user sent it"
        return NO if "7" in output.text else output


def row(question: str) -> Row:
    return Row(id=question, question=question, answer="Oslo", trace="City")


def test_each_output_is_that_of_its_own_probe_in_order() -> None:
    inner = Scripted({"Where ?": "In Oslo .", "When ?": "In 1977 .", "What ?": "A city ."})
    counted: list[int] = []
    questions = ["Where ?", "Who ?", "When ?", "What ?", "Who else ?"]
    outputs = GuardedSubject(inner, Wordy()).generate(
        [Probe(row(q)) for q in questions], max_new_tokens=3, on_rows=counted.append
    )
    assert [output.text for output in outputs] == ["In Oslo .", "No.", "No.", "A city .", "No."]
    assert [probe.row.question for probe in inner.asked] == ["Where ?", "When ?", "What ?"]
    assert all(probe.row.history[0].content == "Be brief." for probe in inner.asked)
    assert sum(counted) == len(questions)


def test_the_model_is_not_asked_if_every_probe_is_answered_before() -> None:
    inner = Scripted()
    assert GuardedSubject(inner, Wordy()).generate([Probe(row("Who ?"))], max_new_tokens=3) == [NO]
    assert inner.asked == []
    assert GuardedSubject(inner, Wordy()).generate([], max_new_tokens=3) == []


def test_what_a_probe_begins_is_passed_on_and_nothing_of_it_is_left_in_a_replaced_output() -> None:
    inner = Scripted({"Where ?": " lo .", "When ?": " 1977 ."})
    subject = GuardedSubject(inner, Wordy())
    passed, replaced = subject.generate(
        [Probe(row("Where ?"), trace="A city", answer="Os"), Probe(row("When ?"), trace="A year")], max_new_tokens=3
    )
    assert (passed.trace, passed.response) == ("A city", "Os lo .") and inner.asked[0].trace == "A city"
    assert replaced == NO


@pytest.mark.parametrize("can", [ALL, frozenset({"generate"}), frozenset({"weights"}), frozenset()])
def test_it_offers_generation_at_most(can: frozenset[Capability]) -> None:
    subject = GuardedSubject(Scripted(can=can), Wordy())
    assert subject.capabilities == can & {"generate"}
    probe = Probe(row("Where ?"))
    for refused, what in (
        (lambda: subject.token_statistics([probe]), "token_logprobs"),
        (lambda: subject.log_probabilities([probe]), "token_logprobs"),
        (lambda: subject.gradient_norms(probe), "gradients"),
    ):
        with pytest.raises(InputError, match="does not offer") as caught:
            refused()
        assert caught.value.value == what and "unlearn eval" in str(caught.value.fix)
    if "generate" not in can:
        with pytest.raises(InputError, match="does not offer"):
            subject.generate([probe], max_new_tokens=1)


def test_what_it_does_not_offer_is_left_out_of_records() -> None:
    subject = GuardedSubject(Scripted({"Where ?": "In Oslo ."}), Wordy())
    sets = {"forget": [row("Where ?"), row("Who ?")]}
    records = measure(subject, sets, max_new_tokens=3, gradients={"forget"})
    assert [record.generation and record.generation.text for record in records] == ["In Oslo .", "No."]
    assert all(record.tokens is None and record.gradient_norms is None for record in records)
    probed = measure_probes(subject, {"forget": [Probe(row("Where ?"), trace="")]}, max_new_tokens=3)
    assert probed.records[0].tokens is None and not probed.too_long


def test_a_system_turn_takes_room_and_a_refused_question_needs_none() -> None:
    subject = GuardedSubject(Scripted(room=30), Wordy("Say nothing at all of it."))
    long, refused = Probe(row("Where is it ?")), Probe(row("Who was it that did all of this ?"))
    assert not subject.has_room(long) and not subject.fits(long)
    assert subject.has_room(refused) and subject.fits(refused)
    assert subject.generate([refused], max_new_tokens=3) == [NO]
    with pytest.raises(InputError, match="the guard's system turn") as caught:
        subject.generate([refused, long], max_new_tokens=3)
    assert "Where is it" not in str(caught.value.what) and "method.prompt" in str(caught.value.fix)


def test_the_rest_is_the_inner_subjects() -> None:
    inner = Scripted(room=77)
    subject = GuardedSubject(inner, Wordy()).with_style("plain")
    assert (subject.positions, subject.layout) == (77, "template")
    assert isinstance(subject._inner, Scripted) and subject._inner.style == "plain"
