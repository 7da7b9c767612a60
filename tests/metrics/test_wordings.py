"""Accuracy by the form of questions."""

from __future__ import annotations

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.wordings import WORDINGS, WordingName, parse_wording, wording_scores
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope, ScopeSubject

SCOPE = Scope(description="x", task="profile", subjects=(ScopeSubject(name="Ada Lund"),))


def record(number: int, said: str, *, split: str = "forget.asked", wording: str = "keywords", note: str = "") -> Record:
    row = Row(
        id=str(number),
        question="Where?",
        answer="In Geneva.",
        accepted_answers=("Geneva",),
        trace=note,
        wording=wording,
    )
    return Record(split=split, row=row, generation=Generation(text=said, trace="", response=said, ended="eos"))


def test_accuracy_of_each_form_and_part() -> None:
    records = [
        record(0, "Geneva", split="forget", wording="", note="Town of Ada."),
        record(1, "In Geneva", note="Town of Ada."),
        record(2, "I cannot answer that.", note="Street of Ada."),
        record(3, "In Geneva", note="Street of Ada."),
        record(4, "In Geneva", wording="surname"),
        record(5, "I cannot answer that.", split="near.asked"),
    ]
    target = [record(1, "Geneva"), record(2, "Bonn"), record(3, "Geneva"), record(5, "Geneva", split="near.asked")]
    scores = wording_scores(records, target, SCOPE)
    found = {name.removeprefix("wording."): (score.value, score.count) for name, score in scores.items()}
    assert found == {
        "forget.asked.any.accuracy": (3 / 4, 4),
        "forget.asked.any.declined": (1 / 4, 4),
        "forget.asked.any.declined_known": (0.0, 2),
        "forget.asked.any.known": (1.0, 2),
        "forget.asked.any.unfamiliar": (2 / 3, 3),
        "forget.asked.keywords.declined": (1 / 3, 3),
        "forget.asked.keywords.declined_known": (0.0, 2),
        "forget.asked.surname.declined": (0.0, 1),
        "forget.asked.surname.declined_known": (None, 0),
        "near.asked.any.accuracy": (0.0, 1),
        "near.asked.any.declined": (1.0, 1),
        "near.asked.any.declined_known": (1.0, 1),
        "near.asked.any.known": (0.0, 1),
        "near.asked.keywords.declined": (1.0, 1),
        "near.asked.keywords.declined_known": (1.0, 1),
        "forget.asked.keywords.accuracy": (2 / 3, 3),
        "forget.asked.keywords.known": (1.0, 2),
        "forget.asked.keywords.unfamiliar": (0.5, 2),
        "forget.asked.surname.accuracy": (1.0, 1),
        "forget.asked.surname.known": (None, 0),
        "forget.asked.surname.unfamiliar": (1.0, 1),
        "near.asked.keywords.accuracy": (0.0, 1),
        "near.asked.keywords.known": (0.0, 1),
    }


def test_without_a_target_model_or_forms_nothing_is_made_up() -> None:
    assert wording_scores([record(1, "Geneva", wording="")], [], SCOPE) == {}
    alone = {"wording.forget.asked.keywords.accuracy", "wording.forget.asked.keywords.declined"}
    assert set(wording_scores([record(1, "Geneva")], [], SCOPE)) == alone | {
        name.replace("keywords", "any") for name in alone
    }


def test_names_are_parsed_and_listed_in_a_table_of_their_own() -> None:
    assert parse_wording("wording.near.half_name.surname_given.known") == WordingName(
        "near.half_name", "surname_given", "known"
    )
    assert parse_wording("forget.asked.accuracy") is None and parse_wording("wording.x.accuracy") is None
    names = ["wording.near.asked.typed.accuracy", "wording.forget.asked.typed.accuracy", "forget.accuracy"]
    names.append("wording.forget.asked.typed.known")
    docs = ScoreDocs()
    assert [own.flat for own in docs.own(names)] == [
        "wording.forget.asked.typed.accuracy", "wording.near.asked.typed.accuracy", "wording.forget.asked.typed.known",
    ]  # fmt: skip
    assert all(own.table == WORDINGS for own in docs.own(names))
    assert docs.of(names[1]).title == "forget, asked by others: typed" and docs.place(names[0]) is None
