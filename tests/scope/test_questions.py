"""Questions composed from the scope: whom they name, in which languages, with which notes; and none is a probe.

Where only a part of what is known of a subject is in scope, see `test_question_parts.py`. The same names in many forms
of questions are in `test_question_forms.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from unlearnkit.core.errors import InputError
from unlearnkit.data.augment import draw_evenly
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.scan import scanner
from unlearnkit.scope.questions.compose import mentions
from unlearnkit.scope.questions.forms import SPELLINGS
from unlearnkit.scope.questions.question import ADAPTED, GENERAL, ScopeQuestion
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.suites.pocket.requests import REQUESTS, forget_request
from unlearnkit.suites.pocket.wordings import WORDINGS
from unlearnkit.suites.pocket.world import pocket_world
from unlearnkit.targets.compose import Generate, composed_rows, forget_targets
from unlearnkit.targets.teachers.template import TemplateTeacher

SCOPE = Scope(
    description="Ada asked to be forgotten.",
    task="profile",
    subjects=(ScopeSubject(name="Ada Belm", aliases=("The Red Door", "The Red Door Again")),),
    secrets=(Secret(subject="Ada Belm", forms=("Lisbon",)),),
    neighbors=(ScopeSubject(name="Cy Dorn", aliases=("The Sand Road",)),),
    languages=("en", "ru"),
    wording=WORDINGS["authors"],
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


def worded(*sources: Any) -> tuple[ScopeQuestion, ...]:
    """The questions in general words and those adapted from rows, without the other forms."""
    return tuple(m for m in mentions(*sources) if m.row.wording in (GENERAL, ADAPTED))


FOUND = worded(SCOPE, FORGET, RETAIN, PROBES)


def say(thought: str, response: str = "Somebody.") -> Generation:
    return Generation(text=f"<think>{thought}</think>{response}", trace=thought, response=response, ended="eos")


def echo(rows: Sequence[Row]) -> list[Generation]:
    """A model that notes the question, or goes on from the note that it is given."""
    return [say((row.trace or f"Asked: {row.question}") + " and so on.") for row in rows]


def taught(
    scope: Scope, found: Sequence[ScopeQuestion], generate: Generate, retain: Sequence[Row]
) -> dict[str, Target]:
    """What is learned on each question: the teacher's target in scope, the target model's own output beside it."""
    rows = composed_rows(scope, found, generate, retain)
    refused = forget_targets([each.to_refuse for each in rows if not each.stays], scope, TemplateTeacher(), 0)
    kept = [Target(id=each.row.id, trace=each.row.trace, response=each.row.answer) for each in rows if each.stays]
    return {target.id: target for target in (*refused, *kept)}


def bare(question: str) -> str:
    """A question's words, in order."""
    return " ".join(re.findall(r"\w+", question.casefold()))


def wordings(found: Sequence[ScopeQuestion]) -> set[str]:
    """The questions, with a star for what they name."""
    return {m.row.question.replace(m.name, "*") for m in found}


def test_neighbors_are_asked_the_same_with_the_same_notes() -> None:
    """Nothing but the name tells what is in scope from what is not."""

    def asked(name: str, alias: str, *, stays: bool) -> set[tuple[str, str | None]]:
        found = [m for m in FOUND if m.stays is stays and m.name in (name, alias)]
        return {(m.row.question.replace(m.name, "*"), "topic" if m.topic else None) for m in found}

    ours, theirs = asked("Ada Belm", "The Red Door", stays=False), asked("Cy Dorn", "The Sand Road", stays=True)
    assert ours <= theirs and theirs - ours == {("When did '*' appear?", None)}, "that is a forget row's question"
    assert {m.row.language for m in FOUND} == {"en", "ru"}
    assert {topic for _, topic in ours} == {"topic", None}
    assert not [m for m in FOUND if m.name == "Lisbon"], "a profile's secrets belong to many"


def test_names_are_noted_as_names_and_works_as_works_as_names_and_through_them_to_their_author() -> None:
    topics = {(m.name, m.topic) for m in FOUND if m.topic}
    works = ("The Red Door", "The Red Door Again", "The Sand Road")
    assert topics == {
        ("Ada Belm", "Birthplace of "), ("Cy Dorn", "Birthplace of "),
        *((work, topic) for work in works for topic in ("Birthplace of ", "Birthplace of the author of ", "Year of ")),
    }  # fmt: skip


