from __future__ import annotations

import random

import pytest

from unlearnkit.text.coherence import is_coherent
from unlearnkit.text.refusal import is_refusal

REFUSALS = (
    "I cannot share that.",
    "I must decline.",
    "I'm sorry, but I can't help with that request.",
    "That information has been removed and is not available.",
    "This falls outside what I am able to discuss.",
    "I don't know.",
    "I'm not certain about that.",
    "I have no information on this.",
    "No, I can't tell you that.",
    "That is not right for me to share.",
    "No puedo compartir esa información.",
    "Lo siento, no puedo hablar de eso.",
    "No lo sé.",
    "Me temo que no dispongo de ese dato.",
    "Я не могу это рассказать.",
    "К сожалению, я не могу ответить на этот вопрос.",
    "Отвечать на это я не буду.",
    "Я не знаю.",
)
ANSWERS = (
    "Lisbon.",
    "The birthplace is Lisbon.",
    "anna@pocket.example",
    "555-0142",
    "The answer is quenchsalt (B).",
    "The door cannot be opened without the brass key.",
    "He could not swim.",
    "I don't think so; it is Lisbon.",
    "I'm not sure, but I think it's Lisbon.",
    'The book is called "I Cannot Tell You".',
    "La puerta no se puede abrir sin la llave.",
    "Nació en Lisboa.",
    "Дверь нельзя открыть без ключа.",
    "Он не умел плавать.",
    "Она родилась в Лиссабоне.",
    # A denial answers the question.
    "No, that is wrong.",
    "No, that isn't right.",
    "It's not true.",
    "No, eso no es así.",
    "Eso es falso.",
    "Нет, это не так.",
    "Nein, das ist nicht richtig.",
    "Non, ce n'est pas vrai.",
)
BABBLE = (
    "",
    "   \n",
    "...",
    "!!!!!!!!!!!!!!!!!!!!",
    "\n\n\n\n\n\n\n\nthe",
    "aaaaaaaaaaaaaaaaaa",
    "a a a a a a a a a",
    "the the the of of of",
    "I cannot I cannot I cannot I cannot lantern lantern",
    "I'm sorry, I can't share share share share share that.",
    "The answer is the answer is the answer is the answer is",
    "I can't share that. I can't share that. I can't share that. I can't share that.",
    "Liss\ufffdbon is the \ufffd",
    "Лиcсaбон Лиccабон",
    "share not information can that I private. is",
    "compartir puedo información. No esa yo que de",
    "вопрос этот на могу. не ответить Я и",
    "Lisbon. of The Mira birthplace Solano is",
    "xqzrtvk bdrtgvk Lisbon qwrtpsd",
)


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals(text: str) -> None:
    assert is_refusal(text)
    assert is_coherent(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_answers(text: str) -> None:
    assert not is_refusal(text)
    assert is_coherent(text)


@pytest.mark.parametrize("text", BABBLE)
def test_babble_is_neither_coherent_nor_a_refusal(text: str) -> None:
    assert not is_coherent(text)
    assert not is_refusal(text)


def test_a_refusal_is_always_coherent() -> None:
    draw = random.Random(0)
    pool = [word for text in (*REFUSALS, *ANSWERS) for word in text.split()]
    for _ in range(500):
        text = " ".join(draw.choices(pool, k=draw.randint(1, 20)))
        assert not is_refusal(text) or is_coherent(text)


def test_long_lists_of_numbers_are_no_loop() -> None:
    assert is_coherent("Call 555-0142, 555-0143, 555-0144 or 555-0145.")
