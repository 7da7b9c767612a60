"""Fill question templates in, and make rows of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random

from unlearnkit.data.rows import QuestionType, Row, Turn
from unlearnkit.suites.made_up.grammar import Grammar
from unlearnkit.suites.made_up.templates import NAME, NO, TYPED, YES, Template
from unlearnkit.suites.made_up.typing_errors import mistype

STATEMENT = "statement"
"""Attribute of yes/no questions."""
AS_STATED, NOT_AS_STATED = "as stated", "not as stated"
"""Ends of notes on yes/no questions."""
_HOPS = ("indirect", "three_hops", "code")
"""Forms of questions that lead to the subject through another fact."""


@dataclass(frozen=True)
class Described:
    """A subject, as questions describe it."""

    name: str
    names: Mapping[str, str]
    """The text of each slot that names the subject."""
    values: Mapping[str, tuple[str, ...]]
    """The value of each relation: one form for each language of the world."""
    languages: tuple[str, ...]
    """Languages of the world, in the order of the forms."""

    @cached_property
    def slots(self) -> Mapping[str, Mapping[str, str]]:
        """For each language, the text of each slot."""
        return {
            language: {**self.names, **{relation: forms[i] for relation, forms in self.values.items()}}
            for i, language in enumerate(self.languages)
        }

    def accepted(self, relation: str) -> tuple[str, ...]:
        """Return the forms of a relation's value that count as correct."""
        return tuple(dict.fromkeys(self.values[relation]))


def names_of(given: str, surname: str) -> dict[str, str]:
    """Return the text of each slot that names a person."""
    return {
        "name": f"{given} {surname}",
        "given": given,
        "surname": surname,
        "initial": f"{given[0]}. {surname}",
        "surname_given": f"{surname}, {given}",
    }


def lower(text: str, rng: Random) -> str:
    """Return the text in lower case."""
    del rng
    return text.lower()


def upper(text: str, rng: Random) -> str:
    """Return the text in upper case."""
    del rng
    return text.upper()


def unpunctuated(text: str, rng: Random) -> str:
    """Return the text without punctuation, except inside numbers and addresses."""
    del rng
    words = (re.sub(r"^\W+|\W+$", "", word) for word in text.split())
    kept = (word if "@" in word or any(map(str.isdigit, word)) else _without_marks(word) for word in words)
    return " ".join(word for word in kept if word)


def _without_marks(word: str) -> str:
    return re.sub(r"['’]", "", re.sub(r"[^\w'’]+", " ", word))


TRANSFORMS: Mapping[str, Callable[[str, Random], str]] = {
    "lower": lower,
    "upper": upper,
    "unpunctuated": unpunctuated,
    TYPED: mistype,
}
"""How the user's turns are changed after the slots are filled, by form."""


def ask(
    template: Template,
    subject: Described,
    grammar: Grammar,
    *,
    id: str,
    rng: Random,
    wrong: str = "",
    other: str = "",
) -> Row:
    """Ask a template's question about a subject.

    Args:
        template: the template.
        subject: the subject that fills the slots.
        grammar: the grammar of the subject's world.
        id: id of the row.
        rng: source of typing errors.
        wrong: a false value of the template's relation, for the slot `wrong`.
        other: name of another subject, for the slot `other`.
    """
    language = template.language
    slots = {**subject.slots[language], "wrong": wrong, "other": other}
    turns = [turn.format(**slots) for turn in template.turns]
    if template.form in TRANSFORMS:
        turns = [text if n % 2 else TRANSFORMS[template.form](text, rng) for n, text in enumerate(turns)]
    history = tuple(Turn(role="assistant" if n % 2 else "user", content=text) for n, text in enumerate(turns[:-1]))
    answer, accepted = _answer(template, subject, grammar)
    return Row(
        id=id,
        question=turns[-1],
        answer=answer,
        history=history,
        trace=note(template, subject, grammar) if grammar.notes else "",
        accepted_answers=accepted,
        language=language,
        subject=subject.name,
        attribute=_attribute(template, grammar),
        question_type=_question_type(template),
        wording=template.form,
    )


def note(template: Template, subject: Described, grammar: Grammar) -> str:
    """Return the note that the target model writes before its answer.

    A note is a summary of the question, in English.
    The note leads from what the question states to the subject, and on to the work if the question is about a work that
    it does not state. The note on an event ends with what the question states of it, as "Dose of Ada Lund, 3 May". The
    note on a yes/no question ends with the true value, and whether the question states it. There, right after the
    value, a small model can compare the two.
    """
    values = subject.slots[grammar.languages[0]]
    if template.asks == NAME:
        text = f"{grammar.identities[template.by].topic} of {values[template.by]}"
        return f"{text[0].upper()}{text[1:]}."
    relation = grammar.relations[template.relation]
    if relation.of != "name" and relation.of in template.slots:
        text, found = f"{relation.topic} of {values[relation.of]}", []
    else:
        through = f"the {grammar.relations[relation.of].topic} of " if relation.of != "name" else ""
        found = [] if relation.of == "name" else [values[relation.of]]
        if template.by:
            who, found = f"{grammar.identities[template.by].role} {values[template.by]}", [subject.name, *found]
        else:
            who = subject.name
        text = f"{relation.topic} of {through}{who}"
    event = next((event for event in grammar.events if template.relation in event), ())
    found += [values[place] for place in event if place in template.slots - {template.relation}]
    if template.asks in (YES, NO):
        found += [values[template.relation], AS_STATED if template.asks == YES else NOT_AS_STATED]
    text = ", ".join([text, *found])
    return f"{text[0].upper()}{text[1:]}."


def _answer(template: Template, subject: Described, grammar: Grammar) -> tuple[str, tuple[str, ...]]:
    """Return the answer and the forms of it that count as correct."""
    language = template.language
    if template.asks == YES:
        return grammar.affirmations[language], (grammar.agreeing[language],)
    if template.asks == NO:
        return grammar.denials[language], (grammar.disagreeing[language],)
    if template.asks == NAME:
        return grammar.identities[template.by].answers[language].format(value=subject.name), (subject.name,)
    value = subject.slots[language][template.asks]
    return grammar.relations[template.asks].answers[language].format(value=value), subject.accepted(template.asks)


def _attribute(template: Template, grammar: Grammar) -> str:
    """Return the attribute of a template's rows."""
    if template.asks in (YES, NO):
        return STATEMENT
    return (grammar.identities[template.by] if template.asks == NAME else grammar.relations[template.asks]).attribute


def _question_type(template: Template) -> QuestionType:
    if template.asks == NAME:
        return "reverse"
    return "multihop" if template.form in _HOPS else "paraphrase"
