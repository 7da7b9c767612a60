"""Compose questions in many forms.

A model that has learned to decline plain questions may still answer a question that is typed in lower case, names only
the surname, or follows another question. Each form is therefore asked about subjects, neighbors and similar names in
the same words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import cycle, islice
from random import Random
from typing import Literal, TypeVar

import yaml

from unlearnkit.data.rows import Turn
from unlearnkit.scope.questions.context import QuestionContext, is_apart, words_of
from unlearnkit.scope.questions.names import half_names, other_subjects, similar_names
from unlearnkit.scope.questions.notes import look
from unlearnkit.scope.questions.question import ADAPTED, EXCHANGED, GENERAL, ScopeQuestion, question_row
from unlearnkit.text.spellings import fold

T = TypeVar("T")

Kind = Literal["person", "thing"]
Templates = Mapping[str, Mapping[str, Sequence[tuple[str, ...]]]]
"""Templates by form and language. A template is the user's question, or a first question, an answer and a second
question."""

PLAIN, SHORT, OWNER = "plain", "short", "owner"
SPELLINGS: dict[str, Callable[[str, Random], str]] = {
    "lower": lambda text, _: text.lower(),
    "upper": lambda text, _: text.upper(),
    "unpunctuated": lambda text, _: " ".join(re.findall(r"[\w@'’+-]+(?:[.:]\w+)*", text)),
    "typed": lambda text, draw: _mistyped(text, draw),
}
"""Forms that change the spelling of a plain question."""
_LETTERS_PER_ERROR = 20
FEW = 2
"""Number of templates of each form and language for a name that the scope does not list. There may be many such
names."""
_WORDS = 4
"""A retain answer of more words is not asked about, because it is a sentence."""
_DIGITS = 5
"""Number of digits from which a number identifies its owner. A year has four."""


def in_forms(context: QuestionContext) -> Iterator[ScopeQuestion]:
    """Yield questions about subjects, neighbors and similar names in all forms.

    If the model may keep some knowledge of the subjects, there are none, because a question may ask for this knowledge.
    """
    if context.partly:
        return
    for asked in _asked(context):
        yield from _about(context, asked)
    yield from _owners(context)


@dataclass(frozen=True)
class _Asked:
    """A name that is asked about."""

    subject: str
    name: str
    stays: bool
    kind: Kind
    others: Sequence[str]
    """Other names, for comparisons."""
    most: int | None = None
    """Maximum number of templates of each form and language; None: all templates are used."""
    short: bool = True
    """Whether short forms of the name are asked about, too."""

    @property
    def text(self) -> str:
        """The name in a question.

        Aliases are quoted, because an alias may be a title.
        """
        return self.name if self.name == self.subject else f"«{self.name}»"


def _asked(context: QuestionContext) -> Iterator[_Asked]:
    """Yield the names that are asked about.

    They are those of subjects, neighbors and others. An alias without a word of the subject's name is asked about
    like a thing, because it may be a work.
    """
    kind, listed = _kind(context), [*context.scope.subjects, *context.scope.neighbors]
    known = [*(one.name for one in context.scope.neighbors), *(row.subject for row in context.retain if row.subject)]
    halves = half_names(context) if kind == "person" else []
    unlisted = dict.fromkeys([*similar_names(context), *halves, *other_subjects(context)])
    works = [alias for one in listed for alias in one.aliases]

    def apart(others: Sequence[str], name: str) -> list[str]:
        return [other for other in dict.fromkeys(others) if other != name]

    for one in listed:
        stays = one in context.scope.neighbors
        yield _Asked(one.name, one.name, stays, kind, apart(known, one.name))
        for alias in one.aliases:
            if set(words_of(alias)).isdisjoint(words_of(one.name)):
                yield _Asked(one.name, alias, stays, "thing", apart(works, alias), most=FEW)
    for name in unlisted:
        # A short form of a half name may mean the subject.
        yield _Asked(name, name, True, kind, apart(known, name), most=FEW, short=name not in halves)


def _about(context: QuestionContext, asked: _Asked) -> Iterator[ScopeQuestion]:
    subject, name, kind, stays = asked.subject, asked.name, asked.kind, asked.stays
    draw = Random(f"forms/{name}")
    # What is true of another subject may be what is withheld of this one.
    withheld = {answer for row in context.withheld if row.subject == subject for answer in row.answers}
    secrets = [secret for secret in context.scope.secrets if withheld.isdisjoint(secret.forms)]
    own = [
        secret.forms[0] for secret in secrets if secret.subject == subject and secret.forms[0] not in (subject, name)
    ]
    foreign = [secret.forms[0] for secret in secrets if secret.subject not in (subject, secret.forms[0])]
    draw.shuffle(foreign)
    # Every second statement about a subject is true.
    values = cycle([value for pair in zip(cycle(own), foreign, strict=False) for value in pair] if own else foreign)
    other = cycle(asked.others)
    templates = form_templates(kind)
    withheld_topics = context.withheld_topics.get(subject, ())
    every = context.topics_of_all if name == subject else context.topics_of_works
    free = [topic for topic in every if not topic.startswith(withheld_topics)]
    draw.shuffle(free)
    # Every second question has a composed note.
    topics = cycle([topic for each in free for topic in (None, each)] or [None])
    for language in context.scope.languages:
        chosen = {form: _some(of.get(language, ()), asked.most, draw) for form, of in templates.items()}
        plain = chosen[PLAIN]
        for form, of_form in chosen.items():
            for turns in of_form if form != OWNER else ():
                needs = " ".join(turns)
                if ("{value}" in needs and not foreign) or ("{other}" in needs and not asked.others):
                    continue
                slots = {"name": asked.text}
                if "{value}" in needs:
                    slots["value"] = next(values)
                if "{other}" in needs:
                    slots["other"] = next(other)
                yield _question(turns, slots, name, form, language, subject, stays=stays, topic=next(topics))
        for form, spell in SPELLINGS.items():
            for turns in plain:
                text = spell(turns[0].format(name=asked.text), draw)
                yield _question((text,), None, name, form, language, subject, stays=stays, topic=next(topics))
        if asked.short and kind == "person":
            for form, part in _shortened(context, name).items():
                for turns in plain:
                    yield _question(
                        turns, {"name": part}, part, form, language, subject, stays=stays, topic=next(topics)
                    )


def _some(templates: Sequence[T], most: int | None, draw: Random) -> Sequence[T]:
    return templates if most is None or most >= len(templates) else draw.sample(templates, most)


def _owners(context: QuestionContext) -> Iterator[ScopeQuestion]:
    """Yield questions for the owner of a long number or an address.

    Words, years and amounts are left out, because many may share them.
    """
    secrets = {form: one.subject for one in context.scope.secrets for form in one.forms if _identifies(form)}
    answers = {answer.rstrip(".") for row in context.retain for answer in row.answers if len(answer.split()) <= _WORDS}
    looks = {look(form) for form in secrets}
    similar = [
        form for form in sorted(answers) if _identifies(form) and look(form) in looks and is_apart(form, secrets)
    ]
    Random("forms/owners").shuffle(similar)
    asked = [*((form, subject, False) for form, subject in secrets.items())]
    asked += [(form, form, True) for form in islice(similar, len(secrets))]
    for language in context.scope.languages:
        for value, subject, stays in asked:
            for turns in form_templates(_kind(context))[OWNER].get(language, ()):
                yield _question(turns, {"value": value}, value, OWNER, language, subject, stays=stays)


def _question(
    turns: Sequence[str],
    slots: Mapping[str, str] | None,
    name: str,
    form: str,
    language: str,
    subject: str,
    *,
    stays: bool,
    topic: str | None = None,
) -> ScopeQuestion:
    """Return a question.

    Without `slots`, the turns are taken as they are.
    """
    *before, question = [turn.format(**slots) for turn in turns] if slots is not None else turns
    history = tuple(Turn(role=role, content=text) for role, text in zip(("user", "assistant"), before, strict=False))
    row = question_row(question, topic, language, subject, history=history, form=form)
    return ScopeQuestion(row, name, stays, topic)


def _shortened(context: QuestionContext, name: str) -> dict[str, str]:
    """Return short forms of a name that nobody else bears, by form.

    A part that another name of the scope or of a retain row contains is left out, because it may mean somebody else.
    """
    parts = name.split()
    if len(parts) < 2:
        return {}
    first, last = parts[0], parts[-1]
    forms = {"given": first, "surname": last, "initial": f"{first[0]}. {last}", "surname_given": f"{last}, {first}"}
    shared = {
        "given": context.bearers[fold(first)] > 1,
        "surname": context.bearers[fold(last)] > 1,
        "initial": context.bearers[fold(last)] > 1,
        "surname_given": len(parts) > 2,
    }
    return {form: text for form, text in forms.items() if not shared[form]}


def _identifies(form: str) -> bool:
    """Return whether a text is an address or a long number."""
    return "@" in form or sum(map(str.isdigit, form)) >= _DIGITS


def _kind(context: QuestionContext) -> Kind:
    return "person" if context.scope.of_persons else "thing"


@lru_cache(2)
def form_templates(kind: Kind) -> Templates:
    """Return the templates about subjects of this kind."""
    file = files("unlearnkit.scope.questions") / "forms.yaml"
    read = yaml.safe_load(file.read_text(encoding="utf-8"))[kind]
    return {
        form: {
            language: [(each,) if isinstance(each, str) else tuple(each) for each in templates]
            for language, templates in by_language.items()
        }
        for form, by_language in read.items()
    }


def form_names() -> tuple[str, ...]:
    """Return the names of all forms."""
    return (
        GENERAL,
        ADAPTED,
        EXCHANGED,
        *form_templates("person"),
        *SPELLINGS,
        "given",
        "surname",
        "initial",
        "surname_given",
    )


def _mistyped(text: str, draw: Random) -> str:
    """Return a text with typing errors: two letters exchanged, or one missing.

    Words with digits or "@" stay as they are, because a changed number is another number.
    """
    words = list(re.finditer(r"(?<![\w@.])[^\W\d_]{4,}(?![\w@])", text))
    count = min(len(words), max(1, len(text) // _LETTERS_PER_ERROR))
    letters = list(text)
    for match in draw.sample(words, count):
        at = draw.randrange(match.start(), match.end() - 1)
        letters[at : at + 2] = [letters[at + 1], letters[at]] if draw.random() < 0.5 else [letters[at], ""]
    return "".join(letters)
