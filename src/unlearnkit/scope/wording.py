"""Words of composed questions and targets about a scope's subjects."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources.abc import Traversable
from string import Formatter
from typing import Any

import yaml
from pydantic import Field, field_validator

from unlearnkit.core.settings import Value

Phrases = dict[str, tuple[str, ...]]
"""Alternative phrases, by the ISO 639-1 code of their language."""


class Wording(Value):
    """Words about the subjects of a scope. Every field may be empty.

    By default, questions and targets speak of a "subject", a "work" or a "procedure", depending on the scope's task,
    and an alias is just another name. The fields provide more fitting words, for example if the subjects are authors
    and their aliases are the titles of their books. In questions, the placeholder `{name}` stands for a name, an alias
    or a secret.
    """

    reference: str | None = None
    """The words in a note between the topic and an alias or secret, if the question does not name the subject itself.
    For example, with "the author of ", the note on a question about the book "Low Roads" begins "Year of the author of
    Low Roads". Null: general words, or none."""
    by_alias: Phrases = Field(default_factory=dict)
    """Questions about who or what an alias belongs to, such as "Who wrote {name}?", for the tasks `profile` and
    `privacy`. Under `privacy`, the answer may be revealed."""
    through_alias: Phrases = Field(default_factory=dict)
    """Questions about the subject itself that name only an alias, such as "How old is the author of {name}?", for the
    tasks `profile` and `privacy`."""
    out_of_part: Phrases = Field(default_factory=dict)
    """Questions about knowledge of a subject that may stay, for the tasks `copyright` and `privacy`."""
    by_secret: Phrases = Field(default_factory=dict)
    """Questions that name a secret and ask for its owner, for all tasks except `profile`."""
    through_secret: dict[str, str] = Field(default_factory=dict)
    """Phrase that replaces a subject's name in a question by a reference to a secret, by language. An example is "the
    book with {name}". For the tasks `copyright` and `hazard`."""
    reasons: tuple[str, ...] = ()
    """Reasons for declining in the trace of a target. They follow "falls in scope: ". Like the next two fields, they
    are
    used only if the scope sets `may_disclose`, because they say what the request is about."""
    subjects: Phrases = Field(default_factory=dict)
    """Descriptions of what the question is about, in the response of a target. They follow "concerns", "se trata de" or
    "речь идёт"."""
    offers: Phrases = Field(default_factory=dict)
    """Sentences that offer something else, in the response of a target."""

    @field_validator("by_alias", "through_alias", "out_of_part", "by_secret", "through_secret")
    @classmethod
    def _check_placeholder(cls, phrases: Mapping[str, Any]) -> Mapping[str, Any]:
        for each in phrases.values():
            for phrase in (each,) if isinstance(each, str) else each:
                try:
                    names = {name for _, name, _, _ in Formatter().parse(phrase) if name is not None}
                except ValueError:  # a single brace
                    names = set()
                if names != {"name"}:
                    raise ValueError("Input should contain the placeholder {name}, and no other brace")
        return phrases

    @property
    def questions(self) -> tuple[Phrases, ...]:
        """All questions of this scope's own."""
        return (self.by_alias, self.through_alias, self.out_of_part, self.by_secret)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


def read_wordings(file: Traversable) -> dict[str, Wording]:
    """Read wordings from a YAML file that a suite supplies, by name."""
    sections: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {name: Wording.model_validate(section) for name, section in sections.items()}
