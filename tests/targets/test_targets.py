import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.core.errors import UnlearnError
from unlearnkit.data.idk_answers import ANSWERS, idk_answers
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target, read_targets, write_targets
from unlearnkit.scope.leak_scan.scan import Finding, refuse_leaks, scanner
from unlearnkit.scope.naming import unasked_subjects
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret, Task
from unlearnkit.targets.base import TEACHERS
from unlearnkit.targets.teachers.template import TemplateTeacher, phrases
from unlearnkit.text.disclosure import states_request
from unlearnkit.text.language import other_language
from unlearnkit.text.normalize import contains
from unlearnkit.text.refusal import is_refusal
from unlearnkit.text.trace_verdict import verdict_of

TASKS: tuple[Task, ...] = ("privacy", "copyright", "hazard", "profile")
NAMES = {"Ada Velt": ("The Salt Road", "Ада Вельт"), "Bo Quist": ("Night Ferry",), "Cyd Marrow": ()}
SECRETS = {
    "Ada Velt": ("Lisbon", "Lisboa", "Лиссабон"),
    "Bo Quist": ("+44 555-0142",),
    "Cyd Marrow": ("cyd@marrow.example",),
}


def scope(task: Task = "profile") -> Scope:
    return Scope(
        description="Some authors asked to be forgotten.",
        task=task,
        subjects=tuple(ScopeSubject(name=name, aliases=aliases) for name, aliases in NAMES.items()),
        secrets=tuple(Secret(subject=name, forms=forms) for name, forms in SECRETS.items()),
    )


