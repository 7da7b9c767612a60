"""Names, titles, groups and order of row sets."""

from __future__ import annotations

import pytest

from unlearnkit.data.vocabulary import group_of, is_forget, ordered_sets, set_title, showing_kept
from unlearnkit.metrics.score_docs import ScoreDocs

FORGET = ["forget", "forget.paraphrased", "forget.translated", "forget.reverse", "forget.multihop"]
KEPT = ["retain.held_out", "retain", "near", "far"]


@pytest.mark.parametrize(
    ("split", "group", "title"),
    [
        ("forget", "Must be forgotten", "as trained"),
        ("forget.paraphrased", "Must be forgotten", "paraphrased"),
        ("forget.multihop", "Must be forgotten", "two hops"),
        ("forget.asked", "Must be forgotten", "asked by others"),
        ("forget.other_words", "Must be forgotten", "other words"),
        ("retain", "Must be kept", "retain (trained on)"),
        ("retain.held_out", "Must be kept", "retain (not trained on)"),
        ("near", "Must be kept", "near"),
        ("near.half_name", "Must be kept", "near.half name"),
        ("far", "Must be kept", "far"),
        ("utility.real_authors", "Must be kept", "real authors"),
        ("holdout", "Other", "never seen (holdout)"),
        ("forgetful", "Other", "forgetful"),
        ("nearby", "Other", "nearby"),
    ],
)
def test_each_set_has_a_group_and_a_title(split: str, group: str, title: str) -> None:
    assert (group_of(split), set_title(split)) == (group, title)
    assert is_forget(split) == (group == "Must be forgotten")


def test_sets_that_every_comparison_lists_come_first_in_their_group() -> None:
    others = ["forget.another", "near.another", "utility.another", "another"]
    order = [*FORGET, "forget.another", *KEPT, "near.another", "utility.another", "another"]
    assert ordered_sets(reversed([*FORGET, *KEPT, *others])) == order
    listed = {flat.removesuffix(".accuracy") for flat in ScoreDocs().listed if flat.endswith(".accuracy")}
    assert listed == {*FORGET, *KEPT}


def test_rows_that_are_trained_on_show_what_is_kept_only_if_there_are_no_others() -> None:
    assert showing_kept(["retain", "forget", "near", "holdout"]) == ["retain", "near"]
    assert showing_kept(["retain", "retain.held_out", "near"]) == ["retain.held_out", "near"]
