"""What judges say, in report, card and terminal."""

from __future__ import annotations

import pytest

from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.report.build import limitations
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.model_card import model_card
from unlearnkit.report.render import render
from unlearnkit.report.tables.board import cell
from unlearnkit.report.tables.own import own_tables
from unlearnkit.runs.state import RunState
from unlearnkit.suites.base import declared_docs
from unlearnkit.suites.pocket.suite import Pocket

from .test_render import Page, saying
from .worked_example import example

PARTS = {"uq": ("relevance", "rejection", "helpfulness"), "rq": ("readability", "specificity", "logic")}


def scores(judge: str, *, value: float | None = 7.5) -> dict[str, Score]:
    made = NOT_MEASURED if value is None else Score(value=value, count=40, low=6.5, high=8.25)
    found = {}
    for split, quality in (("near", "rq"), ("forget.translated", "uq"), ("forget", "uq")):
        found[f"judge.{judge}.{split}.{quality}"] = made
        if value is not None:
            found |= {f"judge.{judge}.{split}.{quality}.{part}": made for part in PARTS[quality]}
    return found


def report(*subjects: dict[str, Score]) -> Report:
    named = (SubjectReport(name=f"s{i}", title=f"S{i}", method="tru", scores=found) for i, found in enumerate(subjects))
    return saying("", subjects=tuple(named))


def test_a_judge_has_a_table_and_its_parts_are_folded_away() -> None:
    (table,) = own_tables(report(scores("rules")).subjects, ScoreDocs())
    assert table.key == "judge-rules" and table.title == "Judged by rules" and "No language model" in table.lead
    assert [row.name for row in table.rows] == [
        "judge.rules.forget.uq",
        "judge.rules.forget.translated.uq",
        "judge.rules.near.rq",
    ]
    assert table.rows[0].title == "Unlearning quality, as trained" and table.rows[2].title == "Retention quality, near"
    assert table.rows[0].cells[0].value == "7.500" and table.rows[0].cells[0].interval == "6.500–8.250"
    assert [variant.title for variant in table.sections[1:]] == [
        "Relevance",
        "Rejection",
        "Helpfulness",
        "Readability",
        "Specificity",
        "Logic",
    ]
    assert [row.name for row in table.sections[1].rows] == [
        "judge.rules.forget.uq.relevance",
        "judge.rules.forget.translated.uq.relevance",
    ]
    assert table.sections[1].help
    assert table.folded in Page(render(report(scores("rules")))).text


def test_without_a_model_judge_laaj_reads_not_measured() -> None:
    page = report({**scores("rules"), **scores("laaj", value=None)})
    rules, laaj = own_tables(page.subjects, ScoreDocs())
    assert laaj.sections == () and "(LaaJ)" in laaj.title
    text = Page(render(page)).text
    assert "Not measured on any subject: Unlearning quality, as trained, Unlearning quality, translated" in text
    assert rules.title in text
    # Where one subject was judged, the other's cell says that it was not.
    one, other = own_tables(report(scores("laaj"), scores("laaj", value=None)).subjects, ScoreDocs())[0].rows[0].cells
    assert one.value == "7.500" and other.value == "" and other.tip == "not measured"


def test_judges_come_after_the_suite_and_the_papers_way_is_named() -> None:
    names = {**scores("laaj-paper"), **scores("rules"), **scores("other"), "tofu.forget_quality": NOT_MEASURED}
    found = ScoreDocs(declared_docs("tofu")).own(names)
    keys = list(dict.fromkeys(own.table.key for own in found))
    assert keys == ["tofu", "judge-rules", "judge-laaj-paper", "judge-other"]
    assert {own.table.key: own.table.title for own in found}["judge-laaj-paper"].count("as in the paper") == 1


def test_a_bar_is_full_at_ten() -> None:
    docs = ScoreDocs()
    bar = cell(Score(value=7.5, count=4, low=5, high=10), docs.of("judge.rules.forget.uq")).bar
    assert bar == (75, 50, 100)
    share = cell(Score(value=0.25, count=4), docs.of("judge.laaj.forget.uq.unread")).bar
    assert share is not None and share.at == 25
    assert [docs.of(flat).highest for flat in ("judge.laaj.near.rq.spread", "forget.accuracy")] == [10, 1]


def test_the_card_has_the_qualities_and_not_their_parts() -> None:
    subject = SubjectReport(
        name="tru", title="TRU", method="tru", scores={**scores("rules"), **scores("laaj", value=None)}
    )
    card = model_card(subject, example().scope)
    assert "### Judged by rules" in card and "| Unlearning quality, as trained | 7.500 (6.500–8.250) |" in card
    assert "### Judged by a language model (LaaJ)" in card and "not measured" in card
    assert "elevance" not in card


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (scores("rules"), "No language model judged"),
        (scores("laaj", value=None), "No language model judged"),
        (scores("laaj-paper"), "Another judge or another rubric"),
    ],
)
def test_the_caveats_say_who_judged(found: dict[str, Score], words: str) -> None:
    state = RunState(name="x", created="now", suite={"name": "pocket"}, environment={})
    assert sum(words in line for line in limitations(state, report(found).subjects, Pocket())) == 1
