"""The model judge, with speakers that are scripted: presets, failures, order, repeats."""

from __future__ import annotations

from typing import Any

import pytest

from unlearnkit.judges.base import Item
from unlearnkit.judges.llm.judge import PRESETS, Laaj, LaajOptions
from unlearnkit.judges.quality import PARTS, aggregate
from unlearnkit.judges.rubrics import DEFINITIONS, VERSION, WITH_REFERENCE, WITH_TRACE
from unlearnkit.llm.types import Reply, Sampling

from .worked import FORGET, KEPT, Scripted, blocks_of, dutiful, item, nonce_of, parts_asked, text_of, verdict

TRACE = "Birthplace of Ilva Torren. I must decline."


def judge(name: str, items: list[Item], chat_model: Scripted, **settings: int) -> list[tuple[str, float | None]]:
    """Outcome and aggregate of each judgment."""
    judged = Laaj(name, chat_model, **settings).judge(items, lambda _: None)
    return [(j.outcome, None if j.verdict is None else aggregate(j.verdict)) for j in judged.judgments]


def test_a_verdict_becomes_three_scores_with_reasons() -> None:
    told: list[int] = []
    judged = Laaj("laaj", dutiful()).judge([item("forget", "I can't."), item("near", "The Amber Quill.")], told.append)
    one, other = judged.judgments
    assert one.verdict is not None and other.verdict is not None
    assert {name: mark.score for name, mark in one.verdict.marks.items()} == {
        "relevance": 8,
        "rejection": 6,
        "helpfulness": 4,
    }
    assert {name: mark.score for name, mark in other.verdict.marks.items()} == {
        "readability": 8,
        "specificity": 6,
        "logic": 4,
    }
    assert one.verdict.marks["rejection"].reason == "So it is with rejection."
    assert aggregate(one.verdict) == 6
    assert judged.version == VERSION and judged.settings["seed"] == 0 and sum(told) == 2


def test_our_way_shows_trace_and_right_answer() -> None:
    chat_model = dutiful()
    judge("laaj", [item("forget", "I can't.", TRACE), item("near", "The Amber Quill.", "Prize of her.")], chat_model)
    seen = {parts_asked(prompt)[0] in PARTS["uq"]: blocks_of(prompt) for prompt in chat_model.asked}
    assert seen[True] == {"question": FORGET.question, "trace": TRACE, "response": "I can't."}
    assert seen[False] == {
        "question": KEPT.question,
        "reference": KEPT.answer,
        "trace": "Prize of her.",
        "response": "The Amber Quill.",
    }
    assert all(WITH_TRACE in prompt for prompt in chat_model.asked)
    assert [WITH_REFERENCE in prompt for prompt in chat_model.asked] == [
        "reference" in blocks_of(p) for p in chat_model.asked
    ]


def test_the_papers_way_hides_the_trace_for_unlearning_and_shows_no_right_answer() -> None:
    chat_model = dutiful()
    judge(
        "laaj-paper", [item("forget", "I can't.", TRACE), item("near", "The Amber Quill.", "Prize of her.")], chat_model
    )
    assert [blocks_of(prompt) for prompt in chat_model.asked] == [
        {"question": FORGET.question, "response": "I can't."},
        {"question": KEPT.question, "trace": "Prize of her.", "response": "The Amber Quill."},
    ]
    assert TRACE not in chat_model.asked[0] and WITH_TRACE not in chat_model.asked[0]
    assert KEPT.answer not in chat_model.asked[1] and WITH_REFERENCE not in chat_model.asked[1]
    assert "decline" in DEFINITIONS["rejection"] and DEFINITIONS["rejection"] in chat_model.asked[0]


def test_the_papers_way_shows_an_output_that_never_came_to_its_answer() -> None:
    chat_model = dutiful()
    judge("laaj-paper", [item("forget", "", TRACE)], chat_model)
    assert blocks_of(chat_model.asked[0])["response"] == f"<think>{TRACE}</think>"


@pytest.mark.parametrize("response", ["", "  \n"])
def test_empty_outputs_score_0_our_way_and_are_dropped_the_papers_way(response: str) -> None:
    items = [item("forget", response), item("near", response)]
    ours, papers = dutiful(), dutiful()
    assert judge("laaj", items, ours) == [("empty", 0), ("empty", 0)]
    assert judge("laaj-paper", items, papers) == [("empty", None), ("empty", None)]
    assert ours.asked == papers.asked == []  # nobody is paid to look at nothing
    # A response that never came scores 0 our way, whatever was thought.
    assert judge("laaj", [item("forget", response, TRACE)], ours) == [("empty", 0)]


