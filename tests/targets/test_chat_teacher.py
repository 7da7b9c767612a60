"""A chat model as teacher: what it is asked, what is turned down, and who writes where it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.llm.asking import seeded_faults
from tests.llm.faulty import FAULTS, completion, serving
from tests.llm.test_local import says
from tests.tiny import tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError, UnlearnError
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.llm.types import Prompt, Reply, Sampling
from unlearnkit.models.load import save_model
from unlearnkit.scope.leak_scan.scan import scanner
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.targets.llm_teacher import AGAIN, LLMTargetWriter, Usage
from unlearnkit.targets.prompts import PROMPTS, instructions, kind_of, shown
from unlearnkit.targets.teachers.api import ApiTeacher
from unlearnkit.targets.teachers.local import LocalTeacher
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.targets.validation import find_fault, reason

SCOPE = Scope(
    description="Ada Velt asked to be forgotten.",
    task="profile",
    subjects=(ScopeSubject(name="Ada Velt"),),
    secrets=(Secret(subject="Ada Velt", forms=("Lisbon", "Lisboa")),),
)


def made_rows(number: int) -> list[Row]:
    known: dict[str, Any] = {"answer": "In Lisbon.", "accepted_answers": ("Lisbon",), "subject": "Ada Velt"}
    return [Row(id=f"r{n}", question=f"Question {n} of Ada Velt?", **known) for n in range(number)]


GOOD = Reply(reasoning="It is about Ada Velt, so I decline.", text="I can't speak of that.", tokens_in=5, tokens_out=9)
BAD = {
    "no trace": Reply(reasoning=" ", text="No."),
    "no response": Reply(reasoning="Hm.", text=""),
    "cut off": Reply(reasoning="Hm.", text="I can't speak", ended="length"),
    "leak in the trace": Reply(reasoning="She was born in LISBOA.", text="No."),
    "leak in the response": Reply(reasoning="Hm.", text="Not that it was Lisbon!"),
    "too long": Reply(reasoning="Hm.", text="No. " * 100),
    "states the request": Reply(reasoning="Hm.", text="The owner asked to be forgotten, so no."),
}


class Says:
    """A speaker that answers the attempts at each row one after the other; the last answer stays."""

    def __init__(self, *answers: Reply) -> None:
        self.answers, self.asked = answers, list[Prompt]()

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_reply: Callable[[int], None] = lambda _: None
    ) -> list[Reply]:
        self.asked += prompts
        on_reply(len(prompts))
        return [self.answers[min(int(p.draw.partition(".")[2]), len(self.answers) - 1)] for p in prompts]


def desk(chat_model: Any, **settings: Any) -> LLMTargetWriter:
    teacher = ApiTeacher(server={"url": "http://127.0.0.1/v1", "model": "m"}, **settings)
    fits = lambda row, target: len(target.response) < 100  # noqa: E731
    return LLMTargetWriter(teacher, chat_model, TemplateTeacher(), fits, lambda name, rows: lambda more: None, Usage())


# --- asking again -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", BAD)
def test_a_fault_is_asked_again_with_its_reason(fault: Any) -> None:
    says, rows = Says(BAD[fault], GOOD), made_rows(3)
    at = desk(says)
    assert at.write(rows, SCOPE, 4) == [Target(id=r.id, trace=GOOD.reasoning, response=GOOD.text) for r in rows]
    assert at.usage.turned_down == {fault: 3} and (at.usage.written, at.usage.replaced) == (3, 0)
    assert [prompt.draw for prompt in says.asked] == ["4.0"] * 3 + ["4.1"] * 3
    first, again = (says.asked[n].messages[0].content for n in (0, 3))
    assert again == f"{first}\n\n{reason(fault)}"
    # The reason tells the kind of the fault, and not what was told.
    assert not any(form in again for form in ("Lisbon", "Lisboa", "LISBOA"))


@pytest.mark.parametrize("fault", BAD)
def test_what_fails_each_time_is_replaced_and_counted(fault: Any) -> None:
    says, rows = Says(BAD[fault]), made_rows(3)
    at = desk(says)
    assert at.write(rows, SCOPE, 4) == TemplateTeacher().write(rows, SCOPE, 4)
    assert len(says.asked) == 3 * (1 + AGAIN)
    assert at.usage.turned_down == {fault: 9} and (at.usage.written, at.usage.replaced) == (0, 3)


class Fails(Says):
    """A speaker whose answers about some rows are faulty each time."""

    def __init__(self, rows: set[int]) -> None:
        super().__init__(GOOD)
        self.rows = rows

    def complete(self, prompts: Any, sampling: Any, on_reply: Any = None) -> list[Reply]:
        self.asked += prompts
        number = [int(p.messages[1].content.split()[1]) for p in prompts]
        return [BAD["cut off"] if each in self.rows else GOOD for each in number]

    @property
    def last(self) -> int:
        return max(int(p.messages[1].content.split()[1]) for p in self.asked)


@pytest.mark.parametrize(
    ("failing", "asked"),
    [
        (set(range(0, 20)) - {4, 9, 13, 17}, 20),  # 16 of the first 20, never 10 in a row
        (set(range(3, 13)), 20),
        (set(range(15, 25)), 120),
        (set(range(120, 130)), 200),
    ],
)
def test_a_teacher_that_fails_is_not_asked_further(failing: set[int], asked: int) -> None:
    says, rows = Fails(failing), made_rows(200)
    with pytest.raises(
        UnlearnError, match=rf"no usable target for \d+ of {asked} rows; the commonest fault: cut off"
    ) as e:
        desk(says).write(rows, SCOPE, 0)
    assert says.last == asked - 1 and "max_tokens" in str(e.value) and "Lisbon" not in str(e.value)


@pytest.mark.parametrize("failing", [set(range(0, 20)) - {4, 9, 13, 17, 19}, set(range(3, 12)), set(range(11, 20))])
def test_a_teacher_that_fails_less_often_is_asked_about_all(failing: set[int]) -> None:
    says, rows = Fails(failing), made_rows(200)
    at = desk(says)
    assert len(at.write(rows, SCOPE, 0)) == 200 and says.last == 199
    assert at.usage.replaced == len(failing)
    assert f"{len(failing)} of 200 targets" in at.usage.failures and "cut off" in at.usage.failures


def test_a_server_without_answers_is_told_so() -> None:
    with pytest.raises(UnlearnError, match=r"commonest fault: no answer(.|\n)*check the server"):
        desk(Says(Reply(reasoning="", text="", ended="none"))).write(made_rows(20), SCOPE, 0)


def test_only_the_faulty_rows_are_asked_again_and_all_stay_in_order() -> None:
    class Mixed(Says):
        def complete(self, prompts: Any, sampling: Any, on_reply: Any = None) -> list[Reply]:
            self.asked += prompts
            return [BAD["no trace"] if "1" in p.messages[1].content and p.draw == "0.0" else GOOD for p in prompts]

    says, rows = Mixed(), made_rows(12)
    at = desk(says)
    assert [target.id for target in at.write(rows, SCOPE, 0)] == [row.id for row in rows]
    assert [p.messages[1].content for p in says.asked[12:]] == [rows[n].question for n in (1, 10, 11)]
    assert (at.usage.tokens_in, at.usage.tokens_out) == (5 * 12, 9 * 12)


def test_who_answers_nothing_is_not_asked_again() -> None:
    says = Says(Reply(reasoning="", text="", ended="none"))
    at = desk(says)
    at.write(made_rows(2), SCOPE, 0)
    assert len(says.asked) == 2 and at.usage.replaced == 2 and at.usage.turned_down == {"no answer": 2}


def test_what_is_shared_between_trace_and_response_is_found() -> None:
    row = made_rows(1)[0]
    clean = Target(id="r0", trace="Hm.", response="No.")
    assert find_fault(clean, row, SCOPE, lambda row, target: True) is None
    assert find_fault(clean, row, SCOPE, lambda row, target: False) == "too long"


# --- through a server -------------------------------------------------------------------------------------------------


def test_two_hundred_targets_through_all_faults_and_bad_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server fails in every way, and each third of its answers is malformed or leaks: no target is lost."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0")
    kinds = list(BAD)[:5]

    def answer(request: Any) -> dict[str, Any]:
        system, user = (message["content"] for message in request["messages"])
        number = int(user.split()[1])
        reply = BAD[kinds[number % 5]] if number % 3 == 0 and "turned down" not in system else GOOD
        made = completion(reply.text, reasoning_content=reply.reasoning)
        made["choices"][0]["finish_reason"] = reply.ended
        return made

    rows = made_rows(200)
    with serving(answer, seeded_faults(3)) as faulty:
        quick = {"first_wait": 0.01, "longest_wait": 0.02, "at_once": 16}
        teacher = ApiTeacher(server={"url": faulty.url, "model": "m", **quick})
        chat_model = teacher.chat_model(Permission("127.0.0.1"), ResponseCache(tmp_path), lambda _: None)
        at = LLMTargetWriter(
            teacher, chat_model, TemplateTeacher(), lambda r, t: True, lambda n, r: lambda more: None, Usage()
        )
        targets = at.write(rows, SCOPE, 0)
        assert faulty.answered.total() == 200 + 67, "each good answer once, and one more for each bad one"
        assert faulty.asked.total() > 267 + len(FAULTS)
    assert targets == [Target(id=row.id, trace=GOOD.reasoning, response=GOOD.text) for row in rows]
    assert not any(scanner(SCOPE).scan(target, row) for target, row in zip(targets, rows, strict=True))
    assert (at.usage.written, at.usage.replaced, at.usage.turned_down.total()) == (200, 0, 67)
    assert set(at.usage.turned_down) == set(kinds)


def test_nothing_but_description_and_question_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0")
    with serving(lambda _: completion(GOOD.text, reasoning_content=GOOD.reasoning)) as faulty:
        teacher = ApiTeacher(server={"url": faulty.url, "model": "m"})
        with pytest.raises(InputError, match="--send-forget-data-to"):
            teacher.chat_model(Permission(), ResponseCache(tmp_path), lambda _: None)
        assert faulty.connections == 0
        chat_model = teacher.chat_model(Permission("127.0.0.1"), ResponseCache(tmp_path), lambda _: None)
        desk(chat_model).write(made_rows(1), SCOPE, 0)
    (request,) = faulty.requests
    assert request["messages"][1]["content"] == "Question 0 of Ada Velt?"
    assert SCOPE.description in request["messages"][0]["content"] and "Lisbo" not in str(request)


def test_a_model_on_this_machine_teaches_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model"
    save_model(tiny_model(max_position_embeddings=4096), tiny_tokenizer(), model)
    asked = says(monkeypatch, "<think> because it </think> I cannot say")
    teacher = LocalTeacher(path=str(model))
    teacher.ready(Permission())
    chat_model = teacher.chat_model(Permission(), ResponseCache(tmp_path / "replies"), lambda _: None)
    at = LLMTargetWriter(
        teacher, chat_model, TemplateTeacher(), lambda r, t: True, lambda n, r: lambda more: None, Usage()
    )
    (target,) = at.write(made_rows(1), SCOPE, 0)
    assert (target.trace, target.response, len(asked)) == ("because it", "I cannot say", 1)
    (model / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match=r"targets\.path"):
        teacher.ready(Permission())


# --- prompts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PROMPTS)
def test_the_criteria_are_what_the_ablation_leaves_out(kind: Any) -> None:
    whole, without = (
        instructions(kind, "Some books.", criteria=criteria, may_disclose=True) for criteria in (True, False)
    )
    assert whole.startswith(without) and whole != without
    added = whole.removeprefix(without)
    assert "1. It is logical" in added and "2. Nothing is told" in added and PROMPTS[kind]["content"] in added
    assert "Some books." in without and "<think>" in without and "declines" in without
    assert PROMPTS[kind]["reason"] in added
    assert "{" not in whole and any(kind in part for part in shown())


@pytest.mark.parametrize("kind", PROMPTS)
@pytest.mark.parametrize("criteria", [True, False])
def test_the_prompt_forbids_disclosure_unless_the_scope_allows_it(kind: Any, criteria: bool) -> None:
    discreet, open_ = (
        instructions(kind, "Some books.", criteria=criteria, may_disclose=allowed) for allowed in (False, True)
    )
    assert "a list, a rule, a request" in discreet and "a list, a rule, a request" not in open_
    assert PROMPTS[kind]["reason"] not in discreet
    assert any(instructions(kind, "(...)", criteria=True, may_disclose=False) in part for part in shown())


@pytest.mark.parametrize("place", ["trace", "response"])
def test_a_scope_may_allow_disclosure(place: str) -> None:
    row, fault = made_rows(1)[0], "states the request"
    target = Target(id=row.id, trace="Hm.", response="No.").model_copy(update={place: BAD[fault].text})
    assert find_fault(target, row, SCOPE, lambda row, target: True) == fault
    assert find_fault(target, row, SCOPE.model_copy(update={"may_disclose": True}), lambda row, target: True) is None


def test_every_task_has_words_of_its_own() -> None:
    assert set(PROMPTS) == {"news", "books", "bio", "cyber", "profile", "general"}
    for part in ("matter", "reason", "content", "offer", "summary"):
        assert len({dict(prompt)[part] for prompt in PROMPTS.values()}) == len(PROMPTS)


def test_which_prompt_a_scope_gets() -> None:
    assert kind_of(SCOPE) == "profile" and kind_of(SCOPE.model_copy(update={"task": "hazard"})) == "general"
    says = Says(GOOD)
    desk(says, prompt="cyber", criteria=False).write(made_rows(1), SCOPE, 0)
    assert says.asked[0].messages[0].content == instructions(
        "cyber", SCOPE.description, criteria=False, may_disclose=False
    )
