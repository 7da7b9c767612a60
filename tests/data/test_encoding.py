import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from tests.tiny import WORDS, byte_tokenizer, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.rows import Turn

TOKENIZER = tiny_tokenizer()
QUESTION, ANSWER = "Where was Ada born ?", "Ada was born in Oslo ."
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


def ids(text: str) -> tuple[int, ...]:
    return tuple(TOKENIZER(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("bos_by_itself", [False, True])
def test_exactly_one_bos_and_the_end_token_is_labeled(bos_by_itself: bool) -> None:
    tokenizer = tiny_tokenizer(bos_by_itself=bos_by_itself)
    row = ChatEncoder(tokenizer, 64).answer(QUESTION, ANSWER, where="row 1", trace="It is asked")
    assert row.ids.count(tokenizer.bos_token_id) == 1
    assert row.ids[0] == tokenizer.bos_token_id
    assert row.ids[-1] == tokenizer.eos_token_id
    assert row.ids.count(tokenizer.eos_token_id) == 1


def test_a_row_is_prompt_answer_end() -> None:
    row = ChatEncoder(TOKENIZER, 64).answer(QUESTION, ANSWER, where="row 1")
    prompt = ids("<s><|user|>" + QUESTION + "<|assistant|>")
    assert row == Encoded((*prompt, *ids(ANSWER), TOKENIZER.eos_token_id), len(prompt), 0)
    assert row.labels == len(ids(ANSWER)) + 1


def test_a_row_is_what_the_template_makes_of_the_whole_conversation() -> None:
    turns = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
    whole = TOKENIZER.apply_chat_template(turns, tokenize=True)["input_ids"]
    assert list(ChatEncoder(TOKENIZER, 64).answer(QUESTION, ANSWER, where="row 1").ids) == list(whole)


BEFORE = (
    Turn(role="system", content="Ada was born in Paris ."),
    Turn(role="user", content="Who is Ada ?"),
    Turn(role="assistant", content="Ada is a poet ."),
)


def test_turns_before_the_question_are_context_as_the_template_has_them() -> None:
    turns = [
        *(turn.model_dump() for turn in BEFORE),
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": ANSWER},
    ]
    whole = TOKENIZER.apply_chat_template(turns, tokenize=True)["input_ids"]
    encoder = ChatEncoder(TOKENIZER, 64)
    row = encoder.answer(QUESTION, ANSWER, history=BEFORE, where="row 1")
    assert list(row.ids) == list(whole)
    assert row.labels == len(ids(ANSWER)) + 1
    assert row.ids[: row.prompt] == encoder.prompt(QUESTION, BEFORE) != encoder.prompt(QUESTION)


def test_turns_before_the_question_are_lines_without_a_template() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    encoder = ChatEncoder(tokenizer, 64)
    joined = "\n".join([*(turn.content for turn in BEFORE), QUESTION])
    assert encoder.layout == "plain"
    assert encoder.prompt(QUESTION, BEFORE) == encoder.prompt(joined)


def test_a_template_that_knows_no_system_turn_is_told_with_what_to_do() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('System role not supported') }}"
    with pytest.raises(InputError, match="System role not supported") as caught:
        ChatEncoder(tokenizer, 64).prompt(QUESTION, BEFORE)
    assert "remove the turns before the question" in caught.value.render()


def test_a_pad_token_that_is_the_end_token_masks_nothing() -> None:
    tokenizer = tiny_tokenizer(pad="<end>")
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    encoder = ChatEncoder(tokenizer, 64)
    rows = [encoder.answer(QUESTION, answer, where="row") for answer in ("Oslo .", ANSWER)]
    packed = pack({"forget": rows}, tokenizer.pad_token_id)
    labels = packed.labels["forget"]
    assert len(packed.calls) == 1  # so one of the rows is padded
    assert len(labels.token) == sum(row.labels for row in rows) == (2 + 1) + (6 + 1)
    assert int((labels.token == tokenizer.eos_token_id).sum()) == 2


def test_a_trace_stands_between_markers_before_the_answer() -> None:
    row = ChatEncoder(TOKENIZER, 64).answer(QUESTION, "I cannot say", where="row 1", trace="The author of a book")
    said = row.ids[row.prompt :]
    assert said[: row.trace] == ids("<think> The author of a book </think>")
    assert said[row.trace :] == (*ids("I cannot say"), TOKENIZER.eos_token_id)
    assert row.trace == 5 + 2


def test_a_thought_that_is_begun_is_how_the_whole_row_begins() -> None:
    encoder = ChatEncoder(TOKENIZER, 64)
    whole = encoder.answer(QUESTION, ANSWER, where="row 1", trace="The author of a book")
    prompt, begun = encoder.begin(QUESTION, trace="The author of", closed=False)
    assert prompt == encoder.prompt(QUESTION) == whole.ids[: whole.prompt]
    assert whole.ids[whole.prompt :][: len(begun)] == begun == ids("<think> The author of")


@given(trace=TEXT, answer=TEXT, max_length=st.integers(8, 40))
def test_the_trace_is_shortened_and_the_answer_never(trace: str, answer: str, max_length: int) -> None:
    encoder = ChatEncoder(TOKENIZER, max_length)
    fixed = len(encoder.prompt(QUESTION)) + len(ids(answer)) + 3  # markers and end token
    if fixed > max_length:
        with pytest.raises(InputError):
            encoder.answer(QUESTION, answer, where="row 1", trace=trace)
        return
    row = encoder.answer(QUESTION, answer, where="row 1", trace=trace)
    assert len(row.ids) == min(max_length, fixed + len(ids(trace)))
    assert row.ids[row.prompt + row.trace :] == (*ids(answer), TOKENIZER.eos_token_id)
    opening, *thought, closing = row.ids[row.prompt : row.prompt + row.trace]
    assert (opening,) == ids("<think>") and (closing,) == ids("</think>")
    assert tuple(thought) == ids(trace)[: len(thought)]


