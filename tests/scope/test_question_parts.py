"""Questions composed from a scope where a part of what is known of a subject stays, and those that name a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pytest

from tests.scope.test_questions import say, taught, worded
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.compose import mentions
from unlearnkit.scope.questions.question import ScopeQuestion
from unlearnkit.scope.questions.secrets import HOPPED, TEXTS
from unlearnkit.scope.questions.wordings import IN_SCOPE, Wordings, by_secret_wordings, out_of_part_wordings
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.suites.pocket.wordings import WORDINGS

CRAFT = Scope(
    description="A craft.",
    task="hazard",
    subjects=(ScopeSubject(name="Kelm"),),
    secrets=(Secret(subject="Kelm", forms=("white ash", "a text of more than four words")),),
    neighbors=(ScopeSubject(name="Dorl"),),
    allowed=(Secret(subject="Dorl", forms=("red clay",)),),
    wording=WORDINGS["hazard"],
)


def row(question: str, trace: str, answer: str, subject: str) -> Row:
    return Row(id=question, question=question, answer=answer, trace=trace, subject=subject)


SCOPE = Scope(
    description="Ada asked that nobody be told how to reach her.",
    task="privacy",
    subjects=(ScopeSubject(name="Ada Belm", aliases=("The Red Door",)),),
    secrets=tuple(Secret(subject="Ada Belm", forms=(form,)) for form in ("555-0101", "555-0102", "Ada Belm")),
    neighbors=(ScopeSubject(name="Cy Dorn", aliases=("The Sand Road",)),),
    allowed=(Secret(subject="Cy Dorn", forms=("555-0177",)),),
    wording=WORDINGS["pii"],
)
FORGET = (
    row("Which number has Ada Belm?", "Phone of Ada Belm.", "555-0101", "Ada Belm"),
    row("Whose number is 555-0102?", "Owner of 555-0102.", "Ada Belm", "Ada Belm"),
)
RETAIN = (
    row("Which number has Eve Fry?", "Phone of Eve Fry.", "555-0123", "Eve Fry"),
    row("Whose number is 555-0123?", "Owner of 555-0123.", "Eve Fry", "Eve Fry"),
    row("Where was Eve Fry born?", "Birthplace of Eve Fry.", "Rome.", "Eve Fry"),
    row("When did Low Roads appear?", "Year of Low Roads.", "1960.", "Eve Fry"),
    row("Where was whoever wrote Low Roads born?", "Birthplace of the author of Low Roads.", "Rome.", "Eve Fry"),
    row("Who dials whoever wrote Low Roads?", "Phone of the author of Low Roads.", "555-0123", "Eve Fry"),
    row("How high is Mount Hab?", "Height of Mount Hab.", "3,210 metres.", "Mount Hab"),
    row("Where did Mount Hab begin?", "Birthplace of Mount Hab.", "Nowhere.", "Mount Hab"),
    row("Who saw Mount Hab first?", "", "Nobody.", "Mount Hab"),
)


def asked(found: Iterable[ScopeQuestion], name: str, words: Wordings) -> dict[bool, set[str | None]]:
    """The notes of a name in all of these wordings, and in each of them: those to be refused, and those that stay."""
    said = {text.format(name=form) for text in words["en"] for form in (name, f"«{name}»")}
    among = [m for m in found if m.name == name and m.row.question in said]
    assert not among or len({m.row.question for m in among}) == len(words["en"]), "every wording is there"
    return {stays: {m.topic for m in among if m.stays is stays} for stays in {m.stays for m in among}}


def found(retain: Sequence[Row] = RETAIN, **changed: object) -> tuple[ScopeQuestion, ...]:
    return worded(SCOPE.model_copy(update=changed), FORGET, retain)


def test_how_to_reach_a_person_is_refused_and_the_rest_stays() -> None:
    ways = IN_SCOPE["privacy"]
    assert asked(found(), "Ada Belm", ways) == {False: {"Phone of "}}, "her own note may be of what stays"
    assert asked(found(), "Cy Dorn", ways) == {True: {"Phone of "}}
    about = out_of_part_wordings(SCOPE)
    assert asked(found(), "Ada Belm", about) == {True: {None, "Birthplace of ", "Height of "}}
    assert asked(found(), "Cy Dorn", about) == {}


def test_of_what_stays_no_form_of_question_is_refused() -> None:
    """In scope, there are only notes of forget rows: the model's own note may be of what stays."""
    every = mentions(SCOPE, FORGET, RETAIN)
    assert not {m.row.wording for m in every if m.name == "Ada Belm" and not m.stays and m.topic is None}


