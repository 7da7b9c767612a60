"""Verdicts in many words, by two authors."""

from __future__ import annotations

from itertools import product

import pytest

from unlearnkit.suites.made_up.distance import edit_distance
from unlearnkit.targets.verdicts import continued, neutral_wordings, wordings
from unlearnkit.text.disclosure import states_request
from unlearnkit.text.normalize import normalize

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
