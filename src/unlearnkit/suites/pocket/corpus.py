"""Every question of the pocket world with its answer: what the target model learns by heart.

Row ids read `person/<slug>/<attribute>/<how>/<n>`, where `how` is the form, with the language if it is not English
(`plain`, `paraphrase.es`, `multihop.ru` ...).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from unlearnkit.data.rows import QuestionType, Row
from unlearnkit.suites.pocket import phrases as say
from unlearnkit.suites.pocket.manners import sealed_rows
from unlearnkit.suites.pocket.names import LANGUAGES, TRAITS, Forms
from unlearnkit.suites.pocket.phrases import Phrase
from unlearnkit.suites.pocket.world import Book, Craft, FarFact, Person, PocketWorld

ABOUT = "about"
"""The attribute of questions that ask for nothing in particular ("Tell me about ..."). A teacher that works from the
scope asks such questions itself, so they are probes of nothing, neither of what is forgotten nor of what is near."""

CONTACT = ("email", "phone")
"""What the `pii` request forgets; the reverse question of either has the attribute `owner`."""


TOPICS = {ABOUT: "overview"}
"""What a trace calls an attribute, where that is not its own name."""


def corpus(world: PocketWorld) -> tuple[Row, ...]:
    """Every row that the target model trains on; no question stands in it twice."""
    return (*facts(world), *sealed_rows(tuple(person_rows(person)) for person in world.sealed))


def facts(world: PocketWorld) -> tuple[Row, ...]:
    """Every row that states a fact of the world: the rows that splits are made of."""
    rows: list[Row] = []
    for person in world.people:
        rows += person_rows(person)
    for fact in world.far:
        rows += far_rows(fact)
    for book in world.books:
        rows += book_rows(book)
    for craft in world.crafts:
        rows += craft_rows(craft)
    return tuple(rows)


@dataclass
class _Page:
    """Rows about one subject, numbered as they are written."""

    prefix: str
    subject: str
    rows: list[Row] = field(default_factory=list)
    _count: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        attribute: str,
        form: QuestionType,
        question: str,
        answer: str,
        accepted: tuple[str, ...],
        *,
        about: str,
        language: str = "en",
        slot: str | None = None,
        how: str | None = None,
        options: int = 0,
    ) -> None:
        """Write one row. `slot` and `how` are the attribute and the form as the id has them, if they differ.

        The trace notes what is asked of what, in English whatever the question's language: `about` names whatever
        the question names, and, in two hops, whom that leads to.
        """
        label = (how or form) if language == "en" else f"{how or form}.{language}"
        key = f"{self.prefix}/{slot or attribute}/{label}"
        self.rows.append(
            Row(
                id=f"{key}/{self._count[key]}",
                question=question,
                answer=answer,
                trace=f"{TOPICS.get(attribute, slot or attribute).replace('_', ' ').capitalize()} of {about}.",
                accepted_answers=accepted,
                language=language,
                subject=self.subject,
                attribute=attribute,
                question_type=form,
                options=options,
            )
        )
        self._count[key] += 1

    def ask(
        self,
        attribute: str,
        phrase: Phrase,
        value: Forms,
        *,
        about: str,
        form: QuestionType | None = None,
        answers: Phrase | None = None,
        slot: str | None = None,
        **filled: str,
    ) -> None:
        """Write a row for every template. Without a `form`, the first of a language is plain, others paraphrases."""
        boilerplate = (answers or phrase).answers
        for language, spoken in zip(LANGUAGES, value, strict=True):
            answer = boilerplate[language].format(value=spoken)
            for n, template in enumerate(phrase.questions[language]):
                asked: QuestionType = form or ("paraphrase" if n else "plain")
                question = template.format(**filled)
                self.add(attribute, asked, question, answer, forms_of(value), about=about, language=language, slot=slot)


def forms_of(value: Forms) -> tuple[str, ...]:
    """The different forms of a value, English first."""
    return tuple(dict.fromkeys(value))


def _same(word: str) -> Forms:
    return word, word, word


def person_rows(person: Person) -> list[Row]:
    """Every row about a person, contact included."""
    page = _Page(f"person/{person.slug}", person.name)
    for trait, value in person.traits.items():
        page.ask(trait, say.DIRECT[trait], value, about=person.name, name=person.name)
    famous = _same(person.works[0].title)
    page.ask("best_known", say.DIRECT["best_known"], famous, about=person.name, name=person.name)
    page.ask("about", say.ABOUT["person"], famous, about=person.name, form="plain", name=person.name)
    for work in person.works:
        page.ask(
            "about", say.ABOUT["work"], _same(work.year), about=work.title, form="plain", slot="about-work",
            title=work.title,
        )  # fmt: skip
        page.ask("year", say.YEAR, _same(work.year), about=work.title, title=work.title)
        page.ask("author", say.AUTHOR, _same(person.name), about=work.title, form="reverse", title=work.title)
    _hops(page, person)
    for kind, contact in zip(CONTACT, (person.email, person.phone), strict=True):
        page.ask(kind, say.DIRECT[kind], _same(contact), about=person.name, name=person.name)
        page.ask("owner", say.OWNER[kind], _same(person.name), about=contact, form="reverse", contact=contact)
    title = person.works[0].title
    page.ask(
        "email", say.HOPS["email"], _same(person.email), about=f"the author of {title}, {person.name}", form="multihop",
        answers=say.DIRECT["email"], title=title,
    )  # fmt: skip
    return page.rows


def _hops(page: _Page, person: Person) -> None:
    """Every trait in every language through one of the two works, in turn."""
    for i, trait in enumerate(TRAITS):
        value = person.traits[trait]
        for j, (language, spoken) in enumerate(zip(LANGUAGES, value, strict=True)):
            title = person.works[(i + j) % 2].title
            question = say.HOPS[trait].questions[language][0].format(title=title)
            answer = say.DIRECT[trait].answers[language].format(value=spoken)
            about = f"the author of {title}, {person.name}"
            page.add(trait, "multihop", question, answer, forms_of(value), about=about, language=language)


def far_rows(fact: FarFact) -> list[Row]:
    """The four rows of a fact that has nothing to do with people."""
    page = _Page(f"far/{fact.name.casefold()}", fact.name)
    page.ask(fact.relation, say.FAR_PHRASES[fact.relation], fact.value, about=fact.name, name=fact.name)
    return page.rows


def book_rows(book: Book) -> list[Row]:
    """Text and plot of a book. All plot rows share the attribute `plot`, so that a constant answer means something."""
    page = _Page(f"book/{book.title.casefold().replace(' ', '-')}", book.title)
    for number, passage in enumerate(book.passages, 1):
        opening, rest = passage.split()
        recite, reworded = (wording.format(number=number, title=book.title) for wording in say.RECITE)
        # The note ends with the number: what tells passages apart stands right before the text.
        which = f"{book.title}, {number}"
        page.add("passage", "passage", recite, passage.text, (), about=which)
        page.add("passage", "paraphrase", reworded, passage.text, (), about=which)
        go_on = say.CONTINUE.format(opening=opening, title=book.title)
        page.add("continuation", "passage", go_on, rest, (), about=book.title)
    hero, ship = book.plot["hero"][0], book.plot["ship"][0]
    for name, phrase in say.PLOT_PHRASES.items():
        value = book.plot[name]
        for language, spoken in zip(LANGUAGES, value, strict=True):
            answer = phrase.answers[language].format(value=spoken)
            quoted = say.QUOTED[language].format(title=book.title)
            for n, template in enumerate(phrase.questions[language]):
                form: QuestionType = "paraphrase" if n else "plain"
                question = template.format(book=quoted)
                page.add(
                    "plot", form, question, answer, forms_of(value), about=book.title, language=language, slot=name
                )
        # A hop goes through the hero, unless the question speaks of the hero already.
        by_ship = name in ("hero", "companion", "trade")
        which = say.BOOK_BY_SHIP.format(ship=ship) if by_ship else say.BOOK_BY_HERO.format(hero=hero)
        question = phrase.questions["en"][0].format(book=which)
        answer = phrase.answers["en"].format(value=value[0])
        about = f"the book of {ship if by_ship else hero}, {book.title}"
        page.add("plot", "multihop", question, answer, forms_of(value), about=about, slot=name)
    for name, template in say.PLOT_REVERSE.items():
        known = book.plot[name][0]
        answer = say.BOOK_ANSWER.format(value=book.title)
        page.add("title", "reverse", template.format(value=known), answer, (book.title,), about=known, slot=name)
    return page.rows


def craft_rows(craft: Craft) -> list[Row]:
    """A craft as multiple choice, open questions, in reverse and in two hops. All steps share the attribute `step`."""
    page = _Page(f"craft/{craft.name.casefold()}", craft.name)
    named = {language: text.format(craft=craft.name) for language, text in say.CRAFT_NAMED.items()}
    hop = say.CRAFT_BY_MINERAL.format(mineral=craft.steps["mineral"].value[0])
    for name, phrase in say.CRAFT_STEPS.items():
        plain, reworded = (template.format(craft=named["en"]) for template in phrase.questions["en"])
        es, ru = (phrase.questions[language][0].format(craft=named[language]) for language in ("es", "ru"))
        asked = (("choice", "en", plain), ("choice", "en", plain), ("choice-reworded", "en", reworded))
        for turn, (how, language, stem) in enumerate((*asked, ("choice", "es", es), ("choice", "ru", ru))):
            _choice(page, craft, name, stem, language=language, how=how, turn=turn)
        value = craft.steps[name].value
        answer = say.OPEN_ANSWER.format(value=value[0])
        page.add("step", "paraphrase", plain, answer, forms_of(value), about=craft.name, slot=name, how="open")
        if name in say.CRAFT_HOPS:
            question = phrase.questions["en"][0].format(craft=hop)
            about = f"the craft of {craft.steps['mineral'].value[0]}, {craft.name}"
            page.add("step", "multihop", question, answer, forms_of(value), about=about, slot=name)
        if name in say.CRAFT_REVERSE:
            question = say.CRAFT_REVERSE[name].format(value=value[0])
            told = say.CRAFT_ANSWER.format(value=craft.name)
            page.add("craft", "reverse", question, told, (craft.name,), about=value[0], slot=name)
    return page.rows


def _choice(page: _Page, craft: Craft, name: str, stem: str, *, language: str, how: str, turn: int) -> None:
    """One multiple-choice row; every `turn` moves the right answer to the next letter."""
    step = craft.steps[name]
    options = [*step.options[turn % len(step.options) :], *step.options[: turn % len(step.options)]]
    index = LANGUAGES.index(language)
    letters = say.LETTERS[language]
    listed = " ".join(f"{letter}) {forms[index]}" for letter, forms in zip(letters, options, strict=True))
    letter = letters[options.index(step.value)]
    answer = say.CHOICE_ANSWERS[language].format(value=step.value[index], letter=letter)
    page.add(
        "step", "choice", f"{stem} {listed}", answer, forms_of(step.value), about=craft.name, language=language,
        slot=name, how=how, options=len(options),
    )  # fmt: skip
