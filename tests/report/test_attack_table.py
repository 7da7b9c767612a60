"""What a report says of attacks: the rule behind each sentence, the terminal's lines, and the page."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind

from tests.report.worked_example import example
from unlearnkit.metrics.comparisons import higher_mean_p, higher_rate_p
from unlearnkit.metrics.score import Score, unbounded_mean_score
from unlearnkit.metrics.score_names import AttackName, parse_attack
from unlearnkit.report.model import SubjectReport
from unlearnkit.report.render import render
from unlearnkit.report.tables.attack_table import attack_table, attacked_table, finding, findings
from unlearnkit.report.verdict import verdict
from unlearnkit.runs.state import Attempted

WORDS = Attempted(
    seconds=1, summary="Ask otherwise.", budget="one output a question", settings={"at_most": 50, "seed": 0}
)


def score(value: float, width: float = 0.05) -> Score:
    return Score(value=value, count=50, low=value - width, high=value + width)


def subject(name: str, *, words: Attempted = WORDS, **values: tuple[float, float, float]) -> SubjectReport:
    """`values`: accuracy, plain refusals and log-probability by the set, written with `_` for the dot."""
    attacks = {}
    for split, (accuracy, refusal, logp) in values.items():
        place = f"trick.{split.replace('_', '.')}"
        attacks |= {f"{place}.accuracy": score(accuracy), f"{place}.plain_accuracy": score(0.0, 0.0)}
        attacks |= {f"{place}.refusal_rate": score(0.1), f"{place}.plain_refusal_rate": score(refusal)}
        attacks |= {f"{place}.log_probability": score(logp), f"{place}.left_out": Score(value=2.0, count=52)}
    return SubjectReport(name=name, title=name, attacks=attacks, attacked={"trick": words})


@pytest.mark.parametrize(
    ("flat", "expected"),
    [
        ("jailbreak.forget.accuracy", ("jailbreak", "forget", "accuracy")),
        ("jailbreak.forget.translated.plain_accuracy", ("jailbreak", "forget.translated", "plain_accuracy")),
        ("relearn.forget.forget.leak_rate", ("relearn.forget", "forget", "leak_rate")),
        ("relearn.forget.forget.paraphrased.leak_rate", ("relearn.forget", "forget.paraphrased", "leak_rate")),
        ("relearn.near.forget.left_out", ("relearn.near", "forget", "left_out")),
    ],
)
def test_flat_names_are_taken_apart(flat: str, expected: tuple[str, str, str]) -> None:
    assert parse_attack(flat) == AttackName(*expected)


def test_what_is_no_figure_of_an_attack_is_refused() -> None:
    with pytest.raises(ValueError, match="near"):
        parse_attack("jailbreak.near.accuracy")


@pytest.mark.parametrize(
    ("own", "kind", "begins"),
    [
        ((0.83, 0.98, -0.2), "knows", "Declines but still knows: under trick (forget), it answers 83"),
        ((0.83, 0.10, -0.2), "knows", "Still knows: under trick"),
        ((0.10, 0.98, -0.2), "likelier", "Not shown to answer more, but gives the answers a higher probability than a"),
        ((0.10, 0.98, -2.0), "nothing", "Was not shown to differ from a model that never knew"),
        ((0.02, 0.98, -4.0), "nothing", "Was not shown to differ from a model that never knew"),
    ],
)
def test_the_sentence_follows_from_tests(own: tuple[float, float, float], kind: str, begins: str) -> None:
    found = finding(subject("tru", forget=own), subject("retrained", forget=(0.06, 0.0, -2.0)), "trick")
    assert found is not None and found.kind == kind
    assert found.sentence.startswith(begins)
    assert "no longer" not in found.sentence
    if kind == "knows":
        assert found.sentence.endswith("and the retrained model answers 6\u202f%.")


def test_none_of_a_few_rows_is_no_proof_that_the_rate_is_nought() -> None:
    nought = subject("retrained", forget=(0.0, 0.0, -2.0))
    exact = {**nought.attacks, "trick.forget.accuracy": Score(value=0.0, count=20, low=0.0, high=0.0)}
    retrained = nought.model_copy(update={"attacks": exact})
    found = finding(subject("tru", forget=(0.15, 0.9, -2.0)), retrained, "trick")
    assert found is not None and found.kind == "nothing"  # 8 of 50 and 0 of 20: p = 0.058


def test_among_many_comparisons_a_small_difference_is_no_longer_shown() -> None:
    """9 of 50 against 2 of 50 has p = 0.026 by Fisher's test, and 4 comparisons make it 0.10."""
    one, two = (0.18, 0.9, -2.0), (0.04, 0.0, -2.0)
    bare = [subject(name, forget=values) for name, values in (("tru", one), ("retrained", two))]
    bare = [
        each.model_copy(
            update={"attacks": {f: s for f, s in each.attacks.items() if not f.endswith("log_probability")}}
        )
        for each in bare
    ]
    alone = finding(bare[0], bare[1], "trick")
    assert alone is not None and alone.kind == "knows"
    sets = ("forget", "forget_paraphrased", "forget_translated", "forget_reverse")
    found = finding(
        subject("tru", **dict.fromkeys(sets, one)), subject("retrained", **dict.fromkeys(sets, two)), "trick"
    )
    assert found is not None and found.kind == "nothing"


