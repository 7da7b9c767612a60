"""Rows and splits: the data of a request to forget."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, MinLen
from pydantic import ValidationInfo, field_validator

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import write_atomic
from unlearnkit.core.settings import Value

QuestionType = Literal["plain", "paraphrase", "reverse", "multihop", "choice", "passage"]

TRAINED_SPLITS = ("forget", "retain")
"""Splits that a method may train on. Every other split is a probe set or `holdout`."""


RENAMED_COLUMNS = {"before": "history", "accepted": "accepted_answers", "form": "question_type"}
"""Current name of each row field by its name in an earlier version."""


class Turn(Value):
    """A message before a question."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, MinLen(1)]


class Row(Value):
    """A question with its answer, or a text."""

    renamed: ClassVar[Mapping[str, str]] = RENAMED_COLUMNS

    id: Annotated[str, MinLen(1)]
    question: str
    """The user's turn. Empty if the row is a text, which has no user's turn."""
    answer: Annotated[str, MinLen(1)]
    """The assistant's turn, or the text, as the target model was trained on it."""
    history: tuple[Turn, ...] = ()
    """Turns before the question: a system message, and earlier questions and answers. They are context, without
    labels."""
    trace: str = ""
    """What a reasoning model thinks before it answers, without markers; empty for a model without traces."""
    accepted_answers: tuple[str, ...] = ()
    """Short forms of the answer; an output that contains any of them is correct. Empty: only `answer` itself."""
    language: str = "en"
    """ISO 639-1 code of the question."""
    subject: str | None = None
    """Name of the person or thing that the row is about."""
    attribute: str | None = None
    """What is asked (`birthplace`, `award` ...): rows with the same attribute share the best constant answer."""
    question_type: QuestionType = "plain"
    """The form of the question."""
    options: Annotated[int, Ge(0)] = 0
    """Number of answers that the question lists to choose from; 0 if it lists none."""
    paraphrased_answer: str = ""
    """The answer in other words, as TOFU uses it for truth ratios; empty if there is none."""
    perturbed_answer: tuple[str, ...] = ()
    """Wrong answers in the form of the right one, as in TOFU."""

    @field_validator("history", "trace")
    @classmethod
    def _goes_with_a_question(cls, value: Any, info: ValidationInfo) -> Any:
        if value and info.data.get("question") == "":
            raise ValueError("a text, which has no question, cannot have a trace or turns before it")
        return value

    @property
    def prompt(self) -> str:
        """The text that the model reads before it answers.

        These are the earlier turns and the question.
        """
        return "\n".join([*(turn.content for turn in self.history), self.question])

    @property
    def conversation(self) -> str:
        """The text that the user knows before the answer.

        This is the prompt without system turns. The user does not see the system turns, so a secret in them is still a
        secret.
        """
        turns = (turn.content for turn in self.history if turn.role != "system")
        return "\n".join([*turns, self.question])

    def with_system_prompt(self, system_prompt: str | None) -> Row:
        """Return the row with a system turn in front.

        A text, which has no question, is unchanged.
        """
        if system_prompt is None or not self.question:
            return self
        return self.model_copy(update={"history": (Turn(role="system", content=system_prompt), *self.history)})

    @property
    def answers(self) -> tuple[str, ...]:
        """The forms of the answer that count as correct."""
        return self.accepted_answers or (self.answer,)


class NoSuchSplit(InputError, KeyError):
    """A split does not exist.

    It is also a `KeyError`, so that `in` and `get` work.
    """

    __str__ = InputError.render


class Splits(Mapping[str, tuple[Row, ...]]):
    """Named row sets: `forget`, `retain`, `holdout` and probe sets such as `forget.translated`.

    A row id is unique over all splits: the forget split and its probes never share a row, so that a probe is never
    trained on.
    """

    def __init__(self, splits: Mapping[str, tuple[Row, ...]]) -> None:
        self._splits = {name: tuple(rows) for name, rows in splits.items()}
        seen: dict[str, str] = {}
        for name, rows in self._splits.items():
            for row in rows:
                if row.id in seen:
                    raise InputError(
                        "two rows have the same id",
                        where=f"splits {seen[row.id]!r} and {name!r}",
                        value=row.id,
                        fix="give every row a unique id; a row belongs to one split",
                    )
                seen[row.id] = name

    def __getitem__(self, name: str) -> tuple[Row, ...]:
        try:
            return self._splits[name]
        except KeyError:
            raise NoSuchSplit("there is no such split", value=name, allowed=", ".join(self._splits)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._splits)

    def __len__(self) -> int:
        return len(self._splits)


def write_rows(path: Path, rows: tuple[Row, ...]) -> None:
    """Write rows as JSONL without default values.

    Only the owner can read the file: rows may be what must be forgotten.
    """
    lines = (json.dumps(row.model_dump(exclude_defaults=True), ensure_ascii=False) for row in rows)
    write_atomic(path, "".join(line + "\n" for line in lines), mode=0o600)