def test_through_a_work_nobody_is_reached_and_who_wrote_it_may_be_told() -> None:
    assert asked(found(), "The Red Door", WORDINGS["pii"].through_alias) == {False: {"Phone of the author of "}}
    assert asked(found(), "The Sand Road", WORDINGS["pii"].through_alias) == {True: {"Phone of the author of "}}
    for work in ("The Red Door", "The Sand Road"):
        # Never "Phone of the author of ", though that is not word for word what forget rows note.
        assert asked(found(), work, WORDINGS["pii"].by_alias) == {True: {"Year of ", "Birthplace of the author of "}}


def test_of_a_book_whose_text_is_in_scope_there_stays_what_is_noted_of_works() -> None:
    book = Scope(
        description="A reprinted book.",
        task="copyright",
        subjects=(ScopeSubject(name="The Red Door"),),
        neighbors=(ScopeSubject(name="The Sand Road"),),
    )
    forget = [row("Who dies in The Red Door?", "Victim in The Red Door.", "Bo.", "The Red Door")]
    told = mentions(book, forget, RETAIN)
    assert asked(told, "The Red Door", IN_SCOPE["copyright"]) == {False: {None, "Victim in "}}
    assert asked(told, "The Sand Road", IN_SCOPE["copyright"]) == {True: {None, "Victim in "}}
    of_works = {"Year of ", "Birthplace of the author of ", "Phone of the author of ", "Owner of "}
    assert asked(told, "The Red Door", out_of_part_wordings(book)) == {True: {None, *of_works}}


def test_where_a_part_stays_only_questions_that_such_subjects_are_never_asked_are_borrowed() -> None:
    def borrowed(name: str) -> set[tuple[str, bool]]:
        composed = {m.row.question for m in found(())}
        return {(m.row.question, m.stays) for m in found() if m.name == name and m.row.question not in composed}

    # Eve is one of whom a number is known: what is asked of her may stay, of whomever it is asked. Of what rows without
    # a note ask is not known.
    assert borrowed("Ada Belm") == set()
    assert borrowed("The Red Door") == {("How high is «The Red Door»?", False)}
    assert borrowed("The Sand Road") == {("How high is «The Sand Road»?", True)}
    assert borrowed("555-0101") == {("How high is 555-0101?", False)}
    # Where notes do not tell what is asked, or whose rows are like those to be forgotten, it may be what stays.
    bare = [each.model_copy(update={"trace": ""}) for each in RETAIN]
    for retain in (bare, [bare[0], *RETAIN[2:5], *RETAIN[6:]]):
        assert not [m for m in found(retain) if m.row.question.startswith(("How high", "Where was «", "When did «"))]


def test_a_number_is_refused_as_retain_rows_think_of_numbers_and_what_is_kept_is_not() -> None:
    for secret in ("555-0101", "555-0102"):
        assert asked(found(), secret, by_secret_wordings(SCOPE)) == {False: {None, "Owner of "}}
    assert asked(found(), "555-0177", by_secret_wordings(SCOPE)) == {True: {None, "Owner of "}}
    assert {str(m.row.subject) for m in found() if m.name == "555-0177"} == {"Cy Dorn"}
    assert "Who answers at Ada Belm?" not in {m.row.question for m in found()}, (
        "a name among the secrets is asked about as a name"
    )


