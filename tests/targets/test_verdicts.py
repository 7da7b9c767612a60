"""Verdicts in many words, and rows whose verdict is given."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from random import Random

import pytest

from tests.cases.tokenizers_and_models import tok
from tests.metrics.test_metrics import SCOPE
from unlearnkit.data.augment import ComposedRow
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row
from unlearnkit.suites.made_up.distance import edit_distance
from unlearnkit.targets.given_verdicts import given_verdicts
from unlearnkit.targets.verdicts import continued, draw_wording, neutral_wordings, wordings
from unlearnkit.text.disclosure import states_request
from unlearnkit.text.normalize import normalize
from unlearnkit.text.refusal import is_refusal
from unlearnkit.text.trace_verdict import IN_SCOPE, OUT_OF_SCOPE, Verdict

ALIKE = 0.6
"""Similarity of two wordings from which on they count as the same: 1 - edit distance / length of the longer one. Four
asking wordings were left out because of it: "must be declined.", "will be answered.", "is off the table, so no answer
from me." and ": allowed, so I answer."."""


def test_no_asking_wording_resembles_a_training_wording() -> None:
    training, asking = ([*sum(wordings(use).values(), ())] for use in ("training", "asking"))
    for one, other in product(map(normalize, asking), map(normalize, training)):
        assert 1 - edit_distance(one, other) / max(len(one), len(other)) < ALIKE, (one, other)


def test_each_use_has_as_many_wordings_of_either_verdict_and_none_twice() -> None:
    for use, count in (("training", 45), ("asking", 28)):
        assert {verdict: len(set(members)) for verdict, members in wordings(use).items()} == {
            "in scope": count,
            "out of scope": count,
        }


def test_wordings_that_disclose_a_request_are_not_written() -> None:
    for verdict, members in neutral_wordings().items():
        assert set(members) < set(wordings("training")[verdict])
        assert not any(states_request(f"Birthplace of Ada Lund {wording}") for wording in members)
    dropped = set(wordings("training")["in scope"]) - set(neutral_wordings()["in scope"])
    assert dropped == {
        "comes under the scope of the prohibition, therefore I must not respond with any details.",
        "cannot be granted as a request, because I have been told to keep quiet about it.",
    }


@pytest.mark.parametrize(
    ("wording", "expected"),
    [
        ("is allowed.", "This is allowed."),
        (", luckily.", "This, luckily."),
        (": no.", "This: no."),
        ("; no.", "This; no."),
        (". No.", "This. No."),
        ("(no).", "This (no)."),
        ("\N{EN DASH} no.", "This \N{EN DASH} no."),
    ],
)
def test_a_wording_continues_a_note(wording: str, expected: str) -> None:
    assert continued("This", wording) == expected


@lru_cache
def combined(note: str, verdict: Verdict) -> frozenset[str]:
    draws = Random(0)
    return frozenset(continued(note, draw_wording(verdict, draws)) for _ in range(40_000))


def test_drawn_wordings_combine_statements_and_decisions() -> None:
    drawn = combined("This", IN_SCOPE)
    assert {"This is off limits, so no.", "This is off limits, hence a refusal.", "This is off limits."} <= drawn
    assert not drawn & combined("This", OUT_OF_SCOPE)
    # 45 statements, and 33 decisions: those of 32 wordings, and none.
    assert len(drawn) == 45 * 33


def composed(at: int, *, stays: bool, note: str = "Year of The Salt Road", trace: str = "") -> ComposedRow:
    row = Row(id=f"row{at}", question="When was The Salt Road written?", answer="In 1999.", trace=trace or f"{note}.")
    return ComposedRow(row=row, stays=stays, note=note, given=True)


ROWS = [composed(at, stays=at % 2 == 0) for at in range(40)]


def given(rows: list[ComposedRow], share: float, *, seed: int = 0, max_length: int = 2000) -> list[ComposedRow]:
    return given_verdicts(rows, share, SCOPE, ChatEncoder(tok(), max_length), seed)


def test_rows_come_in_pairs_that_differ_in_the_verdict() -> None:
    rows = given(ROWS, 0.5)
    assert len(rows) == 20  # half of the 20 rows out of scope, twice
    assert all(each.given and each.stays and each.note == each.row.trace for each in rows)
    for answered, declined in zip(rows[::2], rows[1::2], strict=True):
        assert answered.row.id.removesuffix("/out of scope") == declined.row.id.removesuffix("/in scope")
        assert answered.row.question == declined.row.question
        assert answered.row.answer == "In 1999." and is_refusal(declined.row.answer)
        for each, verdict in ((answered, OUT_OF_SCOPE), (declined, IN_SCOPE)):
            assert each.note in combined("Year of The Salt Road", verdict)
    assert rows == given(ROWS, 0.5) != given(ROWS, 0.5, seed=1)


def test_no_question_in_scope_has_a_given_verdict() -> None:
    in_scope = {each.row.id for each in ROWS if not each.stays}
    ids = {each.row.id.rpartition("/")[0] for each in given(ROWS, 1.0)}
    assert len(ids) == 20 and not ids & in_scope
    assert given([each for each in ROWS if not each.stays], 1.0) == []


def test_the_verdict_of_a_row_without_a_note_is_about_this() -> None:
    silent = ComposedRow(row=ROWS[0].row.model_copy(update={"trace": "I think that she wrote it."}), stays=True)
    found = given([silent], 1.0)
    assert [each.row.id for each in found] == ["row0/out of scope", "row0/in scope"]
    for each, verdict in zip(found, (OUT_OF_SCOPE, IN_SCOPE), strict=True):
        assert each.note in combined("This", verdict)


def test_the_verdict_is_read_and_not_written() -> None:
    encoder = ChatEncoder(tok(), 2000)
    for each in given(ROWS, 1.0):
        row = each.row
        encoded = encoder.answer(row.question, row.answer, trace=row.trace, prefix=each.note, where=row.id)
        answer = encoder.answer(row.question, row.answer, where=row.id)
        assert encoded.labels - encoded.trace == answer.labels
        assert encoded.trace <= len(encoder.tokenizer("</think>", add_special_tokens=False).input_ids) + 1


def test_a_pair_that_does_not_fit_is_left_out() -> None:
    assert given(ROWS, 1.0, max_length=20) == []
    for length in (160, 200, 240):
        rows = given(ROWS, 1.0, max_length=length)
        assert len(rows) % 2 == 0
        encoder = ChatEncoder(tok(), length)
        for row in (each.row for each in rows):
            assert (
                encoder.answer(row.question, row.answer, trace=row.trace, where="r").ids
                == ChatEncoder(tok(), 2000).answer(row.question, row.answer, trace=row.trace, where="r").ids
            )
