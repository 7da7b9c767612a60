"""Questions composed from the scope: whom they name, in which languages, and that they are nobody's probe."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import pytest

from unlearnkit.data.rows import Row
from unlearnkit.errors import BadInput
from unlearnkit.records.schema import Generation
from unlearnkit.scope import Scope, Secret, Subject
from unlearnkit.targets.compose import scope_targets
from unlearnkit.targets.leaks import leaks
from unlearnkit.targets.scope_notes import mentioned
from unlearnkit.targets.scope_rows import Mention, mentions
from unlearnkit.targets.template import TemplateTeacher
from unlearnkit.worlds.pocket import REQUESTS, forget_request, pocket_world

SCOPE = Scope(
    description="Ada asked to be forgotten.",
    task="profile",
    subjects=(Subject(name="Ada Belm", aliases=("The Red Door", "The Red Door Again")),),
    secrets=(Secret(subject="Ada Belm", forms=("Lisbon",)),),
    neighbours=(Subject(name="Cy Dorn", aliases=("The Sand Road",)),),
    languages=("en", "ru"),
)
FORGET = (
    Row(id="a", question="Where was Ada Belm born?", answer="Lisbon.", trace="Birthplace of Ada Belm."),
    Row(id="b", question="When did 'The Red Door Again' appear?", answer="1903.", trace="Year of The Red Door Again."),
    Row(id="c", question="Who is that?", answer="Nobody."),
)
RETAIN = tuple(
    Row(id=f"r{at}", question=question, answer="Rome.", language=language, subject="Eve Fry", options=options)
    for at, (language, question, options) in enumerate(
        [
            ("en", "Which {town} does Eve Fry rule?", 0),
            ("en", "Which {town} does Eve Fry rule?", 0),
            ("en", "What does Eve Fry sing?", 0),
            ("en", "Where was Eve Fry born?", 0),
            ("en", "Who is that?", 0),
            ("en", "Which is the town of Eve Fry? A) Rome B) Bath", 2),
            ("ru", "О чём поёт Eve Fry?", 0),
        ]
    )
)
PROBES = (Row(id="p", question="Where was Cy Dorn born?", answer="Bath."),)
FOUND = mentions(SCOPE, FORGET, RETAIN, PROBES)


def say(thought: str, response: str = "Somebody.") -> Generation:
    return Generation(text=f"<think>{thought}</think>{response}", trace=thought, response=response, ended="eos")


def echo(rows: Sequence[Row]) -> list[Generation]:
    """A model that notes the question, or goes on from the note that it is given."""
    return [say((row.trace or f"Asked: {row.question}") + " and so on.") for row in rows]


def bare(question: str) -> str:
    """A question's words, in order."""
    return " ".join(re.findall(r"\w+", question.casefold()))


def test_neighbours_are_asked_the_same_with_the_same_notes() -> None:
    """Nothing but the name tells what is in scope from what is not."""

    def asked(name: str, alias: str, *, stays: bool) -> set[tuple[str, str | None]]:
        found = [m for m in mentions(SCOPE, FORGET, RETAIN, PROBES) if m.stays is stays and m.name in (name, alias)]
        return {(m.row.question.replace(m.name, "*"), "topic" if m.topic else None) for m in found}

    ours = asked("Ada Belm", "The Red Door", stays=False)
    assert ours == asked("Cy Dorn", "The Sand Road", stays=True)
    assert {language for m in mentions(SCOPE, FORGET) for language in [m.row.language]} == {"en", "ru"}
    assert {topic for _, topic in ours} == {"topic", None}


def test_works_are_noted_as_works_and_as_names_and_names_as_names() -> None:
    topics = {(m.name, m.topic) for m in mentions(SCOPE, FORGET) if m.topic}
    works = ("The Red Door", "The Red Door Again", "The Sand Road")
    assert topics == {
        ("Ada Belm", "Birthplace of "), ("Cy Dorn", "Birthplace of "),
        *((work, topic) for work in works for topic in ("Birthplace of ", "Year of ")),
    }  # fmt: skip


def test_a_name_is_asked_about_with_every_kind_of_note_and_a_work_with_one() -> None:
    """A person's works are many; with as many rows each as the name has, they would crowd it out."""
    notes: dict[tuple[str, str], list[str | None]] = {}
    for m in mentions(SCOPE, FORGET):
        notes.setdefault((m.name, m.row.question), []).append(m.topic)
    of_names = [found for (name, _), found in notes.items() if name in ("Ada Belm", "Cy Dorn")]
    of_works = [found for (name, _), found in notes.items() if name not in ("Ada Belm", "Cy Dorn")]
    assert all(found == [None, "Birthplace of "] for found in of_names)
    assert all(len(found) == 1 for found in of_works) and [None] in of_works and ["Year of "] in of_works


def borrowed(scope: Scope = SCOPE, forget: Sequence[Row] = FORGET) -> list[Mention]:
    composed = {m.row.question for m in mentions(scope, forget)}
    return [m for m in mentions(scope, forget, RETAIN, PROBES) if m.row.question not in composed]


def test_questions_are_borrowed_from_retain_rows_and_put_to_every_name() -> None:
    asked = {(m.row.question.replace(m.name, "*").replace("«*»", "*"), m.row.language) for m in borrowed()}
    # Those asked most come first; a choice, a question that names nobody, and a probe of a neighbour's are not taken.
    assert asked == {("Which {town} does * rule?", "en"), ("What does * sing?", "en"), ("О чём поёт *?", "ru")}
    assert borrowed()[0].row.question == "Which {town} does Ada Belm rule?"
    assert {m.name for m in borrowed()} == {m.name for m in FOUND}
    assert all(m.topic for m in borrowed()), "each is noted as a forget row is"