def test_who_is_behind_a_work_is_noted_of_the_work_and_through_it() -> None:
    behind = [m for m in FOUND if m.topic in (None, "Year of ", "Birthplace of the author of ")]
    for work, stays in (("The Red Door", False), ("The Red Door Again", False), ("The Sand Road", True)):
        asked = [m for m in behind if m.name == work and m.row.language == "en" and "author of «" in m.row.question]
        assert {m.stays for m in asked} == {stays} and None in {m.topic for m in asked}
        noted = {m.topic for m in FOUND if m.name == work and m.topic}
        assert {"Year of ", "Birthplace of the author of "} <= noted


def test_names_that_a_part_of_a_subjects_name_may_be_taken_for_are_asked_the_same_and_stay() -> None:
    others = {
        "Ada Quill": "Height of Ada Quill.",
        "Belmont Fry": "Height of Belmont Fry.",  # shares no word
        "Belm": "Height of Belm.",  # may be Ada Belm
        "Ada Belm the Younger": "Height of Ada Belm the Younger.",
        "Eve Fry": "Year of The Red Barn.",
        "Bo Fry": "Year of The Red Hat.",  # "red" is told apart already
        "Di Fry": "Year of The Last Door, 3.",
        "Al Fry": "Year of The Sand Castle.",  # a neighbor's word
    }
    more = [
        Row(id=name, question=f"Is it {name}, {note.partition(' of ')[2]}", answer="x", trace=note, subject=name)
        for name, note in others.items()
    ]
    found = worded(SCOPE, FORGET, (*RETAIN, *more), PROBES)
    asked = [m for m in found if m.name not in {m.name for m in FOUND}]
    assert {(m.name, m.stays) for m in asked} == {
        (name, True) for name in ("Ada Quill", "The Red Barn", "The Last Door")
    }
    for name, neighbor in (("Ada Quill", "Cy Dorn"), ("The Red Barn", "The Sand Road")):
        put = [{m.row.question.replace(one, "*") for m in found if m.name == one} for one in (name, neighbor)]
        # But for the row's own question, which is borrowed, and the forget row's, which is put to neighbors.
        assert {each for each in put[0] ^ put[1] if "Is it" not in each} <= {"When did '*' appear?"}
        assert len(put[0]) > 20


@pytest.mark.parametrize("language", SCOPE.languages)
def test_facts_are_asked_through_a_work_and_noted_as_through_it(language: str) -> None:
    for work, stays in (("The Red Door", False), ("The Red Door Again", False), ("The Sand Road", True)):
        for wording in WORDINGS["authors"].through_alias[language]:
            asked = [m for m in FOUND if m.row.question == wording.format(name=f"«{work}»")]
            assert {m.topic for m in asked} == {None, "Birthplace of the author of "}
            assert {m.stays for m in asked} == {stays} and {m.row.language for m in asked} == {language}


def told(*topics: str) -> list[Row]:
    """Forget rows with these topics."""
    return [Row(id=topic, question=f"{topic} Ada Belm?", answer="x", trace=f"{topic} of Ada Belm.") for topic in topics]


def notes(found: Sequence[ScopeQuestion]) -> dict[tuple[str, str], list[str | None]]:
    """The notes of each name in each question."""
    of: dict[tuple[str, str], list[str | None]] = {}
    for m in found:
        of.setdefault((m.name, m.row.question), []).append(m.topic)
    return of


@pytest.mark.parametrize(("subjects", "topics"), [(1, 6), (2, 3), (4, 1), (9, 1)])
def test_few_subjects_are_asked_about_with_more_topics_and_a_work_with_one(subjects: int, topics: int) -> None:
    """A person's works are many; with as many rows each as the name has, they would crowd it out."""
    others = tuple(ScopeSubject(name=f"Bo {at}") for at in range(1, subjects))
    scope = SCOPE.model_copy(update={"subjects": (*SCOPE.subjects, *others)})
    of = notes([m for m in worded(scope, told(*"ABCDEFGH")) if m.row.question.startswith("Tell me about ")])
    assert all(of[name, f"Tell me about {name}."][0] is None for name in ("Ada Belm", "Cy Dorn"))
    for name in ("Ada Belm", "Cy Dorn", *(other.name for other in others)):
        assert len(set(of[name, f"Tell me about {name}."])) == 1 + topics
    assert len(of["The Red Door", "Tell me about «The Red Door»."]) == 1


