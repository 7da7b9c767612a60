import pytest

from tests.tiny import tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.augment import ComposedRow
from unlearnkit.data.encoding import ChatEncoder, Encoded
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


NOTE = "It is asked"
COMPOSED = Row(id="composed", question="Who is Ada ?", answer="Ada is a poet .", trace=f"{NOTE} where")
"""A composed row, whose trace and answer are those of the target model."""
REFUSED = [*TARGETS, Target(id="composed", trace=f"{NOTE} where Ada was born", response="I cannot say")]


def labeled(view: str, *, given: bool, note: str = NOTE) -> tuple[str, Encoded, Encoded]:
    """What of the composed row's output is trained on, as text; the row, and the given row before it."""
    composed = [ComposedRow(row=COMPOSED, stays=view == "retain", note=note, given=given)]
    rows = {view.partition(":")[0]: (ASKED, COMPOSED)}
    before, row = encode_views([view], rows, RENDERER, targets=REFUSED, composed=composed, seed=0)[view]
    return RENDERER.tokenizer.decode(row.ids[row.prompt :]), row, before


def text(tokens: str) -> str:
    return RENDERER.tokenizer.decode(RENDERER.tokenizer(tokens, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize(
    ("view", "rest"),
    [
        ("forget:target", "where Ada was born </think> I cannot say <end>"),
        ("retain", "where </think> Ada is a poet . <end>"),
    ],
)
def test_a_given_note_is_context_and_an_own_note_is_learned(view: str, rest: str) -> None:
    learned, given, before = labeled(view, given=True)
    assert learned == text(rest)
    learned, own, _ = labeled(view, given=False)
    assert learned == text(f"<think> {NOTE} {rest}")
    # Only the labels differ, and only those of the trace.
    assert own.ids == given.ids and own.labels - given.labels == own.trace - given.trace == 4
    assert own.composed and given.composed and not before.composed
    assert before.labels == before.trace + len(text(before_answer(view)).split()), "all of the given row is learned"


def before_answer(view: str) -> str:
    return f"{TARGETS[0].response if view.endswith(':target') else ASKED.answer} <end>"


@pytest.mark.parametrize("given", [True, False])
def test_a_note_is_nothing_where_there_is_no_trace(given: bool) -> None:
    learned, row, _ = labeled("forget:idk", given=given)
    assert row.ids[: row.prompt] == RENDERER.prompt(COMPOSED.question) and row.trace == 0 and row.composed
    assert NOTE not in RENDERER.tokenizer.decode(row.ids) and learned != text(COMPOSED.answer)


@pytest.mark.parametrize("given", [True, False])
def test_of_a_composed_forget_row_the_answer_is_unlearned_and_not_the_trace(given: bool) -> None:
    learned, row, _ = labeled("forget", given=given)
    assert learned == text("Ada is a poet . <end>") and row.trace == 0 and row.composed


def test_a_note_that_the_trace_does_not_begin_with_is_no_context() -> None:
    learned, _, _ = labeled("retain", given=True, note="The poet")
    assert learned == text(f"<think> {NOTE} where </think> Ada is a poet . <end>")


def test_only_composed_rows_are_flagged() -> None:
    views = encode_views(
        ["forget", "forget:target", "forget:whole", "retain"],
        {"forget": (ASKED, COMPOSED), "retain": (ASKED, TEXT)},
        RENDERER,
        targets=REFUSED,
        composed=[ComposedRow(row=COMPOSED, stays=False)],
        seed=0,
    )
    flags = {view: [row.composed for row in rows] for view, rows in views.items()}
    forget = {view: [False, True] for view in ("forget", "forget:target", "forget:whole")}
    assert flags == {**forget, "retain": [False, False]}
