"""Tables of G-effects, and the Parquet files that store them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import writing

WHOLE = "objective"
"""Value of the column `term` in rows that contain the effect of all terms together."""
EVERYTHING = "all"
"""Value of the column `group` in rows that contain the effect computed over all weights together."""
EFFECTS_FILE = "effects.parquet"
"""Name of the file with the effects. The file exists if and only if G-effects were measured."""


@dataclass(frozen=True)
class EffectRow:
    """G-effect of one term on one risk, at one step.

    The effect is computed over one group of weights, or over all weights together.
    """

    step: int
    """Number of optimizer steps done before the measurement."""
    objective: str
    """Name of the objective, with its non-default settings: `npo(beta=0.5)`."""
    term: str
    """Name of the term, or `objective` for all terms together."""
    risk: str
    """Name of the split whose mean negative log-likelihood is the risk."""
    group: str
    """Name of the group of weights, or `all` for all weights together."""
    effect: float
    """Dot product of the risk's gradient and the term's gradient. If the effect is positive, a small training step
    lowers the risk. If the effect is negative, the step raises the risk."""
    low: float
    """Lower bound of the effect's 95 % bootstrap interval; `high` is the upper bound. The bootstrap resamples
    the data rows over which the term is averaged."""
    high: float
    value: float
    """Value of the term, including its weight; for all terms together, the sum of their values."""
    risk_value: float
    """Value of the risk: mean negative log-likelihood per token, in nats."""
    cosine: float | None = None
    """The effect divided by the lengths of both gradients. Cosines of different objectives can be compared. None: the
    cosine was not measured."""
    per_update: float | None = None
    """Predicted decrease of the risk, divided by the length of Adam's update for the objective's gradient; None: there
    was no optimizer state."""


@dataclass(frozen=True)
class InstanceRow:
    """One row's share of an effect that is computed over all weights."""

    step: int
    objective: str
    term: str
    risk: str
    view: str
    """Name of the view that contains the row. A view is a split, or a split with replacement answers."""
    row: int
    """Index of the row in the view, from 0."""
    weight: float
    """Mean coefficient of the row's tokens in the objective, scaled so that gradient ascent has weight 1."""
    slope: float
    """PG-effect: dot product of the risk's gradient and the gradient of log p(row). The slope is the same for every
    objective."""
    effect: float
    """The row's share of the effect."""


@dataclass(frozen=True)
class StepRow:
    """Predicted and measured change of a risk in one optimizer step."""

    step: int
    """Number of optimizer steps done before this step."""
    risk: str
    predicted: float
    """Predicted change, <grad of the risk, change of the weights>, in nats per token."""
    measured: float
    """Measured change: the risk after the step minus the risk before the step, in nats per token."""

    @property
    def is_finite(self) -> bool:
        """Whether the predicted and the measured change are both finite."""
        return math.isfinite(self.predicted) and math.isfinite(self.measured)


@dataclass(frozen=True)
class SweepRow:
    """G-effect of an objective on a risk, for one setting value.

    The effect is computed over all weights together.
    """

    step: int
    objective: str
    """Registered name of the objective, with its non-default settings except the swept setting."""
    term: str
    """`objective` for all terms together, or `forget` for the term `forget` alone."""
    risk: str
    field: str
    """Name of the swept setting."""
    value: float
    """Value of the swept setting."""
    effect: float
    low: float
    """Lower bound of the effect's 95 % bootstrap interval; `high` is the upper bound. The bootstrap resamples
    the data rows over which the term is averaged."""
    high: float


_ROWS: dict[str, Any] = {"effects": EffectRow, "instances": InstanceRow, "steps": StepRow, "sweeps": SweepRow}
"""Maps the name of each table to the class of its rows. The table is stored in the field of `EffectTable` with this
name, and in the file `<name>.parquet`."""
_TYPES = {"int": "int64", "str": "string", "float": "float64", "float | None": "float64"}
"""Maps the annotation of a field to pyarrow's name for the type of the column."""


@dataclass(frozen=True)
class EffectTable:
    """All results of a diagnosis."""

    effects: Sequence[EffectRow]
    instances: Sequence[InstanceRow] = ()
    steps: Sequence[StepRow] = ()
    sweeps: Sequence[SweepRow] = ()
    mode: str = "forward"
    """How slopes were computed: `forward` (forward mode) or `differences` (central differences)."""

    def __post_init__(self) -> None:
        for name in _ROWS:
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def chosen(self, **values: Any) -> list[EffectRow]:
        """Return the effects with given column values: `chosen(risk="near", group="all")`."""
        return [row for row in self.effects if all(getattr(row, name) == value for name, value in values.items())]

    def __add__(self, other: Self) -> EffectTable:
        """Concatenate the rows of two tables, such as tables of two steps."""
        rows: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in _ROWS}
        return EffectTable(**rows, mode=self.mode if self.mode == other.mode else "differences")

    def before(self, step: int) -> EffectTable:
        """Return the table without the rows of `step` and of later steps.

        Rows of sweeps are kept, because sweeps are not measured during a run.
        """
        tables = ("effects", "instances", "steps")
        rows: dict[str, Any] = {name: [row for row in getattr(self, name) if row.step < step] for name in tables}
        return replace(self, **rows)

    def write(self, folder: Path) -> None:
        """Write each non-empty table to a Parquet file.

        Raises:
            WriteError: a file cannot be written.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq  # imported here: it is slow, and every report imports this module

        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name, kind in _ROWS.items():
                rows, path = getattr(self, name), folder / f"{name}.parquet"
                if not rows:
                    path.unlink(missing_ok=True)  # left by an earlier diagnosis
                    continue
                # The types come from the class, so that a column without values has a type too.
                columns = [(field.name, _TYPES[str(field.type)]) for field in fields(kind)]
                schema = pa.schema(columns, metadata={"slopes": self.mode})
                partial = folder / f".{name}.partial"
                pq.write_table(pa.Table.from_pylist([vars(row) for row in rows], schema), partial)
                partial.replace(path)

    @staticmethod
    def read(folder: Path) -> EffectTable:
        """Read the tables that were written by `write`.

        Raises:
            InputError: the folder contains no effects, or a file cannot be read.
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
                    "the table of G-effects cannot be read",
                    where=str(path),
                    value=str(error),
                    fix="measure the G-effects again: unlearn g-effect RUN",
                ) from error
            mode = (table.schema.metadata or {}).get(b"slopes", mode.encode()).decode()
        if "effects" not in rows:
            raise InputError("no G-effects were measured", where=str(folder), fix="measure them: unlearn g-effect RUN")
        return EffectTable(mode=mode, **rows)