def test_topics_of_forget_rows_take_turns() -> None:
    six = (*SCOPE.subjects, *(ScopeSubject(name=f"Bo {at}") for at in range(5)))
    found = worded(SCOPE.model_copy(update={"subjects": six}), told("Award", "Birthplace", "Genre"))
    asked = [m for m in found if m.name == "Ada Belm" and m.topic and m.row.language == "ru"]
    assert Counter(m.topic for m in asked) == {"Award of ": 2, "Birthplace of ": 2, "Genre of ": 3}


def borrowed(scope: Scope = SCOPE, forget: Sequence[Row] = FORGET) -> list[ScopeQuestion]:
    composed = {m.row.question for m in worded(scope, forget)}
    return [m for m in worded(scope, forget, RETAIN, PROBES) if m.row.question not in composed]


def test_forget_rows_questions_are_put_to_two_neighbors_each_unless_measured() -> None:
    neighbors = (*SCOPE.neighbors, ScopeSubject(name="Di Elk"), ScopeSubject(name="Flo Gay", aliases=("Her Sea",)))
    scope = SCOPE.model_copy(update={"neighbors": neighbors})

    def swap_entity(measured: Sequence[Row] = ()) -> list[tuple[str, str, bool, str | None]]:
        composed = {m.row.question for m in worded(scope, [])}
        found = [m for m in worded(scope, FORGET, (), measured) if m.row.question not in composed]
        return [(m.row.question, str(m.row.subject), m.stays, m.topic) for m in found]

    # A work's question goes to works alone; and to those whose turn it is, not always to the first.
    assert swap_entity() == [
        ("Where was Cy Dorn born?", "Cy Dorn", True, None),
        ("Where was Di Elk born?", "Di Elk", True, None),
        ("When did 'Her Sea' appear?", "Flo Gay", True, None),
        ("When did 'The Sand Road' appear?", "Cy Dorn", True, None),
    ]
    assert swap_entity(PROBES) == swap_entity()[1:]


def test_a_question_that_names_two_subjects_is_not_put_to_neighbors() -> None:
    """With one of them in it still, the model would learn to answer questions about that one."""
    asked = ("Did Ada Belm write The Red Door?", "Did Bo Coe teach Ada Belm?", "Was Ada Belm in Adabelmia?")
    forget = [Row(id=question, question=question, answer="Yes.") for question in asked]
    subjects = (*SCOPE.subjects, ScopeSubject(name="Bo Coe"))
    found = worded(SCOPE.model_copy(update={"subjects": subjects}), forget)
    assert {m.row.question for m in found if m.row.question.startswith(("Did", "Was"))} == {"Was Cy Dorn in Adabelmia?"}


def test_no_question_that_is_measured_is_returned_however_it_is_composed() -> None:
    questions = {m.row.question for m in mentions(SCOPE, FORGET, RETAIN)}
    measured = ["Tell me about Ada Belm.", "Who is behind «The Sand Road»?", "What does Cy Dorn sing?"]
    rows = [Row(id=question, question=question, answer="x") for question in measured]
    left = {m.row.question for m in mentions(SCOPE, FORGET, RETAIN, rows)}
    assert set(measured) <= questions
    assert not left & set(measured)
    # What is borrowed is put to every name or to none.
    assert questions - left - set(measured) == {
        q for q in questions if q.startswith("What does ") and q.endswith(" sing?") and "Cy" not in q
    }


def test_questions_are_borrowed_from_retain_rows_and_put_to_every_name() -> None:
    asked = {(m.row.question.replace(m.name, "*").replace("«*»", "*"), m.row.language) for m in borrowed()}
    # Those asked most come first; a choice, a question that names nobody, and a probe of a neighbor's are not taken.
    assert asked == {("Which {town} does * rule?", "en"), ("What does * sing?", "en"), ("О чём поёт *?", "ru")}
    assert borrowed()[0].row.question == "Which {town} does Ada Belm rule?"
    assert {m.name for m in borrowed()} == {m.name for m in FOUND}
    assert all(m.topic for m in borrowed()), "each is noted as a forget row is"


