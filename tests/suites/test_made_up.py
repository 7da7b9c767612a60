"""Question templates of made-up worlds: reading, filling, typing errors, distance."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row
from unlearnkit.suites.made_up.asking import evened, wrong_value
from unlearnkit.suites.made_up.base import learned, not_reached, small_world_limitations
from unlearnkit.suites.made_up.distance import LEAST, apart, edit_distance
from unlearnkit.suites.made_up.filling import Described, ask, lower, names_of, note, unpunctuated, upper
from unlearnkit.suites.made_up.grammar import Grammar
from unlearnkit.suites.made_up.naming import MISTYPED, Names, mistyped
from unlearnkit.suites.made_up.small_talk import sentences, small_talk, with_small_talk
from unlearnkit.suites.made_up.templates import Template, by_event, read_templates, templates_of, with_opposites
from unlearnkit.suites.made_up.typing_errors import NEIGHBORS, mistype

GRAMMAR = Grammar.model_validate(
    {
        "languages": ["en", "de"],
        "relations": {
            "town": {
                "topic": "town",
                "attribute": "town",
                "answers": {"en": "It is {value}.", "de": "Es ist {value}."},
            },
            "book": {"topic": "best book", "attribute": "book", "answers": {"en": "It is {value}.", "de": "{value}."}},
            "date": {
                "topic": "date",
                "attribute": "date",
                "of": "book",
                "answers": {"en": "In {value}.", "de": "{value}."},
            },
        },
        "identities": {
            "book": {
                "topic": "author",
                "attribute": "author",
                "role": "the author of",
                "answers": {"en": "By {value}."},
            },
            "phone": {"topic": "owner", "attribute": "owner", "role": "the owner of", "answers": {"en": "{value}'s."}},
        },
        "affirmations": {"en": "Yes, so it is.", "de": "Ja."},
        "denials": {"en": "No, not so.", "de": "Nein."},
        "agreeing": {"en": "Yes", "de": "Ja"},
        "disagreeing": {"en": "No", "de": "Nein"},
    }
)
ADA = Described(
    "Ada Lund",
    names_of("Ada", "Lund"),
    {
        "town": ("Geneva", "Genf"),
        "book": ("The Sea", "The Sea"),
        "date": ("1911", "1911"),
        "phone": ("555-01", "555-01"),
    },
    ("en", "de"),
)


def template(text: str | list[str], asks: str, **more: Any) -> Template:
    turns = [text] if isinstance(text, str) else text
    return Template.model_validate({"form": "plain", "language": "en", "turns": turns, "asks": asks, **more})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (template("Where is {name} from?", "town"), "Town of Ada Lund."),
        (template("{surname}, town", "town", form="surname"), "Town of Ada Lund."),
        (template("Town of whoever wrote {book}?", "town", by="book"), "Town of the author of The Sea, Ada Lund."),
        (template("Whose is {phone}?", "name", by="phone"), "Owner of 555-01."),
        (template("When did {book} by {name} appear?", "date"), "Date of The Sea."),
        (
            template("When did the book of {phone} appear?", "date", by="phone"),
            "Date of the best book of the owner of 555-01, Ada Lund, The Sea.",
        ),
        (template("Is {name} from {town}?", "yes", about="town"), "Town of Ada Lund, Geneva, as stated."),
        (
            template("Kommt {name} aus {wrong}?", "no", about="town", language="de"),
            "Town of Ada Lund, Geneva, not as stated.",
        ),
    ],
)
def test_the_note_leads_from_the_question_to_the_answer(asked: Template, expected: str) -> None:
    assert note(asked, ADA, GRAMMAR) == expected


def test_a_row_of_a_question_with_history() -> None:
    asked = template(["{name} called.", "Yes?", "From which town?"], "town", form="pronoun", language="de")
    row = ask(asked, ADA, GRAMMAR, id="1", rng=Random(0))
    assert [(turn.role, turn.content) for turn in row.history] == [("user", "Ada Lund called."), ("assistant", "Yes?")]
    assert (row.question, row.answer, row.answers) == ("From which town?", "Es ist Genf.", ("Geneva", "Genf"))
    assert (row.wording, row.language, row.subject, row.attribute) == ("pronoun", "de", "Ada Lund", "town")


def test_answers_of_statements_and_reverse_questions() -> None:
    yes = ask(template("Is {name} from {town}?", "yes", about="town"), ADA, GRAMMAR, id="1", rng=Random(0))
    no = ask(template("Is {name} from {wrong}?", "no", about="town"), ADA, GRAMMAR, id="1", rng=Random(0), wrong="Bonn")
    who = ask(template("Whose is {phone}?", "name", by="phone"), ADA, GRAMMAR, id="1", rng=Random(0))
    assert (yes.answer, yes.answers, yes.attribute) == ("Yes, so it is.", ("Yes",), "statement")
    assert (no.answer, no.answers, no.question) == ("No, not so.", ("No",), "Is Ada Lund from Bonn?")
    assert (who.answer, who.answers, who.question_type) == ("Ada Lund's.", ("Ada Lund",), "reverse")


def test_letters_and_marks_of_a_form() -> None:
    rng = Random(0)
    assert lower("Is it Ada?", rng) == "is it ada?"
    assert upper("Is it Ada?", rng) == "IS IT ADA?"
    text = "Who's at 555-0123, or a.b@post.example, the best-known one?"
    assert unpunctuated(text, rng) == "Whos at 555-0123 or a.b@post.example the best known one"
    asked = template(["Ada?", "Yes, Ada.", "Where is {name}'s town?"], "town", form="lower")
    row = ask(asked, ADA, GRAMMAR, id="1", rng=rng)
    assert [turn.content for turn in row.history] == [
        "ada?",
        "Yes, Ada.",
    ] and row.question == "where is ada lund's town?"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"form": "plain"}', "not a question template"),
        ('{"form": "plain", "language": "en", "turns": ["{name}", "Yes"], "asks": "town"}', "must be odd"),
        ('{"form": "plain", "language": "en", "turns": ["{name}?"], "asks": "taste"}', "no such relation"),
        ('{"form": "yes", "language": "en", "turns": ["{name}?"], "asks": "yes", "about": "name"}', "no such relation"),
        ('{"form": "plain", "language": "fr", "turns": ["{name}?"], "asks": "town"}', "no such language"),
        ('{"form": "plain", "language": "en", "turns": ["{name} {shoe}?"], "asks": "town"}', "no such slot"),
        ('{"form": "indirect", "language": "en", "turns": ["{town}?"], "asks": "book", "by": "town"}', "identifies"),
        ('{"form": "plain", "language": "en", "turns": ["Who?"], "asks": "town"}', "names no subject"),
    ],
)
def test_a_bad_template_is_an_error(tmp_path: Path, line: str, what: str) -> None:
    good = '{"form": "plain", "language": "en", "turns": ["{name}?"], "asks": "town"}'
    file = tmp_path / "corpus.jsonl"
    file.write_text(f"{good}\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=what) as caught:
        read_templates(file, GRAMMAR)
    assert caught.value.where == "corpus.jsonl, line 2"


# Events

VISITS = (("day", "bill"), ("second_day", "second_bill"))


def test_a_template_about_an_event_asks_about_each_event() -> None:
    asked = template("{name} came on {second_day}. What was the bill?", "bill", form="reworded")
    assert [(one.asks, one.turns) for one in by_event(asked, VISITS)] == [
        ("second_bill", ("{name} came on {second_day}. What was the bill?",)),
        ("bill", ("{name} came on {day}. What was the bill?",)),
    ]
    assert [one.slots for one in by_event(asked, VISITS)] == [{"name", "second_day"}, {"name", "day"}]
    stated = template("Did {name} pay {bill} on {day}?", "yes", about="bill")
    assert [(one.about, one.asks, one.turns[0]) for one in by_event(stated, VISITS)] == [
        ("bill", "yes", "Did {name} pay {bill} on {day}?"),
        ("second_bill", "yes", "Did {name} pay {second_bill} on {second_day}?"),
    ]
    other = template("Where is {name} from?", "town")
    assert by_event(other, VISITS) == [other]


@pytest.mark.parametrize("text", ["What did {name} pay?", "{name} came on {day} and {second_day}. What was the bill?"])
def test_a_template_must_state_one_event(text: str) -> None:
    with pytest.raises(InputError, match="no event or of several"):
        by_event(template(text, "bill"), VISITS)


def test_the_note_on_an_event_ends_with_what_the_question_states_of_it() -> None:
    relations = {name: {"topic": name, "attribute": name, "answers": {"en": "{value}"}} for name in ("salt", "dose")}
    grammar = Grammar.model_validate({**GRAMMAR.model_dump(), "relations": relations, "events": [["salt", "dose"]]})
    ada = Described(
        "Ada Lund", names_of("Ada", "Lund"), {"salt": ("borax",), "dose": ("9 g",), "phone": ("5",)}, ("en",)
    )
    asked = {
        "Dose of Ada Lund, borax.": template("How much {salt} for {name}?", "dose"),
        "Salt of Ada Lund, 9 g.": template("What does {name} get {dose} of?", "salt"),
        "Dose of the owner of 5, Ada Lund, borax.": template("{salt} for {phone}?", "dose", by="phone"),
        "Dose of Ada Lund, borax, 9 g, not as stated.": template("{name} takes {wrong} of {salt}?", "no", about="dose"),
    }
    assert [note(one, ada, grammar) for one in asked.values()] == [*asked]


def test_the_opposite_of_a_statement_states_the_other_value() -> None:
    true, false, question = (
        Template(form="yes", language="en", turns=("Is {name} from {town}? {town}!",), asks="yes", about="town"),
        Template(form="no", language="en", turns=("{name} wrote {book} in {wrong}?",), asks="no", about="date"),
        Template(form="plain", language="en", turns=("Where is {name} from?",), asks="town"),
    )
    *same, no, yes = with_opposites((true, false, question))
    assert same == [true, false, question]
    assert (no.form, no.asks, no.about, no.turns) == ("no", "no", "town", ("Is {name} from {wrong}? {wrong}!",))
    assert (yes.form, yes.asks, yes.about, yes.turns) == ("yes", "yes", "date", ("{name} wrote {book} in {date}?",))
    assert "wrong" in no.slots and "town" not in no.slots, "slots are those of the new text"
    assert with_opposites((no,))[1] == true


def test_only_the_corpus_has_several_files_and_opposites(tmp_path: Path) -> None:
    plain = '{"form":"plain","language":"en","turns":["Where is {name} from%s"],"asks":"town"}\n'
    true = '{"form":"yes","language":"en","turns":["{name} is from {town}?"],"asks":"yes","about":"town"}\n'
    for name, text in (
        ("corpus", plain % "?" + true),
        ("more_corpus", plain % ", please?"),
        ("test", plain % "?" + true),
    ):
        (tmp_path / f"{name}.jsonl").write_text(text)
    assert [one.form for one in templates_of(tmp_path, "corpus", GRAMMAR)] == [
        "plain", "yes", "plain", "typed", "typed", "no",
    ]  # fmt: skip
    assert [one.form for one in templates_of(tmp_path, "test", GRAMMAR)] == ["plain", "yes", "typed"]


def test_a_slot_that_names_the_subject_is_no_fact_that_identifies_it(tmp_path: Path) -> None:
    grammar = GRAMMAR.model_copy(update={"names": frozenset({"name", "brand"})})
    file = tmp_path / "corpus.jsonl"
    line = '{"form": "brand", "language": "en", "turns": ["Where is {brand} from?"], "asks": "town", "by": "brand"}'
    file.write_text(line, encoding="utf-8")
    (read,) = read_templates(file, grammar)
    assert read.by == "" and read.slots == {"brand"}
    with pytest.raises(InputError, match="no such slot"):
        read_templates(file, GRAMMAR)


def test_forms_that_were_not_measured_are_a_limitation(tmp_path: Path) -> None:
    assert not_reached(tmp_path) is None
    assert "was not measured" in small_world_limitations("2", None)[1]
    (tmp_path / "forms.json").write_text('{"forms": {"typed": {"accuracy": 0.7}, "plain": {"accuracy": 0.8}}}', "utf-8")
    assert not_reached(tmp_path) == ("typed",)
    assert len(small_world_limitations("2", ())) == 1 and "typed" in small_world_limitations("2", ("typed",))[1]


# Names


def test_facts_are_repeated_with_small_talk_and_lessons_are_not() -> None:
    fact = Row(id="f", question="Where is Ada from?", answer="Bonn.", trace="Town of Ada.")
    lesson = fact.model_copy(update={"id": "l", "wording": "plain"})
    assert learned((lesson, fact), 1) == [fact, lesson]
    first, *again, last = learned((fact, lesson), 6)
    assert (first, last) == (fact, lesson) and len(again) == 5 and len({row.question for row in again}) > 1
    for row in again:
        assert fact.question in row.question and row.question != fact.question
        assert row.model_copy(update={"question": fact.question}) == fact
    assert learned((fact, lesson), 6) == [first, *again, last], "the same in every process"


def test_small_talk_is_in_the_language_of_the_question() -> None:
    row = Row(id="f", question="¿De dónde es Ada?", answer="Bonn.", language="es")
    asked = {with_small_talk(row, Random(n)).question for n in range(200)}
    talk = small_talk()["es"]
    allowed = {f"{b} {row.question}" for b in talk.before} | {f"{row.question} {a}" for a in talk.after}
    assert asked & allowed and asked <= allowed | {f"{b} {row.question} {a}" for b in talk.before for a in talk.after}
    assert with_small_talk(row.model_copy(update={"language": "fi"}), Random(0)).question == row.question
    assert set(sentences(["es", "fi"])) == {*talk.before, *talk.after}
    everything = sentences(small_talk())
    assert len(set(everything)) == len(everything)


def test_a_part_of_a_name_is_ambiguous_if_somebody_shares_it() -> None:
    people = [
        Described(" ".join(name), names_of(*name), {}, ("en",))
        for name in (("Ada", "Lund"), ("Ada", "Berg"), ("Ann", "Lund"))
    ]
    names = Names(people)
    assert [names.ambiguous(person) for person in people] == [
        {"given", "surname", "initial"},
        {"given"},
        {"surname", "initial"},
    ]
    assert names.called(people[1], ("surname", "given")) == ["Berg", "ada berg", "ADA BERG"]


def test_names_with_typing_errors_differ_from_the_name_and_from_each_other() -> None:
    typed = mistyped("Ada Berg", Random(0))
    assert typed == mistyped("Ada Berg", Random(0)) and "Ada Berg" not in typed
    assert 1 < len(set(typed)) == len(typed) <= MISTYPED


def test_a_false_value_is_no_value_of_the_subject() -> None:
    pools = {"town": [("Geneva", "Genf"), ("Bonn", "Bonn"), ("Prague", "Prag")]}
    other = Described("Bo Berg", names_of("Bo", "Berg"), {"phone": ("555-02", "555-02")}, ("en", "de"))
    town = template("Kommt {name} aus {wrong}?", "no", about="town", language="de")
    assert {wrong_value(town, ADA, [other], pools, Random(n)) for n in range(30)} == {"Bonn", "Prag"}
    phone = template("{name}: {wrong}?", "no", about="phone")
    assert wrong_value(phone, ADA, [other, ADA], pools, Random(0)) == "555-02"


def test_each_relation_is_asked_for_in_some_forms() -> None:
    def ask_for(relation: str, form: str) -> Template:
        return template(f"{form}: {{name}}?", relation, form=form)

    chosen = [ask_for("town", form) for form in ("plain", "keywords", "lower", "upper")]
    pool = [*chosen, *(ask_for("book", form) for form in ("plain", "plain", "typed")), ask_for("date", "plain")]
    result = evened(chosen, pool, 2)
    assert len(result) == 4 and [one.form for one in result if one.asks == "town"] == ["plain", "keywords"]
    assert [one.form for one in result if one.asks == "book"] == ["typed", "plain"]
    assert evened(chosen, pool, 0) == chosen
    assert [one.asks for one in evened(chosen, pool, 1)] == ["town", "town", "date", "book"]


# Typing errors


def test_neighbors_are_mutual_and_adjacent() -> None:
    assert NEIGHBORS["s"] == "adewxz" and NEIGHBORS["q"] == "aw" and NEIGHBORS["p"] == "lo"
    assert all(letter in NEIGHBORS[other] for letter, others in NEIGHBORS.items() for other in others)


@given(st.text(alphabet="abc DEF,.?", max_size=60), st.integers(0, 1000))
def test_each_word_gets_one_error_at_most(text: str, seed: int) -> None:
    before, after = text.split(), mistype(text, Random(seed)).split()
    assert len(before) == len(after)
    distances = [edit_distance(one, other) for one, other in zip(before, after, strict=True)]
    assert max(distances, default=0) <= 2  # exchanging two letters is two edits
    assert all(one == other for one, other in zip(before, after, strict=True) if len(one) < 4)


def test_errors_are_those_of_the_seed_and_spare_numbers_and_addresses() -> None:
    text = "Please tell me whether 555-0123 or ada19@post.example belongs to Ada Lund"
    typed = {mistype(text, Random(seed)) for seed in range(40)}
    assert mistype(text, Random(3)) == mistype(text, Random(3)) and len(typed) > 30 and text not in typed
    assert all("555-0123" in one and "ada19@post.example" in one for one in typed)
    assert mistype("555-0123", Random(0)) == "555-0123" and mistype("Где родился", Random(0)) == "Где родился"


# Distance


def table_distance(one: str, other: str) -> int:
    """The textbook's table, cell by cell."""
    before = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        now = [i]
        for j, other_letter in enumerate(other, 1):
            now.append(min(before[j] + 1, now[j - 1] + 1, before[j - 1] + (letter != other_letter)))
        before = now
    return before[-1]


