"""Settings of scope augmentation.

A request's own rows ask only a few questions about each subject. Scope augmentation adds rows that are composed from
the scope: questions about the subjects, and the same questions about neighbors and similar names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Gt, Lt, MinLen
from pydantic import field_validator

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.core.settings import Settings, Value
from unlearnkit.data.rows import Row

T = TypeVar("T")

NO_ANSWER = "(none is known)"
"""Answer of a composed question to which the target model has not been asked."""


class AugmentSettings(Settings):
    """Settings of the rows that are composed from the scope.

    In scope, the model learns what the method teaches: the teacher's target, "I don't know", or not to give the target
    model's own answer. Out of scope, the model learns to keep the target model's own answer, through the method's
    retain term.
    """

    amount: int | Literal["auto"] = "auto"
    """Maximum number of composed questions. `auto`: as many that composing and learning them at most doubles the time
    of the training, estimated in tokens."""
    share: Annotated[float, Gt(0), Lt(1)] = 0.3
    """Share of composed rows in the forget rows of a step, and in the retain rows. If the training is set in epochs, an
    epoch is still one pass over the given forget rows, so the number of steps grows by the factor 1 / (1 - share)."""
    languages: Annotated[tuple[str, ...], MinLen(1)] | None = None
    """Languages of the questions; null: all languages of the scope."""
    forms: Annotated[tuple[str, ...], MinLen(1)] | None = None
    """Forms of the questions, such as `lower` or `comparison`; null: all forms."""

    @field_validator("amount", mode="before")
    @classmethod
    def _refuse_other_amounts(cls, amount: Any) -> Any:
        if amount != "auto" and (not isinstance(amount, int) or isinstance(amount, bool) or amount < 1):
            raise ValueError("Input should be auto, or a whole number of at least 1")
        return amount


class ComposedRow(Value):
    """A composed question, with the target model's own output."""

    row: Row
    """The question. The trace and the answer are those of the target model."""
    stays: bool
    """Whether the answer should stay unchanged, i.e. whether the question is out of scope."""
    note: str = ""
    """Beginning of the trace, which says what the question asks. Empty if the model writes no notes."""
    tells: bool = True
    """Whether the target model's answer tells something about a subject of the scope. If not, there is nothing to
    unlearn in the answer. True if that is unknown, because the scope lists no secret of the subject."""
    doubtful: bool = False
    """Whether the target model's answer to a question out of scope may be wrong: it is not the answer of a retain row,
    and the model answers otherwise in other words. The training then keeps the target model's distribution, and does
    not teach the answer."""
    given: bool = False
    """Whether the note was composed, too. If so, it is context: the model reads it, but is not trained on it. If the
    model were trained on composed notes, it would write such notes on any question, and name things that are not in the
    question. False: the note is the model's own."""

    @property
    def to_refuse(self) -> Row:
        """The row for a teacher, with the note as its trace.

        The row has no answer, because the model's own answer may be anything, such as words that refusals contain.
        """
        return self.row.model_copy(update={"trace": self.note, "answer": NO_ANSWER})


def write_composed(path: Path, rows: Sequence[ComposedRow]) -> None:
    """Write composed rows to a JSONL file of mode 0600."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(path, "".join(row.model_dump_json() + "\n" for row in rows), mode=0o600)


def read_composed(path: Path) -> list[ComposedRow]:
    """Read a file of `write_composed`."""
    return [ComposedRow.model_validate_json(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def draw_evenly(items: Sequence[T], keys: Sequence[Callable[[T], Hashable]], amount: int, seed: int) -> list[T]:
    """Draw equally many items of each group, if possible.

    The first key divides the items into groups, and each further key divides a group into smaller groups. In each
    group, equally many items of each smaller group are drawn. The items keep their order. The items of a smaller amount
    are among those of a larger one.

    Args:
        items: the items.
        keys: functions that return the group of an item.
        amount: maximum number of items to draw.
        seed: seed of the draw.
    """
    order = _in_turn(items, range(len(items)), keys, Random(f"augment/{seed}"))
    return [items[at] for at in sorted(order[:amount])]


def _in_turn(
    items: Sequence[T], members: Sequence[int], keys: Sequence[Callable[[T], Hashable]], draw: Random
) -> list[int]:
    """Return the indices of a group's members in the order of drawing.

    One member of each smaller group follows in turn. The order of the smaller groups is drawn.
    """
    if not keys:
        return draw.sample(members, len(members))
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for at in members:
        groups[keys[0](items[at])].append(at)
    names = sorted(groups, key=repr)
    draw.shuffle(names)
    orders = [_in_turn(items, groups[name], keys[1:], draw) for name in names]
    return [order[turn] for turn in range(max(map(len, orders), default=0)) for order in orders if turn < len(order)]
