"""Agreement between judges, with numbers worked by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.judges.agreement import Agreement, agreement, compare, quadratic_kappa, rounded
from unlearnkit.pipeline.judge import agree, judge_outputs

from .worked import FORGET, KEPT, PRINCIPLED, dutiful, record, run_folder


def test_worked_numbers() -> None:
    found = compare([0, 5, 10, 5], [2, 5, 10, 7])
    # Deviations -5 0 5 0 and -4 -1 4 1: 40 / sqrt(50 * 34).
    assert found.pearson == pytest.approx(40 / math.sqrt(50 * 34))
    # Ranks 1 2.5 4 2.5 and 1 2 4 3; deviations -1.5 0 1.5 0 and -1.5 -0.5 1.5 0.5: 4.5 / sqrt(4.5 * 5).
    assert found.spearman == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert found.difference == 1  # (2 + 0 + 0 + 2) / 4
    # Squared differences 4 0 0 4: mean 2. At random, over the 16 pairs of 0 5 10 5 with 2 5 10 7:
    # 0: 4 25 100 49 = 178; 5: 9 0 25 4 = 38, twice; 10: 64 25 0 9 = 98. Together 352 / 16 = 22.
    assert found.kappa == pytest.approx(1 - 2 / 22)
    assert found.count == 4


def test_a_published_table() -> None:
    """Two raters with the table [[a, b], [c, d]] on two points: kappa with any weights is Cohen's plain kappa.

    Cohen's kappa of 20, 5, 10, 15 of 50: observed 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5, so 0.4.
    """
    one = np.array([1] * 20 + [1] * 5 + [0] * 10 + [0] * 15)
    other = np.array([1] * 20 + [0] * 5 + [1] * 10 + [0] * 15)
    assert quadratic_kappa(one, other) == pytest.approx(0.4)
    # Farther apart weighs more, but on two points alone it does not matter how far.
    assert quadratic_kappa(one * 10, other * 10) == pytest.approx(0.4)


def test_kappa_at_its_ends() -> None:
    a = np.array([0, 3, 10, 7])
    assert quadratic_kappa(a, a) == 1
    assert quadratic_kappa(np.array([0, 10]), np.array([10, 0])) == -1
    assert quadratic_kappa(np.array([4, 4]), np.array([4, 4])) is None
    assert quadratic_kappa(np.array([4, 4]), np.array([6, 6])) == 0  # no better than by chance
    assert quadratic_kappa(np.array([], dtype=int), np.array([], dtype=int)) is None


def test_scores_are_rounded_to_whole_points_upwards_from_the_half() -> None:
    assert rounded(np.array([0, 0.49, 0.5, 1.5, 2.5, 9.5, 10])).tolist() == [0, 0, 1, 2, 3, 10, 10]


def test_what_the_outputs_leave_open_is_none() -> None:
    assert compare([], []) == Agreement(count=0, pearson=None, spearman=None, difference=None, kappa=None)
    constant = compare([6, 6, 6], [1, 5, 9])
    assert constant.pearson is None and constant.spearman is None
    assert constant.difference == pytest.approx((5 + 1 + 3) / 3) and constant.kappa == 0
    assert compare([6], [7]).pearson is None


def test_only_outputs_that_both_judged_count_and_qualities_are_apart() -> None:
    uq = {"": 6.0, "relevance": 8.0, "rejection": 6.0, "helpfulness": 4.0}
    rq = {"": 9.0, "readability": 9.0, "specificity": 9.0, "logic": 9.0}
    one = {("forget", "a"): uq, ("forget", "b"): uq, ("near", "c"): rq}
    other = {("forget.reverse", "a"): uq, ("forget", "b"): {**uq, "": 5.0}, ("near", "c"): rq}
    found = agreement(one, other)
    assert list(found) == [
        *("uq", "uq.relevance", "uq.rejection", "uq.helpfulness"),
        *("rq", "rq.readability", "rq.specificity", "rq.logic"),
    ]
    assert found["uq"].count == 1 and found["uq"].difference == 1 and found["uq.relevance"].difference == 0
    assert found["rq"].count == 1


def test_two_judges_of_a_run(tmp_path: Path) -> None:
    rows = [FORGET.model_copy(update={"id": f"f{i}"}) for i in range(3)]
    said = (PRINCIPLED, "I don't know.", "Ilva Torren was born in Marrowgate.")
    records = [record("forget", row, text) for row, text in zip(rows, said, strict=True)]
    folder = run_folder(tmp_path / "run", [*records, record("near", KEPT, "The Amber Quill.")])
    quiet = Progress(quiet=True)
    judge_outputs(folder, "rules", progress=quiet)
    with pytest.raises(InputError, match="has not judged the run") as raised:
        agree(folder, "rules", "laaj")
    assert "--judge laaj" in raised.value.render()
    judge_outputs(folder, "laaj", chat_model=dutiful(), repeats=2, progress=quiet)
    found = agree(folder, "rules", "laaj")
    # Rules: relevance 10, 10, 0; the speaker always 8, 6 and 4.
    assert found["uq.relevance"].count == 3 and found["uq.relevance"].difference == pytest.approx((2 + 2 + 8) / 3)
    assert found["uq.relevance"].pearson is None and found["uq.relevance"].kappa == 0
    assert found["rq"].count == 1 and found["rq"].difference == 4
    same = agree(folder, "rules", "rules")
    assert same["uq.rejection"].kappa == same["uq.rejection"].pearson == pytest.approx(1)
