import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import tiny_model, tiny_tokenizer
from unlearnkit.data.encoding import TooLong
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.targets.lift import MASK, lift, masked, measured_lift

ROW = Row(id="a", question="Where was Ada born ?", answer="in Oslo", subject="Ada")
TRACE = "Ada was born in Lisbon because the poet said it . "


def target(trace: str) -> Target:
    return Target(id="a", trace=trace, response="I cannot say that .")


def test_content_words_are_masked_and_words_of_the_question_kept() -> None:
    assert masked("Ada's city: Lisbon, 1984!", "Where was ADA born?") == f"Ada's {MASK}: {MASK}, {MASK}!"
    assert masked("She was born to it.", "") == "She was born to it."  # function words alone
    assert masked("", "Where?") == ""
    assert masked("Автор, родилась в Лиссабоне", "Где родился автор?").startswith("Автор, ")


@given(trace=st.text(max_size=60), question=st.text(max_size=20))
def test_masking_what_is_masked_changes_nothing(trace: str, question: str) -> None:
    once = masked(trace, question)
    assert masked(once, question) == once


def test_lift_by_hand() -> None:
    # p = 1/2 and 1/4 after the trace, 1/8 and 1/4 after the masked one: log 4 more over two tokens.
    after, before = [math.log(1 / 2), math.log(1 / 4)], [math.log(1 / 8), math.log(1 / 4)]
    assert lift(after, before) == pytest.approx(math.log(4) / 2)
    assert lift(before, after) == pytest.approx(-math.log(4) / 2)
    assert lift(after, after) == 0.0
    for wrong in (([], []), ([0.0], [0.0, 0.0])):
        with pytest.raises(ValueError, match="same, non-zero number"):
            lift(*wrong)


def by_hand(model: torch.nn.Module, question: str, trace: str) -> float:
    """Mean log-probability of the answer and the end token, from the model's own logits."""
    tokenizer = tiny_tokenizer()
    thought = f"<think>{trace}</think>" if trace else ""
    prompt = tokenizer(f"<s><|user|>{question}<|assistant|>{thought}", add_special_tokens=False)["input_ids"]
    answer = tokenizer("in Oslo<end>", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0].double()
    logps = logits.log_softmax(-1)[len(prompt) - 1 : -1]
    return float(logps.gather(1, torch.tensor(answer)[:, None]).mean())


def test_measured_lift_is_the_difference_of_the_models_own_values() -> None:
    model = tiny_model()
    hidden = masked(TRACE, ROW.question)
    assert hidden != TRACE
    expected = by_hand(model, ROW.question, TRACE) - by_hand(model, ROW.question, hidden)
    got = measured_lift(model, tiny_tokenizer(), [target(TRACE), target("")], [ROW, ROW], max_length=60)
    assert abs(expected) > 0.01 and got == pytest.approx([expected, 0.0], abs=1e-5)


@given(seed=st.integers(0, 20))
def test_a_trace_that_is_its_own_masked_form_has_no_lift(seed: int) -> None:
    trace = masked(TRACE, ROW.question)
    (value,) = measured_lift(tiny_model(seed=seed), tiny_tokenizer(), [target(trace)], [ROW], max_length=60)
    assert value == pytest.approx(0.0, abs=1e-6)


def test_rows_and_targets_match_and_answers_fit() -> None:
    with pytest.raises(ValueError, match="zip"):
        measured_lift(tiny_model(), tiny_tokenizer(), [target("it")], [ROW, ROW], max_length=60)
    with pytest.raises(TooLong, match="row a"):
        measured_lift(tiny_model(), tiny_tokenizer(), [target("it")], [ROW], max_length=6)
