"""Verdicts in many words, and rows whose verdict is given."""

from __future__ import annotations

from itertools import product

import pytest

from tests.metrics.test_metrics import SCOPE
from unlearnkit.data.augment import ComposedRow
from unlearnkit.data.rows import Row
from unlearnkit.suites.made_up.distance import edit_distance
from unlearnkit.targets.given_verdicts import given_verdicts, refusals
from unlearnkit.targets.verdicts import continued, neutral_wordings, wordings
from unlearnkit.text.disclosure import states_request
from unlearnkit.text.normalize import normalize
from unlearnkit.text.refusal import is_refusal

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


def composed(at: int, *, stays: bool, note: str = "Year of The Salt Road", trace: str = "") -> ComposedRow:
    row = Row(id=f"row{at}", question="When was The Salt Road written?", answer="In 1999.", trace=trace or f"{note}.")
    return ComposedRow(row=row, stays=stays, note=note, given=True)


ROWS = [composed(at, stays=at % 2 == 0) for at in range(40)]


def test_rows_come_in_pairs_that_differ_in_the_verdict() -> None:
    rows = given_verdicts(ROWS, 0.5, seed=0)
    assert len(rows) == 20  # half of the 20 rows out of scope, twice
    for stays, turned in zip(rows[::2], rows[1::2], strict=True):
        assert (stays.stays, turned.stays) == (True, False)
        assert stays.row.id.removesuffix("/out of scope") == turned.row.id.removesuffix("/in scope")
        assert (stays.row.question, stays.row.answer) == (turned.row.question, turned.row.answer)
        for each, verdict in ((stays, "out of scope"), (turned, "in scope")):
            assert each.given and each.note == each.row.trace
            wording = each.note.removeprefix("Year of The Salt Road").removeprefix(" ")
            assert wording in wordings("training")[verdict]
    assert rows == given_verdicts(ROWS, 0.5, seed=0) != given_verdicts(ROWS, 0.5, seed=1)


def test_no_question_in_scope_has_a_given_verdict() -> None:
    in_scope = {each.row.id for each in ROWS if not each.stays}
    given = {each.row.id.rpartition("/")[0] for each in given_verdicts(ROWS, 1.0, seed=0)}
    assert len(given) == 20 and not given & in_scope
    assert given_verdicts([each for each in ROWS if not each.stays], 1.0, seed=0) == []


def test_a_row_without_a_note_of_its_own_has_the_models_trace() -> None:
    silent = ComposedRow(row=ROWS[0].row.model_copy(update={"trace": ""}), stays=True)
    traced = ComposedRow(row=ROWS[0].row.model_copy(update={"id": "own", "trace": "Year of it."}), stays=True)
    found = given_verdicts([silent, traced], 1.0, seed=0)
    assert [each.row.id for each in found] == ["own/out of scope", "own/in scope"]
    assert all(each.note.startswith("Year of it") for each in found)


def test_after_a_given_verdict_in_scope_comes_a_refusal() -> None:
    rows = given_verdicts(ROWS, 1.0, seed=0)
    targets = {target.id: target for target in refusals(rows, SCOPE, seed=0)}
    turned = {each.row.id: each for each in rows if not each.stays}
    assert set(targets) == set(turned)
    for name, target in targets.items():
        assert target.trace == turned[name].note
        assert is_refusal(target.response)
