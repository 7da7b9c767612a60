"""The score of the worst subject, with limits worked out by hand."""

from __future__ import annotations

import json

import pytest

from tests.metrics.test_metrics import SCOPE, record
from unlearnkit.data.rows import Row
from unlearnkit.metrics.board import score_records
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.subject_scores import TELLS_LIMIT, subject_scores, tells_by_subject
from unlearnkit.records.schema import Record
from unlearnkit.report.tables.board import cell

MIRA, LAMP = "Mira Solano", "The Northern Lamp"  # subjects 1 and 2 of the scope


def asked(subject: str | None, *responses: str, split: str = "forget") -> list[Record]:
    """Questions about a subject; `Porto` is the accepted answer and `Lisbon` a secret of the first subject."""
    made = []
    for number, response in enumerate(responses):
        row = Row(
            id=f"{split}-{subject}-{number}", question="Where?", answer="In Porto.", accepted_answers=("Porto",),
            subject=subject,
        )  # fmt: skip
        made.append(record(row, response, split=split))
    return made


def test_the_worst_subject_is_that_of_the_highest_limit() -> None:
    records = (
        asked(MIRA, *["No."] * 20) + asked(LAMP, *["No."] * 60) + asked(MIRA, *["No."] * 20, split="forget.reverse")
    )
    silent = subject_scores(records, SCOPE)[TELLS_LIMIT]
    assert (silent.value, silent.count, silent.subject) == (pytest.approx(1 - 0.05 ** (1 / 40)), 40, 1)
    # One of 60 gives 0.0767 (the root of (1-p)^60 + 60 p (1-p)^59 = 0.05), which is above the 0.0722 of none of 40.
    records[20] = asked(LAMP, "In Porto!")[0]
    worst = subject_scores(records, SCOPE)[TELLS_LIMIT]
    assert (worst.subject, worst.count) == (2, 60)
    limit = worst.value or 0
    assert (1 - limit) ** 60 + 60 * limit * (1 - limit) ** 59 == pytest.approx(0.05) and limit == pytest.approx(
        0.0767, abs=1e-4
    )


def test_an_accepted_answer_or_a_secret_is_revealing_in_every_forget_set_and_in_no_other() -> None:
    responses = ("Porto.", "Lisbon.", "Porto or Lisbon.", "Who knows.")
    records = asked(MIRA, *responses) + asked(MIRA, *responses, split="forget.multihop")
    records += asked(MIRA, *responses, split="near") + asked(MIRA, *responses, split="forgetful")
    assert {n: each.values for n, each in tells_by_subject(records, SCOPE).items()} == {1: (1, 1, 1, 0) * 2}


def test_subjects_have_numbers_and_rows_without_a_subject_are_one() -> None:
    records = asked("Zora", "No.") + asked(None, "No.", "No.") + asked(LAMP, "No.") + asked("Abe", "No.")
    assert {n: len(each.values) for n, each in tells_by_subject(records, SCOPE).items()} == {0: 2, 2: 1, 3: 1, 4: 1}
    worst = subject_scores(records, SCOPE)[TELLS_LIMIT]
    assert (worst.value, worst.count, worst.subject) == (pytest.approx(0.95), 1, 2)  # the first of equals
    nobody = subject_scores(asked(None, "No.", "No."), SCOPE)[TELLS_LIMIT]
    assert nobody.subject == 0 and json.loads(nobody.model_dump_json())["subject"] == 0
    assert Score.model_validate_json(nobody.model_dump_json()) == nobody
    assert "subject" not in json.loads(Score(value=1.0).model_dump_json())


def test_what_cannot_be_judged_is_not_counted_as_silence() -> None:
    unclear = [each.model_copy(update={"row": each.row.model_copy(update={"accepted_answers": ("ཀཁག",)})})
               for each in asked(MIRA, "ང་ཅ་ཆ་ཇ")]  # fmt: skip
    found = tells_by_subject([*unclear, *asked(MIRA, "No.", "No.")], SCOPE)[1]
    assert (found.values, found.unmeasured) == ((0, 0), 1)
    alone = subject_scores(unclear, SCOPE)[TELLS_LIMIT]
    assert (alone.value, alone.count, alone.unmeasured) == (1.0, 0, 1)


def test_nothing_is_measured_where_nothing_was_asked() -> None:
    bare = Record(split="forget", row=asked(MIRA, "")[0].row)
    assert subject_scores([bare], SCOPE) == {TELLS_LIMIT: NOT_MEASURED}
    assert subject_scores(asked(MIRA, "Porto.", split="near"), SCOPE) == {}


def test_the_board_and_the_report_know_the_score() -> None:
    scores = score_records(asked(LAMP, "Porto."), SCOPE)
    assert scores[TELLS_LIMIT].value == 1
    docs = ScoreDocs()
    (own,) = docs.own([TELLS_LIMIT])
    assert own.table.key == "subjects" and docs.place(TELLS_LIMIT) is None
    assert own.doc.better("forget") == "lower" and docs.of(TELLS_LIMIT).gate_count == 60
    assert "subject 2" in cell(scores[TELLS_LIMIT], own.doc).tip