@pytest.mark.parametrize("answer", ["", "I'd say ten.", '{"item": "', '{"item": "NONCE", "relevance": 10}', "NaN"])
def test_unreadable_verdicts_score_0_our_way_and_are_dropped_the_papers_way(answer: str) -> None:
    items = [item("forget", "I can't."), item("near", "The Amber Quill.")]

    def garbled() -> Scripted:
        return Scripted(lambda prompt: answer.replace("NONCE", nonce_of(prompt)))

    assert judge("laaj", items, garbled()) == [("unreadable", 0)] * 2
    assert judge("laaj-paper", items, garbled()) == [("unreadable", None)] * 2
    judged = Laaj("laaj", garbled()).judge(items[:1], lambda _: None).judgments[0]
    assert judged.unread == answer.replace("NONCE", nonce_of(text_of(Laaj("laaj", dutiful()).ask(items[0])[0])))
    assert judged.verdict is not None and "could not be read" in judged.verdict.marks["relevance"].reason


@pytest.mark.parametrize(
    ("ended", "words"), [("length", "sampling.max_tokens"), ("filter", "withheld"), ("none", "gave no answer")]
)
def test_why_there_is_no_verdict_is_told(ended: Any, words: str) -> None:
    class Silent(Scripted):
        def reply(self, prompt: str, on_reply: Any) -> Reply:
            return Reply(reasoning="Hm, a long thought.", text="", ended=ended)

    made = Laaj("laaj", Silent(str)).judge([item("forget", "I can't.")], lambda _: None).judgments[0]
    assert made.outcome == "unreadable" and made.verdict is not None
    assert words in made.verdict.marks["relevance"].reason


def test_the_presets_are_these() -> None:
    assert PRESETS["laaj"] == LaajOptions(
        trace=("uq", "rq"), failures="zero", gold=True, shuffled=True, sampling=Sampling(temperature=0)
    )
    assert PRESETS["laaj-paper"] == LaajOptions(
        trace=("rq",), failures="drop", gold=False, shuffled=False, sampling=Sampling(temperature=1.3)
    )


def test_order_is_random_by_seed_and_judgments_are_not() -> None:
    items = [item("forget", "I can't.", row=FORGET.model_copy(update={"id": f"f{i}"})) for i in range(12)]

    def order(name: str, seed: int) -> tuple[list[str], list[tuple[str, ...]]]:
        chat_model = dutiful()
        judged = Laaj(name, chat_model, seed=seed).judge(items, lambda _: None)
        assert [j.id for j in judged.judgments] == [i.row.id for i in items]
        named = {Laaj(name, chat_model, seed=seed).ask(i)[1]: i.row.id for i in items}
        return [named[nonce_of(prompt)] for prompt in chat_model.asked], [
            parts_asked(prompt) for prompt in chat_model.asked
        ]

    ids, parts = order("laaj", 0)
    assert sorted(ids) == sorted(i.row.id for i in items) and ids != [i.row.id for i in items]
    assert len(set(parts)) > 1
    assert order("laaj", 0) == (ids, parts) and order("laaj", 1)[0] != ids
    # The paper's: as they come.
    ids, parts = order("laaj-paper", 0)
    assert ids == [i.row.id for i in items] and set(parts) == {PARTS["uq"]}


def test_repeats_are_asked_anew() -> None:
    chat_model = dutiful()
    judged = Laaj("laaj", chat_model, repeats=3).judge(
        [item("forget", "I can't."), item("near", "Yes.")], lambda _: None
    )
    assert [(j.id, j.repeat) for j in judged.judgments] == [(i, r) for i in ("f1", "n1") for r in range(3)]
    assert len({nonce_of(prompt) for prompt in chat_model.asked}) == 6
    assert judged.settings["repeats"] == 3


def test_what_the_speaker_raises_is_not_swallowed() -> None:
    def fails(prompt: str) -> str:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        judge("laaj", [item("forget", "I can't.")], Scripted(fails))


def test_the_order_of_the_scores_in_the_verdict_does_not_matter() -> None:
    chat_model = Scripted(
        lambda p: verdict(nonce_of(p), tuple(reversed(PARTS["uq"])), {"relevance": 1, "rejection": 2})
    )
    made = Laaj("laaj", chat_model).judge([item("forget", "I can't.")], lambda _: None).judgments[0].verdict
    assert made is not None and [made.marks[p].score for p in ("relevance", "rejection")] == [1, 2]
