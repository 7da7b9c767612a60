"""What each suite tells a reader of its figures."""

from __future__ import annotations

from typing import Any

import pytest

from unlearnkit.metrics.score import Score
from unlearnkit.report.build import limitations
from unlearnkit.report.model import SubjectReport
from unlearnkit.runs.state import RunState
from unlearnkit.suites.files.suite import Files, FilesData
from unlearnkit.suites.pocket.suite import Pocket
from unlearnkit.suites.tofu.suite import Tofu, TofuData


def of_files(*, retrained: str | None = "r", **data: Any) -> str:
    given = {"forget": "f.jsonl", "retain": "r.jsonl", "holdout": "h.jsonl", "scope": "s.yaml", **data}
    return " ".join(Files(retrained=retrained, data=FilesData.model_validate(given)).limitations())


def test_pocket_says_how_small_it_is() -> None:
    assert "1.6 million parameters" in " ".join(Pocket(edition=1).limitations())
    assert "2.3 million parameters" in " ".join(Pocket(edition=2).limitations())


def test_without_a_retrained_model_the_unmeasured_figures_are_named() -> None:
    data = TofuData(path="tofu")
    words = " ".join(Tofu(data=data).limitations())
    assert "not measured: forget quality, PrivLeak, the reference attack, and every comparison" in words
    assert "retrained model (suite.retrained)" not in " ".join(Tofu(data=data, retrained="m").limitations())
    assert "not measured: PrivLeak, the reference attack, and every" in of_files(retrained=None)
    assert "suite.retrained" not in of_files()


def test_tofu_says_what_its_figures_are() -> None:
    words = " ".join(Tofu(data=TofuData(path="tofu")).limitations())
    for said in ("authors are made up", "OpenUnlearning define the truth ratio differently", "the exact answer"):
        assert said in words


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"retain": None}, "No retain rows were given (data.retain)"),
        ({"retain": "auto"}, "Rows that the target model wrote were used instead"),
        ({"retain": "auto", "retain_from": "x.txt"}, "Rows from data.retain_from were used instead"),
        ({"holdout": None}, "membership attacks and PrivLeak are not measured"),
        ({"scope": None}, "drafted from the forget rows, and nobody has checked the draft"),
    ],
)
def test_files_say_what_was_not_given(data: dict[str, Any], said: str) -> None:
    assert said in of_files(**data)
    assert said not in of_files()


def test_a_stand_in_is_as_unsure_once_it_was_written() -> None:
    assert of_files(retain="auto", written="runs/x/private/retain.jsonl") == of_files(retain="auto")


def test_neither_title_nor_caveats_tell_a_files_name() -> None:
    suite = Files(data=FilesData(forget="about-ilva-torren.jsonl"))
    assert "torren" not in " ".join([suite.heading(), *suite.limitations()])


def test_headings_end_a_title_well() -> None:
    assert Tofu(data=TofuData(path="tofu")).heading() == "the 20 authors of TOFU's forget10"
    assert Tofu(split="forget01", data=TofuData(path="tofu")).heading() == "the 2 authors of TOFU's forget01"
    assert Files(data=FilesData(forget="f.jsonl")).heading() == "a user's own files"
    assert Pocket(request="book").heading() == "book"


DISCLOSES = "Some outputs of X name a subject that the question does not name"


def test_a_model_that_discloses_the_request_is_named_unless_the_scope_allows_it() -> None:
    def words(rate: float, *, name: str = "x", may_disclose: bool = False) -> str:
        subject = SubjectReport(name=name, title="X", scores={"far.disclosure_rate": Score(value=rate, count=4)})
        return " ".join(limitations(STATE, [subject], Pocket(), may_disclose=may_disclose))

    assert DISCLOSES in words(0.25)
    for quiet in (words(0.0), words(0.25, name="target"), words(0.25, may_disclose=True)):
        assert DISCLOSES not in quiet


STATE = RunState.model_validate({"name": "x", "created": "today", "suite": {"name": "pocket"}, "environment": {}})


def test_membership_inference_is_said_to_be_missing_only_where_it_is() -> None:
    subject = SubjectReport(name="x", title="X", scores={"mia.loss.auc": Score(value=None)})
    assert "; membership inference." in " ".join(limitations(STATE, [subject], Pocket()))
    attacked = subject.model_copy(update={"scores": {"mia.loss.auc": Score(value=0.5, count=9)}})
    assert "membership inference" not in " ".join(limitations(STATE, [attacked], Pocket()))


def test_a_run_that_ended_by_its_g_effects_says_so() -> None:
    ended, whole = SubjectReport(name="x", title="X", stopped_after=12), SubjectReport(name="y", title="Y")
    (sentence,) = [said for said in limitations(STATE, [ended, whole], Pocket()) if "G-effects" in said]
    assert sentence.startswith("X was stopped early, after step 12")
    assert not any("G-effects" in said for said in limitations(STATE, [whole], Pocket()))


def test_scores_on_trained_rows_are_pointed_out() -> None:
    half = Score(value=0.5, count=9)
    trained = SubjectReport(name="x", title="X", scores={"retain.accuracy": half})
    both = trained.model_copy(update={"scores": {**trained.scores, "retain.held_out.accuracy": half}})
    (without,) = [said for said in limitations(STATE, [trained], Pocket()) if "The set `retain`" in said]
    assert without.endswith("No retain rows were held out.")
    (found,) = [said for said in limitations(STATE, [both], Pocket()) if "The set `retain`" in said]
    assert "The rows of `retain.held_out` are not trained on in unlearning" in found
    assert all(limitations(STATE, [both], Pocket())), "no line is empty"
    nothing = SubjectReport(name="x", title="X", scores={"forget.accuracy": half})
    assert not [said for said in limitations(STATE, [nothing], Pocket()) if "`retain`" in said]
    anew = both.model_copy(update={"from_scratch": True})
    (said,) = [said for said in limitations(STATE, [anew], Pocket()) if "from scratch" in said]
    assert said == "X was trained from scratch on all retain rows, including those of `retain.held_out`."
