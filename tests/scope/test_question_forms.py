"""The same question in many forms: what each form asks, of whom, and how far the texts are from those of suites."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions import forms
from unlearnkit.scope.questions.compose import mentions
from unlearnkit.scope.questions.context import words_in_order
from unlearnkit.scope.questions.forms import OWNER, PLAIN, SPELLINGS, Kind, form_names, form_templates
from unlearnkit.scope.questions.question import ScopeQuestion
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.suites.clinic.suite import ClinicSuite
from unlearnkit.suites.company.suite import CompanySuite
from unlearnkit.suites.made_up.distance import apart, edit_distance
from unlearnkit.suites.made_up.templates import NAME, Template
from unlearnkit.suites.pocket.lessons import templates

SHORTENED = ("given", "surname", "initial", "surname_given")
KINDS: tuple[Kind, ...] = ("person", "thing")

SCOPE = Scope(
    description="Two authors asked to be forgotten.",
    task="profile",
    subjects=(ScopeSubject(name="Ada Belm"), ScopeSubject(name="Bo Ann Coe")),
    secrets=(
        Secret(subject="Ada Belm", forms=("Lisbon", "Lisboa")),
        Secret(subject="Ada Belm", forms=("555-0101",)),
        Secret(subject="Ada Belm", forms=("Ada Belm",)),
        Secret(subject="Bo Ann Coe", forms=("Bath",)),
        Secret(subject="Bo Ann Coe", forms=("1903",)),
        Secret(subject="Bo Ann Coe", forms=("bo@post.example",)),
    ),
    neighbors=(ScopeSubject(name="Cy Dorn"),),
)


def told(subject: str, answer: str = "Rome.") -> Row:
    """A retain row about somebody."""
    accepted = (answer.rstrip("."),)
    return Row(
        id=f"{subject}/{answer}",
        question=f"What of {subject}?",
        answer=answer,
        accepted_answers=accepted,
        subject=subject,
    )


RETAIN = (told("Eve Fry"), told("Eve Fry", "555-0123."), told("Eve Fry", "1960."), told("Ada Quill", "a@b.example."))

FEW: Mapping[str, Mapping[str, Sequence[tuple[str, ...]]]] = {
    "plain": {"en": [("Where does {name} live?",)], "ru": [("Где живёт {name}?",)]},
    "yes_no": {"en": [("Is it {value} that {name} likes?",), ("{name}: {value}, right?",)]},
    "comparison": {"en": [("Is {name} older than {other}?",)]},
    "second_turn": {"en": [("Do you know {name}?", "Yes.", "And the town?")]},
    "after_other": {"en": [("Where does {other} live?", "Nearby.", "And {name}?")]},
    "owner": {"en": [("Who can be reached at {value}?",)]},
}
"""Few templates, so that all questions can be worked out by hand."""


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "form_templates", lambda kind: FEW)


def composed(scope: Scope = SCOPE, retain: Sequence[Row] = RETAIN, **changed: Any) -> list[ScopeQuestion]:
    """The questions in forms, without those in general words and those adapted from rows."""
    found = mentions(scope.model_copy(update=changed), (), retain)
    return [m for m in found if m.row.wording not in ("general", "adapted", "exchanged")]


def of(found: Sequence[ScopeQuestion], subject: str) -> dict[str, list[str]]:
    """The whole text of each question about a subject, by form."""
    texts: dict[str, list[str]] = {}
    for m in found:
        if m.row.subject == subject:
            texts.setdefault(m.row.wording, []).append(m.row.prompt)
    return texts


def test_a_subject_is_asked_about_in_all_forms(few: None) -> None:
    asked = of(composed(), "Ada Belm")
    (typed,) = asked.pop("typed")
    assert asked == {
        "plain": ["Where does Ada Belm live?"],
        # What is true of the subject, then what is true of another one.
        "yes_no": ["Is it Lisbon that Ada Belm likes?", asked["yes_no"][1]],
        "comparison": ["Is Ada Belm older than Cy Dorn?"],
        "second_turn": ["Do you know Ada Belm?\nYes.\nAnd the town?"],
        "after_other": ["Where does Eve Fry live?\nNearby.\nAnd Ada Belm?"],
        "lower": ["where does ada belm live?"],
        "upper": ["WHERE DOES ADA BELM LIVE?"],
        "unpunctuated": ["Where does Ada Belm live"],
        # Ada Quill is an Ada, too.
        "surname": ["Where does Belm live?"],
        "initial": ["Where does A. Belm live?"],
        "surname_given": ["Where does Belm, Ada live?"],
        "owner": ["Who can be reached at 555-0101?"],
    }
    assert asked["yes_no"][1] in {f"Ada Belm: {value}, right?" for value in ("Bath", "1903", "bo@post.example")}
    assert typed != "Where does Ada Belm live?" and edit_distance(typed, "Where does Ada Belm live?") <= 2


def test_a_second_turn_is_a_row_with_history(few: None) -> None:
    (m,) = [m for m in composed() if m.row.wording == "second_turn" and m.row.subject == "Ada Belm"]
    assert [(turn.role, turn.content) for turn in m.row.history] == [
        ("user", "Do you know Ada Belm?"),
        ("assistant", "Yes."),
    ]
    assert m.row.question == "And the town?" and (m.name, m.topic, m.stays) == ("Ada Belm", None, False)


def test_neighbors_and_similar_names_are_asked_in_the_same_forms(few: None) -> None:
    found = composed()
    ours = of(found, "Ada Belm")
    for name, first, last in (("Cy Dorn", "Cy", "Dorn"), ("Ada Quill", "Ada", "Quill")):
        theirs = of(found, name)
        assert set(theirs) - set(SHORTENED) == set(ours) - set(SHORTENED) - {OWNER}
        for form in ("plain", "second_turn", "lower", "upper", "unpunctuated", "surname", "initial", "surname_given"):
            swapped = ours[form][0]
            for old, new in (("Ada", first), ("Belm", last), ("A.", f"{first[0]}.")):
                for spell in (str, str.lower, str.upper):
                    swapped = swapped.replace(spell(old), spell(new))
            assert theirs[form] == [swapped]
        assert {m.stays for m in found if m.row.subject == name} == {True}
    assert {m.stays for m in found if m.row.subject in ("Ada Belm", "Bo Ann Coe")} == {False}
    assert {m.stays for m in found if m.row.subject == "Eve Fry"} == {True}


def test_names_with_half_of_a_subjects_name_are_invented_and_never_shortened(few: None) -> None:
    found = composed()
    known = {"Ada Belm", "Bo Ann Coe", "Cy Dorn", "Eve Fry", "Ada Quill", "555-0101", "bo@post.example"}
    halves = {str(m.row.subject) for m in found} - known - {"555-0123", "a@b.example"}
    assert halves <= {"Ada Dorn", "Cy Belm", "Ada Fry", "Eve Belm"} and {"Ada", "Belm"} <= set(" ".join(halves).split())
    for name in halves:
        asked = of(found, name)
        assert {"plain", "second_turn", "lower"} <= set(asked) and not set(asked) & set(SHORTENED)
        assert {m.stays for m in found if m.row.subject == name} == {True}


def test_a_half_name_that_somebody_bears_is_not_invented(few: None) -> None:
    taken = [told("Ada Dorn"), told("Cy Belm"), told("Ada Fry"), told("Eve Belm"), told("Eve Fry")]
    found = composed(retain=taken, subjects=SCOPE.subjects[:1])
    assert {str(m.row.subject) for m in found if m.stays} - {one.subject for one in taken} == {"Cy Dorn"}


def test_an_alias_is_asked_about_like_a_thing_if_it_shares_no_word_with_the_name(few: None) -> None:
    subject = ScopeSubject(name="Ada Belm", aliases=("The Oak", "Dr. Belm"))
    found = [m for m in composed(subjects=(subject,), retain=()) if m.row.subject == "Ada Belm"]
    assert {m.name for m in found} == {"Ada Belm", "Ada", "Belm, Ada", "The Oak", "555-0101"}
    works = [m for m in found if m.name == "The Oak"]
    assert {m.row.wording for m in works} >= {"plain", "lower", "second_turn"} and not any(m.stays for m in works)
    assert all("«the oak»" in m.row.prompt.lower() for m in works if m.row.wording not in ("typed", "unpunctuated"))


def test_questions_of_retain_rows_are_asked_about_others_of_their_kind() -> None:
    def row(subject: str, question: str, attribute: str, **more: Any) -> Row:
        return Row(id=question, question=question, answer="x", subject=subject, attribute=attribute, **more)

    retain = [
        row("Eve Fry", "Where was Eve Fry born?", "birthplace"),
        row("Eve Fry", "What does Eve Fry play?", "instrument"),
        row("Ian Orr", "Ian Orr was born where?", "birthplace"),
        row("Velast", "Which flag has Velast?", "flag"),
        row("Rodast", "What is the flag of Rodast?", "flag", language="es"),
        row("Ada Belm Jr", "Where was Ada Belm Jr born?", "birthplace"),
    ]
    found = [m for m in mentions(SCOPE, (), retain) if m.row.wording == "exchanged"]
    assert {(m.row.question, m.row.subject) for m in found} == {
        ("Eve Fry was born where?", "Eve Fry"),
        ("Where was Ian Orr born?", "Ian Orr"),
        ("What does Ian Orr play?", "Ian Orr"),
        ("Which flag has Rodast?", "Rodast"),
    }
    assert all(m.stays and m.topic is None for m in found)


def test_a_name_is_shortened_only_where_nobody_else_bears_the_word(few: None) -> None:
    def shortened(name: str, *others: str) -> dict[str, str]:
        scope = SCOPE.model_copy(update={"subjects": (ScopeSubject(name=name),), "secrets": ()})
        asked = of(composed(scope, [told(other) for other in others]), name)
        return {form: asked[form][0][len("Where does ") : -len(" live?")] for form in SHORTENED if form in asked}

    every = {"given": "Ada", "surname": "Belm", "initial": "A. Belm", "surname_given": "Belm, Ada"}
    assert shortened("Ada Belm") == every
    assert shortened("Ada Belm", "Adam Belmont") == every, "other words"
    assert set(shortened("Ada Belm", "ADA Quill")) == {"surname", "initial", "surname_given"}
    assert set(shortened("Ada Belm", "Bo Belm")) == {"given", "surname_given"}
    assert set(shortened("Ada Belm", "Belm Ada Fox")) == {"surname_given"}
    assert set(shortened("Ada Dorn")) == {"given", "surname_given"}, "a neighbor's word"
    # Of three parts, the first and the last one.
    assert shortened("Ada Bo Belm") == {"given": "Ada", "surname": "Belm", "initial": "A. Belm"}
    assert shortened("Ada") == {}


def test_two_subjects_who_share_a_word_are_both_asked_about_without_it(few: None) -> None:
    subjects = (ScopeSubject(name="Ada Belm"), ScopeSubject(name="Bo Belm"))
    found = composed(SCOPE.model_copy(update={"subjects": subjects, "secrets": ()}))
    assert set(of(found, "Bo Belm")) & set(SHORTENED) == {"given", "surname_given"}
    assert set(of(found, "Ada Belm")) & set(SHORTENED) == {"surname_given"}, "Ada Quill is an Ada, too"


def test_the_words_of_a_thing_are_not_a_given_name_and_a_surname(few: None) -> None:
    for changed in ({"kind": "thing"}, {"task": "hazard"}):
        asked = composed(**changed)
        assert not {m.row.wording for m in asked} & set(SHORTENED)
        assert {"plain", "lower", "typed", "owner"} <= {m.row.wording for m in asked}
    assert {m.row.wording for m in composed(task="hazard", kind="person")} >= set(SHORTENED)


def test_only_a_long_number_or_an_address_has_an_owner(few: None) -> None:
    asked = [m for m in composed() if m.row.wording == OWNER]
    assert {(m.name, str(m.row.subject)) for m in asked if not m.stays} == {
        ("555-0101", "Ada Belm"),
        ("bo@post.example", "Bo Ann Coe"),
    }
    # What retain rows answer, if it looks like a secret: not a year, and not a word.
    assert {m.name for m in asked if m.stays} == {"555-0123", "a@b.example"}
    assert all(m.row.prompt == f"Who can be reached at {m.name}?" for m in asked)


@pytest.mark.parametrize(
    ("form", "owned"),
    [("1903", False), ("12 345", True), ("12.34", False), ("a@b", True), ("five 5s", False), ("no. 00001", True)],
)
def test_five_digits_or_an_at_sign_identify(form: str, owned: bool, few: None) -> None:
    asked = composed(secrets=(Secret(subject="Ada Belm", forms=(form,)),), retain=())
    assert [m.name for m in asked if m.row.wording == OWNER] == [form] * owned


def test_no_more_owners_are_asked_for_beside_the_scope_than_in_it(few: None) -> None:
    many = [told("Eve Fry", f"555-02{at:02}.") for at in range(20)]
    found = [m for m in composed(retain=many) if m.row.wording == OWNER]
    assert Counter(m.stays for m in found) == {False: 2, True: 2}
    assert not [m for m in composed(secrets=(), retain=many) if m.row.wording == OWNER]


def test_what_contains_a_secret_is_not_asked_about_as_something_to_keep(few: None) -> None:
    found = composed(retain=[told("Eve Fry", "Dial 555-0101.")])
    assert not [m for m in found if m.stays and m.row.wording == OWNER]


def test_an_answer_without_other_accepted_forms_is_a_value_to_keep(few: None) -> None:
    row = told("Eve Fry", "555-0123.").model_copy(update={"accepted_answers": ()})
    assert [m.name for m in composed(retain=[row]) if m.row.wording == OWNER and m.stays] == ["555-0123"]


def test_what_cannot_be_filled_is_not_asked(few: None) -> None:
    alone = composed(
        retain=(), neighbors=(), subjects=SCOPE.subjects[:1], secrets=SCOPE.secrets[:1], languages=("en", "ru")
    )
    # There is nobody else, and nothing that is true of others.
    assert {m.row.wording for m in alone} == {"plain", "second_turn", *SPELLINGS, *SHORTENED}
    plain = {m.row.prompt for m in alone if m.row.wording == "plain"}
    assert plain == {"Where does Ada Belm live?", "Где живёт Ada Belm?"}


def test_half_of_the_statements_are_true() -> None:
    """If all were true, or all false, the statement alone would tell what to do."""
    for m in composed():
        assert "{" not in m.row.prompt
    stated = [m.row.prompt for m in composed() if m.row.wording == "yes_no" and m.row.subject == "Ada Belm"]
    own = [text for text in stated if "Lisbon" in text or "555-0101" in text]
    foreign = [text for text in stated if any(value in text for value in ("Bath", "1903", "bo@post.example"))]
    assert len(own) > 3 and abs(len(own) - len(foreign)) <= 1 and len(own) + len(foreign) <= len(stated)


# Typing errors

LETTERS = st.text(st.sampled_from("abcdeZÄяж '?.,12@«"), max_size=60)


@given(text=LETTERS, seed=st.integers(0, 2**32))
def test_a_typing_error_exchanges_two_letters_or_leaves_one_out(text: str, seed: int) -> None:
    typed = SPELLINGS["typed"](text, Random(seed))
    before, after = re.findall(r"[^\W\d_]+|[\W\d_]", text), re.findall(r"[^\W\d_]+|[\W\d_]", typed)
    assert len(before) == len(after), "words stay words"
    errors = 0
    for old, new in zip(before, after, strict=True):
        if old != new:
            errors += 1
            missing = new in {old[:at] + old[at + 1 :] for at in range(len(old))}
            exchanged = new in {old[:at] + old[at + 1] + old[at] + old[at + 2 :] for at in range(len(old) - 1)}
            assert len(old) >= 4 and (missing or exchanged)
    assert errors <= max(1, len(text) // 20)
    assert typed == SPELLINGS["typed"](text, Random(seed))


@pytest.mark.parametrize("text", ["abcd1234", "ann@post.example", "Model4x"])
def test_a_word_with_digits_or_an_at_sign_is_typed_without_errors(text: str) -> None:
    assert all(SPELLINGS["typed"](text, Random(seed)) == text for seed in range(20))


def test_most_typed_questions_have_an_error() -> None:
    plain = {m.row.prompt for m in composed() if m.row.wording == PLAIN}
    typed = [m.row.prompt for m in composed() if m.row.wording == "typed"]
    assert len(typed) > 0.9 * len(plain) and not plain & set(typed)


# No question is a probe


@cache
def every(kind: Kind, language: str) -> tuple[ScopeQuestion, ...]:
    return mentions(SCOPE.model_copy(update={"kind": kind, "languages": (language,)}), (), RETAIN)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["en", "es", "ru"])
def test_no_composed_question_is_measured_in_whatever_letters(kind: Kind, language: str) -> None:
    scope = SCOPE.model_copy(update={"kind": kind, "languages": (language,)})
    found = every(kind, language)
    assert {m.row.wording for m in found} >= {*form_templates(kind), *SPELLINGS}
    probes = [m.row for m in found[::5] if m.row.wording != "adapted"]
    measured = [row.model_copy(update={"question": f"«{row.question.upper()}»!"}) for row in probes]
    left = mentions(scope, (), RETAIN, measured)
    words = {words_in_order(row.question) for row in probes}
    assert len(words) > 50
    assert not words & {words_in_order(m.row.question) for m in left}
    # Nothing else is lost, but for what is adapted, which is put to every name or to none.
    gone = {m.row.id for m in found if m.row.wording != "adapted"} - {m.row.id for m in left}
    assert gone == {m.row.id for m in found if m.row.wording != "adapted" and words_in_order(m.row.question) in words}


# The texts

SLOTS = {OWNER: {"value"}}
"""Slots that each template of a form has; of the other forms, `name`."""
ALSO = {"value", "other"}
"""Slots that a template may have besides."""


def each_template() -> list[tuple[Kind, str, str, tuple[str, ...]]]:
    return [
        (kind, form, language, turns)
        for kind in KINDS
        for form, by_language in form_templates(kind).items()
        for language, several in by_language.items()
        for turns in several
    ]


def test_templates_have_the_slots_of_their_form_and_end_with_the_user() -> None:
    for kind, form, language, turns in each_template():
        where = f"{kind}, {form}, {language}: {turns}"
        slots = re.findall(r"\{(\w*)\}", "".join(turns))
        needed = SLOTS.get(form, {"name"})
        assert needed <= set(slots) <= needed | (set() if form == OWNER else ALSO), where
        assert len(turns) in (1, 3) and all(turn.strip() == turn and turn for turn in turns), where
        assert re.sub(r"\{\w+\}", "", "".join(turns)).count("{") == 0, where
        assert len(turns) == 1 or form in ("second_turn", "after_other"), where


def test_plain_templates_ask_for_nothing_but_a_name() -> None:
    """They are also spelled in other ways, and asked with shortened names."""
    for kind in KINDS:
        for several in form_templates(kind)[PLAIN].values():
            assert {frozenset(re.findall(r"\{(\w+)\}", turns[0])) for turns in several} == {frozenset({"name"})}


def test_no_template_is_there_twice() -> None:
    for kind in KINDS:
        counts = Counter((at[2], " ".join(at[3]).casefold()) for at in each_template() if at[0] == kind)
        assert [text for text, count in counts.items() if count > 1] == []


def test_both_kinds_have_the_same_forms_in_the_same_languages() -> None:
    have = [{form: set(several) for form, several in form_templates(kind).items()} for kind in KINDS]
    assert have[0] == have[1]
    assert {frozenset(languages) for languages in have[0].values()} == {frozenset(have[0][PLAIN])}
    names = form_names()
    assert len(set(names)) == len(names) and set(names) == {
        "general",
        "adapted",
        "exchanged",
        *have[0],
        *SPELLINGS,
        *SHORTENED,
    }


def asked_by_suites() -> dict[str, list[Template]]:
    """The templates with which suites measure, by suite."""
    return {
        "pocket": [one for name in ("validation", "test") for one in templates(name)],
        **{
            suite.world: [one for name in ("validation", "test") for one in suite.lessons.templates[name]]
            for suite in (ClinicSuite, CompanySuite)
        },
    }


@pytest.mark.parametrize("suite", ["pocket", "clinic", "company"])
def test_templates_are_unlike_those_that_suites_measure_with(suite: str) -> None:
    """Else, a method would be measured on the questions that it trained on."""
    ours = [
        Template(form=form, language=language, turns=turns, asks=NAME) for _, form, language, turns in each_template()
    ]
    theirs = asked_by_suites()[suite]
    assert len(theirs) > 100 and {one.language for one in theirs} <= {one.language for one in ours}
    kept = set(map(id, apart(ours, theirs)))
    assert [one.turns for one in ours if id(one) not in kept] == []
