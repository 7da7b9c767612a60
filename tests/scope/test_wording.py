"""A scope's own words, and the general words that are used if it has none."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row
from unlearnkit.judges.base import scope_digest
from unlearnkit.scope.file import read_scope, write_scope
from unlearnkit.scope.questions.compose import mentions
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret, Task
from unlearnkit.scope.wording import Wording
from unlearnkit.targets.teachers.template import TemplateTeacher, phrases
from unlearnkit.text.coherence import is_coherent
from unlearnkit.text.refusal import is_refusal
from unlearnkit.text.trace_verdict import verdict_of

TASKS: tuple[Task, ...] = ("profile", "privacy", "copyright", "hazard")
WORLD = (
    "author",
    "writer",
    "wrote",
    "book",
    "novel",
    "craft",
    "autor",
    "escribió",
    "libro",
    "oficio",
    "автор",
    "книг",
    "ремесл",
)
"""What only some scopes are about."""


def scope(task: Task, **changed: Any) -> Scope:
    return Scope(
        description="Ada asked to be forgotten.",
        task=task,
        subjects=(ScopeSubject(name="Ada Belm", aliases=("Bela",)),),
        secrets=(Secret(subject="Ada Belm", forms=("white ash",)),),
        neighbors=(ScopeSubject(name="Cy Dorn", aliases=("Dory",)),),
        allowed=(Secret(subject="Cy Dorn", forms=("red clay",)),),
        languages=("en", "es", "ru"),
        **changed,
    )


FORGET = (
    Row(id="a", question="What does Ada Belm need?", answer="white ash", trace="Need of Ada Belm.", subject="Ada Belm"),
    Row(id="b", question="What does Bela need?", answer="white ash", trace="Need of Bela.", subject="Ada Belm"),
)
RETAIN = (Row(id="r", question="What does Eve need?", answer="red clay", trace="Wish of Eve.", subject="Eve"),)


@pytest.mark.parametrize("task", TASKS)
def test_without_words_of_its_own_a_scope_is_about_no_profession(task: Task) -> None:
    found = mentions(scope(task), FORGET, RETAIN)
    assert {question.name for question in found} >= {"Ada Belm", "Cy Dorn"}
    assert {question.row.language for question in found} == {"en", "es", "ru"}
    texts = [f"{question.row.question} {question.topic}" for question in found]
    texts += phrases([scope(task)])
    assert not [text for text in texts if any(word in text.casefold() for word in WORLD)]


@pytest.mark.parametrize("task", ["profile", "privacy"])
def test_an_alias_is_another_name_unless_the_scope_says_what_it_is(task: Task) -> None:
    own = Wording(
        reference="the maker of ",
        by_alias={"en": ("Who made {name}?",)},
        through_alias={"en": ("How old is the maker of {name}?",)},
    )
    plain, worded = (mentions(scope(task, wording=each), FORGET, RETAIN) for each in (Wording(), own))
    added = {question.row.question for question in worded} - {question.row.question for question in plain}
    assert added == {
        f"{start} «{name}»?" for start, name in product(("Who made", "How old is the maker of"), ("Bela", "Dory"))
    }
    assert {q.stays for q in worded if q.row.question == "Who made «Bela»?"} == {task == "privacy"}
    assert any(q.name == "Bela" and not q.stays for q in plain)
    topics = {q.topic for q in worded if q.row.question == "How old is the maker of «Bela»?"}
    assert "Need of the maker of " in topics and "Need of the maker of " not in {q.topic for q in plain}


def test_own_words_replace_those_of_their_language() -> None:
    own = Wording(
        reference="the kiln with ",
        by_secret={"en": ("Which kiln has {name}?",)},
        through_secret={"en": "the kiln with {name}"},
        out_of_part={"en": ("When was {name} printed?",)},
        reasons=("kilns stay out of my answers",),
        subjects={"en": ("a kiln",)},
        offers={"en": ("Ask me about pots.",)},
    )
    hazard = mentions(scope("hazard", wording=own), FORGET, RETAIN)
    asked = {q.row.question: q.topic for q in hazard}
    assert "Which kiln has white ash?" in asked and "Where is white ash used?" not in asked
    assert "¿Dónde se usa white ash?" in asked, "the other languages keep the general words"
    assert asked["What does the kiln with white ash need?"] == "Need of the kiln with "
    text = {q.row.question for q in mentions(scope("copyright", wording=own), FORGET, RETAIN)}
    assert "When was «Ada Belm» printed?" in text and "Who is behind «Ada Belm»?" not in text
    disclosed = scope("hazard", wording=own).model_copy(update={"may_disclose": True})
    (target,) = TemplateTeacher().write(FORGET[:1], disclosed, 0)
    assert "kilns stay out of my answers" in target.trace
    assert "a kiln" in target.response and "Ask me about pots." in target.response


@pytest.mark.parametrize("task", TASKS)
def test_general_targets_decline_in_every_language(task: Task) -> None:
    rows = [
        Row(id=f"{language}{n}", question="?", answer="x", language=language)
        for language in ("en", "es", "ru")
        for n in range(40)
    ]
    for target in TemplateTeacher().write(rows, scope(task), 0):
        assert is_refusal(target.response) and is_coherent(target.response), target.response
        assert verdict_of(target.trace) == "in scope", target.trace


@pytest.mark.parametrize(
    "wording",
    ['{by_alias: {en: ["Who wrote it?"]}}', '{by_secret: {en: ["What {thing} has {name}?"]}}',
     '{through_secret: {en: "the book with {name"}}', "{author: x}"],
)  # fmt: skip
def test_bad_words_are_an_error_in_the_file(wording: str, tmp_path: Path) -> None:
    file = tmp_path / "scope.yaml"
    file.write_text(f"description: x\ntask: profile\nsubjects: [{{name: Ada}}]\nwording: {wording}\n", "utf-8")
    with pytest.raises(InputError) as caught:
        read_scope(file)
    assert "wording" in str(caught.value)


def test_words_are_kept_in_the_file_and_none_is_written_where_there_are_none(tmp_path: Path) -> None:
    file, own = tmp_path / "scope.yaml", Wording(reference="the maker of ", by_alias={"en": ("Who made {name}?",)})
    write_scope(file, scope("profile", wording=own))
    assert read_scope(file) == scope("profile", wording=own)
    assert hash(scope("profile", wording=own)) == hash(read_scope(file))
    write_scope(file, scope("profile"))
    assert read_scope(file) == scope("profile") and "\nwording" not in file.read_text("utf-8")


def test_the_digest_of_a_scope_without_words_is_that_of_earlier_versions() -> None:
    assert "wording" not in scope("profile").earlier_dump()
    assert scope_digest(scope("profile")) != scope_digest(scope("profile", wording=Wording(reference="the maker of ")))