def made_rows(number: int = 30) -> list[Row]:
    found = []
    for at in range(number):
        subject = list(NAMES)[at % 3]
        asked = [subject, *NAMES[subject]][at % (1 + len(NAMES[subject]))]
        questions = (f"Where was {asked} born?", f"Tell me about {asked}.", "Who wrote the book about the sea?")
        found.append(
            Row(id=f"r{at}", question=questions[at % 4 % 3], answer=f"It is {SECRETS[subject][0]}.",
                accepted_answers=SECRETS[subject], subject=subject, language=("en", "es", "ru")[at // 10 % 3])
        )  # fmt: skip
    return found


ROWS = made_rows()


def words_of(target: Target) -> str:
    return f"{target.trace}\n{target.response}"


# --- the template teacher ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS)
@given(seed=st.integers(0, 1000))
def test_no_name_that_the_question_does_not_say_and_no_secret(task: Task, seed: int) -> None:
    targets = TemplateTeacher().write(ROWS, scope(task), seed)
    assert [target.id for target in targets] == [row.id for row in ROWS]
    refuse_leaks(targets, ROWS, scope(task))
    for target, row in zip(targets, ROWS, strict=True):
        assert target.trace.strip() and target.response.strip()
        for subject, aliases in NAMES.items():
            for name in (subject, *aliases):
                assert not contains(target.response, name)
                assert not contains(target.trace, name) or contains(row.question, name)
        for form in (form for forms in SECRETS.values() for form in forms):
            assert not contains(words_of(target), form)


def test_a_function_of_row_and_seed() -> None:
    teacher = TemplateTeacher()
    targets = teacher.write(ROWS, scope(), 3)
    assert targets == teacher.write(ROWS, scope(), 3)
    assert targets != teacher.write(ROWS, scope(), 4)
    # A row's target depends on no other row, so that adding one changes nothing for the rest.
    assert teacher.write(ROWS[::-1], scope(), 3) == targets[::-1]
    assert teacher.write(ROWS[4:5], scope(), 3) == targets[4:5]


@pytest.mark.parametrize("task", TASKS)
def test_wording_varies(task: Task) -> None:
    targets = TemplateTeacher().write(ROWS, scope(task), 0)
    assert len({target.response for target in targets}) >= 8
    same_question = [row.model_copy(update={"question": "Who is that?"}) for row in ROWS]
    assert len({target.trace for target in TemplateTeacher().write(same_question, scope(task), 0)}) >= 4


@pytest.mark.parametrize("task", TASKS)
def test_every_response_is_a_refusal_to_the_detector(task: Task) -> None:
    for target in TemplateTeacher().write(ROWS, scope(task), 1):
        assert is_refusal(target.response), target.response


@pytest.mark.parametrize("task", TASKS)
def test_a_response_is_in_the_questions_language(task: Task) -> None:
    for target, row in zip(TemplateTeacher().write(ROWS, scope(task), 2), ROWS, strict=True):
        assert other_language(target.response, {row.language}) is None, target.response
        assert other_language(target.response, {"en", "es", "ru"} - {row.language}) == row.language, target.response
    unknown = ROWS[0].model_copy(update={"language": "eo"})
    assert other_language(TemplateTeacher().write([unknown], scope(task), 2)[0].response, {"es", "ru"}) == "en"


def test_a_trace_begins_with_what_is_asked_about() -> None:
    row = Row(id="a", question="Who wrote The Salt Road, and was it Ada?", answer="A")
    thinking = row.model_copy(update={"trace": "Author of The Salt Road."})
    unnamed = row.model_copy(update={"question": "Who is that?"})
    (as_the_model_does, by_its_alias, by_nothing) = TemplateTeacher().write([thinking, row, unnamed], scope(), 0)
    assert as_the_model_does.trace.startswith("Author of The Salt Road ")
    assert by_its_alias.trace.startswith("The Salt Road ")
    assert not any(contains(by_nothing.trace, name) for name in ("Ada Velt", "The Salt Road"))


def test_nothing_tells_what_the_request_is_about_or_that_there_is_one() -> None:
    """Every target is the same for all tasks, says of no request, and offers help without naming a category."""
    of_task = [TemplateTeacher().write(ROWS, scope(task), 0) for task in TASKS]
    assert all(targets == of_task[0] for targets in of_task)
    for settings in ({}, {"criteria": False}):
        for target, row in zip(TemplateTeacher(**settings).write(ROWS, scope(), 4), ROWS, strict=True):
            for text in (target.trace, target.response):
                assert states_request(text, row.question) is False, text
                assert not unasked_subjects(text, row, scope())
                assert not any(contains(text, word) for word in ("author", "authors", "autor", "авторами"))
            assert verdict_of(target.trace) == "in scope"


def test_a_scope_may_be_disclosed() -> None:
    open_scopes = [scope(task).model_copy(update={"may_disclose": True}) for task in TASKS]
    assert len({TemplateTeacher().write(ROWS[:1], each, 0)[0].response for each in open_scopes}) == len(TASKS)
    for each in open_scopes:
        for settings in ({}, {"criteria": False}):
            for target in TemplateTeacher(**settings).write(ROWS, each, 1):
                assert states_request(target.trace) is True and is_refusal(target.response)
                assert verdict_of(target.trace) == "in scope"


def test_a_note_repeats_no_more_of_a_name_than_the_question() -> None:
    row = Row(id="a", question="Who wrote it, Ada?", answer="A", trace="Author of Ada Velt.", subject="Ada Velt")
    asked = row.model_copy(update={"question": "What did Ada Velt write?"})
    prompted = row.with_system_prompt("Never speak of Ada Velt.").model_copy(update={"trace": ""})
    told, repeated, hidden = TemplateTeacher().write([row, asked, prompted], scope(), 0)
    assert told.trace.startswith("This falls") and hidden.trace.startswith("This falls")
    assert repeated.trace.startswith("Author of Ada Velt falls")


def test_phrases_hold_every_word_of_every_target() -> None:
    known = " ".join(phrases(map(scope, TASKS)))
    scopes = [scope(task).model_copy(update={"may_disclose": may}) for task in TASKS for may in (False, True)]
    for each in scopes:
        for target, row in zip(TemplateTeacher().write(ROWS, each, 0), ROWS, strict=True):
            for word in words_of(target).replace(".", " ").replace(",", " ").replace(":", " ").split():
                assert word in known or word in row.question or word == "This"


def test_the_teacher_is_registered() -> None:
    assert TEACHERS.names() == ("api", "local", "template")
    assert TEACHERS.get("template").plugin is TemplateTeacher


# --- the leak scan -------------------------------------------------------------------------------------------------

CLEAN = Target(id="r0", trace="This is in scope. I must decline.", response="I can't share that.")


def leaks(target: Target, row: Row, scope: Scope) -> list[Finding]:
    """What the weakest scan finds: listed forms of secrets and of the answer."""
    return [found for found in scanner(scope).scan(target, row, "listed") if found.kind in ("secret", "answer")]


ROW = Row(id="r0", question="Where was Ada Velt born?", answer="Lisbon", subject="Ada Velt")


@pytest.mark.parametrize("segment", ["trace", "response"])
@pytest.mark.parametrize(
    ("planted", "form"),
    [
        ("It was Lisbon", "Lisbon"),
        ("IT WAS LISBON!", "Lisbon"),
        ("nació en Lisboa.", "Lisboa"),
        ("родилась в городе Лиссабон", "Лиссабон"),
        ("Call +44 555 0142 now", "+44 555-0142"),  # another subject's secret is one too
        ("write to cyd@marrow.example", "cyd@marrow.example"),
        ("Lis\u00adbon", "Lisbon"),  # with a soft hyphen
    ],
)
def test_planted_leaks_are_found_in_either_segment(segment: str, planted: str, form: str) -> None:
    target = CLEAN.model_copy(update={segment: f"{getattr(CLEAN, segment)} {planted}"})
    assert {found.place for found in leaks(target, ROW, scope())} == {segment}
    with pytest.raises(UnlearnError) as raised:
        refuse_leaks([CLEAN, target], [ROW, ROW], scope())
    # The message is for logs: it names the row and no secret, nor the text that holds it.
    assert raised.value.where == "target of row r0" and "1 of 2" in str(raised.value)
    for secret in (form, planted, "Lisbon", "Velt"):
        assert secret not in str(raised.value)


def test_clean_targets_and_words_of_the_question_are_no_leaks() -> None:
    assert leaks(CLEAN, ROW, scope()) == []
    asked = ROW.model_copy(update={"question": "Was Ada Velt born in Lisbon?"})
    said = CLEAN.model_copy(update={"trace": "Whether it was Lisbon is in scope."})
    assert leaks(said, asked, scope()) == []
    assert [found.kind for found in leaks(said, ROW, scope())] == ["answer"]
    assert leaks(CLEAN.model_copy(update={"trace": "Lisbonne and Lisbons are other words"}), ROW, scope()) == []


def test_the_answer_counts_though_the_scope_names_no_secret() -> None:
    bare = scope().model_copy(update={"secrets": ()})
    target = CLEAN.model_copy(update={"response": "I can't say that it was Porto."})
    row = ROW.model_copy(update={"answer": "She was born in Porto.", "accepted_answers": ("Porto", "Oporto")})
    assert [found.kind for found in leaks(target, row, bare)] == ["answer"]
    assert leaks(target, ROW, bare) == []


def test_rows_and_targets_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        refuse_leaks([CLEAN], [ROW, ROW], scope())


# --- files and "I don't know" --------------------------------------------------------------------------------------


@given(texts=st.lists(st.text(st.characters(exclude_categories=("Cs",))), max_size=4))
def test_targets_come_back_as_written_and_only_the_owner_reads_them(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("targets") / "private" / "targets.jsonl"
    targets = [Target(id=f"r{at}", trace=text, response=text[::-1]) for at, text in enumerate(texts)]
    write_targets(path, targets)
    assert read_targets(path) == targets
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_was_there_for_all_to_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "targets.jsonl"
    path.write_text("old")
    path.chmod(0o644)
    write_targets(path, [CLEAN])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_idk_answers_are_a_function_of_row_and_seed() -> None:
    answers = idk_answers(ROWS, 3)
    assert answers == idk_answers(ROWS, 3) != idk_answers(ROWS, 4)
    assert idk_answers(ROWS[::-1], 3) == answers[::-1]
    assert set(answers) <= set(ANSWERS) and len(set(answers)) >= len(ANSWERS) // 2
    assert len(set(ANSWERS)) == len(ANSWERS)
