"""A question composed from the scope."""

from __future__ import annotations

from dataclasses import dataclass, replace

from unlearnkit.data.augment import NO_ANSWER
from unlearnkit.data.rows import Row, Turn

GENERAL, ADAPTED, EXCHANGED = "general", "adapted", "exchanged"
"""Forms of composed questions: those in general words, those adapted from given rows, and those of retain rows, asked
about other subjects of retain rows."""


@dataclass(frozen=True)
class ScopeQuestion:
    """A question composed from the scope, and the start of its trace."""

    row: Row
    """The question as a row without an answer."""
    name: str
    """The name, alias or secret that the question contains, as written in the question."""
    stays: bool
    """Whether the model's answer should stay unchanged."""
    topic: str | None
    """The text before the name in the note ("Year of "). The topic is None if the model's own note is used."""
    rest: str = ""
    """The text after the name in the note (", 3"). This text states further details of the question."""

    def note(self, own: str) -> str:
        """Return the note: the start of the trace, up to the verdict.

        Args:
            own: the model's own trace on the question.

        Returns:
            The note, or an empty string if the model's own note is used but `own` does not contain the name.
        """
        before, named, _ = own.partition(self.name)
        return f"{before}{named}" * bool(named) if self.topic is None else f"{self.topic}{self.name}{self.rest}"

    def with_own_note(self) -> ScopeQuestion:
        """Return the same question, combined with the model's own note."""
        own = self.row
        row = question_row(own.question, None, own.language, own.subject or "", history=own.history, form=own.wording)
        return replace(self, row=row, topic=None, rest="")


def question_row(
    question: str,
    topic: str | None,
    language: str,
    subject: str,
    *,
    history: tuple[Turn, ...] = (),
    form: str = GENERAL,
) -> Row:
    """Return a question as a row with the topic in its id."""
    asked = "\n".join([*(turn.content for turn in history), question])
    return Row(
        id=f"scope/{asked}/{'own' if topic is None else topic}",
        question=question,
        answer=NO_ANSWER,
        history=history,
        language=language,
        subject=subject,
        wording=form,
    )