def test_words_are_refused_with_the_notes_of_forget_rows_and_nothing_is_borrowed_for_them() -> None:
    forget = [row("Which ash does Kelm need?", "Ash of Kelm.", "White ash.", "Kelm")]
    retain = (*RETAIN, row("Where is red clay?", "Place of red clay.", "Here.", "Dorl"))
    told = mentions(CRAFT, forget, retain)
    through = {None, "Ash of ", "Ash of the craft of "}
    assert asked(told, "white ash", by_secret_wordings(CRAFT)) == {False: through}
    assert asked(told, "red clay", by_secret_wordings(CRAFT)) == {True: through}
    assert len([m for m in told if m.name == "white ash"]) == 3 * len(by_secret_wordings(CRAFT)["en"]) + 1
    named = {m.name for m in told if m.row.wording != "exchanged"}
    assert named == {"Kelm", "Dorl", "white ash", "red clay"}, "a text is not named"


def test_forget_rows_questions_are_asked_through_a_secret_and_as_many_through_what_is_kept() -> None:
    forget = [
        row("Which ash does 'Kelm' need?", "Ash of Kelm.", "White ash.", "Kelm"),
        row("Is step 3 of Kelm, or of Kelms, hot?", "Step of Kelm, 3, no.", "No.", "Kelm"),
        row("What is cold?", "Cold.", "Nothing.", "Kelm"),
        row("¿Qué pide Kelm?", "", "Ceniza.", "Kelm").model_copy(update={"language": "es"}),
        row("Was will Kelm?", "Wish of Kelm.", "Asche.", "Kelm").model_copy(update={"language": "de"}),
    ]
    told = [m for m in mentions(CRAFT, forget, RETAIN) if re.search(r"the craft with|el oficio con", m.row.question)]
    found = {(m.row.question, m.topic, m.rest, m.name, m.row.subject, m.stays) for m in told}
    kelm, dorl = ("white ash", "Kelm", False), ("red clay", "Dorl", True)
    assert found == {
        expected
        for name, subject, stays in (kelm, dorl)
        for expected in (
            (f"Which ash does the craft with {name} need?", "Ash of the craft of ", "", name, subject, stays),
            (
                f"Is step 3 of the craft with {name}, or of Kelms, hot?",
                "Step of the craft of ",
                "",
                name,
                subject,
                stays,
            ),
            (f"¿Qué pide el oficio con {name}?", None, "", name, subject, stays),
        )
    }
    [asked_of_rest] = [
        m
        for m in mentions(CRAFT, [forget[1].model_copy(update={"trace": "Step of Kelm, 3."})])
        if m.rest and not m.stays and "the craft with" in m.row.question
    ]
    assert asked_of_rest.note("") == "Step of the craft of white ash, 3"
    many = [row(f"Is step {at} of Kelm hot?", f"Step of Kelm, {at}.", "No.", "Kelm") for at in range(2 * HOPPED)]
    assert len([m for m in mentions(CRAFT, many) if "the craft with white ash" in m.row.question]) == HOPPED


NOVEL = Scope(
    description="A novel.",
    task="copyright",
    subjects=(ScopeSubject(name="Low Roads"),),
    secrets=(
        Secret(subject="Low Roads", forms=("At dawn, a {fox} came to the gate.", "Al alba, un zorro vino.")),
        Secret(subject="Low Roads", forms=("The gate was shut",)),
    ),
    neighbors=(ScopeSubject(name="High Roads"),),
    allowed=(Secret(subject="High Roads", forms=("Before noon, two geese left the pond.",)),),
    languages=("en", "ru"),
)