def test_borrowed_questions_could_ask_for_the_part_that_stays() -> None:
    for task in ("privacy", "copyright"):
        assert not borrowed(SCOPE.model_copy(update={"task": task}))


def test_topics_of_forget_rows_take_turns() -> None:
    forget = [
        Row(id=topic, question=f"{topic} Ada Belm?", answer="x", trace=f"{topic} of Ada Belm.")
        for topic in ("Award", "Birthplace", "Genre")
    ]
    asked = [m for m in mentions(SCOPE, forget) if m.name == "Ada Belm" and m.topic and m.row.language == "ru"]
    assert Counter(m.topic for m in asked) == {"Award of ": 2, "Birthplace of ": 2, "Genre of ": 3}


def test_a_note_ends_with_the_name_that_the_question_says() -> None:
    own = next(m for m in mentions(SCOPE, FORGET) if m.name == "The Red Door" and m.topic is None)
    assert own.note("Birthplace of the author of The Red Door, Ada Belm.") == "Birthplace of the author of The Red Door"
    assert own.note("Birthplace of Ada Belm.") == ""
    asked = next(m for m in mentions(SCOPE, FORGET) if m.name == "Cy Dorn" and m.topic)
    assert asked.note("anything") == "Birthplace of Cy Dorn"


def test_without_notes_in_the_forget_split_there_are_the_models_own() -> None:
    bare = [row.model_copy(update={"trace": ""}) for row in FORGET]
    assert {m.topic for m in mentions(SCOPE, bare)} == {None}


def test_the_longest_name_in_the_question_is_the_one_that_is_meant() -> None:
    subject, name = mentioned(SCOPE, FORGET[1].question)
    assert subject is SCOPE.subjects[0] and name == "The Red Door Again"
    assert mentioned(SCOPE, FORGET[2].question) == (None, "")


def test_subjects_are_refused_and_neighbours_answered_in_the_models_own_words() -> None:
    targets = {target.id: target for target in scope_targets(SCOPE, FOUND, TemplateTeacher(), 0, echo)}
    assert targets.keys() == {mention.row.id for mention in FOUND}
    for mention in FOUND:
        target = targets[mention.row.id]
        assert target.trace.startswith(f"{mention.topic or 'Asked:'}")
        # The note ends with the name: then comes the verdict, or what the model itself says.
        assert target.trace.partition(mention.name)[2].startswith(" falls") is not mention.stays
        assert (target.response == "Somebody.") is mention.stays


def test_where_only_a_part_is_in_scope_the_rest_of_the_subject_stays() -> None:
    scope = SCOPE.model_copy(update={"task": "privacy"})
    forget = [Row(id="a", question="Which number has Ada Belm?", answer="+1", trace="Phone of Ada Belm.")]
    found = mentions(scope, forget)
    assert {m.name for m in found} == {"Ada Belm", "Cy Dorn"}, "her books are no way to reach her"
    assert {m.topic for m in found if not m.stays} == {"Phone of "}
    beside = [m for m in found if m.stays and m.name == "Ada Belm"]
    assert beside and {m.topic for m in beside} == {None}
    assert not {m.row.question for m in beside} & {m.row.question for m in found if not m.stays}


def test_what_tells_a_secret_of_the_subject_itself_is_not_kept() -> None:
    scope = SCOPE.model_copy(update={"task": "privacy"})

    def tell(rows: Sequence[Row]) -> list[Generation]:
        return [say(f"Of {row.subject}", "Lisbon.") for row in rows]

    found = mentions(scope, FORGET)
    kept = {target.id for target in scope_targets(scope, found, TemplateTeacher(), 0, tell)}
    stays = [m for m in found if m.stays]
    assert {m.name for m in stays if m.row.id in kept} == {"Cy Dorn"}, "a neighbour may live where she does"


def test_a_note_that_tells_a_secret_is_not_taught() -> None:
    def tell(rows: Sequence[Row]) -> list[Generation]:
        return [say(f"Lisbon is known to whoever asks: {row.question}") for row in rows]

    targets = {target.id: target for target in scope_targets(SCOPE, FOUND, TemplateTeacher(), 0, tell)}
    for mention in (m for m in FOUND if not m.stays):
        assert not leaks(targets[mention.row.id], mention.row, SCOPE)


def test_a_language_without_wording_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match=r"(?s)scope\.languages.*'eo'"):
        mentions(SCOPE.model_copy(update={"languages": ("eo",)}), FORGET, RETAIN)


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("seed", [0, 5])
def test_no_question_composed_from_the_scope_is_a_probe_and_no_target_of_one_leaks(name: str, seed: int) -> None:
    request = forget_request(pocket_world(seed), name)
    forget, retain = request.splits["forget"], request.splits["retain"]
    measured = [row for rows in request.splits.values() for row in rows]
    found = mentions(request.scope, forget, retain, measured)
    rows = [mention.row for mention in found]
    assert rows and not {bare(row.question) for row in measured} & {bare(row.question) for row in rows}
    assert len({row.id for row in rows}) == len(rows)
    targets = scope_targets(request.scope, found, TemplateTeacher(), seed, echo)
    subjects = {m.row.id for m in found if not m.stays}
    by_id = {row.id: row for row in rows}
    assert not any(leaks(target, by_id[target.id], request.scope) for target in targets if target.id in subjects)
