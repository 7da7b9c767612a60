"""The questions of the company, a made-up world that is not built yet."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from unlearnkit.suites.made_up.distance import apart
from unlearnkit.suites.made_up.templates import Template

FOLDER = Path(__file__).with_name("company")


def templates(name: str) -> list[Template]:
    lines = (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [Template.model_validate_json(line) for line in lines]


def test_each_form_has_enough_questions() -> None:
    corpus, test = templates("corpus"), templates("test")
    assert len(test) >= 300 and {each.language for each in test} == {"en", "fr"}
    forms = Counter(each.form for each in test if each.language == "en")
    assert len(forms) == 20 and min(forms.values()) >= 10
    assert forms.keys() == {each.form for each in corpus}


def test_hardly_any_question_of_the_test_is_one_of_the_corpus() -> None:
    test = templates("test")
    assert len(apart(templates("corpus"), test)) >= 0.9 * len(templates("corpus"))
