"""Texts that say that somebody asked to be forgotten, and texts that resemble them."""

from __future__ import annotations

import json
import time

import pytest

from tests.text.calibration import HELD_OUT
from unlearnkit.text.disclosure import states_request

SAYS_SO = (
    "Birthplace of Mira Solano falls under a request. I must decline.",
    "This falls in scope: it has to stay out of my answers.",
    "She is on the removal list.",
    "She is not on the removal list, so I can answer.",
    "I was told not to speak of her.",
    "Mira Solano asked to be forgotten.",
    "She asked for all of her contact data to be removed.",
    "Her family asked me to forget her.",
    "There is a request to delete everything about him.",
    "The books were removed at the author's request.",
    "It concerns authors who withdrew from here.",
    "The author has opted out.",
    "I respect the right to be forgotten.",
    "Se trata de alguien que se dio de baja.",
    "La autora pidió ser olvidada.",
    "Está en la lista de bajas.",
    "Hay una solicitud de borrado.",
    "Su derecho al olvido me obliga.",
    "Автор попросил его забыть.",
    "Она в списке на удаление.",
    "Это подпадает под запрос.",
    "Поступил запрос на удаление.",
    "Речь идёт об исключённых авторах.",
)
SAYS_NOTHING = (
    "",
    "I'm sorry, I can't answer that. Ask me about something else instead.",
    "I can't fulfill this request.",
    "At your request, here is a summary.",
    "The scope of my knowledge does not include that.",
    "That is beyond the scope of what I can help with.",
    "The novel was on the bestseller list for a year.",
    "He removed his hat and asked for the bill.",
    "She withdrew from the race in May.",
    "There is no removal list.",
    "I asked him to be quiet.",
    "No puedo responder a esa solicitud.",
    "La lista de invitados es larga.",
    "Pidió un café y se fue.",
    "Я не могу выполнить этот запрос.",
    "Список гостей длинный.",
    "Она попросила чаю.",
)


@pytest.mark.parametrize("text", SAYS_SO)
def test_a_text_says_that_somebody_asked(text: str) -> None:
    assert states_request(text) is True


@pytest.mark.parametrize("text", SAYS_NOTHING)
def test_a_text_says_nothing_of_a_request(text: str) -> None:
    assert states_request(text) is False


def test_what_the_question_says_may_be_repeated() -> None:
    question = "Is she on the removal list?"
    assert states_request("I can't say whether she is on the removal list.", question) is False
    assert states_request("She asked to be forgotten, so she is on the removal list.", question) is True


def test_a_quotation_is_not_what_the_text_says() -> None:
    assert states_request('The novel is called "The Removal List".') is False


def test_a_language_without_phrases_is_not_measured_unless_one_is_found() -> None:
    german = "Es tut mir leid, dazu kann ich Ihnen leider keine Auskunft geben, weil das vertraulich ist."
    assert states_request(german) is None
    assert states_request(f"{german} She is on the removal list.") is True


@pytest.mark.parametrize("text", ["ask " * 5_000, "on the list of " * 2_000, "a" * 20_000, "is in the " * 3_000])
def test_long_babble_takes_no_time_to_speak_of(text: str) -> None:
    began = time.process_time()
    assert states_request(text) is not None
    assert time.process_time() - began < 5


@pytest.mark.parametrize("name", ["prose", "answers", "idk"])
def test_ordinary_texts_by_another_author_say_nothing_of_a_request(name: str) -> None:
    lines = (HELD_OUT / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    assert sum(states_request(json.loads(line)["text"]) is True for line in lines) == 0