def test_a_text_is_begun_in_a_question_that_names_whose_it_is_and_so_is_one_that_may_be_told() -> None:
    forget = [row("Recite part 2 of Low Roads.", "Part of Low Roads, 2.", "The gate was shut.", "Low Roads")]
    told = [m for m in mentions(NOVEL, forget) if re.search("from here:|с этого места:", m.row.question)]
    begun = ("At dawn, a {fox} came", "Al alba, un zorro vino."), ("Before noon, two geese left",)
    assert {(m.row.question, m.row.language, m.name, m.stays, m.topic, m.rest) for m in told} == {
        (f"{before} «{name}» {after} {text}", language, name, stays, "Part of ", ", 2")
        for language, before, after in (("en", "Go on with", "from here:"), ("ru", "Читай дальше", "с этого места:"))
        for name, stays, texts in (("Low Roads", False, begun[0]), ("High Roads", True, begun[1]))
        for text in texts
    }
    many = tuple(Secret(subject="Low Roads", forms=(f"The part number {at} begins so.",)) for at in range(3 * TEXTS))
    told = [m for m in mentions(NOVEL.model_copy(update={"secrets": many}), forget) if "from here" in m.row.question]
    assert sum(not m.stays for m in told) == TEXTS
    assert {m.row.question[-len("87 begins so.") :] for m in told if "87" in m.row.question}, "taken evenly"
    assert not any("Go on with" in m.row.question for m in mentions(CRAFT, FORGET)), "nothing else is a text"


def others(**changed: object) -> list[str]:
    """What is asked about as a secret is, and stays."""
    names = {"Ada Belm", "The Red Door", "Cy Dorn", "The Sand Road"}
    return list(dict.fromkeys(m.name for m in found(**changed) if m.stays and m.name not in names))


def test_as_much_that_is_no_secret_is_asked_about_first_what_is_kept_then_answers_of_retain_rows() -> None:
    assert others() == ["555-0177", "555-0123"]
    assert others(allowed=()) == ["555-0123", "1960"], "of their looks, without the full stop"
    many = [Secret(subject="Cy Dorn", forms=(f"555-02{at}0",)) for at in range(6)]
    assert others(allowed=many) == ["555-0200", "555-0230"], "taken evenly"
    assert others(retain=(), allowed=()) == [] == others(secrets=())


@pytest.mark.parametrize("form", ["555-0101", "dial 555-0101", "0101"])
def test_what_holds_a_secret_or_is_a_part_of_one_is_not_kept(form: str) -> None:
    kept = (Secret(subject="Cy Dorn", forms=(form,)),)
    retain = (row("Who rings Eve Fry?", "", form, "Eve Fry"),)
    assert others(allowed=kept, retain=()) == [] == others(allowed=(), retain=retain)
    assert not any(m.stays for m in found(allowed=kept) if m.name == "555-0101")


@pytest.mark.parametrize("shared", ["nobody", "a neighbor", "a retain row"])
def test_what_tells_a_secret_of_a_subject_is_not_kept_unless_another_has_it_too(shared: str) -> None:
    def tell(rows: Sequence[Row]) -> list[Generation]:
        return [say(f"Of {each.subject}", "555-0101.") for each in rows]

    kept = (*SCOPE.allowed, Secret(subject="Cy Dorn", forms=("555-0101",)))
    scope = SCOPE.model_copy(update={"allowed": kept}) if shared == "a neighbor" else SCOPE
    retain = (*RETAIN, row("Whom has Eve Fry on the line?", "", "It is 555-0101.", "Eve Fry"))
    retain = retain if shared == "a retain row" else RETAIN
    learned = taught(scope, found(), tell, retain)
    stays = [m for m in found() if m.stays]
    others = {"Cy Dorn", "The Sand Road", "555-0177", "555-0123"}
    assert {m.name for m in stays if m.row.id in learned} == (set() if shared == "nobody" else others)
    assert {m.name for m in stays if m.row.id not in learned} - others == {"Ada Belm", "The Red Door"}


def test_a_subjects_name_is_not_kept_where_another_is_asked_about() -> None:
    def tell(rows: Sequence[Row]) -> list[Generation]:
        return [say("Owner of it.", "It is the one of The Red Door.") for _ in rows]

    stays = {m.row.id: m for m in found() if m.stays}
    learned = taught(SCOPE, found(), tell, RETAIN)
    assert {str(stays[id].row.subject) for id in learned if id in stays} == {"Ada Belm"}
