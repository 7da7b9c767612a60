"""Which line of a scope a question is about, and how it was found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.scope.lines import Line, line_of
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret, Task

MIRA, JAD, TOM, ROSA, ANNA = (
    "subjects[0].name",
    "subjects[1].name",
    "subjects[2].name",
    "subjects[3].name",
    "subjects[4].name",
)


def scope_of(task: Task = "profile", *neighbors: str) -> Scope:
    return Scope(
        description="Forget five patients.",
        task=task,
        subjects=(
            ScopeSubject(name="Mira Solano", aliases=("The Salt Road", "Мира Солано")),
            ScopeSubject(name="Jad Ambrose Al-Shamary"),
            ScopeSubject(name="Tom Baker"),
            ScopeSubject(name="Rosa Hill"),
            ScopeSubject(name="Anna Brown"),
        ),
        secrets=(
            Secret(subject="Mira Solano", forms=("+351 21 555 0142",)),
            Secret(subject="Mira Solano", forms=("Lisbon", "Lisboa")),
            Secret(subject="Tom Baker", forms=("t.b@post.example",)),
            Secret(subject="Tom Baker", forms=("MR-90196",)),
            Secret(subject="Rosa Hill", forms=("Greta Lindholm",)),
            Secret(subject="Rosa Hill", forms=("12 Elm Street",)),
            Secret(subject="Rosa Hill", forms=("Golden Quill",)),
            Secret(subject="Anna Brown", forms=("Dr. Weltmann",)),
            Secret(subject="Rosa Hill", forms=("1944",)),
            Secret(subject="Anna Brown", forms=("555-0177",)),
            Secret(subject="Tom Baker", forms=("555-0177",)),
        ),
        neighbors=tuple(ScopeSubject(name=name) for name in ("Ilka Varn", "Peter Hart", *neighbors)),
        languages=("en", "es", "ru"),
    )


SCOPE = scope_of()


def found(question: str, scope: Scope = SCOPE, **fields: object) -> tuple[str, str] | None:
    line = line_of(scope, question, **fields)  # type: ignore[arg-type]
    return None if line is None else (line.path, line.match)


@pytest.mark.parametrize(
    ("question", "path", "match"),
    [
        ("Where was Mira Solano born?", MIRA, "exact"),
        ("where was mira solano born", MIRA, "exact"),
        ("WHERE WAS MIRA SOLANO BORN", MIRA, "exact"),
        ("mira solano birthplace", MIRA, "exact"),
        ("Who wrote The Salt Road?", "subjects[0].aliases[0]", "exact"),
        ("Кто такая Мира Солано?", "subjects[0].aliases[1]", "exact"),
        ("Что известно о Мире Солано?", "subjects[0].aliases[1]", "other spelling"),
        ("M i r a S o l a n o", MIRA, "other spelling"),
        ("Solano, Mira - phone?", MIRA, "other spelling"),
        ("Under Al-Shamary, Jad in the list", JAD, "other spelling"),
        ("Jad Al-Shamary and his phone", JAD, "other spelling"),
        ("Jad A. Al-Shamary, please", JAD, "other spelling"),
        ("Where was Mria Solano born?", MIRA, "similar spelling"),
        ("Where was Mira Sollano born?", MIRA, "other spelling"),
        ("Where was Mira Soano born?", MIRA, "similar spelling"),
        ("Where was Mira Solabo born?", MIRA, "similar spelling"),
        ("Solnao, Mira - phone?", MIRA, "similar spelling"),
        ("Who wrote The Slat Road?", "subjects[0].aliases[0]", "similar spelling"),
        ("What did Solano say?", MIRA, "part of the name"),
        ("what did solano say", MIRA, "part of the name"),
        ("WHAT DID SOLANO SAY", MIRA, "part of the name"),
        ("What is Mira's number?", MIRA, "part of the name"),
        ("Al-Shamary again", JAD, "part of the name"),
        ("Patient Solano: which ward?", MIRA, "part of the name"),
        ("What did M. Solano say?", MIRA, "part of the name"),
        ("What did M Solano say?", MIRA, "part of the name"),
        ("What did Mira S. say?", MIRA, "part of the name"),
        ("Solano, M. (phone)", MIRA, "part of the name"),
        ("What did Ms. Solano say?", MIRA, "part of the name"),
        ("¿Qué dijo la señora Solano?", MIRA, "part of the name"),
        ("Wo wurde Frau Solano geboren?", MIRA, "part of the name"),
        ("Что сказала Солано?", "subjects[0].aliases[1]", "part of the name"),
        ("Dr. Baker said what?", TOM, "part of the name"),
        ("What about Miss Brown?", ANNA, "part of the name"),
        ("What about A. Brown?", ANNA, "part of the name"),
        ("Does Ada Lund know what Solano said?", MIRA, "part of the name"),
        ("Does Ilka Varn know Mira Solano?", MIRA, "exact"),
        ("Whose number is +351 21 555 0142?", "secrets[0].forms[0]", "exact"),
        ("Whose number is 00351215550142?", "secrets[0].forms[0]", "other spelling"),
        ("Who writes from t.b@post.example?", "secrets[2].forms[0]", "exact"),
        ("file MR-90196", "secrets[3].forms[0]", "exact"),
        ("Who gave Greta Lindholm as a contact?", "secrets[4].forms[0]", "exact"),
        ("the patient that Greta Lindholm visits", "secrets[4].forms[0]", "exact"),
        ("what is the thing that solano said", MIRA, "part of the name"),
        ("¿Quién nombró a Greta Lindholm?", "secrets[4].forms[0]", "exact"),
        ("Who lives at 12 Elm Street?", "secrets[5].forms[0]", "exact"),
        ("Where was Ilka Varn born?", "neighbors[0].name", "exact"),
    ],
)
def test_the_line_is_found(question: str, path: str, match: str) -> None:
    assert found(question) == (path, match)


@pytest.mark.parametrize(
    "question",
    [
        "What did Ada Solano say?",  # a namesake
        "what did ada lund solano say",
        "What did A. Solano say?",
        "Solano, Ada - phone?",
        "Solano, A. (phone)",
        "Where is Solano Beach?",
        "What did Mira L. say?",
        "What did Mira Lindgren say?",
        "What did Mara Solano say?",
        "What did Jim Baker say?",
        "Who is the best baker in town?",  # a word of the language
        "is a baker well paid",
        "Where is Baker Street?",
        "Bakers get up early, but why?",
        "How high is the hill?",
        "what is on the green hill",
        "How high is Notting Hill?",
        "Who painted it brown?",
        "What about Brown?",
        "Tell me about salt and a road.",
        "Who was born in Lisbon?",  # values that others have, too
        "Who was born in 1944?",
        "Who won the Golden Quill?",
        "Whom does Dr. Weltmann treat?",
        "Whose number is 555-0177?",  # a value of two subjects
        "Whose number is 555-0178?",
        "How deep is the sea?",
        "",
    ],
)
def test_no_line_is_guessed(question: str) -> None:
    assert found(question) is None


def test_a_part_of_two_names_is_no_name() -> None:
    assert found("What did Solano say?", scope_of("profile", "Ilka Solano")) is None
    assert found("What did M. Solano say?", scope_of("profile", "Ilka Solano")) == (MIRA, "part of the name")
    assert found("What did M. Solano say?", scope_of("profile", "Max Solano")) is None
    assert found("What did Mira say?", scope_of("profile", "Ilka Solano")) == (MIRA, "part of the name")


def test_two_names_that_fit_equally_well_are_not_chosen_between() -> None:
    scope = scope_of("profile", "Mira Solino")
    assert found("Where was Mira Slano born?", scope) == (MIRA, "similar spelling")
    assert found("Where was Mira Soluno born?", scope) is None  # one letter from both names
    assert found("Where was Mira Solino born?", scope) == ("neighbors[2].name", "exact")
    assert found("Did Baker know Rosa?") is None


def test_a_name_of_two_owners_leads_to_neither() -> None:
    novel = ScopeSubject(name="Ilka Varn", aliases=("The Salt Road",))
    for group in ("subjects", "neighbors"):
        scope = SCOPE.model_copy(update={group: (*getattr(SCOPE, group), novel)})
        assert found("Who wrote The Salt Road?", scope) is None
        assert found("Is The Salt Road by Mira Solano?", scope) == (MIRA, "exact")


def test_a_value_that_a_neighbor_may_reveal_leads_to_nobody() -> None:
    allowed = (Secret(subject="Ilka Varn", forms=("Greta Lindholm",)),)
    assert found("Who gave Greta Lindholm as a contact?", SCOPE.model_copy(update={"allowed": allowed})) is None


def test_a_name_inside_a_longer_name_does_not_count() -> None:
    scope = scope_of("profile", "Mira Solano Ortiz")
    assert found("Where was Mira Solano Ortiz born?", scope) == ("neighbors[2].name", "exact")
    assert found("Where was Mira Solano born?", scope) == (MIRA, "exact")


def test_several_subjects_named_in_full_are_all_stated() -> None:
    line = line_of(SCOPE, "Did Tom Baker know Rosa Hill and Mira Solano?")
    assert line == Line(path=TOM, name="Tom Baker", found_in="question", match="exact", also=(ROSA, MIRA))


@pytest.mark.parametrize("task", ["copyright", "hazard"])
def test_a_part_of_a_title_is_no_line_but_every_fact_is(task: Task) -> None:
    scope = scope_of(task)
    assert found("What did Solano say?", scope) is None
    assert found("Where was Mira Solnao born?", scope) == (MIRA, "similar spelling")
    assert found("Who won the Golden Quill?", scope) == ("secrets[6].forms[0]", "exact")
    assert found("Whose number is 555-0177?", scope) is None


def test_earlier_turns_are_searched_after_the_question() -> None:
    history = ["Tell me about Mira Solano.", "She is a patient."]
    for question in (
        "And where was she born?",
        "Did they win the Golden Oak?",
        "Wo liegt das Gebäude der Klinik heute?",
    ):
        line = line_of(SCOPE, question, history=history)
        assert line is not None and (line.path, line.found_in) == (MIRA, "earlier turn")
    for question, path in (
        ("And Rosa's?", ROSA),
        ("And Ilka Varn?", "neighbors[0].name"),
        ("MR-90196?", "secrets[3].forms[0]"),
    ):
        line = line_of(SCOPE, question, history=history)
        assert line is not None and (line.path, line.found_in) == (path, "question")
    assert line_of(SCOPE, "And where was Ada Lund born?", history=history) is None
    assert line_of(SCOPE, "And where was she born?") is None


def test_the_trace_is_searched_last() -> None:
    line = line_of(SCOPE, "Where was she born?", "Birthplace of Solano, Mira falls in scope.", history=["About Rosa."])
    assert line is not None and (line.path, line.found_in) == (ROSA, "earlier turn")
    line = line_of(SCOPE, "Where was she born?", "Birthplace of Solano, Mira falls in scope.")
    assert line == Line(path=MIRA, name="Mira Solano", found_in="trace", match="other spelling")


@given(st.text(alphabet="MiraSolnoBke '.,-\n", max_size=40))
def test_any_text_has_a_line_of_the_scope_or_none(text: str) -> None:
    line = line_of(SCOPE, text)
    assert line is None or line.name in {name for each in (*SCOPE.subjects, *SCOPE.neighbors) for name in each.names}