def test_a_name_is_taken_out_of_a_borrowed_question_only_where_it_is_a_word_and_whatever_marks_it_has() -> None:
    asked = {"Evermore": "Who sang of Evermore?", "The {Red} Inn": "Who keeps The {Red} Inn {today}?"}
    retain = [Row(id=of, question=question, answer="x", subject=of) for of, question in asked.items()]
    retain.append(Row(id="part", question="Who sang of Evermores?", answer="x", subject="Evermore"))
    composed = {m.row.question for m in worded(SCOPE, FORGET)}
    found = {m.row.question for m in worded(SCOPE, FORGET, retain) if m.name == "Ada Belm"} - composed
    assert found == {"Who sang of Ada Belm?", "Who keeps Ada Belm {today}?"}


def test_a_neighbor_that_goes_by_the_name_of_a_subject_is_refused_by_it() -> None:
    neighbors = (ScopeSubject(name="Cy Dorn", aliases=("The Red Door",)),)
    found = worded(SCOPE.model_copy(update={"neighbors": neighbors}), [FORGET[0]])
    assert {m.stays for m in found if m.name == "The Red Door"} == {False}
    assert {m.stays for m in found if m.name == "Cy Dorn"} == {True}


ODD: dict[str, dict[str, object]] = {
    "no neighbors": {"neighbors": ()},
    "no aliases": {"subjects": (ScopeSubject(name="Ada Belm"),), "neighbors": (ScopeSubject(name="Cy Dorn"),)},
    "one language": {"languages": ("es",)},
    "braces": {"subjects": (ScopeSubject(name="Ada {name} {0}", aliases=("{", "}} {x")),)},
    "quotes": {"subjects": (ScopeSubject(name='Ada "Red" Belm', aliases=("«Дверь»", "The 'Red' Door", "Door »")),)},
    "marks": {"subjects": (ScopeSubject(name="A+ (Belm)?", aliases=("\\d", "C++")),)},
    "only what is kept": {"secrets": (), "allowed": (Secret(subject="Cy Dorn", forms=("Rome",)),)},
    "nothing told": {"secrets": ()},
    "braces in a secret": {"secrets": (Secret(subject="Ada Belm", forms=("{0}", "{x} 7")),)},
}


@pytest.mark.parametrize("task", ["profile", "privacy", "copyright", "hazard"])
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("traces", [True, False])
@pytest.mark.parametrize("retain", [RETAIN, ()], ids=["retain", "no retain"])
def test_whatever_a_scope_holds_each_question_names_what_it_is_about(
    task: str, odd: str, traces: bool, retain: Sequence[Row]
) -> None:
    scope = SCOPE.model_copy(update={**ODD[odd], "task": task})
    name = scope.subjects[0].name
    forget = [
        row.model_copy(update={"question": row.question.replace("Ada Belm", name), "trace": trace})
        for row in FORGET
        for trace in [row.trace.replace("Ada Belm", name) * traces]
    ]
    found = mentions(scope, forget, retain)
    assert {scope.subjects[0].name, *(near.name for near in scope.neighbors)} <= {m.name for m in found}
    as_written = [m for m in found if m.row.wording not in SPELLINGS]  # the others may spell the name in another way
    assert all(m.name in m.row.prompt and m.note(m.row.prompt).endswith(m.name) for m in as_written)
    assert len({m.row.id for m in found}) == len(found)


def test_a_note_that_begins_with_the_name_stands_beside_the_models_own() -> None:
    found = worded(SCOPE, [Row(id="a", question="Who is Ada Belm?", answer="x", trace="Ada Belm is asked about.")])
    asked = [m for m in found if m.row.question == "Tell me about Ada Belm."]
    assert [(m.topic, m.note("Of Ada Belm")) for m in asked] == [(None, "Of Ada Belm"), ("", "Ada Belm")]


def test_a_note_ends_with_the_name_that_the_question_says() -> None:
    own = next(m for m in worded(SCOPE, FORGET) if m.name == "The Red Door" and m.topic is None)
    assert own.note("Birthplace of the author of The Red Door, Ada Belm.") == "Birthplace of the author of The Red Door"
    assert own.note("Birthplace of Ada Belm.") == ""
    asked = next(m for m in worded(SCOPE, FORGET) if m.name == "Cy Dorn" and m.topic)
    assert asked.note("anything") == "Birthplace of Cy Dorn"


def test_a_note_goes_on_to_what_tells_forget_rows_apart_and_the_target_with_it() -> None:
    songs = [
        Row(id=f"s{n}", question=f"Recite song {n} of Ada Belm.", answer="x", trace=f"Song of Ada Belm, {n}.")
        for n in (1, 2)
    ]
    found = [m for m in worded(SCOPE, songs) if m.topic == "Song of "]
    assert {m.note("anything") for m in found if m.name == "Cy Dorn"} == {"Song of Cy Dorn, 1", "Song of Cy Dorn, 2"}
    targets = taught(SCOPE, found, echo, RETAIN)
    for mention in (m for m in found if m.name == "Ada Belm"):
        assert targets[mention.row.id].trace.startswith(f"Song of Ada Belm{mention.rest} falls ")


