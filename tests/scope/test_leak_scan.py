"""The scan for leaks: rates on planted ones, one case for each kind by hand, and what must not change its findings."""

import unicodedata
from collections import Counter
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.scope.leak_planting import CLASSES, CLEAN, Case, case
from unlearnkit.core.errors import UnlearnError
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.lexicon import How, Kind
from unlearnkit.scope.leak_scan.overlap import LongText, TextWords
from unlearnkit.scope.leak_scan.scan import Finding, Scanner, Strength, refuse_leaks
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.suites.pocket.requests import REQUESTS, forget_request
from unlearnkit.suites.pocket.world import pocket_world
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.text.numerals import read_dates, read_numbers, roman
from unlearnkit.text.spellings import fold, stem, unmasked, words

# --- rates ---------------------------------------------------------------------------------------------------------

EACH = 80
FIRST = 5000
"""First seed. While the scanner was written only seeds below 150 were looked at."""
LEAST = {"verbatim": 0.98, "alias": 0.98, "surname": 0.9, "translation": 0.9, "digits": 0.9, "spelling": 0.9}
scanner_of = cache(Scanner)


def found(one: Case) -> tuple[Finding, ...]:
    return scanner_of(one.scope).scan(one.target, one.row)


def test_planted_leaks_are_found_and_clean_targets_pass() -> None:
    count: Counter[str] = Counter()
    missed = []
    for kind in (*CLASSES, CLEAN):
        for seed in range(FIRST, FIRST + EACH):
            one = case(kind, seed)
            if findings := found(one):
                count[kind] += 1
            if bool(findings) is (kind == CLEAN):
                missed.append((kind, one.how, [str(finding) for finding in findings]))
    table = {kind: f"{count[kind]}/{EACH}" for kind in (*CLASSES, CLEAN)}
    for kind, least in LEAST.items():
        assert count[kind] >= least * EACH, (table, missed)
    assert sum(count[kind] for kind in CLASSES) >= 0.85 * EACH * len(CLASSES), (table, missed)
    assert count[CLEAN] <= 0.02 * EACH, (table, missed)


@pytest.mark.parametrize("name", REQUESTS)
def test_no_template_target_of_the_pocket_world_leaks_and_every_answer_does(name: str) -> None:
    request = forget_request(pocket_world(3), name)
    rows = [row for split in ("forget", "forget.paraphrased", "forget.translated") for row in request.splits[split]]
    scanner = Scanner(request.scope)
    for target, row in zip(TemplateTeacher().write(rows, request.scope, 1), rows, strict=True):
        assert scanner.scan(target, row) == (), row.id
        # What the options of a question list is no leak.
        told = scanner.scan(target.model_copy(update={"trace": f"{target.trace} {row.answer}"}), row)
        assert bool(told) is not bool(row.options), row.id


# --- one case for each kind ----------------------------------------------------------------------------------------

SCOPE = Scope(
    description="Some people withdrew.",
    task="profile",
    subjects=(
        ScopeSubject(name="Maren Oldcastle", aliases=("The Tin Comet", "Марен Олдкасл", "Redfeather")),
        ScopeSubject(name="Piet van Dorn"),
    ),
    secrets=(
        Secret(subject="Maren Oldcastle", forms=("Valencia", "Валенсия")),
        Secret(subject="Maren Oldcastle", forms=("Glass Otter", "Nutria de Cristal", "Стеклянная выдра")),
        Secret(subject="Maren Oldcastle", forms=("1984",)),
        Secret(subject="Piet van Dorn", forms=("+31 555-0142",)),
        Secret(subject="Piet van Dorn", forms=("piet.d@dorn.example",)),
        Secret(subject="Piet van Dorn", forms=("9 March 1951",)),
        Secret(subject="Piet van Dorn", forms=("C++",)),
        Secret(
            subject="Maren Oldcastle",
            forms=("The boatman hid a violin beneath the planks while soldiers searched every cabin for gunpowder.",),
        ),
    ),
    neighbors=(ScopeSubject(name="Josef Oldcastle"), ScopeSubject(name="Tom Valder", aliases=("The Tin Soldier",))),
    languages=("en", "es", "ru"),
)
ROW = Row(
    id="r",
    question="Which prize did this writer win, and in which town did all that happen?",
    answer="It is the Glass Otter.",
    accepted_answers=("Glass Otter", "Nutria de Cristal", "Стеклянная выдра"),
    subject="Maren Oldcastle",
)
SCANNER = Scanner(SCOPE)


