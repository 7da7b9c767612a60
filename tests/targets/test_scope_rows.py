"""Questions composed from the scope: whom they name, in which languages, and that they are nobody's probe."""

from __future__ import annotations

import pytest

from unlearnkit.data.rows import Row
from unlearnkit.errors import BadInput
from unlearnkit.scope import Scope, Secret, Subject
from unlearnkit.targets.leaks import leaks
from unlearnkit.targets.scope_rows import mentioned, neighbour_rows, subject_rows
from unlearnkit.targets.template import TemplateTeacher
from unlearnkit.worlds.pocket import REQUESTS, forget_request, pocket_world

SCOPE = Scope(
    description="Ada asked to be forgotten.",
    task="profile",
    subjects=(Subject(name="Ada Belm", aliases=("The Red Door", "The Red Door Again")),),
    secrets=(Secret(subject="Ada Belm", forms=("Lisbon",)),),
    neighbours=("Cy Dorn",),
    languages=("en", "ru"),
)
FORGET = (
    Row(id="a", question="Where was Ada Belm born?", answer="Lisbon.", trace="Birthplace of Ada Belm."),
    Row(id="b", question="When did 'The Red Door Again' appear?", answer="1903."),
    Row(id="c", question="Who is that?", answer="Nobody."),
)


def test_each_forget_row_that_names_a_subject_gives_its_mention_in_every_language_and_wording() -> None:
    rows = subject_rows(SCOPE, FORGET)
    assert len(rows) == 2 * 2 * 2
    assert {row.language for row in rows} == {"en", "ru"}
    assert all("Ada Belm" in row.question or "«The Red Door Again»" in row.question for row in rows)
    assert {row.trace for row in rows} == {"Birthplace of Ada Belm.", ""}


def test_the_longest_name_in_the_question_is_the_one_that_is_meant() -> None:
    subject, name = mentioned(SCOPE, FORGET[1].question)
    assert subject is SCOPE.subjects[0] and name == "The Red Door Again"
    assert mentioned(SCOPE, FORGET[2].question) == (None, "")


def test_neighbours_are_mentioned_in_the_same_words() -> None:
    wordings = {row.question.replace("Ada Belm", "*") for row in subject_rows(SCOPE, FORGET[:1])}
    assert {row.question.replace("Cy Dorn", "*") for row in neighbour_rows(SCOPE)} == wordings


def test_a_language_without_wording_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match=r"(?s)scope\.languages.*'eo'"):
        subject_rows(SCOPE.model_copy(update={"languages": ("eo",)}), FORGET)


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("seed", [0, 5])
def test_no_question_composed_from_the_scope_is_a_probe_and_no_target_of_one_leaks(name: str, seed: int) -> None:
    request = forget_request(pocket_world(seed), name)
    rows = (*subject_rows(request.scope, request.splits["forget"]), *neighbour_rows(request.scope))
    asked = {row.question.casefold() for rows in request.splits.values() for row in rows if row.attribute != "about"}
    assert rows and not asked & {row.question.casefold() for row in rows}
    subjects = subject_rows(request.scope, request.splits["forget"])
    targets = TemplateTeacher().write(subjects, request.scope, seed)
    assert not any(leaks(target, row, request.scope) for target, row in zip(targets, subjects, strict=True))
