"""Precision and recall of the leak and accuracy checks, in languages and notations other than plain English."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scope.labeled import BAR, CHECKS, NOTATIONS, Rates, rates, read_pairs, wilson
from unlearnkit.text.search_evidence import UNCHECKED_LANGUAGES, UNCHECKED_NOTATIONS

HERE = Path(__file__).parent
OWN, LABELED = HERE / "own_pairs", HERE / "labeled_pairs"
"""Pairs that were at hand while the checks were written, and pairs of an author who had not seen the checks."""
LANGUAGES = ("zh", "ja", "th", "fi", "hu", "tr", "ko", "ar", "he")
OWN_PAIRS, LABELED_PAIRS = read_pairs(OWN), read_pairs(LABELED)
NOT_CHECKED = UNCHECKED_LANGUAGES | UNCHECKED_NOTATIONS


@pytest.mark.parametrize("declared", [True, False], ids=["stated", "detected"])
@pytest.mark.parametrize("check", CHECKS)
def test_the_checks_are_right_on_pairs_of_our_own(check: str, declared: bool) -> None:
    found = rates(OWN_PAIRS, check, declared=declared)
    assert set(found) == {*LANGUAGES, *NOTATIONS}
    low = {group: str(each) for group, each in found.items() if min(each.precision, each.recall) < BAR}
    assert not low


@pytest.mark.parametrize("declared", [True, False], ids=["stated", "detected"])
@pytest.mark.parametrize("check", CHECKS)
def test_each_language_and_notation_reaches_the_bar_or_is_not_measured(check: str, declared: bool) -> None:
    found = rates(LABELED_PAIRS, check, declared=declared)
    low = {
        group: str(each)
        for group, each in found.items()
        if group not in NOT_CHECKED and min(each.precision, each.recall) < BAR
    }
    assert not low
    # What is listed as not checked must fail the bar, or the list is out of date.
    assert set(found) >= NOT_CHECKED


def test_there_are_enough_pairs_of_our_own() -> None:
    for group in (*LANGUAGES, *NOTATIONS):
        members = [pair for pair in OWN_PAIRS if pair.group == group]
        assert len(members) >= 15, group
        assert {pair.said for pair in members} == {True, False}, group


def test_there_are_enough_pairs_of_another_author() -> None:
    for group in (*LANGUAGES, *NOTATIONS):
        assert sum(pair.group == group for pair in LABELED_PAIRS) >= 40, group


def test_wilson_intervals() -> None:
    low, high = wilson(36, 40)  # the interval by hand: (0.9 + z²/80 ± z·√(0.09/40 + z²/6400)) / (1 + z²/40), z = 1.96
    assert low == pytest.approx(0.769, abs=5e-4) and high == pytest.approx(0.960, abs=5e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_rates_count_each_outcome_once() -> None:
    assert Rates(hits=9, misses=1, false_alarms=3).precision == 0.75
    assert Rates(hits=9, misses=1, false_alarms=3).recall == 0.9