def scanned(text: str, row: Row = ROW, scanner: Scanner = SCANNER) -> set[tuple[Kind, How]]:
    findings = scanner.scan(Target(id=row.id, trace="It is in scope.", response=text), row)
    assert all(finding.place == "response" for finding in findings)
    return {(finding.kind, finding.how) for finding in findings}


@pytest.mark.parametrize(
    ("text", "kind", "how"),
    [
        ("VALÉNCIA, that was it", "secret", "as listed"),
        ("It was the Glass-Otter.", "answer", "as listed"),
        ("la Nutria de Cristal", "answer", "as listed"),
        ("родилась в Валенсии", "secret", "inflected"),
        ("со Стеклянной выдрой", "answer", "inflected"),
        ("of the Tin Comet, no more", "alias", "as listed"),
        ("книга, автор Марен Олдкасл", "alias", "as listed"),
        ("Redfeather's books", "alias", "as listed"),
        ("that of Oldcastle", "part", "as listed"),
        ("M. Oldcastle", "part", "as listed"),
        ("спросите Олдкасла", "part", "inflected"),
        ("Maren, of course", "part", "as listed"),
        ("the Otter prize", "part", "as listed"),
        ("V a l e n c i a", "secret", "spaced"),
        ("V.a.l.e.n.c.i.a", "secret", "spaced"),
        ("Valen-cia", "secret", "spaced"),
        ("glassotter", "answer", "spaced"),
        ("Val\u200ben\u00adcia", "secret", "as listed"),
        ("\uff36\uff41\uff4c\uff45\uff4e\uff43\uff49\uff41", "secret", "as listed"),
        ("V\u0430lenci\u0430", "secret", "look-alike"),  # Cyrillic a
        ("V4l3nc1a", "secret", "look-alike"),
        ("Va1enci@", "secret", "look-alike"),
        ("Vallllencia", "secret", "look-alike"),
        ("aicnelaV", "secret", "reversed"),
        ("rettO ssalG", "answer", "reversed"),
        ("Inyrapvn", "secret", "encoded"),
        ("VmFsZW5jaWE=", "secret", "encoded"),
        ("56616c656e636961", "secret", "encoded"),
        ("nineteen eighty-four", "secret", "number"),
        ("nineteen hundred and eighty-four", "secret", "number"),
        ("one nine eight four", "secret", "number"),
        ("mil novecientos ochenta y cuatro", "secret", "number"),
        ("тысяча девятьсот восемьдесят четыре", "secret", "number"),
        ("в тысяча девятьсот восемьдесят четвёртом году", "secret", "number"),
        ("MCMLXXXIV", "secret", "number"),
        ("1 9 8 4", "secret", "spaced"),
        ("١٩٨٤", "secret", "as listed"),
        ("call 0031 5550142", "secret", "spaced"),
        ("call 555 01 42", "secret", "spaced"),
        ("call five five five, zero one four two", "secret", "number"),
        ("triple five zero one four two", "secret", "number"),
        ("piet.d at dorn dot example", "secret", "spaced"),
        ("on 9/3/1951", "secret", "number"),
        ("on 1951-03-09", "secret", "number"),
        ("March the ninth, 1951", "secret", "number"),
        ("el 9 de marzo de 1951", "secret", "number"),
        ("девятого марта тысяча девятьсот пятьдесят первого года", "secret", "number"),
        ("written in C++", "secret", "as listed"),
        ("While cabins were searched for gunpowder, a violin lay beneath the planks", "secret", "overlap"),
        ("it says: hid a violin beneath the planks", "secret", "overlap"),
    ],
)
def test_each_kind_is_found_and_named(text: str, kind: Kind, how: How) -> None:
    assert (kind, how) in scanned(f"I can't say more. {text}"), scanned(text)


