"""A question that names something in the scope."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnkit.data.rows import Row


@dataclass(frozen=True)
class ScopeQuestion:
    """A question on the scope, and the start of its trace."""

    row: Row
    """The question, without an answer."""
    name: str
    """The name or alias of a subject or neighbor, or the secret, as in the question."""
    stays: bool
    """Whether the model's answer should stay unchanged."""
    topic: str | None
    """A row's note before the name ("Year of "); None for the model's own note on this question."""
    rest: str = ""
    """The rest of that note after the name (", 3"): what else is asked for."""

    def note(self, own: str) -> str:
        """Return the trace up to the decision.

        Args:
            own: the model's own trace on the question.

        Returns:
            The note. Empty if the model's own note is needed but does not contain the name.
        """
        before, named, _ = own.partition(self.name)
        return f"{before}{named}" * bool(named) if self.topic is None else f"{self.topic}{self.name}{self.rest}"

    def with_prefix(self, trace: str) -> Row:
        """Return the row with the given start of a target's trace.

        It ends before the decision. The model's own note is not given but trained on with the rest: a forget row's note
        is trained on elsewhere, and without other notes it would become the note on any question, and name things that
        are not in the question.
        """
        before, named, _ = trace.partition(f"{self.name}{self.rest}")
        return self.row.model_copy(update={"trace": f"{before}{named}" * bool(named and self.topic is not None)})


def question_row(question: str, topic: str | None, language: str, subject: str) -> Row:
    """Return a question as a row; its id contains the topic."""
    kind = "own" if topic is None else topic
    return Row(
        id=f"scope/{question}/{kind}", question=question, answer="(none is known)", language=language, subject=subject
    )
