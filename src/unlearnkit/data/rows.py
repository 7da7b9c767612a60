"""Rows and splits: the data of an unlearning request."""

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
"""Maps the earlier names of row fields to their current names."""


class Turn(Value):
    """A message that precedes the question of a row."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, MinLen(1)]


class Row(Value):
    """A data row: a question with its answer, or a text."""

    renamed: ClassVar[Mapping[str, str]] = RENAMED_COLUMNS
    added: ClassVar[frozenset[str]] = frozenset({"continues", "wording"})

    id: Annotated[str, MinLen(1)]
    question: str
    """The user's turn. The question is empty if the row is a text, because a text has no user's turn."""
    answer: Annotated[str, MinLen(1)]
    """The assistant's turn or, if the row is a text, the text. This is the exact wording that the target model was
    trained on."""
    history: tuple[Turn, ...] = ()
    """Turns before the question: a system message, and earlier questions and answers. These turns are
    context and have no labels."""
    trace: str = ""
    """The reasoning that precedes the answer, without markers. The trace is empty if the model has no reasoning
    traces."""
    accepted_answers: tuple[str, ...] = ()
    """Short forms of the answer. An output is correct if it contains one of these forms. If there are no short forms,
    only `answer` is accepted."""
    language: str = "en"
    """ISO 639-1 code of the language of the question."""
    subject: str | None = None
    """Name of the person or thing that the row is about."""
    attribute: str | None = None
    """The property that the question asks about, such as `birthplace` or `award`. Reports compare accuracy with a
    baseline that gives one constant answer for each attribute: the answer that is correct most often."""
    question_type: QuestionType = "plain"
    """Type of the question, for example `paraphrase` or `multihop`."""
    wording: str = ""
    """Form of the question, for example `keywords` or `surname`. Results are also shown by form. The string is empty if
    the form is unknown."""
    options: Annotated[int, Ge(0)] = 0
    """Number of answer options that the question lists; 0 if the question lists none."""
    paraphrased_answer: str = ""
    """A paraphrase of the answer, for TOFU's truth ratio. The string is empty if the row has no paraphrase."""
    perturbed_answer: tuple[str, ...] = ()
    """Wrong answers that have the same form as the right answer, as in TOFU."""
    continues: bool = False
    """Whether a text goes on after this row, because the row is a chunk of a longer document. Such a row does not end
    with the end token, so that a model does not learn to stop there."""

    @field_validator("continues")
    @classmethod
    def _goes_with_a_text(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("question"):
            raise ValueError("only a text can continue after its row; this row has a question")
        return value

    @field_validator("history", "trace")
    @classmethod
    def _goes_with_a_question(cls, value: Any, info: ValidationInfo) -> Any:
        if value and info.data.get("question") == "":
            raise ValueError("a row without a question is a text, which cannot have a trace or a history")
        return value

    @property
    def prompt(self) -> str:
        """The text that the model reads before it answers.

        The text consists of the earlier turns and the question.
        """
        return "\n".join([*(turn.content for turn in self.history), self.question])

    @property
    def conversation(self) -> str:
        """The text that the user sees before the answer.

        This is the prompt without system turns. The user does not see system turns, so an answer that repeats a
        secret from a system turn still reveals the secret to the user.
        """
        turns = (turn.content for turn in self.history if turn.role != "system")
        return "\n".join([*turns, self.question])

    def with_system_prompt(self, system_prompt: str | None) -> Row:
        """Return the row with a system turn before all other turns.

        A row without a question (a text) is returned unchanged, and so is every row if `system_prompt` is None.
        """
        if system_prompt is None or not self.question:
            return self
        return self.model_copy(update={"history": (Turn(role="system", content=system_prompt), *self.history)})

    @property
    def answers(self) -> tuple[str, ...]:
        """The forms of the answer that count as correct."""
        return self.accepted_answers or (self.answer,)


class NoSuchSplit(InputError, KeyError):
    """The requested split does not exist.

    This error is also a `KeyError`, so that `in` and `get` work on `Splits`.
    """

    __str__ = InputError.render


class Splits(Mapping[str, tuple[Row, ...]]):
    """Named row sets: `forget`, `retain`, `holdout` and probe sets such as `forget.translated`.

    Row ids are unique across all splits. The forget split and its probe sets therefore never share a row, so no method
    trains on a probe row.
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
                        fix="give every row a unique id, and put every row into only one split",
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
    """Write rows as JSONL, omitting default values.

    Only the owner can read the file, because rows may contain knowledge to forget.
    """
    lines = (json.dumps(row.model_dump(exclude_defaults=True), ensure_ascii=False) for row in rows)
    write_atomic(path, "".join(line + "\n" for line in lines), mode=0o600)


def merged_note(merged: int, rows: int) -> str:
    """Return a sentence on the rows that `encoding.merged_rows` counts."""
    return (
        f"in {merged:,} of {rows:,} rows, the tokenizer joins the end of the prompt with the beginning of the answer; "
        "such a row is trained and measured with the tokens of the whole conversation, but generation starts from the "
        "tokens of the prompt alone"
    )