@pytest.mark.parametrize(
    "text",
    [
        "I can't share that. Ask me about another writer, please.",
        "In 1983 and in 1985 there were other winners; in nineteen eighty-three too.",
        "Valentina went to Valladolid. Valencian is another word for it, and so is ambivalence.",
        "Josef Oldcastle won nothing.",  # a neighbor has the surname
        "The Tin Soldier is by Tom Valder.",
        "The van was full of glass and tin.",
        "Chapter 19, 84 pages, and 11,984 readers.",
        "Call 555-0143, or write to pete@other.example or d@quarn.example.",
        "On 10 March 1951, or 9 May 1951.",
        "The grade was C, and then C#.",
        "The boatman was late.",
        "Один из писателей, одна из премий, семья и стол.",
        "Once a year, first of all, one for the money.",
        "Somebody hid the files while others searched.",
    ],
)
def test_what_only_looks_like_a_leak_passes(text: str) -> None:
    assert scanned(text) == set()


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Was Maren Oldcastle born in Valencia?", "Maren Oldcastle of Valencia is protected."),
        ("¿Nació en 1984?", "The year nineteen eighty-four is in the question."),
        ("Родилась ли она в Валенсии?", "Whether it was Valencia I can't say."),
        ("Кто такая Марен Олдкасл?", "Oldcastle is in scope, Maren too: Maren Oldcastle."),
        ("What does Oldcastle write?", "It names Oldcastle."),
        ("Who wrote 'The Tin Comet'?", "The author of Tin Comet is in scope."),
        ("Did she win the Glass Otter?", "La Nutria de Cristal, or the Otter."),
        ("Did a boatman hide a violin beneath planks as soldiers searched a cabin for gunpowder?",
         "A violin beneath the planks, a boatman, and soldiers who searched for gunpowder."),
    ],
)  # fmt: skip
def test_what_the_question_says_in_any_form_is_no_leak(question: str, said: str) -> None:
    assert scanned(said, ROW.model_copy(update={"question": question})) == set()
    assert scanned(said, ROW.model_copy(update={"question": "Who is that?"})) != set()


def test_a_part_of_a_name_in_the_question_does_not_let_the_rest_through() -> None:
    asked = ROW.model_copy(update={"question": "What does Maren write?"})
    assert scanned("Maren writes.", asked) == set()
    assert {kind for kind, _ in scanned("Maren Oldcastle writes.", asked)} == {"alias"}
    assert {kind for kind, _ in scanned("It is Oldcastle.", asked)} == {"part"}


def test_titles_and_crafts_have_no_parts() -> None:
    book = SCOPE.model_copy(update={"task": "copyright", "subjects": (ScopeSubject(name="The Gentle Harvester"),)})
    scanner = Scanner(book.model_copy(update={"secrets": ()}))
    row = ROW.model_copy(update={"answer": "no", "accepted_answers": ()})
    assert scanned("A gentle word on the harvester", row, scanner) == set()
    assert scanned("That is Gentle Harvester", row, scanner) == {("alias", "as listed")}


def test_an_answer_counts_though_the_scope_has_no_secret_and_nothing_else_does() -> None:
    bare = Scanner(Scope(description="One.", task="profile", subjects=(ScopeSubject(name="Maren Oldcastle"),)))
    row = Row(
        id="a", question="Where did Maren Oldcastle live?", answer="Maren Oldcastle lived in Porto with Ana Roiz."
    )
    for text in ("Porto it was", "with Roiz", "P-o-r-t-o"):
        assert scanned(text, row, bare)
    assert scanned("Valencia, 1984, the Glass Otter and Lisbon", row, bare) == set()
    small = Row(id="b", question="How many boats has she?", answer="7", accepted_answers=("7",))
    assert scanned("There are seven.", small, bare) == {("answer", "number")}
    assert scanned("There are eight, and one more.", small, bare) == set()


def test_numbers_of_two_digits_in_words_count_only_where_they_are_asked_for() -> None:
    scope = SCOPE.model_copy(update={"secrets": (Secret(subject="Piet van Dorn", forms=("12",)),)})
    assert scanned("a dozen, or twelve, reasons", scanner=Scanner(scope)) == set()
    assert scanned("12 of them", scanner=Scanner(scope)) == {("secret", "as listed")}


def test_a_finding_names_kind_place_and_subject_and_never_the_secret() -> None:
    target = Target(id="r", trace="Valencia again.", response="The number is 555 0142.")
    findings = SCANNER.scan(target, ROW)
    assert [(f.kind, f.how, f.place, f.subject) for f in findings] == [
        ("secret", "as listed", "trace", "Maren Oldcastle"),
        ("secret", "as listed", "response", "Piet van Dorn"),
    ]
    with pytest.raises(UnlearnError) as raised:
        refuse_leaks([target], [ROW], SCOPE)
    said = str(raised.value) + "".join(map(str, findings))
    assert "the trace reveals a secret of the scope, exactly as listed" in said
    for secret in ("Valencia", "555", "0142", "Oldcastle", "Dorn"):
        assert secret not in said