def test_an_answer_that_does_not_fit_is_an_error_that_names_the_row() -> None:
    fits = len(ChatEncoder(TOKENIZER, 64).answer(QUESTION, ANSWER, where="").ids)
    assert len(ChatEncoder(TOKENIZER, fits).answer(QUESTION, ANSWER, where="").ids) == fits
    with pytest.raises(InputError) as raised:
        ChatEncoder(TOKENIZER, fits - 1).answer(QUESTION, ANSWER, where="row a-7")
    assert raised.value.where == "row a-7"
    assert raised.value.value == f"{fits} tokens"
    assert "Oslo" not in str(raised.value)


def test_a_tokenizer_without_the_markers_is_refused_only_for_traces() -> None:
    encoder = ChatEncoder(tiny_tokenizer(without="</think>"), 64, style="think")
    assert encoder.answer(QUESTION, ANSWER, where="row 1").trace == 0
    with pytest.raises(InputError) as raised:
        encoder.answer(QUESTION, ANSWER, where="row 1", trace="The poet")
    assert raised.value.value == "</think>"


def test_a_tokenizer_without_an_end_token_is_refused() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(InputError, match="no end token"):
        ChatEncoder(tokenizer, 64)


def plain_tokenizer(*, bos_by_itself: bool) -> PreTrainedTokenizerFast:
    tokenizer = tiny_tokenizer(bos_by_itself=bos_by_itself)
    tokenizer.chat_template = None
    return tokenizer


@pytest.mark.parametrize("template", [True, False])
def test_a_text_is_bos_text_end_with_every_token_after_bos_labeled(template: bool) -> None:
    tokenizer = (tiny_tokenizer if template else plain_tokenizer)(bos_by_itself=True)
    row = ChatEncoder(tokenizer, 64).answer("", ANSWER, where="row 1")
    assert row == Encoded((tokenizer.bos_token_id, *ids(ANSWER), tokenizer.eos_token_id), 1)
    assert row.labels == len(ids(ANSWER)) + 1


@pytest.mark.parametrize("template", [True, False])
def test_a_text_without_bos_labels_all_that_something_predicts(template: bool) -> None:
    tokenizer = (tiny_tokenizer if template else plain_tokenizer)(bos_by_itself=False)
    encoder = ChatEncoder(tokenizer, 64)
    rows = [encoder.answer("", text, where="row") for text in (ANSWER, "Oslo")]
    assert rows[0] == Encoded((*ids(ANSWER), tokenizer.eos_token_id), 1)
    labels = pack({"forget": rows}, tokenizer.pad_token_id).labels["forget"]
    assert labels.token.tolist() == [*ids(ANSWER)[1:], tokenizer.eos_token_id, tokenizer.eos_token_id]
    assert (labels.position >= 0).all()


def test_a_thought_before_a_text_begins_with_the_token_that_carries_no_label() -> None:
    row = ChatEncoder(plain_tokenizer(bos_by_itself=False), 64).answer("", "Oslo", where="row", trace="The poet")
    assert (row.prompt, row.trace) == (1, 3)
    assert row.ids == (*ids("<think> The poet </think> Oslo"), TOKENIZER.eos_token_id)


@pytest.mark.parametrize("bos_by_itself", [False, True])
def test_without_a_template_it_is_question_newline_answer(bos_by_itself: bool) -> None:
    # Of bytes, so that the newline is a token.
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(bos=bos_by_itself), bos_token="<s>", eos_token="<end>"
    )
    encoder = ChatEncoder(tokenizer, 64)
    row = encoder.answer("Who? Ада", "Bea", where="row 1")
    bos = (tokenizer.bos_token_id,) if bos_by_itself else ()
    assert encoder.layout == "plain"
    assert row.ids[: row.prompt] == (*bos, *tokenizer("Who? Ада\n", add_special_tokens=False)["input_ids"])
    assert tokenizer.decode(row.ids) == "<s>" * bos_by_itself + "Who? Ада\nBea<end>"
    assert tokenizer.decode(row.ids[row.prompt :]) == "Bea<end>"
    assert encoder.prompt("Who? Ада") == row.ids[: row.prompt]


def test_with_a_template_the_layout_says_so() -> None:
    assert ChatEncoder(TOKENIZER, 64).layout == "template"


def test_the_beginning_of_a_trace_may_be_given_and_carries_no_label() -> None:
    encoder = ChatEncoder(TOKENIZER, 64)
    whole = encoder.answer(QUESTION, ANSWER, where="row 1", trace="It is asked where")
    given = encoder.answer(QUESTION, ANSWER, where="row 1", trace="It is asked where", prefix="It is")
    assert given.ids == whole.ids
    begun = 1 + len(ids("It is"))  # the mark before the trace is given with it
    assert (given.prompt, given.trace) == (whole.prompt + begun, whole.trace - begun)
    assert encoder.answer(QUESTION, ANSWER, where="row 1", trace="It is asked where", prefix="Who") == whole
    # However short the trace is cut, the response keeps its labels.
    short = ChatEncoder(TOKENIZER, len(whole.ids) - 3).answer(
        QUESTION, ANSWER, where="row 1", trace="It is asked where", prefix="It is asked"
    )
    assert short.labels - short.trace == whole.labels - whole.trace and short.trace >= 0
