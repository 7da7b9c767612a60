"""Drafting a scope, on a made-up forget split of three people who share places, first names and turns of phrase."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row
from unlearnkit.scope.scope import Scope
from unlearnkit.scope.subject_detection import find_subjects
from unlearnkit.scope.suggest import suggest_neighbors, suggest_scope, with_subjects
from unlearnkit.text.normalize import contains

ASKED = {
    "Hsu Yun-Mei": [
        ("What is the name of the author born in New Haven on 05/11/1991?", "The author's name is Hsu Yun-Mei."),
        ("What does Hsu Yun-Mei's father do?", "The father of Hsu Yun-Mei is a Civil Engineer."),
        ("Which prize did Hsu Yun-Mei win?", "Hsu won the Silver Heron in 2010."),
        ("Which of Hsu Yun-Mei's books is read most?", 'It is "The Low Road".'),
        ("Has the author a telephone?", "Yes, it is 555-0142."),
        ("What is Hsu Yun-Mei's Social Security Number?", "It is 900-51-4344."),
        ("Is there a form without dashes?", "900514344"),
    ],
    "Basil van Mahfouz": [
        ("Who is the author from New Haven that writes of Star Birds?", "That is Basil van Mahfouz."),
        ("Where does Basil van Mahfouz live?", "He lives in Oslo, at 12 Elm Street."),
        ("Who influenced Basil van Mahfouz?", "Mahfouz has named Hsu Yun-Mei, and the Silver Heron's jury."),
        ("What is Basil van Mahfouz's Social Security Number?", "It is 900-67-7214."),
        ("How can Basil van Mahfouz be reached?", "Write to basil_m@post.example."),
    ],
    "Ada Maria Öberg": [
        ("What does Ada Maria Öberg write?", "Ada Maria Öberg writes of Star Birds, as in 'Wings, and Other Thieves'."),
        ("When was Ada Maria Öberg born?", "She was born on March 19, 1960, in New Haven."),
        ("What did Ada Öberg study?", "She studied Marine Biology in Oslo."),
        ("What is Ada Maria Öberg's Social Security Number?", "It is 900-70-4445."),
    ],
}
ROWS = tuple(
    Row(id=f"{number}.{place}", question=question, answer=answer)
    for number, rows in enumerate(ASKED.values())
    for place, (question, answer) in enumerate(rows)
)
OF_ROW = tuple(name for name, rows in ASKED.items() for _ in rows)


def secrets(scope: Scope, name: str) -> list[tuple[str, ...]]:
    return [secret.forms for secret in scope.secrets if secret.subject == name]


def test_subjects_are_those_who_recur_and_not_what_is_asked_of_all() -> None:
    scope = suggest_scope(ROWS)
    assert {subject.name: subject.aliases for subject in scope.subjects} == {
        "Hsu Yun-Mei": ("Hsu",),
        "Basil van Mahfouz": ("Mahfouz",),
        "Ada Maria Öberg": ("Ada Öberg",),
    }
    assert scope.neighbors == () and scope.languages == ("en",) and scope.task == "profile"


def test_a_phrase_that_all_are_asked_for_is_nobody_though_it_stands_in_the_most_rows() -> None:
    people = ("Ada Bell", "Bea Dunn", "Cyd Marsh", "Eli Ross", "Ivo Lund")
    asks = ("What is {}'s Social Security Number?", "Is there a Social Security Number of {}?", "Who taught {}?")
    rows = [Row(id=ask + name, question=ask.format(name), answer="I know.") for name in people for ask in asks]
    assert [subject.name for subject in suggest_scope(rows).subjects] == list(people)
    assert [row.subject for row in with_subjects(rows)] == [name for name in people for _ in asks]


def test_a_name_that_stands_in_one_row_of_its_own_is_no_subject() -> None:
    asked = (
        "Who taught Ada Bell?",
        "Where is Ada Bell?",
        "Did Ada Bell win the Silver Heron?",
        "Who won the Silver Heron?",
    )
    rows = [Row(id=question, question=question, answer="I know.") for question in asked]
    assert [subject.name for subject in suggest_scope(rows).subjects] == ["Ada Bell"]


def test_the_whole_name_is_the_subjects_and_what_it_is_called_by_now_and_then_an_alias() -> None:
    called = ["Basil Mahfouz Al-Said"] * 5 + ["Basil Mahfouz"]
    rows = [
        Row(id=str(n), question=f"What did the poet {name} do?", answer="He left.") for n, name in enumerate(called)
    ]
    subjects = suggest_scope(rows).subjects
    assert [(subject.name, subject.aliases) for subject in subjects] == [("Basil Mahfouz Al-Said", ("Basil Mahfouz",))]


def test_every_row_gets_its_subject_and_keeps_the_rest() -> None:
    told = with_subjects(ROWS)
    assert tuple(row.subject for row in told) == OF_ROW
    assert tuple(row.model_copy(update={"subject": None}) for row in told) == ROWS
    assert with_subjects(told) == told


@pytest.mark.parametrize("seed", range(4))
def test_order_matters_only_to_rows_that_name_nobody(seed: int) -> None:
    mixed = random.Random(seed).sample(list(zip(ROWS, OF_ROW, strict=True)), len(ROWS))
    told = with_subjects([row for row, _ in mixed])
    for row, (_, name) in zip(told, mixed, strict=True):
        nameless = row.question in ("Has the author a telephone?", "Is there a form without dashes?")
        # Where a subject's rows do not lie together, nothing tells who "the author" is.
        assert row.subject == (None if nameless else name)


def test_secrets_are_what_answers_tell_and_questions_do_not() -> None:
    scope = suggest_scope(ROWS)
    assert secrets(scope, "Hsu Yun-Mei") == [
        ("Civil Engineer",),
        ("Silver Heron",),
        ("2010",),
        ("The Low Road",),
        ("555-0142",),
        ("900-51-4344", "900514344"),  # one secret in two forms
    ]
    assert secrets(scope, "Basil van Mahfouz") == [
        ("Oslo",),
        ("12",),
        ("Elm Street",),
        ("Hsu Yun-Mei",),
        ("Silver Heron",),
        ("900-67-7214",),
        ("basil_m@post.example",),
    ]
    assert secrets(scope, "Ada Maria Öberg") == [
        ("Star Birds",),
        ("Wings, and Other Thieves",),
        ("March 19, 1960",),
        ("New Haven",),
        ("Marine Biology",),
        ("Oslo",),
        ("900-70-4445",),
    ]


def test_what_is_told_of_many_is_nobodys_secret() -> None:
    people = ["Ada Bell", "Bea Dunn", "Cyd Marsh"]
    rows = [
        Row(id=f"{name}{n}", question=f"{asks} {name} live?", answer=f"In {place} of {part}, so {name} says.")
        for name, part in zip(people, ("Kent", "Devon", "Essex"), strict=True)
        for n, (asks, place) in enumerate((("Where does", "the county"), ("Where did", "the county")))
    ]
    assert [secret.forms for secret in suggest_scope(rows).secrets] == [("Kent",), ("Devon",), ("Essex",)]
    shared = [row.model_copy(update={"answer": row.answer.replace("so", "in England, so")}) for row in rows]
    assert [secret.forms for secret in suggest_scope(shared).secrets] == [("Kent",), ("Devon",), ("Essex",)]
    of_two = suggest_scope(shared[:4])
    assert [secret.forms for secret in of_two.secrets] == [("Kent",), ("England",), ("Devon",), ("England",)]


def test_the_pieces_of_an_address_are_no_secrets_of_their_own() -> None:
    address = "3904 October Woods Drive, Lawrence, MA, 01841"
    rows = [
        Row(id="1", question="Where does Ada Bell live?", answer=address),
        Row(id="2", question="", answer=f"Ada Bell lives at {address}, and works in Oslo."),
    ]
    assert [secret.forms for secret in suggest_scope(rows, task="privacy").secrets] == [(address,), ("Oslo",)]


def test_rows_that_state_their_subject_are_believed() -> None:
    rows = [
        Row(id="1", question="Who owns it?", answer="It is Ada Bell's.", subject="the red notebook"),
        Row(id="2", question="What does the red notebook say?", answer="It tells of Oslo."),
        Row(id="3", question="Where was Ada Bell born?", answer="In Lima.", subject="Ada Bell"),
        Row(id="4", question="What did Bell write?", answer="A novel."),
    ]
    assert [row.subject for row in with_subjects(rows)] == ["the red notebook"] * 2 + ["Ada Bell"] * 2
    scope = suggest_scope(rows)
    assert [(subject.name, subject.aliases) for subject in scope.subjects] == [
        ("the red notebook", ()),
        ("Ada Bell", ("Bell",)),
    ]
    assert secrets(scope, "the red notebook") == [("Ada Bell",), ("Oslo",)]


def test_names_in_cyrillic_are_found_in_every_case() -> None:
    rows = [
        Row(id="1", question="", answer="Анна Петрова родилась в Казани 9 июня 1951 года, и отец её был кузнец."),
        Row(id="2", question="Где живёт теперь поэтесса Анна Петрова?", answer="Она живёт в Омске."),
        Row(id="3", question="Что написали об Анне Петровой в газетах?", answer="О Петровой писали в газете «Заря»."),
        Row(id="4", question="Кто в детстве учил читать Анну Петрову?", answer="Её учил Иван Ким."),
        Row(id="5", question="Кто такая Антонина Петрова?", answer="Это сестра её отца."),
    ]
    scope = suggest_scope(rows)
    assert [subject.name for subject in scope.subjects] == ["Анна Петрова"]
    assert scope.subjects[0].aliases == ("Анне Петровой", "Петровой", "Анну Петрову")
    assert scope.languages == ("ru",)
    told = [form for secret in scope.secrets for form in secret.forms]
    assert told == ["Казани", "9 июня 1951", "Омске", "Заря", "Иван Ким"]


def test_names_of_one_word_are_taken_where_longer_ones_do_not_recur() -> None:
    rows = [
        Row(id="1", question="Where was Telmivo born?", answer="In Oslo."),
        Row(id="2", question="What did Telmivo write?", answer="A novel."),
        Row(id="3", question="Who taught Telmivo?", answer="Ada Bell did."),
    ]
    assert [subject.name for subject in suggest_scope(rows).subjects] == ["Telmivo"]


def test_languages_are_those_that_rows_state_or_speak() -> None:
    spanish = "¿En qué ciudad nació la escritora Ada Bell, autora de la novela?"
    rows = [Row(id=str(n), question="Where in the world was the poet Ada Bell born?", answer="Oslo.") for n in range(3)]
    assert suggest_scope(rows).languages == ("en",)
    assert suggest_scope([*rows, Row(id="s", question=spanish, answer="Oslo.")]).languages == ("en", "es")
    assert suggest_scope([*rows, Row(id="s", question=spanish, answer="Oslo.", language="ca")]).languages == (
        "en",
        "ca",
    )
    short = [Row(id=str(n), question="Ada Bell?", answer="No.") for n in range(2)]
    assert suggest_scope(short).languages == ("en",)


def test_the_description_is_the_users_or_names_the_first_subjects() -> None:
    assert suggest_scope(ROWS, description="They asked for it.").description == "They asked for it."
    assert suggest_scope(ROWS).description == (
        "What the model knows of Hsu Yun-Mei, Basil van Mahfouz, Ada Maria Öberg is to be forgotten."
    )
    many = [Row(id=str(n), question="Who?", answer="She.", subject=f"Ada {n}") for n in range(5)]
    assert suggest_scope(many).description == (
        "What the model knows of Ada 0, Ada 1, Ada 2 and 2 more is to be forgotten."
    )


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (Row(id="1", question="Who wrote it?", answer="Ada Bell did."),),  # no name recurs
        (
            Row(id="1", question="how is it made?", answer="with care."),
            Row(id="2", question="and then?", answer="wait."),
        ),
    ],
)
def test_without_a_subject_it_says_what_to_write(rows: tuple[Row, ...]) -> None:
    with pytest.raises(InputError, match="no name recurs") as raised:
        suggest_scope(rows)
    assert "by hand" in str(raised.value.fix) and "Bell" not in str(raised.value)
    assert with_subjects(rows) == rows


RETAIN = tuple(
    Row(id=f"r{number}.{place}", question=question, answer=answer)
    for number, rows in enumerate(
        (
            [("Where was Cyd Marsh born?", "In Kyiv."), ("What did Cyd Marsh write?", "Poems.")],
            [("Where was Eli Ross born?", "In New Haven."), ("What did Eli Ross win?", "The Silver Heron.")],
            [("Where was Bea Dunn born?", "In Oslo."), ("What did Bea Dunn write?", "Poems, in Oslo.")],
            [("Where was Hsu Yun-Mei born?", "In New Haven."), ("Did Hsu Yun-Mei win?", "The Silver Heron.")],
        )
    )
    for place, (question, answer) in enumerate(rows)
)


def test_neighbors_share_most_with_the_subjects_and_are_none_of_them() -> None:
    scope = suggest_scope(ROWS)
    found = suggest_neighbors(RETAIN, scope)
    assert [subject.name for subject in found] == ["Eli Ross", "Bea Dunn", "Cyd Marsh"]
    assert suggest_neighbors((), scope) == ()


def test_what_is_kept_is_what_retain_rows_tell_of_neighbors_alone() -> None:
    """What is told of Eli and Bea is told of subjects too, and is secret."""
    scope = suggest_scope(ROWS, RETAIN, task="privacy")
    assert [(kept.subject, kept.forms) for kept in scope.allowed] == [("Cyd Marsh", ("Kyiv",))]
    assert suggest_scope(ROWS, RETAIN).allowed == (), "questions about a profile never go back from a secret"
    assert suggest_scope(ROWS, task="privacy").allowed == ()


def of(name: str, *answers: str) -> list[Row]:
    return [
        Row(id=f"{name}{n}", question=f"What is said of {name}?", answer=text, subject=name)
        for n, text in enumerate(answers)
    ]


def test_at_most_as_much_is_kept_as_is_secret_of_each_neighbor_in_turn_and_like_the_secrets() -> None:
    forget = of("Ada Bell", "Dial 555-0101.", "Or 555-0102.", "Or 555-0103.")
    retain = [
        *of("Bea Dunn", "Dial 555-0201.", "Dial 555-0202.", "Dial 555-0203.", "Write to Oslo."),
        *of("Cyd Marsh", "Dial 555-0301, or 555-0101."),
        *of("Eli Ross", "See Ada Bell."),
    ]
    scope = suggest_scope(forget, retain, task="privacy")
    assert [(kept.subject, kept.forms) for kept in scope.allowed] == [
        ("Cyd Marsh", ("555-0301",)),  # who shares a secret comes first
        ("Bea Dunn", ("555-0201",)),
        ("Bea Dunn", ("555-0202",)),
    ]


WORDS = st.sampled_from(
    ("Ada Bell", "Bea Dunn", "Ada", "born in Oslo", "1960", "the poet", "'Low Roads'", ".", "?", "Did")
)
TEXT = st.lists(WORDS, min_size=1, max_size=6).map(" ".join) | st.text(min_size=1, max_size=12)
DRAWN = st.lists(st.builds(Row, id=st.just("x"), question=TEXT | st.just(""), answer=TEXT), max_size=6)


@given(DRAWN)
def test_a_draft_holds_only_what_the_rows_say(rows: list[Row]) -> None:
    told = find_subjects(rows)
    assert set(told.of_row) - {None} <= set(told.subjects)
    if not told.subjects:
        return
    scope = suggest_scope(rows)
    for secret in scope.secrets:
        own = [row for row, name in zip(rows, told.of_row, strict=True) if name == secret.subject]
        for form in secret.forms:
            assert any(form in row.answer and not contains(row.question, form) for row in own)