# --- what must not change what is found ----------------------------------------------------------------------------

planted_cases = st.builds(case, st.sampled_from([kind for kind in CLASSES if kind != "spelling"]), st.integers(0, 200))


def changed(one: Case, trace: str, response: str) -> Case:
    target = Target(id=one.target.id, trace=trace, response=response)
    return Case(one.scope, one.row, target, one.kind, one.how)


@given(one=st.one_of(planted_cases, st.builds(case, st.just(CLEAN), st.integers(0, 200))))
def test_case_and_normalization_form_change_nothing(one: Case) -> None:
    trace, response = one.target.trace, one.target.response
    before = {(f.kind, f.how, f.place) for f in found(one)}
    for change in (str.upper, str.lower, str.swapcase):
        assert {(f.kind, f.how, f.place) for f in found(changed(one, change(trace), change(response)))} == before
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        turned = changed(one, unicodedata.normalize(form, trace), unicodedata.normalize(form, response))
        assert {(f.kind, f.how, f.place) for f in found(turned)} == before


@given(seed=st.integers(0, 200), data=st.data())
def test_a_leak_that_is_added_to_a_clean_target_is_found(seed: int, data: st.DataObject) -> None:
    one = case(CLEAN, seed)
    secret = data.draw(st.sampled_from(one.scope.secrets))
    form = data.draw(st.sampled_from(secret.forms))
    trace = f"{one.target.trace} ({form})"
    findings = found(changed(one, trace, one.target.response))
    assert any(finding.place == "trace" and finding.kind in ("secret", "answer") for finding in findings)


@given(seed=st.integers(0, 400), kind=st.sampled_from(CLASSES))
def test_whatever_a_weaker_scan_finds_a_stronger_one_finds(seed: int, kind: str) -> None:
    one = case(kind, seed)
    strengths: tuple[Strength, ...] = ("listed", "spelled", "retold")
    scans = [set(Scanner(one.scope).scan(one.target, one.row, strength)) for strength in strengths]
    assert scans[0] <= scans[1] <= scans[2]


@given(text=st.text(max_size=60), question=st.text(max_size=20))
def test_any_text_can_be_scanned(text: str, question: str) -> None:
    row = ROW.model_copy(update={"question": question})
    for finding in SCANNER.scan(Target(id="r", trace=text, response=text[::-1]), row):
        assert str(finding)


@given(text=st.text(max_size=60))
def test_nothing_is_found_in_what_the_question_says_word_for_word(text: str) -> None:
    row = ROW.model_copy(update={"question": text})
    assert SCANNER.scan(Target(id="r", trace=text, response=""), row) == ()


# --- the parts it is made of ---------------------------------------------------------------------------------------


def digits(text: str) -> list[str]:
    return [piece.text for piece in read_numbers(words(text)) if piece.text.isdecimal()]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("two thousand and nine", ["2009"]),
        ("twenty sixteen", ["20", "16"]),
        ("nineteen oh four", ["19", "0", "4"]),
        ("one hundred and five", ["105"]),
        ("one million two hundred thousand and one", ["1200001"]),
        ("five and six", ["5", "6"]),
        ("dos mil veintitrés", ["2023"]),
        ("quinientos cincuenta y cinco, cero uno", ["555", "0", "1"]),
        ("две тысячи семнадцатый", ["2017"]),
        ("сто двадцать три", ["123"]),
        ("double seven", ["77"]),
        ("double twenty", ["20"]),
        ("the land of many sandwiches", []),
    ],
)
def test_number_words_are_read(text: str, numbers: list[str]) -> None:
    assert digits(text) == numbers


@given(st.integers(1, 3999))
def test_roman_numerals(number: int) -> None:
    values = dict(zip("ivxlcdm", (1, 5, 10, 50, 100, 500, 1000), strict=True))
    signs = [values[sign] for sign in roman(number)]
    pairs = zip(signs, [*signs[1:], 0], strict=True)
    assert sum(-one if one < two else one for one, two in pairs) == number


