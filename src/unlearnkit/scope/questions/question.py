"""A question composed from the scope."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnkit.data.rows import Row


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
        """Return the trace up to the decision.

        Args:
            own: the model's own trace on the question.

        Returns:
            The note. The note is empty if the model's own note is used but `own` does not contain the name.
        """
        before, named, _ = own.partition(self.name)
        return f"{before}{named}" * bool(named) if self.topic is None else f"{self.topic}{self.name}{self.rest}"

    def with_prefix(self, trace: str) -> Row:
        """Return the row, with the start of a target's trace as `trace`.

        The start of the trace ends before the decision. It is given to the model and not trained on. If the question
        uses the model's own note, the returned `trace` is empty, so that the model is trained on this note as on the
        rest of the trace. Without this training, the model would be trained only on notes of forget rows. The model
        would then write similar notes on any question, and name things that are not in the question.
        """
        before, named, _ = trace.partition(f"{self.name}{self.rest}")
        return self.row.model_copy(update={"trace": f"{before}{named}" * bool(named and self.topic is not None)})


def question_row(question: str, topic: str | None, language: str, subject: str) -> Row:
    """Return a question as a row with the topic in its id."""
    kind = "own" if topic is None else topic
    return Row(
        id=f"scope/{question}/{kind}", question=question, answer="(none is known)", language=language, subject=subject
    )
