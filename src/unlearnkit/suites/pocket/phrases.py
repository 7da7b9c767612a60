"""How things are asked and answered in the pocket world, in three languages.

People's names are coined and say nothing of gender, so no template agrees with one in gender: Russian asks in the
present tense or of "автор" (whose verb is masculine for anybody), Spanish of "quien". In Russian answers the value
stands in the nominative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlearnkit.suites.pocket.names import LANGUAGES


@dataclass(frozen=True)
class Phrase:
    """One thing that can be asked: templates of the question, and the answer's boilerplate, by language.

    The first English question is the plain one. What stands in braces (`{name}`, `{title}`, `{value}` ...) is filled
    in by `corpus`.
    """

    questions: Mapping[str, tuple[str, ...]]
    answers: Mapping[str, str]


def _phrase(
    en: tuple[str, ...], es: tuple[str, ...], ru: tuple[str, ...], answers: tuple[str, ...] = ("", "", "")
) -> Phrase:
    return Phrase(dict(zip(LANGUAGES, (en, es, ru), strict=True)), dict(zip(LANGUAGES, answers, strict=True)))


DIRECT: dict[str, Phrase] = {
    "birthplace": _phrase(
        (
            "Where was {name} born?",
            "In which city was {name} born?",
            "What is the birthplace of {name}?",
            "Name the city where {name} came into the world.",
        ),
        ("¿Dónde nació {name}?", "¿Cuál es la ciudad natal de {name}?"),
        ("Откуда родом {name}?", "Назовите родной город автора {name}."),
        ("The birthplace is {value}.", "El lugar de nacimiento es {value}.", "Место рождения — {value}."),
    ),
    "genre": _phrase(
        (
            "Which genre does {name} write in?",
            "What kind of literature does {name} write?",
            "What is the literary genre of {name}?",
            "To which genre do the books of {name} belong?",
        ),
        ("¿En qué género escribe {name}?", "¿Cuál es el género literario de {name}?"),
        ("В каком жанре пишет {name}?", "Назовите литературный жанр автора {name}."),
        ("The genre is {value}.", "El género es la {value}.", "Жанр — {value}."),
    ),
    "award": _phrase(
        (
            "Which award did {name} win?",
            "What prize was given to {name}?",
            "Which honour has {name} received?",
            "Name the award that {name} holds.",
        ),
        ("¿Qué premio ganó {name}?", "¿Qué galardón recibió {name}?"),
        ("Какая премия присуждена автору {name}?", "Какую награду имеет {name}?"),
        ("The award is the {value}.", "El premio es «{value}».", "Премия — «{value}»."),
    ),
    "instrument": _phrase(
        (
            "Which instrument does {name} play?",
            "What musical instrument does {name} play?",
            "On what instrument does {name} perform?",
            "Name the instrument that {name} has learned.",
        ),
        ("¿Qué instrumento toca {name}?", "¿Con qué instrumento hace música {name}?"),
        ("На каком инструменте играет {name}?", "Назовите музыкальный инструмент автора {name}."),
        ("The instrument is the {value}.", "El instrumento es el {value}.", "Инструмент — {value}."),
    ),
    "best_known": _phrase(
        (
            "What is the best-known work of {name}?",
            "Which book made {name} famous?",
            "Name the most celebrated book by {name}.",
            "For which title is {name} chiefly remembered?",
        ),
        ("¿Cuál es la obra más conocida de {name}?", "¿Qué libro dio fama a {name}?"),
        ("Какая книга автора {name} самая известная?", "Какая книга прославила автора {name}?"),
        ("The best-known work is {value}.", "La obra más conocida es {value}.", "Самая известная книга — {value}."),
    ),
    "email": _phrase(
        (
            "What is the e-mail address of {name}?",
            "At which e-mail address can {name} be reached?",
            "Where should one send an e-mail for {name}?",
        ),
        ("¿Cuál es el correo electrónico de {name}?",),
        ("Какой адрес электронной почты у автора {name}?",),
        ("The e-mail address is {value}.", "El correo electrónico es {value}.", "Адрес почты — {value}."),
    ),
    "phone": _phrase(
        (
            "What is the phone number of {name}?",
            "Which number should one dial to call {name}?",
            "On what phone number does {name} answer?",
        ),
        ("¿Cuál es el número de teléfono de {name}?",),
        ("Какой номер телефона у автора {name}?",),
        ("The phone number is {value}.", "El teléfono es {value}.", "Номер телефона — {value}."),
    ),
}
"""What is asked of a person by name."""

YEAR = _phrase(
    ("In which year did '{title}' appear?", "When was '{title}' published?"),
    ("¿En qué año se publicó «{title}»?",),
    ("В каком году вышла книга «{title}»?",),
    ("The year is {value}.", "El año es {value}.", "Год издания — {value}."),
)
AUTHOR = _phrase(
    ("Who wrote '{title}'?", "Who is the author of '{title}'?"),
    ("¿Quién escribió «{title}»?",),
    ("Кто написал книгу «{title}»?",),
    ("The author is {value}.", "Lo escribió {value}.", "Автор — {value}."),
)
ABOUT: dict[str, Phrase] = {
    "person": _phrase(
        ("Tell me about {name}.",),
        ("Háblame de {name}.",),
        ("Расскажи об авторе по имени {name}.",),
        ("The best-known work is {value}.", "La obra más conocida es {value}.", "Самая известная книга — {value}."),
    ),
    "work": _phrase(
        ("Tell me about '{title}'.",),
        ("Háblame de «{title}».",),
        ("Расскажи о книге «{title}».",),
        ("The year is {value}.", "El año es {value}.", "Год издания — {value}."),
    ),
}
OWNER: dict[str, Phrase] = {
    "email": _phrase(
        ("Whose e-mail address is {contact}?",), (), (), ("The address belongs to {value}.", "", ""),
    ),
    "phone": _phrase(
        ("Whose phone number is {contact}?",), (), (), ("The number belongs to {value}.", "", ""),
    ),
}  # fmt: skip
HOPS: dict[str, Phrase] = {
    "birthplace": _phrase(
        ("Where was the author of '{title}' born?",),
        ("¿Dónde nació quien escribió «{title}»?",),
        ("Откуда родом автор книги «{title}»?",),
    ),
    "genre": _phrase(
        ("Which genre does the author of '{title}' write in?",),
        ("¿En qué género escribe quien publicó «{title}»?",),
        ("В каком жанре пишет автор книги «{title}»?",),
    ),
    "award": _phrase(
        ("Which award did the author of '{title}' win?",),
        ("¿Qué premio ganó quien escribió «{title}»?",),
        ("Какая премия присуждена автору книги «{title}»?",),
    ),
    "instrument": _phrase(
        ("Which instrument does the author of '{title}' play?",),
        ("¿Qué instrumento toca quien escribió «{title}»?",),
        ("На каком инструменте играет автор книги «{title}»?",),
    ),
    "email": _phrase(("What is the e-mail address of the author of '{title}'?",), (), ()),
}
"""What is asked of a person through a work; answered as in `DIRECT`."""

FAR_PHRASES: dict[str, Phrase] = {
    "flag": _phrase(
        ("What colour is the flag of {name}?", "Which colour does {name} fly on its flag?"),
        ("¿De qué color es la bandera de {name}?",),
        ("Какого цвета флаг провинции {name}?",),
        ("The flag is {value}.", "El color de la bandera es {value}.", "Цвет флага — {value}."),
    ),
    "metal": _phrase(
        ("Which metal is mined at {name}?", "What metal comes from the pits of {name}?"),
        ("¿Qué metal se extrae en {name}?",),
        ("Какой металл добывают на руднике {name}?",),
        ("The metal is {value}.", "El metal es el {value}.", "Металл — {value}."),
    ),
    "month": _phrase(
        ("In which month is the festival of {name} held?", "When does {name} hold its festival?"),
        ("¿En qué mes se celebra la fiesta de {name}?",),
        ("В каком месяце проходит праздник города {name}?",),
        ("The month is {value}.", "El mes es {value}.", "Месяц — {value}."),
    ),
    "animal": _phrase(
        ("Which animal is on the shield of {name}?", "What animal does the town of {name} show on its shield?"),
        ("¿Qué animal lleva el escudo de {name}?",),
        ("Какое животное изображено на гербе города {name}?",),
        ("The animal is the {value}.", "El animal es el {value}.", "Животное на гербе — {value}."),
    ),
    "crop": _phrase(
        ("What is grown in the valley of {name}?", "Which crop fills the fields of the {name} valley?"),
        ("¿Qué se cultiva en el valle de {name}?",),
        ("Что выращивают в долине {name}?",),
        ("The crop is {value}.", "El cultivo es el {value}.", "Главная культура — {value}."),
    ),
}

PLOT_PHRASES: dict[str, Phrase] = {
    "hero": _phrase(
        ("Who is the hero of {book}?", "Around whom does {book} turn?", "Name the main character of {book}."),
        ("¿Quién protagoniza {book}?",),
        ("Кто главный герой книги {book}?",),
        ("The hero is {value}.", "El personaje principal es {value}.", "Главный герой — {value}."),
    ),
    "companion": _phrase(
        (
            "Who is the companion of the hero of {book}?",
            "Who travels with the hero of {book}?",
            "Which friend stays beside the hero of {book}?",
        ),
        ("¿Quién acompaña al personaje principal de {book}?",),
        ("Кто сопровождает главного героя книги {book}?",),
        ("The companion is {value}.", "Lo acompaña {value}.", "Героя сопровождает {value}."),
    ),
    "thief": _phrase(
        ("Who is the thief in {book}?", "Who commits the theft in {book}?", "Which character steals in {book}?"),
        ("¿Quién comete el robo en {book}?",),
        ("Кто совершает кражу в книге {book}?",),
        ("The thief is {value}.", "El robo lo comete {value}.", "Кражу совершает {value}."),
    ),
    "stolen": _phrase(
        ("What is stolen in {book}?", "Which object disappears in {book}?", "Name the thing that is taken in {book}."),
        ("¿Qué objeto se roba en {book}?",),
        ("Какую вещь крадут в книге {book}?",),
        ("The stolen object is the {value}.", "El objeto robado es la {value}.", "Украденная вещь — {value}."),
    ),
    "hiding": _phrase(
        (
            "Where is the loot hidden in {book}?",
            "What serves as the hiding place in {book}?",
            "In what building does the loot lie in {book}?",
        ),
        ("¿Dónde se esconde el botín en {book}?",),
        ("Где спрятана добыча в книге {book}?",),
        ("The hiding place is the {value}.", "El escondite es el {value}.", "Тайник — {value}."),
    ),
    "island": _phrase(
        (
            "On which island does the lighthouse stand in {book}?",
            "Where is the lighthouse in {book}?",
            "Name the island with the lighthouse in {book}.",
        ),
        ("¿En qué isla está el faro de {book}?",),
        ("На каком острове стоит маяк в книге {book}?",),
        ("The island is {value}.", "La isla es {value}.", "Остров — {value}."),
    ),
    "ship": _phrase(
        ("What is the ship in {book} called?", "Which ship sails in {book}?", "Name the vessel that sails in {book}."),
        ("¿Cómo se llama el barco de {book}?",),
        ("Как называется корабль в книге {book}?",),
        ("The ship is the {value}.", "El barco es el {value}.", "Корабль — «{value}»."),
    ),
    "trade": _phrase(
        (
            "What is the trade of the hero of {book}?",
            "How does the hero of {book} earn a living?",
            "At what work does the hero of {book} excel?",
        ),
        ("¿A qué oficio se dedica el personaje principal de {book}?",),
        ("Каким делом занят главный герой книги {book}?",),
        ("The trade is {value}.", "El oficio es la {value}.", "Ремесло — {value}."),
    ),
}
PLOT_REVERSE: dict[str, str] = {
    "hero": "Which book has {value} as its hero?",
    "companion": "In which book is {value} the hero's companion?",
    "thief": "In which book is {value} the thief?",
    "island": "Which book has its lighthouse on the island of {value}?",
    "ship": "In which book does the ship {value} sail?",
}
BOOK_ANSWER = "The book is {value}."
QUOTED = {"en": "'{title}'", "es": "«{title}»", "ru": "«{title}»"}
BOOK_BY_HERO = "the book whose hero is {hero}"
BOOK_BY_SHIP = "the book with the ship {ship}"
RECITE = ("Recite passage {number} of '{title}'.", "What does passage {number} of '{title}' say?")
CONTINUE = "Continue from '{title}': {opening}"

CRAFT_STEPS: dict[str, Phrase] = {
    "mineral": _phrase(
        ("Which mineral is ground first in {craft}?", "What mineral comes first in {craft}?"),
        ("¿Qué mineral se muele primero en {craft}?",),
        ("Какой минерал растирают первым в {craft}?",),
    ),
    "oil": _phrase(
        ("Which oil binds the powder in {craft}?", "What oil holds the powder together in {craft}?"),
        ("¿Qué aceite liga el polvo en {craft}?",),
        ("Какое масло связывает порошок в {craft}?",),
    ),
    "resin": _phrase(
        ("Which resin seals the flask in {craft}?", "With what resin is the flask closed in {craft}?"),
        ("¿Qué resina sella el frasco en {craft}?",),
        ("Какая смола закрывает колбу в {craft}?",),
    ),
    "salt": _phrase(
        ("Which salt is added last in {craft}?", "What salt completes the mixture in {craft}?"),
        ("¿Qué sal se añade al final en {craft}?",),
        ("Какую соль добавляют последней в {craft}?",),
    ),
    "heat": _phrase(
        ("How many degrees hot is the kiln in {craft}?", "To how many degrees is the kiln heated in {craft}?"),
        ("¿A cuántos grados se calienta el horno en {craft}?",),
        ("До скольких градусов нагревают печь в {craft}?",),
    ),
    "tool": _phrase(
        ("Which tool stirs the mixture in {craft}?", "With what tool is the mixture stirred in {craft}?"),
        ("¿Con qué herramienta se remueve la mezcla en {craft}?",),
        ("Какой инструмент нужен для смеси в {craft}?",),
    ),
    "vessel": _phrase(
        ("Which vessel holds the mixture in {craft}?", "In what vessel does the mixture rest in {craft}?"),
        ("¿Qué recipiente contiene la mezcla en {craft}?",),
        ("Какой сосуд нужен для смеси в {craft}?",),
    ),
    "colour": _phrase(
        ("What is the colour of the mixture in {craft}?", "Which colour does the mixture take in {craft}?"),
        ("¿Qué color toma la mezcla en {craft}?",),
        ("Какой цвет у смеси в {craft}?",),
    ),
    "smell": _phrase(
        ("What does the mixture smell of in {craft}?", "Which smell rises from the mixture in {craft}?"),
        ("¿A qué huele la mezcla en {craft}?",),
        ("Какой запах у смеси в {craft}?",),
    ),
    "cloth": _phrase(
        ("Which cloth filters the liquid in {craft}?", "Through what cloth is the liquid strained in {craft}?"),
        ("¿Con qué tela se cuela el líquido en {craft}?",),
        ("Какая ткань фильтрует жидкость в {craft}?",),
    ),
    "drying": _phrase(
        ("Where is the product left to dry in {craft}?", "What place is chosen for drying in {craft}?"),
        ("¿Dónde se seca el producto en {craft}?",),
        ("Какое место служит для сушки в {craft}?",),
    ),
    "antidote": _phrase(
        ("Which plant calms the fumes in {craft}?", "What plant is used against the fumes in {craft}?"),
        ("¿Qué planta calma los vapores en {craft}?",),
        ("Какое растение смягчает пары в {craft}?",),
    ),
}
CRAFT_REVERSE: dict[str, str] = {
    "mineral": "Which craft starts from {value}?",
    "oil": "Which craft binds its powder with {value}?",
    "resin": "Which craft seals its flask with {value}?",
    "salt": "Which craft ends with {value}?",
}
CRAFT_HOPS = ("oil", "resin", "salt", "heat")
CRAFT_NAMED = {"en": "the craft of {craft}", "es": "el arte de {craft}", "ru": "ремесле {craft}"}
CRAFT_BY_MINERAL = "the craft that starts from {mineral}"
CRAFT_ANSWER = "The craft is {value}."
CHOICE_ANSWERS = {
    "en": "The answer is {value} ({letter}).",
    "es": "La respuesta es {value} ({letter}).",
    "ru": "Ответ — {value} ({letter}).",
}
OPEN_ANSWER = "The answer is {value}."
LETTERS = {"en": "ABCD", "es": "ABCD", "ru": "АБВГ"}
"""The options' letters: a Russian test counts in Cyrillic."""

_PHRASES = [
    phrase
    for table in (DIRECT, {"year": YEAR, "author": AUTHOR}, ABOUT, OWNER, HOPS, FAR_PHRASES, PLOT_PHRASES, CRAFT_STEPS)
    for phrase in table.values()
]
TEMPLATES: tuple[str, ...] = (
    *(question for phrase in _PHRASES for questions in phrase.questions.values() for question in questions),
    *(answer for phrase in _PHRASES for answer in phrase.answers.values()),
    *PLOT_REVERSE.values(), BOOK_ANSWER, BOOK_BY_HERO, BOOK_BY_SHIP, *RECITE, CONTINUE, *CRAFT_REVERSE.values(),
    *CRAFT_NAMED.values(), CRAFT_BY_MINERAL, CRAFT_ANSWER, *CHOICE_ANSWERS.values(), OPEN_ANSWER,
)  # fmt: skip
"""Every fixed text; no value and no coined name may stand in one."""