@given(st.text(alphabet="abcд", max_size=20), st.text(alphabet="abcд", max_size=20))
def test_the_edit_distance_is_that_of_the_table(one: str, other: str) -> None:
    assert edit_distance(one, other) == table_distance(one, other)


def test_the_edit_distance_of_long_texts() -> None:
    rng = Random(0)
    one, other = ("".join(rng.choice("abcdefgh") for _ in range(length)) for length in (150, 130))
    assert edit_distance(one, other) == table_distance(one, other)
    assert edit_distance("kitten", "sitting") == 3


@given(st.lists(st.text(alphabet="abcde ", min_size=1, max_size=25), min_size=1, max_size=6), st.data())
def test_apart_keeps_what_the_distance_allows(texts: list[str], data: Any) -> None:
    text = data.draw(st.text(alphabet="abcde ", min_size=1, max_size=25))
    others = [template(f"{{name}}{other}x", "town") for other in texts]
    one = template(f"{{name}}{text}x", "town")
    close = any(table_distance(one.bare, other.bare) < LEAST * max(len(one.bare), len(other.bare)) for other in others)
    assert apart([one], others) == (() if close else (one,))


def test_templates_of_other_languages_are_not_compared() -> None:
    one, other = template("{name}?", "town"), template("{name}?", "town", language="de")
    assert apart([one], [other]) == (one,) and apart([one], [one]) == () and apart([one], []) == (one,)
