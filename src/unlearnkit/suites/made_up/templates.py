"""Question templates that people wrote for a made-up world.

A template file has one JSON object per line. Three authors write the three files of a world, for the corpus, for
validation and for the test. No author sees the file of another author, or the code.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from importlib.resources.abc import Traversable
from typing import Annotated

from annotated_types import MinLen
from pydantic import ConfigDict, ValidationError, field_validator

from unlearnkit.core.errors import InputError
from unlearnkit.core.settings import Value
from unlearnkit.suites.made_up.grammar import Grammar

NAME, YES, NO = "name", "yes", "no"
"""Values of `Template.asks` besides the relations of a world."""
WRONG = "wrong"
"""Slot with a false value of the template's relation."""
NOT_OF_SUBJECT = frozenset({WRONG, "other"})
"""Slots for a false value and for another subject. The slots of the subject are its names, relations and identities."""

TYPED = "typed"
"""The form of questions with typing errors. These questions are made from templates of `TYPED_FROM`."""
TYPED_FROM = ("plain", "reworded", "keywords")

_SLOT = re.compile(r"\{(\w+)\}")


class Template(Value):
    """One question with slots."""

    model_config = ConfigDict(ignored_types=(cached_property,))

    form: Annotated[str, MinLen(1)]
    """The form of the question, such as `keywords` or `surname`. It becomes the field `wording` of rows."""
    language: str
    turns: Annotated[tuple[str, ...], MinLen(1)]
    """Turns of the user and the assistant, by turns. The first and the last turn are the user's."""
    asks: str
    """What the right answer is: the name of a relation, `name` (the name of the subject), `yes` or `no`."""
    by: str = ""
    """The slot that identifies the subject; empty if the question names the subject."""
    about: str = ""
    """The relation that a yes/no question or a comparison is about."""

    @field_validator("turns")
    @classmethod
    def _ends_with_the_user(cls, turns: tuple[str, ...]) -> tuple[str, ...]:
        if len(turns) % 2 == 0:
            raise ValueError("the last turn is the assistant's; the number of turns must be odd")
        return turns

    @property
    def relation(self) -> str:
        """The relation whose value decides the answer, or `name`."""
        return self.about if self.asks in (YES, NO) else self.asks

    @cached_property
    def slots(self) -> frozenset[str]:
        """Names of the template's slots."""
        return frozenset(_SLOT.findall("\n".join(self.turns)))

    @property
    def bare(self) -> str:
        """The text of all turns without the slots."""
        return " ".join(_SLOT.sub(" ", "\n".join(self.turns)).split())


def read_templates(file: Traversable, grammar: Grammar) -> tuple[Template, ...]:
    """Read a template file, and check it against a grammar.

    Raises:
        InputError: a line is not a template, or the template names a relation or slot that the world does not have.
    """
    templates = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{file.name}, line {number}"
        try:
            template = Template.model_validate_json(line)
        except ValidationError as error:
            raise InputError(
                f"this line is not a question template: {error.errors()[0]['msg']}",
                where=where,
                fix="correct the line; the fields are those of `Template`",
            ) from error
        if template.by in grammar.names:  # authors may state it, although such a slot names the subject
            template = template.model_copy(update={"by": ""})
        _check(template, grammar, where)
        templates += by_event(template, grammar.events)
    return tuple(templates)


def templates_of(folder: Traversable, name: str, grammar: Grammar) -> tuple[Template, ...]:
    """Read the templates of the corpus, of validation or of the test.

    The first author of the corpus wrote `corpus.jsonl`, and the others wrote `more_corpus.jsonl`. The result also has
    the templates for questions with typing errors, and for the corpus the opposite of each statement.

    Args:
        folder: the folder of the template files.
        name: `corpus`, `validation` or `test`.
        grammar: the grammar of the world.
    """
    files = ("corpus", "more_corpus") if name == "corpus" else (name,)
    read = with_typed([one for file in files for one in read_templates(folder / f"{file}.jsonl", grammar)])
    return with_opposites(read) if name == "corpus" else read


def with_typed(templates: Sequence[Template]) -> tuple[Template, ...]:
    """Return the templates, and those for questions with typing errors."""
    typed = (one for one in templates if one.form in TYPED_FROM and one.language == "en")
    return (*templates, *(one.model_copy(update={"form": TYPED}) for one in typed))


def with_opposites(templates: Sequence[Template]) -> tuple[Template, ...]:
    """Return the templates, and the opposite of each statement.

    The opposite of a true statement states a false value, and that of a false one the true value. Authors word true and
    false statements differently. Without the opposites, a model could learn the answer from the wording, and would not
    compare the stated value with the true one.
    """
    return (*templates, *(_opposite(one) for one in templates if one.asks in (YES, NO)))


def _opposite(template: Template) -> Template:
    """Return the false statement of a true one, and vice versa."""
    stated, new, asks = (template.about, WRONG, NO) if template.asks == YES else (WRONG, template.about, YES)
    changed = {"turns": _renamed(template, {stated: new}), "asks": asks, "form": asks}
    return Template.model_validate({**template.model_dump(), **changed})


def by_event(template: Template, events: Sequence[Sequence[str]]) -> list[Template]:
    """Return a template once for each event that it can ask about.

    A template that asks for no place of an event is returned as it is. Authors write about either event. The relation
    that a template asks for becomes that of the event whose other places the question states.

    Raises:
        InputError: the template asks for a place of an event, but states places of no event or of several.
    """
    places = {relation: place for event in events for place, relation in enumerate(event)}
    if template.relation not in places:
        return [template]
    stated = [event for event in events if template.slots & set(event)]
    if len(stated) != 1:
        raise InputError(
            "the question states places of no event or of several",
            value=template.turns[-1],
            allowed="places of one event, besides the one that is asked for",
            fix="state the date, treatment or the like of the event that is meant",
        )
    place, key = places[template.relation], "about" if template.asks in (YES, NO) else "asks"
    (own,) = stated
    copies = []
    for event in (own, *(event for event in events if event is not own)):
        turns = _renamed(template, dict(zip(own, event, strict=True)))
        copies.append(Template.model_validate({**template.model_dump(), "turns": turns, key: event[place]}))
    return copies


def _renamed(template: Template, slots: Mapping[str, str]) -> tuple[str, ...]:
    """Return the turns with other slots."""
    return tuple(_SLOT.sub(lambda slot: f"{{{slots.get(slot[1], slot[1])}}}", turn) for turn in template.turns)


def _check(template: Template, grammar: Grammar, where: str) -> None:
    relations, identities = grammar.relations, grammar.identities
    _check_word("relation", [template.relation], {*relations, *([] if template.about else [NAME])}, where)
    _check_word("language", [template.language], grammar.languages, where)
    slots = {*NOT_OF_SUBJECT, *grammar.names, *relations, *identities}
    _check_word("slot", sorted(template.slots), slots, where)
    if template.by:
        _check_word("slot that identifies the subject", [template.by], identities, where)
    elif not template.slots & grammar.names:
        raise InputError(
            "the question names no subject",
            where=where,
            value=template.turns[-1],
            fix="use a slot for the name, or set `by` to the slot that identifies the subject",
        )


def _check_word(kind: str, words: Sequence[str], allowed: Collection[str], where: str) -> None:
    for word in words:
        if word not in allowed:
            raise InputError(
                f"the world has no such {kind}",
                where=where,
                value=word,
                allowed=", ".join(sorted(allowed)),
                fix="correct the template",
            )