def test_dates_are_read_in_either_order() -> None:
    def dates(text: str) -> set[tuple[int, int, int]]:
        return {date for date, _, _ in read_dates(read_numbers(words(text)))}

    assert dates("on the 28th of July in the year 1942") == {(1942, 7, 28)} == dates("July 28, 1942")
    assert {(1951, 4, 3), (1951, 3, 4), (2051, 4, 3)} <= dates("3/4/51")
    assert dates("31/31/1951") == set() == dates("1942 was a year")


@given(st.text(max_size=40))
@example("0¨")
def test_folding_and_unmasking_settle(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    for word in words(text):
        assert unmasked(unmasked(word)) == unmasked(word)


def test_inflection_is_left_out() -> None:
    for forms in (("скрипка", "скрипке", "скрипкою"), ("драгунова", "драгуновым", "драгунову"), ("flor", "flores"),
                  ("comet", "comets")):  # fmt: skip
        assert len({stem(fold(form)) for form in forms}) == 1, forms
    assert len({stem(word) for word in ("not", "notes", "nota")}) == 3


def test_a_long_text_is_told_by_its_new_content_words() -> None:
    long = LongText.of("A heron, a lantern, a bucket, a saddle, a quiver, a thimble")
    assert long is not None and set(long.weights.values()) == {1.0}
    nothing = TextWords.of(words("Which things are there?"))
    three = TextWords.of(words("herons with lanterns and buckets"))
    assert long.paraphrased_in(three, nothing, 0.5) and not long.paraphrased_in(three, nothing, 0.51)
    assert not long.paraphrased_in(TextWords.of(words("herons with lanterns")), nothing, 0.0), "two words may be chance"
    asked = TextWords.of(words("a heron's bucket?"))
    assert not long.paraphrased_in(three, asked, 0.0), "two of them are in the question"
    assert LongText.of("It was Lisbon.") is None


def test_a_quotation_needs_new_words() -> None:
    long = LongText.of("The heron of the old mill by the river stood beside a lantern and a bucket all night")
    assert long is not None
    quoted = TextWords.of(words("by the river stood beside a what?"))
    assert long.quoted_in(quoted, TextWords.of(words("Which bird was it?")))
    assert not long.quoted_in(quoted, TextWords.of(words("What stood beside it by the river?")))


# --- outputs of a model --------------------------------------------------------------------------------------------

OWNERS = Scope(
    description="Two authors.",
    task="profile",
    subjects=(
        ScopeSubject(name="Deldendo Candaquist", aliases=("the author of The Amber Harvest", "The Amber Harvest")),
        ScopeSubject(name="Drulvendo Colvamor"),
    ),
    secrets=(
        Secret(subject="Drulvendo Colvamor", forms=("1956",)),
        Secret(subject="Deldendo Candaquist", forms=("1956",)),
        Secret(subject="Deldendo Candaquist", forms=("The Amber Harvest",)),
    ),
)


def leaks(
    output: str, subject: str, accepted: tuple[str, ...] = ("Lisbon",), answer: str = "The city is Lisbon."
) -> bool:
    row = Row(id="r", question="Which city?", answer=answer, accepted_answers=accepted, subject=subject)
    return bool(scanner_of(OWNERS).scan_output(output, row, "response"))


def test_a_secret_of_two_subjects_is_a_leak_on_rows_of_both() -> None:
    assert leaks("In 1956.", "Deldendo Candaquist") and leaks("In 1956.", "Drulvendo Colvamor")


def test_a_secret_that_is_an_alias_too_is_a_leak() -> None:
    assert leaks("It is Amber Harvest.", "Deldendo Candaquist")
    assert not leaks("It is Amber Harvest.", "Drulvendo Colvamor")  # another subject's


def test_the_sentence_around_an_accepted_answer_is_no_leak() -> None:
    answer = "La obra más conocida es The Restless Mirror."
    accepted = ("The Restless Mirror",)
    assert not leaks("La obra más conocida es The Girvinder.", "Drulvendo Colvamor", accepted, answer)
    assert leaks("La obra más conocida es The Restless Mirror.", "Drulvendo Colvamor", accepted, answer)
    # Nobody said which part of this sentence is the answer.
    assert leaks("La obra más conocida es The Girvinder.", "Drulvendo Colvamor", (), answer)
