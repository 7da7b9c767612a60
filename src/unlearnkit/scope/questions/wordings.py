"""Wordings of composed questions, by task and language.

No question on which the model is measured uses these wordings.
"""

from __future__ import annotations

from unlearnkit.core.errors import InputError
from unlearnkit.scope.scope import Task

Wordings = dict[str, tuple[str, ...]]
"""Questions with a placeholder for a name, by language."""

_ABOUT: Wordings = {
    "en": (
        "Tell me about {name}.",
        "What do you know about {name}?",
        "Who knows more about {name}?",
        "In which year was {name} in the news?",
        "Where can I read about {name}?",
        "Which facts about {name} matter?",
        "Name something that has to do with {name}.",
    ),
    "es": (
        "Háblame de {name}.",
        "¿Qué sabes de {name}?",
        "¿Quién sabe más de {name}?",
        "¿En qué año se habló de {name}?",
        "¿Dónde puedo leer sobre {name}?",
        "¿Cuál es la historia de {name}?",
        "Nombra algo que tenga que ver con {name}.",
    ),
    "ru": (
        "Расскажи о {name}.",
        "Что ты знаешь о {name}?",
        "Кто знает больше о {name}?",
        "В каком году говорили о {name}?",
        "Где можно прочитать о {name}?",
        "Какие сведения есть о {name}?",
        "Назовите что-нибудь из того, что связано с {name}.",
    ),
}
BEHIND: Wordings = {
    "en": (
        "Who is behind {name}?",
        "Whose work is {name}?",
        "What do you know about the author of {name}?",
        "Tell me about the writer of {name}.",
    ),
    "es": (
        "¿Quién está detrás de {name}?",
        "¿De quién es {name}?",
        "¿Qué sabes del autor de {name}?",
        "Háblame de quien hizo {name}.",
    ),
    "ru": (
        "Кто стоит за {name}?",
        "Чья это работа — {name}?",
        "Что ты знаешь об авторе {name}?",
        "Расскажи о том, кто создал {name}.",
    ),
}
ABOUT_BEHIND: Wordings = {
    "en": (
        "How old is the author of {name}?",
        "Which languages does the author of {name} speak?",
        "To which school did whoever wrote {name} go?",
        "What does the writer of {name} like to eat?",
        "In which language does the author of {name} write?",
        "Which sport does the author of {name} play?",
    ),
    "es": (
        "¿Cuántos años tiene quien escribió {name}?",
        "¿Qué idiomas habla quien escribió {name}?",
        "¿A qué escuela fue el autor de {name}?",
        "¿Qué le gusta comer a quien publicó {name}?",
        "¿En qué idioma escribe quien publicó {name}?",
        "¿Qué deporte practica quien escribió {name}?",
    ),
    "ru": (
        "Сколько лет автору книги {name}?",
        "На каких языках говорит автор книги {name}?",
        "В какую школу ходил автор книги {name}?",
        "Что любит есть тот, кто написал {name}?",
        "На каком языке пишет автор книги {name}?",
        "В какую игру играет автор книги {name}?",
    ),
}
_PUBLISHED: Wordings = {
    "en": (
        "Say who wrote {name}.",
        "I forgot in which year {name} appeared.",
        "When was {name} printed?",
        "From which year is {name}?",
    ),
    "es": (
        "Dime quién escribió {name}.",
        "No sé en qué año se publicó {name}.",
        "¿Cuándo se imprimió {name}?",
        "¿De qué año es {name}?",
    ),
    "ru": (
        "Скажи, кто написал книгу {name}.",
        "Забыл, в каком году вышла книга {name}.",
        "Когда напечатали книгу {name}?",
        "Какого года книга {name}?",
    ),
}
_CONTACT: Wordings = {
    "en": (
        "How can I reach {name}?",
        "I want to get in touch with {name}.",
        "Put me through to {name}.",
        "I need the phone number of {name}.",
        "I want to dial {name}.",
        "I want to write an e-mail to {name}.",
        "At which address does {name} get mail?",
    ),
    "es": (
        "¿Cómo puedo contactar con {name}?",
        "Quiero ponerme en contacto con {name}.",
        "Ponme con {name}.",
        "Necesito el número de teléfono de {name}.",
        "Quiero llamar por teléfono a {name}.",
        "Quiero escribir un correo electrónico a {name}.",
        "Dame el correo de {name}.",
    ),
    "ru": (
        "Как связаться с {name}?",
        "Мне нужны контакты {name}.",
        "Соедини меня с {name}.",
        "Мне нужен номер телефона {name}.",
        "Я хочу позвонить {name}.",
        "Я хочу написать письмо {name}.",
        "Дай адрес электронной почты {name}.",
    ),
}
_STORY: Wordings = {
    "en": (
        "What happens in {name}?",
        "Retell {name}.",
        "Read to me from {name}.",
        "Recite the end of {name}.",
        "Go on with {name}.",
        "What does the text of {name} say?",
        "Which characters are there in {name}?",
        "Where does the story of {name} take place?",
        "Who comes and goes in {name}?",
        "What do people do in {name}?",
    ),
    "es": (
        "¿Qué pasa en {name}?",
        "Cuéntame {name}.",
        "Léeme algo de {name}.",
        "Recita el final de {name}.",
        "Sigue con {name}.",
        "¿Qué dice el texto de {name}?",
        "¿Qué personajes hay en {name}?",
        "¿Dónde pasa la historia de {name}?",
        "¿Quién va y viene en {name}?",
        "¿Qué hace la gente en {name}?",
    ),
    "ru": (
        "Что происходит в {name}?",
        "Перескажи {name}.",
        "Почитай мне из {name}.",
        "Прочитай наизусть конец {name}.",
        "Продолжи {name}.",
        "Что сказано в тексте {name}?",
        "Какие герои есть в {name}?",
        "Где происходит история {name}?",
        "Кто встречается в {name}?",
        "Чем заняты люди в {name}?",
    ),
}
CONTINUED: Wordings = {
    "en": ("Go on with {name} from here:",),
    "es": ("Sigue con {name} a partir de aquí:",),
    "ru": ("Читай дальше {name} с этого места:",),
}
"""Requests to continue a text. The first words of the text follow the request."""

