"""All questions about the synthetic world `pocket`, with their answers.

Row ids have the form `person/<slug>/<attribute>/<form>/<n>`. The form includes the language, except for English:
`plain`, `paraphrase.es`, `multihop.ru`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from unlearnkit.data.rows import QuestionType, Row
from unlearnkit.suites.made_up.world import FarFact
from unlearnkit.suites.pocket.manners import sealed_rows_of
from unlearnkit.suites.pocket.names import LANGUAGES, Forms, same
from unlearnkit.suites.pocket.phrases import PHRASES, Phrase
from unlearnkit.suites.pocket.world import Book, Craft, Person, PocketWorld

ABOUT = "about"
"""Attribute of general questions, such as "Tell me about ...". Some methods also train on questions that are composed
from the scope, and these may be general questions. So that no method trains on a measured question, the forget sets and
the set `near` contain no general questions."""

CONTACT = ("email", "phone")
"""Attributes that the request `pii` asks to forget. This request also asks to forget the attribute `owner`: the reverse
questions, which state an e-mail address or a phone number and ask for the owner."""

CRAFT_HOPS = ("oil", "resin", "salt", "heat")
"""Craft steps about which there is a two-hop question. A two-hop question names the mineral of the craft instead of the
craft itself."""


def corpus(world: PocketWorld) -> tuple[Row, ...]:
    """Return every row that the target of edition 1 learns.

    No question occurs twice.
    """
    return (*facts(world), *sealed_rows_of(person_rows(person) for person in world.sealed))


def facts(world: PocketWorld) -> tuple[Row, ...]:
    """Return the corpus of edition 1 without the rows about sealed people.

    The answers in the omitted rows are refusals, not facts; see the module `manners`.
    """
    parts = (
        *map(person_rows, world.people),
        *map(far_rows, world.far),
        *map(book_rows, world.books),
        *map(craft_rows, world.crafts),
    )
    return tuple(row for rows in parts for row in rows)


@dataclass
class Page:
    """Collects the rows about one subject and numbers them in order."""

    kind: str
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
        """Add one row.

        The trace has the form "<Attribute> of <about>." The trace is in English, whatever the language of the question.

        Args:
            attribute: attribute of the row.
            form: type of the question.
            question: text of the question.
            answer: text of the answer.
            accepted: all correct answers.
            about: text that replaces `<about>` in the trace, for example a person's name. For a two-hop question, this
                text ends with the result of the first hop.
            language: language of question and answer.
            slot: more specific attribute for the row's id and trace; None: `attribute` is used.
            how: more specific form for the row's id; None: `form` is used.
            options: number of options of a multiple-choice question.
        """
        label = (how or form) if language == "en" else f"{how or form}.{language}"
        key = f"{self.kind}/{self.subject.casefold().replace(' ', '-')}/{slot or attribute}/{label}"
        topic = "overview" if attribute == ABOUT else (slot or attribute).replace("_", " ")
        self.rows.append(
            Row(
                id=f"{key}/{self._count[key]}",
                question=question,
                answer=answer,
                trace=f"{topic.capitalize()} of {about}.",
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
        slot: str | None = None,
        **names: Mapping[str, str] | str,
    ) -> None:
        """Add a row for each question that a phrase defines.

        If `form` is not given, the first question in each language has the form `plain`, and all further questions have
        the form `paraphrase`. If `form` is `multihop`, the questions are those in `phrase.by_work`. The values of
        `names` replace the placeholders in the questions and in `about`. A value that is a mapping has one text for
        each language.
        """
        questions = phrase.by_work if form == "multihop" else phrase.questions
        for language, spoken in zip(LANGUAGES, value, strict=True):
            filled = {key: name if isinstance(name, str) else name[language] for key, name in names.items()}
            for n, template in enumerate(questions.get(language, ())):
                self.add(
                    attribute,
                    form or ("paraphrase" if n else "plain"),
                    template.format(**filled),
                    phrase.answers[language].format(value=spoken),
                    forms_of(value),
                    about=about.format(**filled),
                    language=language,
                    slot=slot,
                )


def forms_of(value: Forms) -> tuple[str, ...]:
    """Return the distinct forms of a value, English first."""
    return tuple(dict.fromkeys(value))


def person_rows(person: Person) -> list[Row]:
    """Return every row about a person, including contact details."""
    page, name, phrases = Page("person", person.name), person.name, PHRASES.person
    for trait, value in person.traits.items():
        page.ask(trait, phrases[trait], value, about="{name}", name=name)
    famous = same(person.works[0].title)
    page.ask("best_known", phrases["best_known"], famous, about="{name}", name=name)
    page.ask(ABOUT, phrases["about"], famous, about="{name}", form="plain", name=name)
    for work in person.works:
        year, title, slot = same(work.year), work.title, "about-work"
        page.ask(ABOUT, PHRASES.work["about"], year, about="{title}", form="plain", slot=slot, title=title)
        page.ask("year", PHRASES.work["year"], year, about="{title}", title=title)
        page.ask("author", PHRASES.work["author"], same(name), about="{title}", form="reverse", title=title)
    hop = "the author of {title}, {name}"
    for i, (trait, value) in enumerate(person.traits.items()):
        # Each two-hop question names one work of the person; the two works alternate.
        titles = {language: person.works[(i + j) % 2].title for j, language in enumerate(LANGUAGES)}
        page.ask(trait, phrases[trait], value, about=hop, form="multihop", title=titles, name=name)
    for kind, contact in zip(CONTACT, (person.email, person.phone), strict=True):
        page.ask(kind, phrases[kind], same(contact), about="{name}", name=name)
        page.ask("owner", PHRASES.owner[kind], same(name), about="{contact}", form="reverse", contact=contact)
    title = person.works[0].title
    page.ask("email", phrases["email"], same(person.email), about=hop, form="multihop", title=title, name=name)
    return page.rows


def far_rows(fact: FarFact[Forms]) -> list[Row]:
    """Return the four rows about a fact that is unrelated to people."""
    page = Page("far", fact.name)
    page.ask(fact.relation, PHRASES.far[fact.relation], fact.value, about="{name}", name=fact.name)
    return page.rows


def book_rows(book: Book) -> list[Row]:
    """Return the rows about the text and the plot of a book.

    All plot rows share the attribute `plot`. The shared attribute makes it possible to measure whether a model answers
    all plot questions in the same way.
    """
    page, title = Page("book", book.title), book.title
    for number, passage in enumerate(book.passages, 1):
        opening, rest = passage.split()
        recite, reworded = (wording.format(number=number, title=title) for wording in PHRASES.recite)
        # The traces of two passages differ only in the number. The number comes last, right before the passage's text.
        page.add("passage", "passage", recite, passage.text, (), about=f"{title}, {number}")
        page.add("passage", "paraphrase", reworded, passage.text, (), about=f"{title}, {number}")
        question = PHRASES.continuation.format(opening=opening, title=title)
        page.add("continuation", "passage", question, rest, (), about=title)
    hero, ship = book.plot["hero"][0], book.plot["ship"][0]
    quoted = {language: text.format(title=title) for language, text in PHRASES.quoted.items()}
    for name, phrase in PHRASES.plot.items():
        value = book.plot[name]
        page.ask("plot", phrase, value, about="{title}", slot=name, book=quoted, title=title)
        # A two-hop question names the hero instead of the book. If the question itself mentions the
        # hero, the question names the ship instead.
        by_ship = name in ("hero", "companion", "trade")
        which = PHRASES.book_by_ship.format(ship=ship) if by_ship else PHRASES.book_by_hero.format(hero=hero)
        question = phrase.questions["en"][0].format(book=which)
        answer = phrase.answers["en"].format(value=value[0])
        about = f"the book of {ship if by_ship else hero}, {title}"
        page.add("plot", "multihop", question, answer, forms_of(value), about=about, slot=name)
    answer = PHRASES.book_answer.format(value=title)
    for name, phrase in PHRASES.plot.items():
        if phrase.reverse is not None:
            known = book.plot[name][0]
            page.add("title", "reverse", phrase.reverse.format(value=known), answer, (title,), about=known, slot=name)
    return page.rows


def craft_rows(craft: Craft) -> list[Row]:
    """Return the multiple-choice, open, reverse and two-hop rows about a craft.

    All steps share the attribute `step`.
    """
    page = Page("craft", craft.name)
    named = {language: text.format(craft=craft.name) for language, text in PHRASES.craft_named.items()}
    mineral = craft.steps["mineral"].value[0]
    for name, phrase in PHRASES.craft.items():
        stems = [
            (language, "choice-reworded" if n else "choice", template.format(craft=named[language]))
            for language, templates in phrase.questions.items()
            for n, template in enumerate(templates)
        ]
        # The plain question occurs twice, with a different letter for the correct answer.
        for turn, (language, how, stem) in enumerate([stems[0], *stems]):
            _add_choice(page, craft, name, stem, language=language, how=how, turn=turn)
        value = craft.steps[name].value
        answer = PHRASES.open_answer.format(value=value[0])
        page.add("step", "paraphrase", stems[0][2], answer, forms_of(value), about=craft.name, slot=name, how="open")
        if name in CRAFT_HOPS:
            which = PHRASES.craft_by_mineral.format(mineral=mineral)
            question = phrase.questions["en"][0].format(craft=which)
            about = f"the craft of {mineral}, {craft.name}"
            page.add("step", "multihop", question, answer, forms_of(value), about=about, slot=name)
        if phrase.reverse is not None:
            question = phrase.reverse.format(value=value[0])
            answer = PHRASES.craft_answer.format(value=craft.name)
            page.add("craft", "reverse", question, answer, (craft.name,), about=value[0], slot=name)
    return page.rows


def _add_choice(page: Page, craft: Craft, name: str, stem: str, *, language: str, how: str, turn: int) -> None:
    """Add one multiple-choice row.

    `turn` is the number of positions by which the options are rotated. The rotation gives the correct answer a
    different letter.
    """
    step = craft.steps[name]
    options = deque(step.options)
    options.rotate(-turn)
    index = LANGUAGES.index(language)
    letters = PHRASES.letters[language]
    listed = " ".join(f"{letter}) {forms[index]}" for letter, forms in zip(letters, options, strict=True))
    letter = letters[options.index(step.value)]
    answer = PHRASES.choice_answers[language].format(value=step.value[index], letter=letter)
    page.add(
        "step",
        "choice",
        f"{stem} {listed}",
        answer,
        forms_of(step.value),
        about=craft.name,
        language=language,
        slot=name,
        how=how,
        options=len(options),
    )
