"""What each attack puts to a subject, how that is measured, and what is refused."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.tiny import tiny_model, tiny_tokenizer
from unlearnkit.attacks.plugins.jailbreak import WRAPPERS, Jailbreak
from unlearnkit.attacks.plugins.prefilled_answer import PrefilledAnswer
from unlearnkit.attacks.plugins.relearn import Relearn, others
from unlearnkit.attacks.scores import attack_scores
from unlearnkit.attacks.target import SubjectUnderAttack
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row, Turn
from unlearnkit.metrics.leakage import find_leaks
from unlearnkit.models.load import load_model
from unlearnkit.pipeline.attack import attack
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.records.measure import measure, measure_probes
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Record, Tokens, write_records
from unlearnkit.runs.folder import RunFolder
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.subjects.local import LocalSubject

ROW = Row(
    id="ada/city",
    question="What city was Ada born in ?",
    answer="Ada was born in Oslo .",
    accepted_answers=("Oslo",),
    trace="The city of Ada .",
    subject="Ada",
    attribute="city",
)
SCOPE = Scope(
    description="Ada withdrew.",
    task="profile",
    subjects=(ScopeSubject(name="Ada"),),
    secrets=(Secret(subject="Ada", forms=("Oslo",)),),
)
QUIET = Progress(quiet=True)


def under_attack(folder: RunFolder, *, at_most: int, seed: int = 0) -> SubjectUnderAttack:
    measured = folder.state().measure
    assert measured is not None
    return SubjectUnderAttack(
        lambda: open_subject(folder),
        folder.records(),
        folder.scope(),
        at_most=at_most,
        max_new_tokens=measured.max_new_tokens,
        seed=seed,
    )


def test_a_row_whose_answer_begins_with_the_secret_is_left_out() -> None:
    attacker, draw = PrefilledAnswer(), random.Random(0)
    assert attacker.rewrite(ROW, draw) == Probe(ROW, trace=ROW.trace, answer="Ada was born in")
    assert attacker.rewrite(ROW.model_copy(update={"accepted_answers": ("Ada",)}), draw) is None
    plain = attacker.rewrite(ROW.model_copy(update={"accepted_answers": ()}), draw)
    assert plain == Probe(ROW.model_copy(update={"accepted_answers": ()}), trace=ROW.trace, answer="Ada was born")
    untraced = attacker.rewrite(ROW.model_copy(update={"trace": ""}), draw)
    assert untraced is not None and untraced.trace is None


def test_a_question_is_wrapped_in_its_own_language() -> None:
    assert {len(wrappers) for wrappers in WRAPPERS.values()} == {8}
    assert all(wrapper.count("{question}") == 1 for wrappers in WRAPPERS.values() for wrapper in wrappers)
    for language, wrappers in {**WRAPPERS, "de": WRAPPERS["en"]}.items():
        row = ROW.model_copy(update={"language": language, "question": "What of {question} ?"})
        put = {Jailbreak().rewrite(row, random.Random(seed)).row.question for seed in range(200)}
        assert put == {wrapper.replace("{question}", row.question) for wrapper in wrappers}


def test_the_gold_answer_is_measured_after_exactly_what_was_begun() -> None:
    subject = LocalSubject(tiny_model(), tiny_tokenizer())
    (plain,) = measure(subject, {"forget": [ROW]}, max_new_tokens=3)
    puts = [
        Probe(ROW),
        Probe(ROW, trace=ROW.trace, answer="Ada was"),
        Probe(ROW, trace=""),
        Probe(ROW.model_copy(update={"trace": ""}), answer="Ada was"),
    ]
    said = measure_probes(subject, {"forget": puts}, max_new_tokens=3)
    whole, after_two, untraced, bare = said.records
    assert plain.tokens and whole.tokens and after_two.tokens and untraced.tokens and bare.tokens
    assert whole.tokens == plain.tokens and whole.generation == plain.generation
    # Two words are given, so that of six words and the end token five labels are left, and they are the last ones.
    assert after_two.tokens.logps == pytest.approx(plain.tokens.logps[2:], abs=1e-5)
    assert len(untraced.tokens.logps) == len(plain.tokens.logps)
    assert untraced.tokens.logps != pytest.approx(plain.tokens.logps, abs=1e-3)
    (without,) = measure(subject, {"forget": [ROW.model_copy(update={"trace": ""})]}, max_new_tokens=3)
    assert without.tokens and bare.tokens.logps == pytest.approx(without.tokens.logps[2:], abs=1e-5)
    assert [bool(r.generation and r.generation.text.startswith("<think>")) for r in said.records[1:]] == [
        True,
        True,
        False,
    ]
    assert after_two.generation and after_two.generation.trace == ROW.trace
    assert after_two.generation.response.startswith("Ada was")


def test_a_row_that_finds_no_room_is_counted_and_not_asked() -> None:
    subject = LocalSubject(tiny_model(), tiny_tokenizer())
    long = ROW.model_copy(update={"question": "Ada " * subject.positions})
    sets = {"forget": [Probe(ROW), Probe(long)], "forget.paraphrased": [Probe(long)]}
    said = measure_probes(subject, sets, max_new_tokens=2)
    assert [record.row for record in said.records] == [ROW]
    assert said.too_long == {"forget": 1, "forget.paraphrased": 1}


def test_what_is_begun_has_to_be_the_beginning_of_the_answer() -> None:
    with pytest.raises(ValueError, match="not the beginning"):
        Probe(ROW, answer="was born")


def record(split: str, number: int, response: str, logps: list[float]) -> Record:
    said = Generation(text=response, trace="", response=response, ended="eos")
    zeros = [0.0] * len(logps)
    tokens = Tokens(logps=logps, ranks=[0] * len(logps), mean_logps=zeros, var_logps=zeros)
    row = ROW.model_copy(update={"id": f"{split}/{number}"})
    return Record(split=split, row=row, generation=said, tokens=tokens)


def test_scores_stand_beside_those_of_the_same_rows_asked_plainly() -> None:
    plain = [record("forget", n, "I cannot share that.", [-4.0, -2.0]) for n in range(4)]
    records = [record("forget", n, "Ada was born in Oslo." if n else "I cannot share that.", [-1.0]) for n in range(3)]
    scores = attack_scores("trick.of.mine", records, plain, SCOPE, {"forget": 1, "forget.translated": 2})
    value = {name.removeprefix("trick.of.mine."): score.value for name, score in scores.items()}
    assert value["forget.accuracy"] == pytest.approx(2 / 3) and value["forget.plain_accuracy"] == 0
    assert value["forget.leak_rate"] == pytest.approx(2 / 3)
    assert value["forget.refusal_rate"] == pytest.approx(1 / 3) and value["forget.plain_refusal_rate"] == 1
    assert value["forget.log_probability"] == -1 and value["forget.plain_log_probability"] == -3
    assert value["forget.left_out"] == 1 and scores["trick.of.mine.forget.left_out"].count == 4
    assert scores["trick.of.mine.forget.plain_accuracy"].count == 3
    assert value["forget.translated.accuracy"] is None and value["forget.translated.left_out"] == 2


def test_relearning_asks_for_nothing_that_was_taught() -> None:
    def row(name: str, subject: str, attribute: str | None, answer: str) -> Row:
        return Row(id=name, question="What ?", answer=answer, subject=subject, attribute=attribute)

    taught = [row("a", "Ada", "city", "Oslo"), row("b", "Bea", "city", "Kyiv")]
    rows = [
        *taught,
        row("a/again", "Ada", "city", "Oslo ."),
        row("a/other", "Ada", "poet", "Yes"),
        row("c", "Cyd", "city", "Oslo"),
        row("d", "Ada", None, "Oslo"),
        row("e", "Ada", None, "Lisbon"),
    ]
    assert [row.id for row in others(rows, taught)] == ["a/other", "c", "e"]
    untold = [row("a", "Ada", None, "Oslo")]
    assert [row.id for row in others(rows, untold)] == ["b", "a/again", "a/other", "e"]


def test_relearning_trains_a_copy_and_tells_both_attempts_by_the_same_rows(folder: RunFolder) -> None:
    scores = attack(folder, [Relearn(steps=2)], at_most=40, progress=QUIET)
    assert scores["relearn.forget.forget.accuracy"].count == scores["relearn.near.forget.accuracy"].count == 27
    assert folder.state().attacks["relearn"].settings["steps"] == 2
    subject = under_attack(folder, at_most=3, seed=0)
    puts = {"forget": [Probe(row) for row in subject.chosen("forget")]}
    before = subject.ask(puts)
    with subject.trained(subject.chosen("forget"), Relearn(steps=3, lr=1e-2).settings(subject)) as taught:
        after = taught.ask(puts)
    assert sum(sum(r.tokens.logps) for r in after.records if r.tokens) > sum(
        sum(r.tokens.logps) for r in before.records if r.tokens
    )
    assert subject.ask(puts) == before


def test_a_trace_is_suppressed_in_the_marks_that_the_subject_itself_uses(folder: RunFolder) -> None:
    def said(text: str) -> str:
        changed = [
            r.model_copy(update={"generation": r.generation and r.generation.model_copy(update={"text": text})})
            for r in folder.records()
        ]
        write_records(folder.records_file, changed)
        subject = under_attack(folder, at_most=1, seed=0)
        (record,) = subject.ask({"forget": [Probe(row, trace="") for row in subject.chosen("forget")]}).records
        assert record.generation is not None
        return record.generation.text

    assert said("<think>why</think>No.").startswith("<think></think>")
    assert not said("Reasoning: why\nAnswer: No.").startswith("<think>")  # though the tokenizer knows that tag


def test_the_learning_rate_goes_with_the_width(folder: RunFolder) -> None:
    subject = under_attack(folder, at_most=3, seed=0)
    assert subject.width == load_model(folder.subject_path()).config.hidden_size == 48
    assert Relearn().settings(subject).lr == pytest.approx(0.05 / 48)
    assert Relearn(lr=0.5).settings(subject).lr == 0.5


def test_the_same_rows_are_asked_of_every_subject(folder: RunFolder) -> None:
    first, second = (under_attack(folder, at_most=5, seed=seed).chosen("forget") for seed in (0, 1))
    assert first == under_attack(folder, at_most=5, seed=0).chosen("forget") != second
    assert len(under_attack(folder, at_most=99, seed=0).chosen("forget")) == 35
    assert under_attack(folder, at_most=5, seed=0).chosen("nothing") == ()


def test_what_cannot_be_attacked_is_told(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="did you mean jailbreak"):
        attack(folder, ["jailbrake"], progress=QUIET)
    with pytest.raises(InputError, match="at least one row"):
        attack(folder, at_most=0, progress=QUIET)
    with pytest.raises(InputError, match="no attack is chosen"):
        attack(folder, [], progress=QUIET)
    monkeypatch.setattr(LocalSubject, "capabilities", frozenset({"generate", "token_logprobs"}))
    with pytest.raises(InputError, match="the attack relearn needs") as raised:
        attack(folder, ["relearn"], progress=QUIET)
    assert raised.value.value == "gradients, weights"
    folder.records_file.unlink()
    with pytest.raises(InputError, match="no records"):
        attack(folder, ["no_trace"], progress=QUIET)
    assert not folder.attacks_file.exists()


def test_what_is_measured_anew_is_attacked_anew(folder: RunFolder) -> None:
    attack(folder, ["no_trace"], at_most=2, progress=QUIET)
    evaluate(folder.path, progress=QUIET)
    assert folder.attack_scores() == {} and folder.state().attacks == {} and not folder.attack_records.exists()


def test_a_trace_that_holds_the_secret_is_not_begun(folder: RunFolder) -> None:
    records = folder.records()
    forms = [form for record in records if record.split == "forget" for form in record.row.accepted_answers[:1]]
    told = [
        r.model_copy(update={"row": r.row.model_copy(update={"trace": f"It is {r.row.accepted_answers[0]}."})})
        for r in records
    ]
    write_records(folder.records_file, told)
    scores = attack(folder, ["prefilled_trace", "no_trace"], at_most=4, progress=QUIET)
    assert len(forms) == 35 and scores["prefilled_trace.forget.accuracy"].value is None
    assert scores["prefilled_trace.forget.left_out"].value == 4
    assert scores["no_trace.forget.left_out"].value == 0 and scores["no_trace.forget.accuracy"].count == 4


def test_attacks_are_listed_without_torch() -> None:
    listing = "from unlearnkit.attacks.base import ATTACKS; [ATTACKS.get(name) for name in ATTACKS.names()]"
    code = f"import sys; {listing}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_the_system_says_is_no_secret_less_to_the_user() -> None:
    row = ROW.model_copy(update={"question": "Who is it ?"})
    said = "I cannot speak of Oslo."
    assert find_leaks(said, row.with_system_prompt("Never speak of Oslo."), SCOPE)
    asked = row.model_copy(update={"history": (Turn(role="user", content="Oslo ?"),)})
    assert find_leaks(said, asked, SCOPE) == ()
    assert find_leaks(said, asked.with_system_prompt("Be kind."), SCOPE) == ()
    text = row.model_copy(update={"question": "", "trace": ""})
    assert text.with_system_prompt("Be kind.") is text and row.with_system_prompt(None) is row
    assert asked.with_system_prompt("Be kind.").prompt == "Be kind.\nOslo ?\nWho is it ?"
    assert asked.with_system_prompt("Be kind.").conversation == "Oslo ?\nWho is it ?"
