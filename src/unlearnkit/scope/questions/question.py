"""A question that names something of the scope."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnkit.data.rows import Row


@dataclass(frozen=True)
class ScopeQuestion:
    """A question that names something of the scope, and how the thought about it begins."""

    row: Row
    """The question; there is no answer."""
    name: str
    """A subject's or neighbor's name or alias, or a secret, as the question has it."""
    stays: bool
    """Whether what the model says is to stay as it is."""
    topic: str | None
    """What a row's note has before the name ("Year of "); None: as the model's own note on this question."""
    rest: str = ""
    """What that note has after the name (", 3"): what else is asked for."""

    def note(self, own: str) -> str:
        """The thought up to where it is decided; `own` is the model's own thought on the question.

        Empty where the model's own thought is asked for and does not name what the question names.
        """
        before, named, _ = own.partition(self.name)
        return f"{before}{named}" * bool(named) if self.topic is None else f"{self.topic}{self.name}{self.rest}"

    def begun(self, taught: str) -> Row:
        """The row, with that beginning of the trace taught for it which was put there: up to where it is decided.

        The model's own note is no such: it is taught with the rest. A forget row's note is taught too, and where there
        are no others, it becomes what is noted on any question, and names what that does not.
        """
        before, named, _ = taught.partition(f"{self.name}{self.rest}")
        return self.row.model_copy(update={"trace": f"{before}{named}" * bool(named and self.topic is not None)})


def question_row(question: str, topic: str | None, language: str, subject: str) -> Row:
    """A question as a row; its id tells what else it is put with."""
    kind = "own" if topic is None else topic
    return Row(
        id=f"scope/{question}/{kind}", question=question, answer="(none is known)", language=language, subject=subject
    )
