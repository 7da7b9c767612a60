"""What a verdict says of p-values and of the worst subject."""

from __future__ import annotations

import pytest

from tests.report.worked_example import example
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_doc import ScoreDoc, ScoreTable
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.subject_scores import TELLS_LIMIT
from unlearnkit.report.verdict import verdict

TABLE = ScoreTable("tests", "Tests")
DOCS = ScoreDocs(
    {f"own.{name}": ScoreDoc(name, format="p-value", table=TABLE, verdict=True) for name in ("one", "two", "three")}
)


def sentences(**values: Score) -> tuple[str, ...]:
    """The verdict's sentences on a model with these scores; `_` stands for the dot."""
    scores = {name.replace("__", "."): score for name, score in values.items()}
    made = example()
    subject = made.methods[0].model_copy(update={"scores": scores})
    return verdict(made.model_copy(update={"subjects": (subject,), "docs": DOCS, "gates": ()}), subject).sentences


@pytest.mark.parametrize(
    ("values", "distinguishing"),
    [
        ({"one": 0.03}, {"one"}),
        ({"one": 0.03, "two": 0.04}, set()),  # 0.03 * 2 is above 0.05
        ({"one": 0.01, "two": 0.04, "three": 0.6}, {"one"}),  # 0.01 * 3 = 0.03, and 0.04 * 2 = 0.08
        ({"one": 0.01, "two": 0.02, "three": 0.04}, {"one", "two", "three"}),  # 0.03, 0.04, 0.04
    ],
)
def test_tests_in_one_verdict_are_corrected_together(values: dict[str, float], distinguishing: set[str]) -> None:
    said = sentences(**{f"own__{name}": Score(value=value, count=9) for name, value in values.items()})
    found = {name: next(each for each in said if each.startswith(f"{name} is")) for name in values}
    assert {name for name, each in found.items() if "test distinguishes" in each} == distinguishing
    assert all("does not distinguish" in found[name] for name in values.keys() - distinguishing)


def test_the_worst_subject_is_named_by_its_number_with_its_questions() -> None:
    limit = Score(value=0.0487, count=60, subject=3)
    said = sentences(**{TELLS_LIMIT.replace(".", "__"): limit})
    assert said[-1] == (
        "For no subject are more than 4.9\u202f% of the responses revealing, with 95 % confidence (subject with the "
        "highest limit: number 3, 60 questions)."
    )
    few = sentences(**{TELLS_LIMIT.replace(".", "__"): limit.model_copy(update={"count": 59})})
    assert few[-1].endswith("59 questions). Fewer than 60 questions are too few for a low limit.")
    assert not any("For no subject" in each for each in sentences(forget__accuracy=Score(value=0.0, count=9)))
