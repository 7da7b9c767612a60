import pytest

from tests.tiny import tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row, Turn
from unlearnkit.data.target import Target
from unlearnkit.training.views import encode_views

ASKED = Row(id="asked", question="Where was Ada born ?", answer="Oslo .")
TEXT = Row(id="text", question="", answer="Ada was born in Oslo .")
TARGETS = [Target(id=row.id, trace="It is asked", response="I cannot say") for row in (ASKED, TEXT)]
RENDERER = ChatEncoder(tiny_tokenizer(), 64)


def test_texts_are_trained_on_as_they_are() -> None:
    splits = {"forget": (ASKED, TEXT), "retain": (TEXT,)}
    views = encode_views(["forget", "retain"], splits, RENDERER, targets=[], seed=0)
    assert views["forget"][1] == views["retain"][0] == RENDERER.answer("", TEXT.answer, where="")


@pytest.mark.parametrize("view", ["forget:target", "forget:idk"])
def test_nothing_is_taught_in_place_of_a_text(view: str) -> None:
    encode_views([view], {"forget": (ASKED,)}, RENDERER, targets=TARGETS, seed=0)
    with pytest.raises(InputError, match="a text without a question") as raised:
        encode_views([view], {"forget": (ASKED, TEXT)}, RENDERER, targets=TARGETS, seed=0)
    assert raised.value.where == f"{view}, row text"


@pytest.mark.parametrize("view", ["forget", "forget:target", "forget:idk"])
def test_what_was_said_before_is_context_in_training_as_in_measuring(view: str) -> None:
    before = (Turn(role="system", content="Ada is a poet ."),)
    row = ASKED.model_copy(update={"history": before})
    (encoded,) = encode_views([view], {"forget": (row,)}, RENDERER, targets=TARGETS, seed=0)[view]
    asked = RENDERER.prompt(ASKED.question, before)
    assert encoded.ids[: len(asked)] == asked
    measured = RENDERER.answer(row.question, row.answer, history=row.history, trace=row.trace, where="row")
    assert measured.ids[: measured.prompt] == asked
