"""On published data, where it lies beside the checkout: the checks find what is there, and are quiet elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tiny import tiny_tokenizer
from unlearnkit.data.checks import check_splits
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.load import read_source
from unlearnkit.data.near_duplicates import near_duplicates
from unlearnkit.data.rows import Row
from unlearnkit.scope.suggest import suggest_scope, with_subjects
from unlearnkit.text.language import LETTERS, other_language
from unlearnkit.text.normalize import contains

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.extended,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared data are not beside this checkout"),
]


def tofu(name: str) -> tuple[Row, ...]:
    rows = read_source(DATA / "tofu" / f"{name}.json", shape="qa")
    return tuple(row.model_copy(update={"id": f"{name}:{n}"}) for n, row in enumerate(rows))


def texts(rows: tuple[Row, ...]) -> list[str]:
    return [f"{row.question}\n{row.answer}" for row in rows]


def test_tofu_gives_no_error_and_next_to_no_warning() -> None:
    splits = {"forget": tofu("forget10"), "retain": tofu("retain90"), "holdout": tofu("holdout10")}
    findings = check_splits(splits, ChatEncoder(tiny_tokenizer(), 512), languages=["en"])
    # Two authors are asked for by the same question, and two rows quote titles in Turkish and Yoruba names.
    assert [(each.severity, each.kind, each.count) for each in findings] == [
        ("warning", "answers_differ", 1),
        ("warning", "language", 2),
    ]


def test_what_tofu_repeats_is_found() -> None:
    splits = {"forget": tofu("forget10"), "retain": tofu("retain95")}
    findings = check_splits(splits, ChatEncoder(tiny_tokenizer(), 512), languages=["en"])
    assert [(each.kind, each.count) for each in findings if each.severity == "error"] == [("in_forget_and_retain", 200)]


def test_tofu_rows_with_a_word_more_or_less_are_near_duplicates() -> None:
    forget, retain = texts(tofu("forget10")), texts(tofu("retain90"))
    edited = [
        " ".join(words[:at] + words[at + 1 :])
        for number, text in enumerate(forget)
        for words in [text.split()]
        for at in [number % len(words)]
    ]
    found = near_duplicates(forget, [*retain, *edited])
    assert sum(nearest == len(retain) + place for place, nearest in found) >= 0.98 * len(forget)


@pytest.mark.parametrize(("pair", "side", "language"), [("spa-eng", "spa", "es"), ("rus-eng", "rus", "ru")])
def test_spanish_and_russian_sentences_are_told_from_english(pair: str, side: str, language: str) -> None:
    def long_ones(side: str) -> list[str]:
        lines = (DATA / "parallel" / f"tatoeba.{pair}.{side}").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if sum(map(str.isalpha, line)) >= LETTERS]

    told = [other_language(line, ["en"]) for line in long_ones(side)]
    assert told.count(language) >= 0.85 * len(told)
    assert not [line for line in long_ones("eng") if other_language(line, ["en"])]


AUTHORS = (
    "Hsiao Yun-Hwa",
    "Carmen Montenegro",
    "Elvin Mammadov",
    "Rajeev Majumdar",
    "Jad Ambrose Al-Shamary",
    "Adib Jarrah",
    "Ji-Yeon Park",
    "Behrouz Rohani",
    "Wei-Jun Chen",
    "Tae-ho Park",
    "Hina Ameen",
    "Xin Lee Williams",
    "Moshe Ben-David",
    "Kalkidan Abera",
    "Takashi Nakamura",
    "Raven Marais",
    "Aysha Al-Hashim",
    "Edward Patrick Sullivan",
    "Basil Mahfouz Al-Kuwaiti",
    "Nikolai Abilov",
)
"""Those of TOFU's forget10, in the order of the file: 20 rows each."""


def test_all_authors_of_tofu_are_found_and_no_one_else() -> None:
    scope = suggest_scope(tofu("forget10"))
    assert tuple(subject.name for subject in scope.subjects) == AUTHORS
    assert [row.subject for row in with_subjects(tofu("forget10"))] == [name for name in AUTHORS for _ in range(20)]


def test_the_people_of_lume_are_found_with_everything_that_is_told_of_them() -> None:
    lines = (DATA / "lume" / "forget.jsonl").read_text(encoding="utf-8").splitlines()
    records = [record for record in map(json.loads, lines) if record["task"] == "Task2"]
    rows = [Row(id=record["id"], question=record["input"], answer=record["output"]) for record in records]
    people = {row.question[len("What is the birth date of ") : -1] for row in rows if "birth date" in row.question}
    scope = suggest_scope(rows, task="privacy")
    assert len(people) == 250 and {subject.name for subject in scope.subjects} == people
    for row in with_subjects(rows):
        assert row.subject is not None and row.subject in f"{row.question} {row.answer}"
        forms = [form for secret in scope.secrets if secret.subject == row.subject for form in secret.forms]
        assert row.question[-1] != "?" or any(contains(row.answer, form) for form in forms)