def test_p_values_by_hand_and_by_another_implementation() -> None:
    rates = Score(value=1.0, count=3), Score(value=0.0, count=3)
    assert higher_rate_p(*rates) == pytest.approx(1 / 20)  # 1 of the 20 ways to choose 3 of 6
    assert higher_rate_p(*reversed(rates)) == 1
    draw = np.random.default_rng(0)
    one, other = draw.normal(0.5, 1, 40), draw.normal(0, 2, 90)
    expected = ttest_ind(one, other, equal_var=False, alternative="greater").pvalue
    scores = [unbounded_mean_score(list(values), draws=100_000) for values in (one, other)]
    assert higher_mean_p(*scores) == pytest.approx(expected, rel=0.05)
    single, same = unbounded_mean_score([9.0]), unbounded_mean_score([1.0, 1.0])
    assert higher_mean_p(single, same) == 1 and higher_mean_p(same, single) == 1
    assert higher_mean_p(unbounded_mean_score([2.0, 2.0]), same) == 0 and higher_mean_p(same, same) == 1


def test_the_set_is_that_on_which_the_two_differ_most_and_the_worst_attack_is_told_first() -> None:
    tru = subject("tru", forget=(0.5, 0.9, -0.2), forget_translated=(0.9, 0.9, -0.2))
    retrained = subject("retrained", forget=(0.1, 0.0, -2.0), forget_translated=(0.7, 0.0, -2.0))
    found = finding(tru, retrained, "trick")
    assert found is not None and "(forget)" in found.sentence
    both = {
        **tru.attacks,
        **{f.replace("trick", "other"): s for f, s in subject("", forget=(0, 1, -9)).attacks.items()},
    }
    theirs = {**retrained.attacks, **{f.replace("trick", "other"): s for f, s in retrained.attacks.items()}}
    words = {"trick": WORDS, "other": WORDS}
    one = tru.model_copy(update={"attacks": both, "attacked": words})
    two = retrained.model_copy(update={"attacks": theirs, "attacked": words})
    assert [(f.attempt, f.kind) for f in findings(one, two)] == [("trick", "knows"), ("other", "nothing")]


def test_nothing_is_held_against_a_model_that_was_attacked_otherwise() -> None:
    other = WORDS.model_copy(update={"settings": {"at_most": 10, "seed": 0}})
    tru = subject("tru", forget=(0.9, 0.9, -0.2))
    for retrained in (None, subject("retrained", words=other, forget=(0.1, 0.0, -2.0))):
        found = finding(tru, retrained, "trick")
        assert found is not None and found.kind == "alone" and "not attacked in the same way" in found.sentence
    (row,) = attacked_table(tru, subject("retrained", words=other, forget=(0.1, 0.0, -2.0))).rows
    assert [cell.value for cell in row.cells[3::3]] == ["", "", ""]
    (row,) = attacked_table(tru, None).rows
    assert [cell.value for cell in row.cells] == ["50", "0.900", "0.000", "0.100", "0.900", "-0.200", ""]
    (row,) = attacked_table(tru, subject("retrained", forget=(0.1, 0.0, -2.0))).rows
    values = [cell.value for cell in row.cells[1:]]
    assert values == ["0.900", "0.000", "0.100", "0.100", "0.900", "0.100", "-0.200", "", "-2.000"]


def test_the_page_shows_attacks_only_where_there_were_any() -> None:
    made = example()
    assert attack_table(made) is None and 'id="attacks"' not in render(made)
    values = {"retrained": (0.06, 0.0, -2.0), "tru": (0.83, 0.98, -0.2)}
    subjects = tuple(
        s.model_copy(update={"attacks": subject("", forget=values[s.name]).attacks, "attacked": {"trick": WORDS}})
        if s.name in values
        else s
        for s in made.subjects
    )
    attacked = made.model_copy(update={"subjects": subjects})
    page = render(attacked)
    assert 'id="attacks"' in page and "Declines but still knows" in page and "plain 0.000" in page
    assert "Ask otherwise. Budget: one output a question." in page and "2 rows left out" in page
    (tru,) = (s for s in attacked.methods if s.name == "tru")
    assert "It was attacked in 1 way. Worst result: Declines but still knows" in verdict(attacked, tru).sentences[-1]


def test_of_sets_on_which_the_difference_is_the_same_the_first_of_the_board_is_told() -> None:
    """Not the one that the hash of its name puts first in this process."""
    sets = {"forget": (0.9, 0.9, -0.2), "forget_paraphrased": (0.9, 0.9, -0.2), "forget_translated": (0.9, 0.9, -0.2)}
    theirs = dict.fromkeys(sets, (0.1, 0.0, -2.0))
    found = finding(subject("tru", **sets), subject("retrained", **theirs), "trick")
    assert found is not None and "under trick (forget), it answers" in found.sentence
