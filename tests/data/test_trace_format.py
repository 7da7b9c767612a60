"""Marks of a reasoning trace: written as one style has them, and read back whatever style they are of."""

from __future__ import annotations

import pytest
from transformers import PreTrainedTokenizerFast

from tests.tiny import byte_tokenizer, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.trace_format import STYLES, Style, split_trace, style_used
from unlearnkit.models.trace_tokens import add_trace_tokens


@pytest.mark.parametrize("style", STYLES)
def test_what_a_style_marks_is_read_back(style: Style) -> None:
    markers = STYLES[style]
    assert split_trace(f"{markers.before}Why.{markers.between}No.") == ("Why.", "No.")
    assert split_trace(f"{markers.before}Why, and on") == ("Why, and on", "")


@pytest.mark.parametrize(
    ("text", "trace", "response"),
    [
        ("No mark at all.", "", "No mark at all."),
        ("My Reasoning: none.\nAnswer: 4", "", "My Reasoning: none.\nAnswer: 4"),  # not at the beginning
        ("<think>a Reasoning: b</think>c\nAnswer: d", "a Reasoning: b", "c\nAnswer: d"),
        ("<|im_start|>think\nWhy.\n<|im_start|>answer No.", "Why.", "No."),  # the word after the token left out
        ("<|im_start|>think\nWhy <think>.\n<|im_start|>answer\nAnswer: No.", "Why <think>.", "No."),
        ("Well, <think>why</think>no", "why", "Well,\nno"),
        ("why</think>no", "why", "no"),  # the prompt opened the trace
        ("<THINKING>why</thinking>no", "why", "no"),
        ("<think>one</think>no<think>two</think>never", "one\ntwo", "no\nnever"),
        ("<think>one</think>no</think>never", "one", "no\nnever"),  # a second closing tag hides nothing in the trace
        ("", "", ""),
    ],
)
def test_outputs_of_every_kind(text: str, trace: str, response: str) -> None:
    assert split_trace(text) == (trace, response)


@pytest.mark.parametrize("style", ["added", "plain"])
def test_a_trace_budget_shortens_the_trace_and_never_the_response(style: Style) -> None:
    tokenizer = byte_fast()
    add_trace_tokens(tokenizer, style)
    trace, response = "why and why and why", "I decline."
    whole = ChatEncoder(tokenizer, 400, style=style).answer("Q?", response, trace=trace, where="row 1")
    short = ChatEncoder(tokenizer, 400, style=style, trace_tokens=3).answer("Q?", response, trace=trace, where="row 1")
    assert split_trace(tokenizer.decode(whole.ids[whole.prompt : -1])) == (trace, response)
    assert split_trace(tokenizer.decode(short.ids[short.prompt : -1])) == ("why", response)
    assert whole.trace - short.trace == len(trace) - 3  # a token is a letter here
    assert whole.labels - whole.trace == short.labels - short.trace == len(response) + 1


def test_the_style_used_is_that_of_most_outputs_that_mark_a_trace() -> None:
    plain, tags = "Reasoning: why\nAnswer: no", "<think>why</think>no"
    assert style_used(["No.", plain, tags, plain]) == "plain"
    assert style_used(["No.", "Well."]) is None


def test_the_style_is_that_of_the_tokenizer() -> None:
    assert ChatEncoder(tiny_tokenizer(), 64).style == "think"
    tokenizer = byte_fast()
    assert ChatEncoder(tokenizer, 64).style == "plain"
    add_trace_tokens(tokenizer, "added")
    assert ChatEncoder(tokenizer, 64).style == "added"


def test_tags_that_the_tokenizer_lacks_are_asked_for() -> None:
    with pytest.raises(InputError, match=r"train\.trace_style"):
        ChatEncoder(byte_fast(), 64, style="think").answer("Q?", "A", trace="T", where="row 1")


def test_an_output_can_be_begun_with_a_closed_trace() -> None:
    encoder = ChatEncoder(tiny_tokenizer(), 64)
    _, begun = encoder.begin("Who?", trace="It is asked", response="Ada was")
    assert split_trace(encoder.tokenizer.decode(begun)) == ("It is asked", "Ada was")
    _, begun = encoder.begin("Who?", trace="")
    assert split_trace(encoder.tokenizer.decode(begun)) == ("", "")
    assert encoder.begin("Who?", trace=None)[1] == ()


def byte_fast() -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=byte_tokenizer(), eos_token="<eos>", pad_token="<eos>")