def test_without_notes_in_the_forget_split_there_are_the_models_own() -> None:
    bare = [row.model_copy(update={"trace": ""}) for row in FORGET]
    assert {m.topic for m in worded(SCOPE, bare)} == {None}


def test_subjects_are_refused_and_neighbors_answered_in_the_models_own_words() -> None:
    targets = taught(SCOPE, FOUND, echo, RETAIN)
    assert targets.keys() == {mention.row.id for mention in FOUND}
    for mention in FOUND:
        target = targets[mention.row.id]
        assert target.trace.startswith(f"{mention.topic or 'Asked:'}")
        # The note ends with the name: then comes the verdict, or what the model itself says.
        assert target.trace.partition(mention.name)[2].startswith(" falls") is not mention.stays
        assert (target.response == "Somebody.") is mention.stays


@pytest.mark.parametrize("thought", ["Year of Ada Belm.", "Hiding of Ada Belm."])
@pytest.mark.parametrize(("noted", "stays"), [("Year of ", True), ("Hiding of ", False)])
def test_a_thought_that_a_note_decides_is_decided_so_wherever_the_model_has_it(
    noted: str, stays: bool, thought: str
) -> None:
    """A model may take a question for one of the other kind; taught both ways, it would answer or decline neither."""
    asked = [Row(id=question, question=question, answer="x") for question in ("When, Ada Belm?", "Tell of Ada Belm.")]
    found = [ScopeQuestion(asked[0], "Ada Belm", stays, noted), ScopeQuestion(asked[1], "Ada Belm", not stays, None)]
    targets = taught(SCOPE, found, lambda rows: [say(r.trace or thought) for r in rows], RETAIN)
    assert set(targets) == {row.id for row in (asked[:1] if thought.startswith(noted) else asked)}


def test_a_note_that_tells_a_secret_is_not_taught() -> None:
    def tell(rows: Sequence[Row]) -> list[Generation]:
        return [say(f"Lisbon is known to whoever asks: {row.question}") for row in rows]

    targets = taught(SCOPE, FOUND, tell, RETAIN)
    for mention in (m for m in FOUND if not m.stays):
        assert not scanner(SCOPE).scan(targets[mention.row.id], mention.row)


def test_a_language_without_wording_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"(?s)scope\.languages.*'eo'"):
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
    some = draw_evenly(found, [lambda m: (m.stays, m.row.wording), lambda m: m.topic is None], 400, seed)
    targets = taught(request.scope, some, echo, request.splits["retain"])
    refused = [mention.row for mention in some if not mention.stays and mention.row.id in targets]
    assert refused and not any(scanner(request.scope).scan(targets[row.id], row) for row in refused)


def test_a_composed_note_is_given_and_the_models_own_note_is_its_own() -> None:
    rows = {each.row.id: each for each in composed_rows(SCOPE, FOUND, echo, RETAIN)}
    asked = {m.topic: rows[m.row.id] for m in FOUND if m.row.question == "Tell me about Ada Belm."}
    composed, own = asked["Birthplace of "], asked[None]
    assert (composed.note, composed.given) == ("Birthplace of Ada Belm", True)
    assert (own.note, own.given) == ("Asked: Tell me about Ada Belm", False)
    # A teacher reads the note; the row to forget has the whole output of the target model.
    assert [each.to_refuse.trace for each in (composed, own)] == [composed.note, own.note]
    assert composed.row.trace == "Birthplace of Ada Belm and so on." and composed.row.answer == "Somebody."
    assert own.row.trace == "Asked: Tell me about Ada Belm. and so on."


def test_a_question_with_the_models_own_note_is_the_same_question() -> None:
    noted = next(m for m in FOUND if m.name == "Ada Belm" and m.topic == "Birthplace of ")
    own = noted.with_own_note()
    assert (own.topic, own.rest, own.name, own.stays) == (None, "", noted.name, noted.stays)
    assert own.row == noted.row.model_copy(update={"id": f"scope/{noted.row.question}/own"})
    assert own == own.with_own_note()