REACH_BEHIND: Wordings = {
    "en": (
        "How can I reach whoever wrote {name}?",
        "I want to get in touch with the author of {name}.",
        "I need the phone number of the author of {name}.",
        "I want to write an e-mail to the author of {name}.",
        "I want to dial whoever wrote {name}.",
        "At which address does the author of {name} get mail?",
        "Give me the contact data of the author of {name}.",
    ),
    "es": (
        "¿Cómo puedo contactar con el autor de {name}?",
        "Quiero ponerme en contacto con quien hizo {name}.",
        "Necesito el número de teléfono de quien escribió {name}.",
        "Quiero escribir un correo electrónico al autor de {name}.",
        "Quiero llamar por teléfono a quien escribió {name}.",
        "Dame el correo de quien escribió {name}.",
        "¿A qué dirección escribo al autor de {name}?",
    ),
    "ru": (
        "Как связаться с автором {name}?",
        "Мне нужны контакты того, кто создал {name}.",
        "Мне нужен номер телефона автора {name}.",
        "Я хочу написать письмо автору {name}.",
        "Я хочу позвонить автору {name}.",
        "Дай адрес электронной почты автора {name}.",
        "Какой телефон у того, кто написал {name}?",
    ),
}

IN_SCOPE: dict[Task, Wordings] = {"profile": _ABOUT, "privacy": _CONTACT, "copyright": _STORY, "hazard": _ABOUT}
OUT_OF_PART: dict[Task, Wordings] = {
    "privacy": _ABOUT,
    "copyright": {language: (*wordings, *_PUBLISHED[language]) for language, wordings in BEHIND.items()},
}
"""Questions on knowledge that the model may keep, for tasks in which the model must forget only a part of its knowledge
about a subject."""
BY_SECRET: dict[Task, Wordings] = {
    "privacy": {
        "en": ("Whom do I reach at {name}?", "What do you know about {name}?", "Who answers at {name}?"),
        "es": ("¿Con quién hablo en {name}?", "¿Qué sabes de {name}?", "¿Quién contesta en {name}?"),
        "ru": ("С кем я говорю по {name}?", "Что ты знаешь о {name}?", "Кто отвечает по {name}?"),
    },
    "copyright": {
        "en": (
            "In what story is there {name}?",
            "What do you know about {name}?",
            "What happens in the book with {name}?",
            "Tell me the book of {name}.",
        ),
        "es": (
            "¿En qué historia sale {name}?",
            "¿Qué sabes de {name}?",
            "¿Qué pasa en el libro donde sale {name}?",
            "Dime el libro de {name}.",
        ),
        "ru": (
            "В какой истории есть {name}?",
            "Что ты знаешь о {name}?",
            "Что происходит в книге, где есть {name}?",
            "Назови книгу, где есть {name}.",
        ),
    },
    "hazard": {
        "en": ("Where is {name} used?", "What do you know about {name}?", "Tell me the craft of {name}."),
        "es": ("¿Dónde se usa {name}?", "¿Qué sabes de {name}?", "Dime el oficio de {name}."),
        "ru": ("Где применяют {name}?", "Что ты знаешь о {name}?", "Назови ремесло, где есть {name}."),
    },
}
"""Questions that name a secret and ask about the owner of the secret. The task `profile` has no such questions, because
many people share the same secrets (a town, a genre)."""
THROUGH: dict[Task, str] = {
    "profile": "the author of ", "privacy": "the author of ", "copyright": "the book of ", "hazard": "the craft of ",
}  # fmt: skip
"""Words between the topic and the name in a note, if the question does not name the subject itself. For example, the
question may name a work of the subject; the note then begins "Year of the author of "."""
THROUGH_SECRET: dict[Task, dict[str, str]] = {
    "copyright": {"en": "the book with {name}", "es": "el libro con {name}", "ru": "книга, где есть {name}"},
    "hazard": {"en": "the craft with {name}", "es": "el oficio con {name}", "ru": "ремесло, где есть {name}"},
}
"""Phrases that replace a subject's name in a question by a reference to a secret."""

ALL_WORDINGS: tuple[Wordings, ...] = (
    *IN_SCOPE.values(), *OUT_OF_PART.values(), *BY_SECRET.values(), BEHIND, ABOUT_BEHIND, REACH_BEHIND, CONTINUED,
)  # fmt: skip
"""The wordings of all tasks. A suite can compare its measured questions with them."""


def spoken(wordings: Wordings, language: str) -> tuple[str, ...]:
    """Return the wordings in a language.

    Raises:
        InputError: there are no wordings in the language.
    """
    if language not in wordings:
        raise InputError(
            "there are no questions in this language for the scope term (method.scope_weight)",
            where="scope.languages",
            value=language,
            allowed=", ".join(wordings),
            fix="set method.scope_weight to 0, or remove the language from the scope",
        )
    return wordings[language]
