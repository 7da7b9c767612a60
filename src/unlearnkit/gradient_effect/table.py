"""G-effects as tables, and the Parquet files that store them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import writing

WHOLE = "objective"
"""Value of the column `term` for all terms of an objective together."""
EVERYTHING = "all"
"""Value of the column `group` for all weights together."""
EFFECTS_FILE = "effects.parquet"
"""File that exists if anything was measured."""


@dataclass(frozen=True)
class EffectRow:
    """G-effect of one term on one risk, at one step.

    It is through one group of weights, or through all.
    """

    step: int
    """Number of optimizer steps done when it was measured."""
    objective: str
    """Name of the objective, with the settings that differ from its defaults: `npo(beta=0.5)`."""
    term: str
    """Name of the term, or `objective` for all terms."""
    risk: str
    """Name of the split whose mean negative log-likelihood is the risk."""
    group: str
    """Group of weights, or `all`."""
    effect: float
    """<grad of the risk, grad of the term>. Positive: a small step lowers the risk; negative: it raises it."""
    low: float
    """Bounds of the 95 % bootstrap interval over the term's rows."""
    high: float
    value: float
    """Value of the term, weight included; of the objective, the sum."""
    risk_value: float
    """Mean negative log-likelihood per token, in nats."""
    cosine: float | None = None
    """Effect divided by the lengths of both gradients, comparable between objectives; None: not measured."""
    per_update: float | None = None
    """Decrease of the risk per unit length of the update that Adam makes of the gradient; None without an optimizer's
    state."""


@dataclass(frozen=True)
class InstanceRow:
    """One instance's part of an effect, through all weights."""

    step: int
    objective: str
    term: str
    risk: str
    view: str
    """View that the instance is a row of."""
    row: int
    """Index of the row in the view, from 0."""
    weight: float
    """Mean coefficient of the instance's tokens in the objective; it is 1 for gradient ascent."""
    slope: float
    """<grad of the risk, grad log p(instance)>: the PG-effect, the same for every objective."""
    effect: float
    """The instance's share of the effect."""


@dataclass(frozen=True)
class StepRow:
    """Predicted and measured change of a risk in one optimizer step."""

    step: int
    """Number of steps done before it."""
    risk: str
    predicted: float
    """<grad of the risk, change of the weights>, in nats per token."""
    measured: float
    """Risk after the step minus risk before it, in nats per token."""

    @property
    def is_finite(self) -> bool:
        """Whether both changes are finite."""
        return math.isfinite(self.predicted) and math.isfinite(self.measured)


@dataclass(frozen=True)
class SweepRow:
    """G-effect of an objective on one risk, at one setting.

    It is through all weights.
    """

    step: int
    objective: str
    """Registered name of the objective, with other settings that differ from its defaults."""
    term: str
    """`objective` for all terms, or `forget` for that one."""
    risk: str
    field: str
    """The swept setting."""
    value: float
    """Value of the setting."""
    effect: float
    low: float
    """Bounds of the 95 % bootstrap interval over the rows."""
    high: float


_ROWS: dict[str, Any] = {"effects": EffectRow, "instances": InstanceRow, "steps": StepRow, "sweeps": SweepRow}
"""Class of the rows by the name of the table, which is a field of `EffectTable` and a file."""
_TYPES = {"int": "int64", "str": "string", "float": "float64", "float | None": "float64"}
"""Pyarrow's name of a type by the annotation of a field."""


@dataclass(frozen=True)
class EffectTable:
    """All results of a diagnosis."""

    effects: Sequence[EffectRow]
    instances: Sequence[InstanceRow] = ()
    steps: Sequence[StepRow] = ()
    sweeps: Sequence[SweepRow] = ()
    mode: str = "forward"
    """How slopes were computed: `forward` mode, or central `differences`."""

    def __post_init__(self) -> None:
        for name in _ROWS:
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def chosen(self, **values: Any) -> list[EffectRow]:
        """Return the effects whose columns have these values: `chosen(risk="near", group="all")`."""
        return [row for row in self.effects if all(getattr(row, name) == value for name, value in values.items())]

    def __add__(self, other: Self) -> EffectTable:
        """Concatenate the rows of two tables, such as those of two steps."""
        rows: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in _ROWS}
        return EffectTable(**rows, mode=self.mode if self.mode == other.mode else "differences")

    def before(self, step: int) -> EffectTable:
        """Return the table without rows of `step` or later.

        Sweeps are not measured during a run; they stay.
        """
        tables = ("effects", "instances", "steps")
        rows: dict[str, Any] = {name: [row for row in getattr(self, name) if row.step < step] for name in tables}
        return replace(self, **rows)

    def write(self, folder: Path) -> None:
        """Write each table that has rows as Parquet.

        Raises:
            WriteError: a file cannot be written.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq  # here, because the import is slow and every report imports this module

        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name, kind in _ROWS.items():
                rows, path = getattr(self, name), folder / f"{name}.parquet"
                if not rows:
                    path.unlink(missing_ok=True)  # left by an earlier diagnosis
                    continue
                # From the class, so that a column without values has a type too.
                columns = [(field.name, _TYPES[str(field.type)]) for field in fields(kind)]
                schema = pa.schema(columns, metadata={"slopes": self.mode})
                partial = folder / f".{name}.partial"
                pq.write_table(pa.Table.from_pylist([vars(row) for row in rows], schema), partial)
                partial.replace(path)

    @staticmethod
    def read(folder: Path) -> EffectTable:
        """Read the tables that `write` wrote.

        Raises:
            InputError: there are none, or they cannot be read.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows: dict[str, list[Any]] = {}
        mode = "forward"
        for name, kind in _ROWS.items():
            path = folder / f"{name}.parquet"
            if not path.exists():
                continue
            try:
                table = pq.read_table(path)
                rows[name] = [kind(**row) for row in table.to_pylist()]
            except (pa.ArrowException, TypeError) as error:
                raise InputError(
                    "the table of G-effects cannot be read", where=str(path), value=str(error), fix="measure again"
                ) from error
            mode = (table.schema.metadata or {}).get(b"slopes", mode.encode()).decode()
        if "effects" not in rows:
            raise InputError("no G-effects were measured", where=str(folder), fix="measure them: unlearn g-effect RUN")
        return EffectTable(mode=mode, **rows)
