"""From judgments to scores: names, counts, spread, and what no longer holds."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.core.progress import Progress
from unlearnkit.data.rows import Row
from unlearnkit.judges.aggregate import judge_scores, spread
from unlearnkit.judges.base import items_of
from unlearnkit.judges.llm.judge import Laaj
from unlearnkit.judges.quality import PARTS, quality_of
from unlearnkit.judges.rule.judge import Rules
from unlearnkit.judges.store import read_judged
from unlearnkit.metrics.intervals import mean_interval
from unlearnkit.metrics.score import NOT_MEASURED
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.score_names import judged_name, parse_judged
from unlearnkit.pipeline.judge import agree, judge_outputs
from unlearnkit.pipeline.score import score
from unlearnkit.records.schema import Record, write_records
from unlearnkit.runs.folder import RunFolder

from .worked import FORGET, KEPT, PRINCIPLED, SCOPE, Scripted, dutiful, nonce_of, record, run_folder, verdict

QUIET = Progress(quiet=True)
RECORDS = [
    record("forget", FORGET, PRINCIPLED),  # by rules 10, 10, 10
    record("forget", FORGET.model_copy(update={"id": "f2"}), "I don't know."),  # 10, 6, 0
    record("near", KEPT, "Rhea Dunmore won the Amber Quill."),  # 10, 10, 10
    record("holdout", KEPT.model_copy(update={"id": "h1"}), "The Amber Quill."),
    Record(split="retain", row=Row(id="t1", question="", answer="A text.")),
]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return run_folder(tmp_path / "run", RECORDS)


@pytest.mark.parametrize(
    ("split", "quality"),
    [
        ("forget", "uq"),
        ("forget.translated", "uq"),
        ("near", "rq"),
        ("far", "rq"),
        ("retain", "rq"),
        ("utility.real_authors", "rq"),
        ("holdout", None),
    ],
)
def test_which_sets_are_judged_by_which(split: str, quality: str | None) -> None:
    assert quality_of(split) == quality


def test_names_are_taken_apart_as_they_were_made() -> None:
    assert judged_name("rules", "forget", "uq") == "judge.rules.forget.uq"
    for name in (("laaj-paper", "forget.translated", "uq", "relevance"), ("rules", "near", "rq", "")):
        assert parse_judged(judged_name(*name)) == name
        assert ScoreDocs().place(judged_name(*name)) is None
    assert parse_judged("forget.accuracy") is None and parse_judged("judge.rules.near.accuracy") is None


def test_rules_scores_have_counts_and_intervals(folder: RunFolder) -> None:
    found = judge_outputs(folder, progress=QUIET)
    assert found["judge.rules.forget.uq"].value == pytest.approx((10 + 16 / 3) / 2)
    assert found["judge.rules.forget.uq.rejection"].value == 8
    assert found["judge.rules.near.rq"].value == 10
    assert {s.count for name, s in found.items() if ".forget." in name} == {2}
    whole = found["judge.rules.forget.uq"]
    assert (whole.low, whole.high) == pytest.approx([10 * end for end in mean_interval([1.0, 16 / 30])])
    # What is nobody's to judge, and what belongs to a model judge alone, is not there.
    assert set(found) == {
        judged_name("rules", split, quality, part)
        for split, quality in (("forget", "uq"), ("near", "rq"))
        for part in ("", *PARTS[quality])
    }
    assert folder.scores().items() >= found.items()
    kept = folder.judgments / "rules.json"
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.is_relative_to(folder.private)
    assert folder.judgments.stat().st_mode & 0o777 == 0o700


def test_laaj_is_not_measured_until_a_model_judged(folder: RunFolder) -> None:
    before = score(folder)
    assert before["judge.laaj.forget.uq"] == before["judge.laaj.near.rq"] == NOT_MEASURED
    assert not [name for name in before if name.startswith(("judge.rules", "judge.laaj-paper"))]
    judge_outputs(folder, progress=QUIET)
    assert folder.scores()["judge.laaj.forget.uq"] == NOT_MEASURED
    judge_outputs(folder, "laaj", chat_model=dutiful(), progress=QUIET)
    after = score(folder)
    assert after["judge.laaj.forget.uq"].value == 6 and after["judge.laaj.forget.uq"].count == 2
    assert after["judge.laaj.forget.uq.unread"].value == after["judge.laaj.forget.uq.empty"].value == 0
    assert after["judge.rules.near.rq"].value == 10
    assert after["forget.accuracy"] == before["forget.accuracy"]


def test_a_model_judge_without_a_model_says_what_is_missing(folder: RunFolder) -> None:
    with pytest.raises(MissingDependency, match="language model") as raised:
        judge_outputs(folder, "laaj", progress=QUIET)
    assert raised.value.exit_code == 4 and "--judge rules" in raised.value.render()
    assert not folder.judgments.exists()


def test_dropped_judgments_leave_the_mean_and_stay_counted(tmp_path: Path) -> None:
    rows = [FORGET.model_copy(update={"id": f"f{i}"}) for i in range(4)]
    records = [record("forget", row, "" if row.id == "f0" else "I can't.") for row in rows]
    records[0] = records[0].model_copy(update={"generation": records[0].generation.model_copy(update={"text": ""})})  # type: ignore[union-attr]
    folder = run_folder(tmp_path / "run", records)

    def chat_model(judge: str) -> Scripted:
        broken = Laaj(judge, dutiful()).ask(items_of(records)[1])[1]
        return Scripted(lambda p: "no verdict" if nonce_of(p) == broken else verdict(nonce_of(p)))

    paper = judge_outputs(folder, "laaj-paper", chat_model=chat_model("laaj-paper"), progress=QUIET)
    assert paper["judge.laaj-paper.forget.uq"].value == 6 and paper["judge.laaj-paper.forget.uq"].count == 2
    assert paper["judge.laaj-paper.forget.uq.empty"].value == paper["judge.laaj-paper.forget.uq.unread"].value == 0.25
    ours = judge_outputs(folder, "laaj", chat_model=chat_model("laaj"), progress=QUIET)
    assert ours["judge.laaj.forget.uq"].value == 6 * 2 / 4 and ours["judge.laaj.forget.uq"].count == 4
    assert ours["judge.laaj.forget.uq.unread"].value == 0.25


def test_where_all_was_dropped_nothing_is_measured(folder: RunFolder) -> None:
    found = judge_outputs(folder, "laaj-paper", chat_model=Scripted(lambda _: "?"), progress=QUIET)
    assert found["judge.laaj-paper.forget.uq"] == NOT_MEASURED
    assert found["judge.laaj-paper.forget.uq.unread"].value == 1


def test_repeats_are_averaged_and_give_their_spread(folder: RunFolder) -> None:
    given = iter([3, 5, 4, 4, 10, 6])  # in the order in which the paper's way asks: f1 twice, f2 twice, n1 twice

    def answer(prompt: str) -> str:
        point = next(given)
        parts = PARTS["uq"] if "relevance" in prompt else PARTS["rq"]
        return verdict(nonce_of(prompt), parts, dict.fromkeys(parts, point))

    found = judge_outputs(folder, "laaj-paper", chat_model=Scripted(answer), repeats=2, progress=QUIET)
    assert found["judge.laaj-paper.forget.uq"].value == 4 and found["judge.laaj-paper.forget.uq"].count == 2
    # Variances 2 and 0, mean 1; and 8.
    spread_uq, spread_rq = (found[f"judge.laaj-paper.{name}.spread"] for name in ("forget.uq", "near.rq"))
    assert spread_uq.value == pytest.approx(1) and spread_uq.count == 2
    assert spread_rq.value == pytest.approx(math.sqrt(8)) and spread_rq.count == 1
    once = judge_outputs(folder, "laaj", chat_model=dutiful(), progress=QUIET)
    assert not [name for name in once if name.endswith("spread")]


def test_one_score_has_no_spread() -> None:
    assert spread([[5.0], [7.0]]) == NOT_MEASURED
    assert spread([]) == NOT_MEASURED
    assert spread([[5.0], [6.0, 8.0, 7.0]]).value == 1  # the one output with more than one score


def test_judgments_hold_for_the_output_that_was_judged(folder: RunFolder) -> None:
    judge_outputs(folder, progress=QUIET)
    judge_outputs(folder, "laaj", chat_model=dutiful(), progress=QUIET)
    # Measured anew, and one output is another one.
    write_records(folder.records_file, [record("forget", FORGET, "Marrowgate."), *RECORDS[1:]])
    found = score(folder)
    assert found["judge.laaj.forget.uq"].count == 1 and found["judge.rules.forget.uq"].value == pytest.approx(16 / 3)
    assert found["judge.laaj.near.rq"].count == 1
    # Another scope: the rules went by it, the model judge did not.
    folder.write_scope(SCOPE.model_copy(update={"secrets": ()}))
    found = score(folder)
    assert found["judge.rules.forget.uq"] == NOT_MEASURED and found["judge.laaj.forget.uq"].count == 1
    write_records(folder.records_file, [record("forget", FORGET, "Dunmere.")])
    assert score(folder)["judge.laaj.forget.uq"] == NOT_MEASURED
    with pytest.raises(InputError, match="measured again after it was judged"):
        agree(folder, "rules", "laaj")


def test_judgments_are_read_as_they_were_written(folder: RunFolder) -> None:
    judge_outputs(folder, "laaj", chat_model=Scripted(lambda _: "?"), seed=3, repeats=2, progress=QUIET)
    kept = read_judged(folder.judgments)["laaj"]
    assert kept == Laaj("laaj", Scripted(lambda _: "?"), seed=3, repeats=2).judge(items_of(RECORDS), lambda _: None)
    assert judge_scores([kept], RECORDS, SCOPE)["judge.laaj.forget.uq.unread"].value == 1
    (folder.judgments / "laaj.json").write_text('{"judge": "laaj"', encoding="utf-8")
    with pytest.raises(InputError, match="this version cannot read") as raised:
        score(folder)
    assert "laaj.json" in raised.value.render() and "delete the file" in raised.value.render()


@pytest.mark.parametrize(
    ("judge", "repeats", "words"),
    [("rulez", 1, "rules, laaj, laaj-paper"), ("rules", 2, "exactly 1 for the judge"), ("laaj", 0, "at least 1")],
)
def test_what_cannot_be_asked_is_told(folder: RunFolder, judge: str, repeats: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        judge_outputs(folder, judge, chat_model=dutiful(), repeats=repeats, progress=QUIET)


def test_a_run_without_outputs_has_nothing_to_judge(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", [RECORDS[-1], RECORDS[-2]])
    with pytest.raises(InputError, match="nothing to judge"):
        judge_outputs(folder, Rules.name, progress=QUIET)
